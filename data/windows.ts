/** Windows over series: so many steps to read, and those behind them to forecast. */
import { must, mustCount, mustKnowKeys } from '../core/check';

/** What windows are made of, and where they lie. */
export interface WindowOptions {
  /** Steps that are read. */
  length: number;
  /** Steps behind them that are to be forecast; default 1. */
  horizon?: number;
  /** Where the steps to be forecast must lie: `from` … `to`, not included; default anywhere. */
  from?: number;
  to?: number;
  /** Steps from one window to the next; default 1. */
  stride?: number;
}

/**
 * The windows of a series of `steps` steps: for each, the step behind the last one that it reads. What it reads may lie
 * before `from`, so that the first steps of a test part can be forecast from the end of the training part.
 *
 * @throws RangeError when the series is too short for one.
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
