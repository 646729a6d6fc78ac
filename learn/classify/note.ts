/** Schema of the preparation of a classification in a checkpoint: the labels, and how sequences are read. */
import * as v from 'valibot';
import { labelLosses } from '../options';
import { tokenKinds } from '../symbols';

const finite = v.pipe(v.number(), v.finite());
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
const column = v.nullable(v.string());

/** The preparation. */
export const noteSchema = v.strictObject({
  label: v.string(),
  /** Sorted by frequency, the most frequent first. */
  labels: v.pipe(v.array(v.string()), v.minLength(2)),
  /** Class weight of each label in training. */
  weights: v.array(v.pipe(finite, v.minValue(0))),
  /** Maximum steps read of a sequence. */
  longest: count,
  /** Whether the network is bidirectional. */
  both: v.boolean(),
  embedding: v.nullable(count),
  /** The error that was minimized; files from before it could be chosen have none. */
  loss: v.optional(v.picklist(labelLosses), 'softmax'),
  reads: v.variant('kind', [
    v.strictObject({
      kind: v.literal('symbols'),
      column: v.string(),
      tokens: v.picklist(tokenKinds),
      known: v.array(v.string()),
      /** Rows of one group stay in the same part. */
      group: column,
    }),
    v.strictObject({
      kind: v.literal('series'),
      inputs: v.pipe(v.array(v.string()), v.minLength(1)),
      /** Rows of one group form one sequence. */
      group: v.string(),
      date: column,
      missing: v.picklist(['refuse', 'previous', 'mean']),
      scales: v.array(v.strictObject({ mean: finite, deviation: finite })),
    }),
  ]),
});
export type Note = v.InferOutput<typeof noteSchema>;
/** How sequences are read. */
export type Reads = Note['reads'];
