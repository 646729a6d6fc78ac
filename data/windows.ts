/** Sliding windows over series: a number of steps to read, and the following ones to forecast. */
import { must, mustCount, mustKnowKeys } from '../core/check';

/** Options of windows. */
export interface WindowOptions {
  /** Number of steps to read. */
  length: number;
  /** Number of following steps to forecast; default 1. */
  horizon?: number;
  /** The range of steps to forecast: `from` … `to` (exclusive); default the whole series. */
  from?: number;
  to?: number;
  /** Stride between windows; default 1. */
  stride?: number;
}

/**
 * The windows of a series of `steps` steps, each given by its first step to forecast. The steps it reads may lie before
 * `from`, so that the first steps of a test set can be forecast from the end of the training set.
 *
 * @throws RangeError if the series is too short for one window.
 * @example
 * windows(6, { length: 3, horizon: 2 }); // [3, 4]
 * windows(9, { length: 3, from: 6, to: 8 }); // [6, 7]
 */
export function windows(steps: number, options: WindowOptions): number[] {
  const where = 'windows';
  mustKnowKeys(options, ['length', 'horizon', 'from', 'to', 'stride'], where);
  const { length, horizon = 1, from = 0, to = steps, stride = 1 } = options;
  mustCount(steps, where, 'steps');
  mustCount(length, where, 'length');
  mustCount(horizon, where, 'horizon');
  mustCount(stride, where, 'stride');
  const first = Math.max(from, length);
  const count = Math.floor((Math.min(to, steps) - horizon - first) / stride) + 1;
  const why = `${length} to read and ${horizon} to forecast`;
  must(count >= 1, where, `the series must have at least ${length + horizon} steps`, steps, why);
  return Array.from({ length: count }, (_, k) => first + k * stride);
}
