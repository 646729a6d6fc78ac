/** Schema of the preparation of a music model in a checkpoint: the range of notes, and the rates of each. */
import * as v from 'valibot';

const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const count = v.pipe(whole, v.minValue(1));
const rates = v.array(v.pipe(v.number(), v.minValue(0), v.maxValue(1)));

/** The preparation. */
export const noteSchema = v.strictObject({
  /** List column of the steps, and the column that says to which part a piece belongs. */
  notes: v.string(),
  part: v.nullable(v.string()),
  /** MIDI number of the lowest note that the network can write, and the number of notes. */
  lowest: whole,
  pitches: count,
  /** Maximum steps read of a piece. */
  longest: count,
  /** Frequency of each note in the training part: overall, after a step without it, and after one with it. */
  rates: v.strictObject({ overall: rates, silent: rates, sounding: rates }),
});
export type Note = v.InferOutput<typeof noteSchema>;
