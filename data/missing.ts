/** What becomes of missing values: nothing unless it is asked for, and never a silent zero. */
import { must } from '../core/check';

/** `previous` carries the value before on; `mean` takes that of the training part. */
export type Filling = 'previous' | 'mean';

/**
 * A copy of a series without missing values (NaN).
 *
 * @param mean of the training part, for `mean`.
 * @param from where the series begins within the values, for `previous`; default 0.
 * @throws RangeError when there is nothing before the first value that `previous` could carry on.
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
