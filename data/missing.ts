/** Fills missing values, only on request and never with a silent zero. */
import { must } from '../core/check';

/** `previous` repeats the previous value; `mean` uses the mean of the training part. */
export type Filling = 'previous' | 'mean';

/**
 * A copy of a series without missing values (NaN).
 *
 * @param mean of the training part, for `mean`.
 * @param from the index at which the series begins, for `previous`; default 0.
 * @throws RangeError if the first value is missing and `previous` has nothing to repeat.
 * @example fill([1, NaN, 3], 'previous') // [1, 1, 3]
 */
export function fill(
  values: ArrayLike<number>,
  how: Filling,
  mean: number = NaN,
  from: number = 0,
): Float64Array {
  const filled = Float64Array.from(values);
  for (let k = from; k < filled.length; k++) {
    if (!Number.isNaN(filled[k])) continue;
    filled[k] = how === 'mean' ? mean : k > from ? filled[k - 1] : NaN;
    const why = how === 'previous' ? 'it is the first one, and nothing is before it' : undefined;
    must(
      !Number.isNaN(filled[k]),
      'missing',
      `a missing value must have a ${how} one`,
      `none at row ${k + 1}`,
      why,
    );
  }
  return filled;
}
