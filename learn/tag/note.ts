/** What a checkpoint holds of a tagger: the tags, and the tokens that it met. */
import * as v from 'valibot';

const finite = v.pipe(v.number(), v.finite());
const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const count = v.pipe(whole, v.minValue(1));

/** The preparation. */
export const noteSchema = v.strictObject({
  /** Columns of lists. */
  tokens: v.string(),
  tags: v.string(),
  /** The most frequent one first. */
  labels: v.pipe(v.array(v.string()), v.minLength(2)),
  weights: v.array(v.pipe(finite, v.minValue(0))),
  /** The tokens of the training part, the most frequent first: the network reads the first `known` of them. */
  seen: v.array(v.string()),
  known: count,
  /** Of each, the number of its most frequent tag. */
  usual: v.array(whole),
  longest: count,
  both: v.boolean(),
  embedding: v.nullable(count),
});
export type Note = v.InferOutput<typeof noteSchema>;
