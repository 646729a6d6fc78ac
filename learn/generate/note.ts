/** Schema of the preparation of a generator in a checkpoint: the columns that are read, and what is written. */
import * as v from 'valibot';
import { tokenKinds } from '../symbols';
import { writtenSchema } from '../written';

const finite = v.pipe(v.number(), v.finite());

/** The preparation. */
export const noteSchema = v.strictObject({
  target: v.string(),
  /** Columns of classes become one-hot, columns of numbers are standardized; all stand side by side in one vector. */
  inputs: v.pipe(
    v.array(
      v.variant('kind', [
        v.strictObject({ kind: v.literal('classes'), column: v.string(), classes: v.array(v.string()) }),
        v.strictObject({ kind: v.literal('numbers'), column: v.string(), mean: finite, deviation: finite }),
      ]),
    ),
    v.minLength(1),
  ),
  tokens: v.picklist(tokenKinds),
  /** Whether what is written is joined without spaces. */
  characters: v.boolean(),
  written: writtenSchema,
  /** Maximum symbols written. */
  longest: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
});
export type Note = v.InferOutput<typeof noteSchema>;
/** A column that is read. */
export type Input = Note['inputs'][number];
