/** Evaluates written sequences: bits per symbol, accuracies, and chrF, compared with simple rules. */
import type { Network } from '../bptt/network/network';
import { greatest, logOfSum } from '../core/programs/reduce';
import { safe } from '../core/safe';
import { bootstrap, chrF } from '../data/metrics';
import { runAll } from './outputs';
import type { Judgement } from './task';
import { writeAll, type Pairs, type Written } from './written';

/** At most this many sequences are written for the accuracy of whole sequences. */
const MOST_WRITTEN = 500;
const MOST_SHOWN = 6;

interface PerSymbol {
  bitsPerSymbol: number;
  tokenAccuracy: number;
}

/** The bits of each symbol of each row, and the number of right ones in each row. */
interface Sums {
  bits: number[][];
  hits: number[];
}

/** Mean bits at a position. */
export interface PositionBits {
  model: number;
  baseline: number;
}

/** Predictions of each symbol, given the true ones before it. */
function symbolSums(network: Network, pairs: Pairs): Sums {
  const sums: Sums = { bits: [], hits: [] };
  runAll(network, pairs, (example, row, output) => {
    const O = output.shape[2];
    const bits: number[] = [];
    let hits = 0;
    pairs.targets[example].forEach((target, t) => {
      let best = 0;
      for (let k = 1; k < O; k++) if (output.get(t, row, k) > output.get(t, row, best)) best = k;
      const { data, offset, stride } = output;
      const logSum = logOfSum(data, O, offset + t * stride[0] + row * stride[1], stride[2]);
      bits.push((logSum - output.get(t, row, target)) / Math.LN2);
      hits += Number(best === target);
    });
    [sums.bits[example], sums.hits[example]] = [bits, hits];
  });
  return sums;
}

/** Predictions of each symbol by its frequency. */
function frequencySums({ targets }: Pairs, { frequencies }: Written): Sums {
  const likeliest = frequencies.indexOf(Math.max(...frequencies));
  const bits = frequencies.map((p) => -Math.log2(p));
  return {
    bits: targets.map((row) => row.map((k) => bits[k])),
    hits: targets.map((row) => row.filter((k) => k === likeliest).length),
  };
}

export interface WrittenCase {
  pairs: Pairs;
  written: Written;
  /** Whole sequences are compared with sources; without it they are not. */
  whole?: WholeCase;
}
interface WholeCase {
  /** Joins symbols for reading. */
  join: (symbols: readonly string[]) => string;
  /** The sources as texts, and as symbols, which a simple rule copies. */
  sources: readonly string[];
  copied: readonly (readonly string[])[];
}

/** The metrics of a network that writes sequences, without pictures, and the bits by position. */
export function judgeWritten(
  network: Network,
  given: WrittenCase,
): { judgement: Omit<Judgement, 'pictures'>; byPosition: PositionBits[] } {
  const { pairs, written } = given;
  const [ours, theirs] = [symbolSums(network, pairs), frequencySums(pairs, written)];
  const rows = pairs.targets.map((_, row) => row);
  const total = (row: readonly number[]): number => row.reduce((a, b) => a + b, 0);
  const [ourBits, theirBits] = [ours.bits.map(total), theirs.bits.map(total)];
  const mean = (of: readonly number[], some: readonly number[]): number =>
    some.reduce((sum, row) => sum + of[row], 0) /
    some.reduce((sum, row) => sum + pairs.targets[row].length, 0);
  const figures = {
    sequences: pairs.count,
    symbols: total(pairs.lengths),
    model: { bitsPerSymbol: mean(ourBits, rows), tokenAccuracy: mean(ours.hits, rows) },
    baseline: {
      rule: 'each symbol by its frequency',
      ...{ bitsPerSymbol: mean(theirBits, rows), tokenAccuracy: mean(theirs.hits, rows) },
    },
    // the symbols of one sequence are correlated: the bootstrap draws whole sequences
    interval: bootstrap(rows.length, (some) => mean(ourBits, some)),
    gain: bootstrap(rows.length, (some) => mean(theirBits, some) - mean(ourBits, some)),
  };
  const whole = given.whole && wholeFigures(network, given, given.whole);
  const meanAt = ({ bits }: Sums, t: number): number => {
    const there = bits.filter(({ length }) => length > t);
    return there.reduce((sum, row) => sum + row[t], 0) / there.length;
  };
  return {
    judgement: {
      figures: { ...figures, ...whole?.figures },
      lines: [...symbolLines(figures), ...(whole?.lines ?? [])],
    },
    byPosition: Array.from({ length: greatest(pairs.lengths) }, (_, t) => ({
      model: meanAt(ours, t),
      baseline: meanAt(theirs, t),
    })),
  };
}

interface Judged {
  sequences: number;
  symbols: number;
  model: PerSymbol;
  baseline: PerSymbol & { rule: string };
  interval: [number, number];
  gain: [number, number];
}

function symbolLines({ sequences, symbols, model, baseline, interval, gain }: Judged): string[] {
  const [low, high] = gain;
  const range = `95 %: ${low.toFixed(2)} … ${high.toFixed(2)}`;
  const row = (title: string, { bitsPerSymbol, tokenAccuracy }: PerSymbol, more = ''): string =>
    `  ${title.padEnd(30)}${bitsPerSymbol.toFixed(2).padStart(12)}${percent(tokenAccuracy).padStart(10)}${more}`;
  const title = `${count(symbols)} symbols, ${count(sequences)} rows`;
  const by = baseline.bitsPerSymbol - model.bitsPerSymbol;
  return [
    `  ${title.padEnd(30)}${'bits/symbol'.padStart(12)}${'accuracy'.padStart(10)}`,
    row('this model', model, `   (bits 95 %: ${interval.map((x) => x.toFixed(2)).join(' … ')})`),
    row(baseline.rule, baseline),
    low > 0
      ? `  better than ${baseline.rule} by ${by.toFixed(2)} bits per symbol (${range})`
      : `  no better than ${baseline.rule} (${by.toFixed(2)} bits per symbol; ${range})`,
  ];
}

/** Whole sequences, written without the true symbols before. */
function wholeFigures(
  network: Network,
  { pairs, written }: WrittenCase,
  { sources, copied, join }: WholeCase,
): Pick<Judgement, 'figures' | 'lines'> {
  const n = Math.min(pairs.count, MOST_WRITTEN);
  // evenly over the file, which may be sorted
  const rows = Array.from({ length: n }, (_, k) => Math.floor((k * pairs.count) / n));
  const predicted = writeAll(network, pairs, written, { rows }).map(({ symbols }) => symbols);
  const truth = rows.map((row) => pairs.symbols[row]);
  const of = (all: readonly (readonly string[])[]) => {
    const right = truth.map((row, k) => Number(join(row) === join(all[k])));
    const figures = { sequenceAccuracy: right.reduce((a, b) => a + b, 0) / n, chrF: chrF(all, truth) };
    return { right, figures };
  };
  const [ours, copy] = [of(predicted), of(rows.map((row) => copied[row]))];
  const interval = bootstrap(n, (some) => some.reduce((sum, row) => sum + ours.right[row], 0) / n);
  const figureRow = (title: string, one: (typeof ours)['figures'], more = ''): string =>
    `  ${title.padEnd(30)}${percent(one.sequenceAccuracy).padStart(12)}${one.chrF.toFixed(3).padStart(10)}${more}`;
  const title = `${count(n)} of them written`;
  const shown = predicted.slice(0, MOST_SHOWN).map((symbols, k) => {
    const right = ours.right[k] === 1 ? '' : `  (is ${safe(join(truth[k]))})`;
    return `  ${safe(sources[rows[k]])} → ${safe(join(symbols))}${right}`;
  });
  return {
    figures: {
      written: { count: n, ...ours.figures, interval, copied: copy.figures },
    },
    lines: [
      `  ${`${title}, beam ${written.beam}`.padEnd(30)}${'all right'.padStart(12)}${'chrF'.padStart(10)}`,
      figureRow('this model', ours.figures, `   (all right 95 %: ${interval.map(percent).join(' … ')})`),
      figureRow('the source, copied', copy.figures),
      ...shown,
    ],
  };
}

const percent = (fraction: number): string => `${(100 * fraction).toFixed(1)} %`;
const count = (n: number): string => n.toLocaleString('en-US');
