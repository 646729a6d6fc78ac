/** What a checkpoint holds of a forecast: the columns, the scales of the training part, and where it ended. */
import * as v from 'valibot';

const finite = v.pipe(v.number(), v.finite());
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
const names = v.array(v.string());

/** The preparation. */
export const noteSchema = v.strictObject({
  targets: v.pipe(names, v.minLength(1)),
  /** Columns that are read: the targets first. */
  inputs: names,
  date: v.nullable(v.string()),
  group: v.nullable(v.string()),
  horizon: count,
  window: count,
  season: v.nullable(count),
  missing: v.picklist(['refuse', 'previous', 'mean']),
  /** Of each column that is read. */
  scales: v.array(v.strictObject({ mean: finite, deviation: finite })),
  /** Whether a column is read relative to its last value in the window. */
  relative: v.array(v.boolean()),
  /** s_kh: of each target, for each step of the horizon. */
  movements: v.array(v.array(finite)),
  /** Of each target, what MASE divides by. */
  naive: v.array(finite),
  /** Steps in a series up to which it trained, by group; and the last date of them. */
  trained: v.record(v.string(), count),
  until: v.nullable(finite),
});
export type Note = v.InferOutput<typeof noteSchema>;
