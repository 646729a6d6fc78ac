/** The result of a trial: its form, and its text in messages. */
import * as v from 'valibot';

export const outcomeSchema = v.strictObject({
  /** 'diverged' if a loss, gradient or weight became non-finite, which always happens with these settings. */
  status: v.picklist(['done', 'diverged']),
  /** Bits per character at the end of training, and on the validation text; null if there are none. */
  training: v.nullable(v.number()),
  validation: v.nullable(v.number()),
  parameters: v.number(),
  /** Wall-clock time since the trial was started or resumed. */
  seconds: v.number(),
  /** The machine where it ran, and the folder of its model there. */
  host: v.string(),
  model: v.string(),
});
export type Outcome = v.InferOutput<typeof outcomeSchema>;

/** The score of a trial in bits per character: lower is better; null if it diverged. */
export const reached = ({ validation, training }: Outcome): number | null => validation ?? training;

/** `2.345 bits/char (6.7 s)` */
export function inWords(outcome: Outcome): string {
  const bits = reached(outcome);
  return `${bits === null ? outcome.status : `${bits.toFixed(3)} bits/char`} (${outcome.seconds.toFixed(1)} s)`;
}
