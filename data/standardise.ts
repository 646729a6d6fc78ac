/** Mean 0 and deviation 1, by the numbers of the training part alone: those of the test must not be known. */
import { must } from '../core/check';

/** What turns values into standard ones and back. */
export interface Scale {
  mean: number;
  /** Above 0; 1 where all values were alike. */
  deviation: number;
}

/**
 * The scale of a part of some values; missing ones (NaN) do not count.
 *
 * @param rows of the training part; default all.
 * @throws RangeError when none of them is there.
 * @example
 * const scale = scaleOf([1, 3, 100], [0, 1]);
 * scale; // { mean: 2, deviation: 1 }
 */
export function scaleOf(values: ArrayLike<number>, rows?: readonly number[]): Scale {
  let [count, mean, squares] = [0, 0, 0];
  const add = (value: number): void => {
    if (Number.isNaN(value)) return;
    // Welford's update: no sum of squares that swallows a small deviation
    const delta = value - mean;
    mean += delta / ++count;
    squares += delta * (value - mean);
  };
  if (rows) for (const row of rows) add(values[row]);
  else for (let k = 0; k < values.length; k++) add(values[k]);
  must(count > 0, 'standardise', 'there must be a value in the training part', 'none');
  const deviation = Math.sqrt(squares / count);
  return { mean, deviation: deviation > 1e-12 * Math.abs(mean) ? deviation : 1 };
}

/**
 * Standard values, and the scale that turns them back: value = mean + deviation · standard.
 *
 * @param rows of the training part; default all.
 * @example standardise([1, 3, 5], [0, 1]).values // [-1, 1, 3]
 */
export function standardise(
  values: ArrayLike<number>,
  rows?: readonly number[],
): { values: Float64Array; scale: Scale } {
  const scale = scaleOf(values, rows);
  const { mean, deviation } = scale;
  return { values: Float64Array.from(values, (value) => (value - mean) / deviation), scale };
}
