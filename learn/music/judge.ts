/** Evaluates a music model: bits per step and frame-level F1, compared with each note predicted by itself. */
import type { Network } from '../../bptt/network/network';
import { bootstrap } from '../../data/metrics';
import type { Table } from '../../data/table';
import { runAll } from '../outputs';
import type { Examples, Judgement } from '../task';
import type { Note } from './note';
import type { Pieces } from './pieces';
import { drawRoll } from './pictures';

/** Sums over the steps of a piece. */
interface Sums {
  bits: number;
  /** Notes predicted with a probability of at least one half that sound, those that do not, and those that were missed. */
  hits: number;
  wrong: number;
  missed: number;
}
interface Figures {
  bitsPerStep: number;
  f1: number;
}
type Probability = (t: number, k: number) => number;

const none = (): Sums => ({ bits: 0, hits: 0, wrong: 0, missed: 0 });

/** Adds up a piece, given the probability that note k sounds at step t. */
function sumsOf(bits: Uint8Array, K: number, probability: Probability): Sums {
  const sums = none();
  for (let j = 0; j < bits.length; j++) {
    const p = probability(Math.floor(j / K), j % K);
    sums.bits -= Math.log2(bits[j] === 1 ? p : 1 - p);
    if (p >= 0.5) sums[bits[j] === 1 ? 'hits' : 'wrong']++;
    else if (bits[j] === 1) sums.missed++;
  }
  return sums;
}

const figuresOf = (all: readonly Sums[], steps: number): Figures => {
  const { bits, hits, wrong, missed } = all.reduce(
    (a, b) => ({
      bits: a.bits + b.bits,
      hits: a.hits + b.hits,
      wrong: a.wrong + b.wrong,
      missed: a.missed + b.missed,
    }),
    none(),
  );
  return { bitsPerStep: bits / steps, f1: (2 * hits) / Math.max(1, 2 * hits + wrong + missed) };
};

/** A probability from its logit; within float64, so that its logarithm is finite. */
const sigmoid = (logit: number): number => Math.min(1 - 1e-15, Math.max(1e-15, 1 / (1 + Math.exp(-logit))));

/** The metrics of a network on pieces, of two baselines, and the picture of the first piece. */
export function judge(network: Network, given: Examples, _table: Table, note: Note): Judgement {
  const examples = given as Pieces;
  const { pitches: K, rates } = note;
  const truth = examples.pieces.map((_, row) => examples.bits(row));
  const model: Sums[] = [];
  let first: { probabilities: Float64Array } | undefined;
  runAll(network, examples, (example, row, output) => {
    const probability: Probability = (t, k) => sigmoid(output.get(t, row, k));
    model[example] = sumsOf(truth[example], K, probability);
    if (example === 0)
      first = {
        probabilities: Float64Array.from(truth[0], (_, j) => probability(Math.floor(j / K), j % K)),
      };
  });
  const alone = truth.map((bits) => sumsOf(bits, K, (_, k) => rates.overall[k]));
  const chain = truth.map((bits) =>
    sumsOf(bits, K, (t, k) => rates[t > 0 && bits[(t - 1) * K + k] === 1 ? 'sounding' : 'silent'][k]),
  );
  const stepsOf = (rows: readonly number[]): number =>
    rows.reduce((sum, row) => sum + examples.lengths[row], 0);
  const all = truth.map((_, row) => row);
  const perStep = (of: readonly Sums[], rows: readonly number[]): number =>
    rows.reduce((sum, row) => sum + of[row].bits, 0) / stepsOf(rows);
  const steps = stepsOf(all);
  const figures = {
    ...{ pieces: truth.length, steps, model: figuresOf(model, steps) },
    baselines: { lastStep: figuresOf(chain, steps), frequency: figuresOf(alone, steps) },
    // the steps of one piece are correlated: the bootstrap draws whole pieces
    interval: bootstrap(truth.length, (rows) => perStep(model, rows)),
    gain: bootstrap(truth.length, (rows) => perStep(chain, rows) - perStep(model, rows)),
  };
  return {
    figures,
    lines: [...table(figures), verdict(figures)],
    pictures: async () => ({
      'roll.svg': await drawRoll(examples.pieces[0], first?.probabilities ?? new Float64Array(), note),
    }),
  };
}

interface Judged {
  pieces: number;
  steps: number;
  model: Figures;
  baselines: { lastStep: Figures; frequency: Figures };
  interval: [number, number];
  gain: [number, number];
}

function table({ pieces, steps, model, baselines, interval: [low, high] }: Judged): string[] {
  const row = (title: string, { bitsPerStep, f1 }: Figures, more = ''): string =>
    `  ${title.padEnd(30)}${bitsPerStep.toFixed(2).padStart(10)}${f1.toFixed(3).padStart(8)}${more}`;
  const size = `${steps.toLocaleString('en-US')} steps of ${pieces} ${pieces === 1 ? 'piece' : 'pieces'}`;
  return [
    `  ${size.padEnd(30)}${'bits/step'.padStart(10)}${'F1'.padStart(8)}`,
    row('this model', model, `   (bits 95 %: ${low.toFixed(2)} … ${high.toFixed(2)})`),
    row('each note by its last step', baselines.lastStep),
    row('each note by its frequency', baselines.frequency),
  ];
}

/** A sentence on whether the network beats the better baseline. */
function verdict({ model, baselines: { lastStep }, gain: [low, high] }: Judged): string {
  const by = lastStep.bitsPerStep - model.bitsPerStep;
  const range = `95 %: ${low.toFixed(2)} … ${high.toFixed(2)}`;
  const rule = 'each note predicted by its own last step';
  if (low > 0) return `  better than ${rule} by ${by.toFixed(2)} bits per step (${range})`;
  if (high < 0) return `  worse than ${rule}, by ${(-by).toFixed(2)} bits per step; use that one`;
  return `  no better than ${rule} (${by.toFixed(2)} bits per step; ${range})`;
}
