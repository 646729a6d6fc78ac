/**
 * Schema of the preparation of a forecast in a checkpoint: the columns, the training scales, and where training
 * ended.
 */
import * as v from 'valibot';
import { circles } from './dates';

const finite = v.pipe(v.number(), v.finite());
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
const names = v.array(v.string());

/** The errors that can be minimized. */
export const forecastLosses = ['squared', 'absolute', 'huber', 'quantile'] as const;

/** The preparation. */
export const noteSchema = v.strictObject({
  targets: v.pipe(names, v.minLength(1)),
  /** Input columns: the targets first. */
  inputs: names,
  date: v.nullable(v.string()),
  group: v.nullable(v.string()),
  /** The error that was minimized; files from before it could be chosen have none. */
  loss: v.optional(v.picklist(forecastLosses), 'squared'),
  horizon: count,
  window: count,
  season: v.nullable(count),
  missing: v.picklist(['refuse', 'previous', 'mean']),
  /** Circles on which the dates are read beside the columns; a file without dates as inputs has none. */
  dates: v.optional(v.array(v.picklist(circles)), []),
  /** Scale of each input: the columns, and the sine and cosine of each circle. */
  scales: v.array(v.strictObject({ mean: finite, deviation: finite })),
  /** Whether an input is read relative to its last value in the window. */
  relative: v.array(v.boolean()),
  /** s_kh for each target and each step of the horizon. */
  movements: v.array(v.array(finite)),
  /** Denominator of MASE for each target. */
  naive: v.array(finite),
  /** Number of training steps in each series, by group; and the last date among them. */
  trained: v.record(v.string(), count),
  until: v.nullable(finite),
});
export type Note = v.InferOutput<typeof noteSchema>;
