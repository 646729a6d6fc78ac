/** Batches of sequences of unequal length: grouping, padded lengths, and batch sizes. */
import { padded } from '../data/epoch';

/**
 * Rounds a number of steps up to one of four values per power of two, so that a network needs plans for few lengths
 * only.
 * @example [3, 9, 33].map(roundedUp) // [3, 10, 40]
 */
export function roundedUp(steps: number): number {
  const unit = 2 ** Math.max(0, Math.floor(Math.log2(steps)) - 2);
  return unit * Math.ceil(steps / unit);
}

/** Sequences as a padded batch; the padded length is one of few. */
export const paddedRows = (rows: readonly ArrayLike<number>[], width: number): ReturnType<typeof padded> =>
  padded(rows, width, roundedUp(Math.max(...rows.map(({ length }) => length / Math.max(1, width)))));

/** Maximum steps in all rows of an evaluation batch. */
const STEPS_AT_ONCE = 16_384;
const ROWS_AT_ONCE = 512;

/** Number of rows in an evaluation batch, given the steps of each. */
export const rowsPerBatch = (steps: number): number =>
  Math.max(1, Math.min(ROWS_AT_ONCE, Math.floor(STEPS_AT_ONCE / steps)));
