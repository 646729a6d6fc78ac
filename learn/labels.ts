/** Evaluates predicted labels: comparison with a baseline rule, figures per label, and the confusion matrix. */
import { safe } from '../core/safe';
import { accuracy, bootstrap, confusion, macroF1, perClass, type Confusion } from '../data/metrics';
import { canvas } from '../draw/canvas';
import { columnsOf } from '../terminal/wrap';
import type { Judgement } from './task';

/** True and predicted labels of sequences, one label each or one for each step; labels are given by index. */
export interface Said {
  labels: readonly string[];
  truth: readonly (readonly number[])[];
  model: readonly (readonly number[])[];
  /** Predictions of the baseline rule, and its name: `always "ham"`. */
  rule: readonly (readonly number[])[];
  ruleName: string;
  /** The unit that is labeled: `texts`, `tokens`. */
  unit: string;
  /** The name of a sequence, if its steps are labeled. */
  sequences?: string;
}

const right = (truth: readonly number[], predicted: readonly number[]): number =>
  truth.reduce((n, label, t) => n + Number(predicted[t] === label), 0);

/** The metrics, text lines, and a picture of the confusion matrix. */
export function judgeLabels(given: Said): Judgement {
  const { labels, truth, model, rule, ruleName, unit, sequences } = given;
  const countsOf = (predicted: Said['model']): number[][] =>
    confusion(predicted.flat(), truth.flat(), labels.length);
  const [counts, simple] = [countsOf(model), countsOf(rule)];
  const sizes = truth.map(({ length }) => length);
  const [ours, theirs] = [model, rule].map((predicted) => predicted.map((one, k) => right(truth[k], one)));
  const accuracyOf = (hits: readonly number[], rows: readonly number[]): number =>
    rows.reduce((sum, k) => sum + hits[k], 0) / rows.reduce((sum, k) => sum + sizes[k], 0);
  // the bootstrap resamples sequences, not steps: the steps of one sequence are correlated
  const interval = bootstrap(truth.length, (rows) => accuracyOf(ours, rows));
  const gain = bootstrap(truth.length, (rows) => accuracyOf(ours, rows) - accuracyOf(theirs, rows));
  const whole = ours.filter((hits, k) => hits === sizes[k]).length / truth.length;
  const figuresOf = (of: Confusion) => ({ accuracy: accuracy(of), macroF1: macroF1(of) });
  const figures = {
    count: sizes.reduce((a, b) => a + b, 0),
    model: figuresOf(counts),
    baseline: { rule: ruleName, ...figuresOf(simple) },
    interval,
    gain,
    ...(sequences !== undefined && { sequences: truth.length, sequenceAccuracy: whole }),
    labels: Object.fromEntries(perClass(counts).map((one, k) => [labels[k], one])),
    confusion: counts,
  };
  return {
    figures,
    lines: [
      ...summary(figures, unit),
      ...(sequences === undefined
        ? []
        : [`  ${percent(whole)} of ${truth.length} ${sequences} wholly right`]),
      verdict(figures),
      '',
      ...byLabel(labels, counts),
      '',
      ...mixUps(labels, counts),
    ],
    pictures: async () => ({ 'confusion.svg': await draw(labels, counts) }),
  };
}

interface Figures {
  count: number;
  model: { accuracy: number; macroF1: number };
  baseline: { rule: string; accuracy: number; macroF1: number };
  interval: [number, number];
  gain: [number, number];
}

const percent = (fraction: number): string => `${(100 * fraction).toFixed(1)} %`;
const points = (fraction: number): string => (100 * fraction).toFixed(1);

/** A label cut or padded to the width of a column. */
const named = (name: string, width: number): string => {
  const shown = Array.from(safe(name));
  return (shown.length > width ? `${shown.slice(0, width - 1).join('')}…` : shown.join('')).padEnd(width);
};

function summary({ count, model, baseline, interval: [low, high] }: Figures, unit: string): string[] {
  const row = (name: string, { accuracy: accuracy, macroF1: f1 }: Figures['model'], more = ''): string =>
    `  ${named(name, 24)}${percent(accuracy).padStart(9)}${f1.toFixed(3).padStart(10)}${more}`;
  return [
    `  ${named(`${count.toLocaleString('en-US')} ${unit}`, 24)}${'accuracy'.padStart(9)}${'macro-F1'.padStart(10)}`,
    row('this model', model, `   (accuracy 95 %: ${percent(low)} … ${percent(high)})`),
    row(baseline.rule, baseline),
  ];
}

/** A sentence on whether the network beats the baseline. */
function verdict({ model, baseline, gain: [low, high] }: Figures): string {
  const by = points(model.accuracy - baseline.accuracy);
  const range = `95 %: ${points(low)} … ${points(high)}`;
  const { rule } = baseline;
  if (low > 0) return `  better than ${rule} by ${by} points of accuracy (${range})`;
  if (high < 0)
    return `  worse than ${rule}, by ${points(baseline.accuracy - model.accuracy)} points; use that one`;
  return `  no better than ${rule} (${by} points of accuracy; ${range})`;
}

/** Maximum numbers shown. */
const MOST_LABELS = 20;
const MOST_MISTAKES = 8;

function byLabel(labels: readonly string[], counts: Confusion): string[] {
  const width = Math.min(22, Math.max(5, ...labels.map((label) => Array.from(label).length)));
  const cells = (...texts: string[]): string => texts.map((text) => text.padStart(10)).join('');
  const rows = perClass(counts)
    .map((one, k) => ({ label: labels[k], ...one }))
    .sort((a, b) => b.count - a.count);
  const more = rows.length - MOST_LABELS;
  return [
    `  ${named('label', width)}${cells('precision', 'recall', 'F1', 'count')}`,
    ...rows
      .slice(0, MOST_LABELS)
      .map(
        ({ label, precision, recall, f1, count }) =>
          `  ${named(label, width)}${cells(...[precision, recall, f1].map((x) => x.toFixed(3)), String(count))}`,
      ),
    ...(more > 0 ? [`  … and ${more} more, which --json lists`] : []),
  ];
}

/** The confusion matrix if it fits, else the most frequent confusions. */
function mixUps(labels: readonly string[], counts: Confusion): string[] {
  const [first, cell] = [14, 10];
  const room = Math.min(100, columnsOf(process.stdout));
  if (2 + first + cell * labels.length <= room)
    return [
      'confusion matrix: rows are true labels, columns predicted',
      `  ${' '.repeat(first)}${labels
        .map((label) =>
          named(label, cell - 1)
            .trim()
            .padStart(cell),
        )
        .join('')}`,
      ...counts.map(
        (row, k) => `  ${named(labels[k], first)}${row.map((n) => String(n).padStart(cell)).join('')}`,
      ),
    ];
  const mistakes = counts
    .flatMap((row, k) => row.map((n, l) => ({ n, k, l })))
    .filter(({ n, k, l }) => n > 0 && k !== l)
    .sort((a, b) => b.n - a.n)
    .slice(0, MOST_MISTAKES);
  if (mistakes.length === 0) return ['no mistakes'];
  return [
    'the commonest mistakes:',
    ...mistakes.map(({ n, k, l }) => `  ${safe(labels[k])} taken for ${safe(labels[l])}: ${n}`),
  ];
}

/** Picture of the confusion matrix, colored by the fraction of each row. */
async function draw(labels: readonly string[], counts: Confusion): Promise<string> {
  const { Plot, document, style } = await canvas();
  const cells = counts.flatMap((row, k) => {
    const sum = row.reduce((a, b) => a + b, 0) || 1;
    return row.map((n, l) => ({ truth: labels[k], predicted: labels[l], n, fraction: n / sum }));
  });
  const side = Math.max(320, Math.min(1200, 46 * labels.length + 140));
  const margin = Math.min(160, 20 + 7 * Math.max(...labels.map(({ length }) => length)));
  const svg = Plot.plot({
    ...{
      document,
      width: side,
      height: side,
      style,
      marginLeft: margin,
      marginBottom: margin,
      padding: 0.04,
    },
    x: { label: 'predicted', domain: [...labels], tickRotate: labels.length > 4 ? -45 : 0 },
    y: { label: 'true', domain: [...labels] },
    color: { type: 'linear', scheme: 'blues', domain: [0, 1] },
    marks: [
      Plot.cell(cells, { x: 'predicted', y: 'truth', fill: 'fraction' }),
      Plot.text(cells, {
        ...{ x: 'predicted', y: 'truth', text: (d: { n: number }) => String(d.n) },
        fill: (d: { fraction: number }) => (d.fraction > 0.6 ? 'white' : '#333'),
      }),
    ],
  });
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return `${svg.outerHTML}\n`;
}
