/** Learning-rate schedules: pure functions from the number of steps already made to a factor of the learning rate. */
import { must, mustBe, mustBeOneOf, mustCount, mustKnowKeys } from '../../core/check';

/** The factor for the step that follows `step` earlier ones: the first step asks for schedule(0). */
export type Schedule = (step: number) => number;

/** How the learning rate changes. */
export type ScheduleOptions = {
  /** Steps over which the rate first rises linearly; default 0. */ warmUp?: number;
} & (
  | { name: 'constant' }
  /** Times `factor` (default 0.1) after every `every` steps. */
  | { name: 'step'; every: number; factor?: number }
  /** Half a cosine from 1 down to `minimum` (default 0) over `steps` steps, then constant. */
  | { name: 'cosine'; steps: number; minimum?: number }
);

const names = ['constant', 'step', 'cosine'] as const;
const own = { constant: [], step: ['every', 'factor'], cosine: ['steps', 'minimum'] };

/**
 * A learning-rate schedule.
 *
 *   warm-up of w steps   (step + 1) / w, then the schedule proper, counted from its own 0
 *   constant             1
 *   step                 factor ^ floor(step / every)
 *   cosine               minimum + (1 − minimum) (1 + cos(π step / steps)) / 2
 *
 * Source: cosine: Loshchilov & Hutter 2017, "SGDR", without restarts.
 * @throws TypeError for an unknown name or option; RangeError for a value out of range.
 * @example
 * const rate = schedule({ name: 'cosine', steps: 10, warmUp: 2 });
 * [rate(0), rate(1), rate(2), rate(7), rate(12)]; // [0.5, 1, 1, 0.5, 0]
 */
export function schedule(options: ScheduleOptions): Schedule {
  const where = 'schedule';
  mustBe(typeof options === 'object' && options !== null, where, 'options must be an object', options);
  const name = mustBeOneOf(options.name, names, where, 'the name');
  mustKnowKeys(options, ['name', 'warmUp', ...own[name]], where);
  const { warmUp = 0 } = options;
  mustCount(warmUp, where, 'warmUp', 0);
  const proper = properOf(options, where);
  return (step) => (step < warmUp ? (step + 1) / warmUp : proper(step - warmUp));
}

function properOf(options: ScheduleOptions, where: string): Schedule {
  if (options.name === 'step') {
    const { every, factor = 0.1 } = options;
    mustCount(every, where, 'every');
    must(factor > 0 && factor <= 1, where, 'factor must be in 0 < factor ≤ 1', factor);
    return (step) => factor ** Math.floor(step / every);
  }
  if (options.name === 'cosine') {
    const { steps, minimum = 0 } = options;
    mustCount(steps, where, 'steps');
    must(minimum >= 0 && minimum <= 1, where, 'minimum must be a factor in 0…1', minimum);
    return (step) =>
      minimum + ((1 - minimum) * (1 + Math.cos((Math.PI * Math.min(step, steps)) / steps))) / 2;
  }
  return () => 1;
}
