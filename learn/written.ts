/**
 * Sequences that a decoder writes: their vocabulary, their batches, and writing them.
 *
 *   classes: 0 an unknown symbol, 1 … V the known ones, V + 1 the end, V + 2 the start
 *   targets [T, B]   each row ends with the end symbol; rows of unequal length are padded
 */
import * as v from 'valibot';
import type { Batch } from '../bptt/network/batch/batch';
import type { Network } from '../bptt/network/network';
import { decode, type Hypothesis } from '../bptt/decode/decode';
import { Random } from '../core/random/random';
import { greatest } from '../core/programs/reduce';
import type { Setting } from '../core/setting';
import { paddedRows } from './padding';
import { coderOf, embeddingOf, joinedSymbols, knownSymbols } from './symbols';
import type { Examples, Given, Predictions, TaskArchitecture } from './task';

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(1));

/** The part of a preparation that describes what is written. */
export const writtenSchema = v.strictObject({
  known: v.pipe(v.array(v.string()), v.minLength(1)),
  embedding: v.nullable(count),
  /** Maximum number of symbols to write, including the end. */
  most: count,
  /** Beam width. */
  beam: count,
  /** Frequency of each class in the training part; one more of each is counted. */
  frequencies: v.array(v.pipe(v.number(), v.gtValue(0), v.maxValue(1))),
});
export type Written = v.InferOutput<typeof writtenSchema>;

export const beam = {
  ...{ kind: 'number', whole: true, least: 1, most: 64, default: 4 },
  ...{
    label: 'Beam',
    unit: 'n',
    help: 'width of the beam search; 1 always takes the likeliest symbol',
  },
} as const satisfies Setting;

export const endOf = ({ known }: Written): number => known.length + 1;
export const startOf = ({ known }: Written): number => known.length + 2;

/** Determines the vocabulary from the sequences of the training part. */
export function writtenFrom(training: readonly (readonly string[])[], given: Given): Written {
  const known = knownSymbols(training);
  const code = coderOf(known);
  const counts = new Float64Array(known.length + 2).fill(1);
  for (const symbols of training) for (const k of [...code(symbols), known.length + 1]) counts[k]++;
  const sum = counts.reduce((a, b) => a + b, 0);
  return {
    known,
    embedding: embeddingOf(given.embedding, known.length + 3),
    most: Math.ceil(1.5 * greatest(training.map(({ length }) => length))) + 1,
    beam: given.beam as number,
    frequencies: Array.from(counts, (n) => n / sum),
  };
}

/** The decoder of a network that writes them. */
export const decoderOf = (written: Written): NonNullable<TaskArchitecture['decoder']> => {
  const classes = written.known.length + 3;
  return { input: classes, embedding: written.embedding, start: startOf(written) };
};

/** Sources and what is to be written for each. */
export class Pairs implements Examples {
  readonly lengths: number[];
  /** The classes of each target, with the end. */
  readonly targets: readonly (readonly number[])[];

  constructor(
    /** Rows of symbols, or of vectors of `width` numbers. */
    private readonly sources: readonly ArrayLike<number>[],
    private readonly width: number,
    /** The symbols to write, as texts; empty for prediction. */
    readonly symbols: readonly (readonly string[])[],
    written: Written,
  ) {
    const code = coderOf(written.known);
    this.targets = symbols.map((row) => [...code(row), endOf(written)]);
    this.lengths = this.targets.map(({ length }) => length);
  }

  get count(): number {
    return this.sources.length;
  }

  /** The batch without its targets. */
  source(rows: readonly number[]): Pick<Batch, 'x'> & { lengths: number[] } {
    return paddedRows(
      rows.map((row) => this.sources[row]),
      this.width,
    );
  }

  batch(rows: readonly number[]): Batch {
    const { x: targets, lengths: targetLengths } = paddedRows(
      rows.map((row) => this.targets[row]),
      0,
    );
    return { ...this.source(rows), targets, targetLengths };
  }
}

/** Rows that are decoded together. */
const AT_ONCE = 64;

interface WriteOptions {
  /** Default all. */
  rows?: readonly number[];
  drawn?: boolean;
  /** Rows of the same input before these, on whose number a draw depends. */
  before?: number;
}

/** Writes a sequence for each row: the likeliest by beam search, or one that is drawn with the number of the row as seed. */
export function writeAll(
  network: Network,
  pairs: Pairs,
  written: Written,
  {
    rows = Array.from({ length: pairs.count }, (_, row) => row),
    drawn = false,
    before = 0,
  }: WriteOptions = {},
): { symbols: string[]; logProbability: number }[] {
  const ways = { steps: written.most, end: endOf(written), never: [0, startOf(written)] };
  const all: Hypothesis[] = [];
  // drawn one by one: a row's sequence does not depend on the rows beside it
  const size = drawn ? 1 : AT_ONCE;
  for (let from = 0; from < rows.length; from += size) {
    const how = drawn
      ? ({ method: 'sample', random: new Random(before + rows[from]) } as const)
      : ({ method: 'beam', width: written.beam } as const);
    const some = pairs.source(rows.slice(from, from + size));
    all.push(...decode(network, some, { ...how, ...ways }).map(([best]) => best));
  }
  return all.map(({ classes, logProbability }) => ({
    symbols: classes.map((k) => written.known[k - 1]),
    logProbability,
  }));
}

/** The sequences written for the rows of a file, as a table. */
export const writtenRows = (
  all: ReturnType<typeof writeAll>,
  { target, characters }: { target: string; characters: boolean },
  before: number,
): Predictions => ({
  names: ['row', target, 'probability'],
  rows: all.map(({ symbols, logProbability }, k) => [
    before + k + 1,
    joinedSymbols(symbols, characters),
    Math.exp(logProbability),
  ]),
});
