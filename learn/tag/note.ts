/** Schema of the preparation of a tagger in a checkpoint: the tags, and the tokens of the training part. */
import * as v from 'valibot';
import { labelLosses } from '../options';

const finite = v.pipe(v.number(), v.finite());
const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const count = v.pipe(whole, v.minValue(1));

/** The preparation. */
export const noteSchema = v.strictObject({
  /** List columns. */
  tokens: v.string(),
  tags: v.string(),
  /** Sorted by frequency, the most frequent first. */
  labels: v.pipe(v.array(v.string()), v.minLength(2)),
  weights: v.array(v.pipe(finite, v.minValue(0))),
  /**
   * The tokens of the training part, the most frequent first; the first `known` of them are the network's vocabulary.
   */
  seen: v.array(v.string()),
  known: count,
  /** Index of the most frequent tag of each of them. */
  usual: v.array(whole),
  longest: count,
  both: v.boolean(),
  embedding: v.nullable(count),
  /** The error that was minimized; files from before it could be chosen have none. */
  loss: v.optional(v.picklist(labelLosses), 'softmax'),
});
export type Note = v.InferOutput<typeof noteSchema>;
