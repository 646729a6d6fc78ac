/** Sequences of unequal length as batches: which stand together, how far they are padded, and how many fit at once. */
import { padded } from '../data/epoch';

/**
 * A number of steps that is no smaller, of which there are four from one power of two to the next: so a network is laid out
 * for a few lengths, and not for each.
 * @example [3, 9, 33].map(roundedUp) // [3, 10, 40]
 */
export function roundedUp(steps: number): number {
  const unit = 2 ** Math.max(0, Math.floor(Math.log2(steps)) - 2);
  return unit * Math.ceil(steps / unit);
}

/** Rows side by side, padded to a length of which there are few. */
export const paddedRows = (rows: readonly ArrayLike<number>[], width: number): ReturnType<typeof padded> =>
  padded(rows, width, roundedUp(Math.max(...rows.map(({ length }) => length / Math.max(1, width)))));

/** Steps in all rows of a batch that is not trained on, at most. */
const STEPS_AT_ONCE = 16_384;
const ROWS_AT_ONCE = 512;

/** How many rows of so many steps are measured at once. */
export const rowsAtOnce = (steps: number): number =>
  Math.max(1, Math.min(ROWS_AT_ONCE, Math.floor(STEPS_AT_ONCE / steps)));
