/** Divides rows into the batches of an epoch: every row once, shuffled, with rows of similar length together. */
import { mustCount, mustKnowKeys } from '../core/check';
import { Random } from '../core/random/random';

/** Options of an epoch. */
export interface EpochOptions {
  /** Rows per batch; one batch of an epoch may have fewer. */
  size: number;
  /** Number of steps of each row; default all equal. */
  lengths?: ArrayLike<number>;
  /** Shuffles; without it the rows come in order, sorted by length. */
  seed?: number;
}

/** Batches that are sorted by length together: more would reduce randomness, fewer would increase padding. */
const POOL = 32;

/**
 * One epoch: the indices of `rows` rows in batches. Rows of similar length share a batch, to reduce padding.
 *
 * @example
 * epoch(5, { size: 2, lengths: [9, 1, 8, 2, 7] }); // [[1, 3], [4, 2], [0]]
 * epoch(100, { size: 32, seed: 7 }).length; // 4
 */
export function epoch(rows: number, options: EpochOptions): number[][] {
  return [...new Epoch(rows, options)];
}

/** The batches of an epoch, of which only the order is stored: four bytes per row. */
export class Epoch implements Iterable<number[]> {
  private readonly order: Uint32Array;
  private readonly cuts: Uint32Array;
  private readonly size: number;

  constructor(rows: number, options: EpochOptions) {
    const where = 'epoch';
    mustKnowKeys(options, ['size', 'lengths', 'seed'], where);
    const { size, lengths, seed } = options;
    mustCount(rows, where, 'rows');
    mustCount(size, where, 'size');
    const order = Uint32Array.from({ length: rows }, (_, k) => k);
    const random = seed === undefined ? undefined : new Random(seed);
    random?.shuffle(order);
    if (lengths) {
      const pool = random ? POOL * size : rows;
      for (let from = 0; from < rows; from += pool) {
        order.subarray(from, from + pool).sort((a, b) => lengths[a] - lengths[b]);
      }
    }
    const cuts = Uint32Array.from({ length: Math.ceil(rows / size) }, (_, k) => k);
    random?.shuffle(cuts);
    [this.order, this.cuts, this.size] = [order, cuts, size];
  }

  /** Number of batches. */
  get length(): number {
    return this.cuts.length;
  }

  /** The rows of a batch. */
  batch(k: number): number[] {
    const from = this.cuts[k] * this.size;
    return Array.from(this.order.subarray(from, from + this.size));
  }

  *[Symbol.iterator](): Generator<number[]> {
    for (let k = 0; k < this.length; k++) yield this.batch(k);
  }
}

/**
 * Rows of unequal length as a padded batch: numbers [T, B, D], zeros past the end of a row, and the lengths that mask them.
 * Rows of class numbers have no last axis.
 *
 * @param width D, or 0 for class numbers.
 * @param steps T at least; default that of the longest row.
 * @example padded([[1, 2, 3], [4]], 0).x.numbers // [1, 4, 2, 0, 3, 0]
 */
export function padded(
  rows: readonly ArrayLike<number>[],
  width: number,
  steps = 1,
): { x: { shape: number[]; numbers: Float64Array }; lengths: number[] } {
  const D = Math.max(1, width);
  const B = rows.length;
  const lengths = rows.map((row) => row.length / D);
  const T = Math.max(steps, ...lengths);
  const numbers = new Float64Array(T * B * D);
  rows.forEach((row, b) => {
    for (let k = 0; k < row.length; k++) numbers[(Math.floor(k / D) * B + b) * D + (k % D)] = row[k];
  });
  return { x: { shape: width === 0 ? [T, B] : [T, B, D], numbers }, lengths };
}
