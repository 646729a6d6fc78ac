/** Schema of the preparation of a translation in a checkpoint: its columns, and the vocabularies of both sides. */
import * as v from 'valibot';
import { tokenKinds } from '../symbols';
import { writtenSchema } from '../written';

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(1));

export const attentions = ['none', 'dot', 'general', 'additive'] as const;

/** The preparation. */
export const noteSchema = v.strictObject({
  source: v.string(),
  target: v.string(),
  /** False for files without a row of names; only in checkpoints from before the format of a file was stored. */
  header: v.optional(v.boolean()),
  tokens: v.picklist(tokenKinds),
  /** Whether what is written is joined without spaces. */
  characters: v.boolean(),
  /** Vocabulary of the source, the most frequent first. */
  known: v.pipe(v.array(v.string()), v.minLength(1)),
  embedding: v.nullable(count),
  written: writtenSchema,
  attention: v.picklist(attentions),
  /** Maximum symbols read of a source or written for it. */
  longest: count,
  /** Whether the encoder reads in both directions. */
  both: v.boolean(),
});
export type Note = v.InferOutput<typeof noteSchema>;
