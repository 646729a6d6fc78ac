/** What a trial reached, its form and its words. */
import * as v from 'valibot';

export const outcomeSchema = v.strictObject({
  /** 'diverged' where a loss, a gradient or a weight was no number any more: with these settings, it always will be. */
  status: v.picklist(['done', 'diverged']),
  /** Bits per character at the end of the training, and on the validation text; null where there are none. */
  training: v.nullable(v.number()),
  validation: v.nullable(v.number()),
  parameters: v.number(),
  /** Time on the clock since the trial was begun, or taken up again. */
  seconds: v.number(),
  /** Where it ran, and the folder of its model there. */
  host: v.string(),
  model: v.string(),
});
export type Outcome = v.InferOutput<typeof outcomeSchema>;

/** What a trial is judged by, in bits per character: lower is better; null where it diverged. */
export const reached = ({ validation, training }: Outcome): number | null => validation ?? training;

/** `2.345 bits/char (6.7 s)` */
export function inWords(outcome: Outcome): string {
  const bits = reached(outcome);
  return `${bits === null ? outcome.status : `${bits.toFixed(3)} bits/char`} (${outcome.seconds.toFixed(1)} s)`;
}
