/** Evaluates a model of text: bits per symbol and perplexity, beside a trigram that learns as it reads. */
import type { States } from '../../bptt/network/batch/states';
import type { Network } from '../../bptt/network/network';
import { must } from '../../core/check';
import { count } from '../../core/format';
import { logOfSum } from '../../core/programs/reduce';
import { bootstrap } from '../../data/metrics';
import type { Vocabulary } from '../../io/vocabulary';
import { unitsOf } from '../../text/events';
import type { TextIndices } from '../../text/streams';
import type { Judgement } from '../task';
import { Trigram } from './trigram';

/** Numbers that are computed for the probabilities of all symbols, at most: about ten seconds. */
const MOST_NUMBERS = 2 ** 27;
const [MOST_SYMBOLS, MOST_ROWS, LEAST_ROW] = [500_000, 32, 1024];
/** Steps of a pass, at most, and numbers of its output. */
const [MOST_STEPS, MOST_OUTPUTS] = [64, 2 ** 22];
/** Neighboring symbols that the bootstrap draws together, before it draws those in blocks. */
const UNIT = 32;
const RULE = 'a trigram that learns as it reads';

/** A text to evaluate, and the symbols before it in the same file, from which the trigram learns, too. */
export interface TextCase {
  indices: TextIndices;
  before?: TextIndices;
  vocabulary: Vocabulary;
}

interface Bits {
  /** Of each symbol, row by row. */
  model: Float64Array;
  rule: Float64Array;
  /** The class of each. */
  symbols: Float64Array;
  /** Symbols in a row, and number of rows: places evenly over the text. */
  length: number;
  rows: number;
}

/** The bits of each symbol of a text, the first of which is read only; of a long one, of parts evenly over it. */
function bitsOf(network: Network, { indices, before, vocabulary: { size } }: TextCase): Bits {
  const steps = indices.length - 1;
  must(steps > 0, 'evaluate', 'the text must hold at least two symbols', indices.length);
  const rows = Math.max(1, Math.min(MOST_ROWS, Math.floor(steps / LEAST_ROW)));
  const stride = Math.floor(steps / rows);
  const most = Math.min(MOST_SYMBOLS, Math.ceil(MOST_NUMBERS / size));
  // a text in one row is evaluated to its end
  const length = Math.min(stride, Math.ceil(most / rows));
  const texts = Array.from({ length: rows }, (_, b) => indices.slice(b * stride, b * stride + length + 1));
  const bits: Bits = {
    ...{ model: new Float64Array(rows * length), rule: new Float64Array(rows * length) },
    ...{ symbols: new Float64Array(rows * length), length, rows },
  };
  const perPass = Math.max(1, Math.min(MOST_STEPS, Math.floor(MOST_OUTPUTS / (rows * size))));
  let from: States | undefined;
  for (let t0 = 0; t0 < length; t0 += perPass) {
    const T = Math.min(perPass, length - t0);
    const numbers = Float64Array.from(
      { length: T * rows },
      (_, k) => texts[k % rows][t0 + Math.floor(k / rows)],
    );
    const { states, output } = network.forward({ x: { shape: [T, rows], numbers } }, { from, predict: true });
    from = states;
    const { data, offset, stride } = output;
    for (let k = 0; k < T * rows; k++) {
      const [t, b] = [t0 + Math.floor(k / rows), k % rows];
      const symbol = texts[b][t + 1];
      bits.symbols[b * length + t] = symbol;
      const at = offset + (t - t0) * stride[0] + b * stride[1];
      const logit = data[at + symbol * stride[2]];
      bits.model[b * length + t] = (logOfSum(data, size, at, stride[2]) - logit) / Math.LN2;
    }
  }
  const rule = new Trigram(size);
  const learned = before?.slice(Math.max(0, before.length - MOST_SYMBOLS), before.length) ?? [];
  for (const symbol of learned) rule.bits(symbol);
  texts.forEach((text, b) => {
    // the first symbol of a row is known to both
    rule.restart();
    rule.bits(text[0]);
    for (let t = 0; t < length; t++) bits.rule[b * length + t] = rule.bits(text[t + 1]);
  });
  return bits;
}

const meanOf = (values: Float64Array): number => values.reduce((sum, x) => sum + x, 0) / values.length;

/** Sums of neighboring symbols in each row. */
function sumsOf({ length, rows }: Bits, values: Float64Array): { sum: number; count: number }[] {
  const perRow = Math.ceil(length / UNIT);
  return Array.from({ length: rows * perRow }, (_, k) => {
    const [b, u] = [Math.floor(k / perRow), k % perRow];
    const part = values.subarray(b * length + u * UNIT, b * length + Math.min(length, (u + 1) * UNIT));
    return { sum: part.reduce((a, x) => a + x, 0), count: part.length };
  });
}

/** The metrics of a model of text; it draws no pictures. */
export function judgeText(network: Network, given: TextCase): Omit<Judgement, 'pictures'> {
  const bits = bitsOf(network, given);
  const [ours, theirs] = [sumsOf(bits, bits.model), sumsOf(bits, bits.rule)];
  const mean = (of: typeof ours, units: readonly number[]): number => {
    let [sum, n] = [0, 0];
    for (const k of units) [sum, n] = [sum + of[k].sum, n + of[k].count];
    return sum / n;
  };
  // neighboring symbols are alike: the bootstrap draws them in blocks
  const block = { block: Math.ceil(ours.length ** (1 / 3)) };
  const figuresOf = (values: Float64Array) => {
    const bitsPerSymbol = meanOf(values);
    return { bitsPerSymbol, perplexity: 2 ** bitsPerSymbol };
  };
  const unknown = given.vocabulary.hasUnknown ? 0 : NaN;
  const known = bits.model.filter((_, k) => bits.symbols[k] !== unknown);
  const figures = {
    symbols: bits.model.length,
    of: given.indices.length - 1,
    places: bits.rows,
    unknown: bits.model.length - known.length,
    model: figuresOf(bits.model),
    ...(known.length > 0 && known.length < bits.model.length && { known: figuresOf(known) }),
    baseline: { rule: RULE, ...figuresOf(bits.rule) },
    interval: bootstrap(ours.length, (units) => mean(ours, units), block),
    gain: bootstrap(ours.length, (units) => mean(theirs, units) - mean(ours, units), block),
  };
  return { figures, lines: linesOf(figures, given.vocabulary) };
}

interface Figures {
  symbols: number;
  of: number;
  places: number;
  unknown: number;
  model: Rates;
  known?: Rates;
  baseline: Rates & { rule: string };
  interval: [number, number];
  gain: [number, number];
}
interface Rates {
  bitsPerSymbol: number;
  perplexity: number;
}

function linesOf(figures: Figures, { tokens }: Vocabulary): string[] {
  const { symbols, of, places, unknown, model, known, baseline, interval, gain } = figures;
  const [low, high] = gain;
  const { many, one, short } = unitsOf[tokens];
  const row = (title: string, { bitsPerSymbol, perplexity }: Rates, more = ''): string =>
    `  ${title.padEnd(36)}${bitsPerSymbol.toFixed(3).padStart(10)}${perplexity.toFixed(2).padStart(12)}${more}`;
  const by = baseline.bitsPerSymbol - model.bitsPerSymbol;
  const range = `95 %: ${low.toFixed(3)} … ${high.toFixed(3)}`;
  const share = ((100 * unknown) / symbols).toFixed(1);
  const words =
    low > 0
      ? `better than ${RULE} by ${by.toFixed(3)} bits per ${one} (${range})`
      : high < 0
        ? `worse than ${RULE} by ${(-by).toFixed(3)} bits per ${one}; use that one (${range})`
        : `no better than ${RULE} (${by.toFixed(3)} bits per ${one}; ${range})`;
  return [
    ...(symbols < of
      ? [`  ${count(symbols)} of ${count(of)} ${many}, from ${places} places evenly over the text`]
      : []),
    `  ${`${count(symbols)} ${many}`.padEnd(36)}${`bits/${short}`.padStart(10)}${'perplexity'.padStart(12)}`,
    row('this model', model, `   (bits 95 %: ${interval.map((x) => x.toFixed(3)).join(' … ')})`),
    ...(known ? [row('this model, known symbols only', known)] : []),
    row(RULE, baseline),
    `  ${words}`,
    unknown === 0
      ? '  every symbol is known to the model'
      : `  ${count(unknown)} unknown to the model (${share} %): read and predicted as one symbol, "unknown"`,
  ];
}
