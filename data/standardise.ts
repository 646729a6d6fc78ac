/** Standardizes values to mean 0 and deviation 1, with the statistics of the training set only. */
import { must } from '../core/check';

/** Mean and deviation, to standardize values and to convert them back. */
export interface Scale {
  mean: number;
  /** Above 0; 1 if all values were equal. */
  deviation: number;
}

/**
 * The scale of some of the values; missing ones (NaN) are ignored.
 *
 * @param rows indices of the training set; default all.
 * @throws RangeError if all of them are missing.
 * @example
 * const scale = scaleOf([1, 3, 100], [0, 1]);
 * scale; // { mean: 2, deviation: 1 }
 */
export function scaleOf(values: ArrayLike<number>, rows?: readonly number[]): Scale {
  let [count, mean, squares] = [0, 0, 0];
  const add = (value: number): void => {
    if (Number.isNaN(value)) return;
    // Welford's update, which is accurate even for a small deviation
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
 * Standardized values, and the scale that converts them back: value = mean + deviation · standard.
 *
 * @param rows indices of the training set; default all.
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
