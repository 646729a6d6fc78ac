/** Learning-rate schedules: pure functions from the number of previous steps to a factor of the learning rate. */
import { must, mustBe, mustCount, mustKnowKeys } from '../../core/check';
import { Registry } from '../../core/registry';

/** The factor for the step after `step` previous ones; schedule(0) for the first step. */
export type Schedule = (step: number) => number;

/** How the learning rate changes. */
export type ScheduleOptions = {
  /** Number of initial steps with a linear warm-up; default 0. */ warmUp?: number;
} & (
  | { name: 'constant' }
  /** Multiplies the rate by `factor` (default 0.1) every `every` steps. */
  | { name: 'step'; every: number; factor?: number }
  /** Half a cosine from 1 down to `minimum` (default 0) over `steps` steps, then constant. */
  | { name: 'cosine'; steps: number; minimum?: number }
  /** Multiplies the rate by `factor` (default 0.1) over every `every` steps, a little at each step. */
  | { name: 'exponential'; every: number; factor?: number }
  /** Half a cosine up from 1/25 over the share `peak` (default 0.3) of `steps` steps, then one down to 1/250,000. */
  | { name: 'one-cycle'; steps: number; peak?: number }
  /** A schedule registered by `registerSchedule`. */
  | { name: string & { readonly registered: true } }
);

/** Definition of a schedule with numeric options. */
export interface ScheduleDefinition<O extends string> {
  /** Its name in options, in checkpoints and on the command line: `step`. */
  name: string;
  /** Its options in the order of the command line, `step:EVERY:FACTOR`; there, `steps` defaults to those of the run. */
  options: readonly O[];
  /** Defaults of the optional ones. */
  defaults?: Partial<Record<O, number>>;
  /** Throws for options out of range, with messages that begin with `where`. */
  check?(options: Record<O, number>, where: string): void;
  /** The factor after a number of steps, not counting the warm-up. */
  factor(options: Record<O, number>): Schedule;
  /** The factor as a Python expression of `step`; required for export to PyTorch. */
  python?(options: Record<O, number>): string;
}

const registry = new Registry<ScheduleDefinition<string>>('the name');

/**
 * Registers a schedule under its name for training, checkpoints and commands. Exporters that do not support it throw an
 * error with its name.
 *
 * @returns a function that creates its options.
 * @throws RangeError if the name is taken.
 * @example
 * const inverse = registerSchedule({
 *   name: 'inverse',
 *   options: ['after'],
 *   defaults: { after: 1000 },
 *   factor: ({ after }) => (step) => 1 / (1 + step / after),
 * });
 * schedule(inverse({ after: 10 }))(30); // 0.25
 */
export function registerSchedule<O extends string>(
  made: ScheduleDefinition<O>,
): (options?: Partial<Record<O | 'warmUp', number>>) => ScheduleOptions {
  registry.add(made.name, made, 'registerSchedule');
  return (options) => ({ ...options, name: made.name }) as ScheduleOptions;
}

/** Names of all schedules in order of registration, each with the names of its options. */
export const schedules = (): [name: string, options: readonly string[]][] =>
  registry.all.map(({ name, options }) => [name, options]);

/** Registers a decay by a factor over a number of steps. @param times how often the factor applies after `x` times them. */
function registerDecay(name: string, times: (x: number) => number, division: '/' | '//'): void {
  registerSchedule({
    name,
    options: ['every', 'factor'],
    defaults: { factor: 0.1 },
    check({ every, factor }, where) {
      mustCount(every, where, 'every');
      must(factor > 0 && factor <= 1, where, 'factor must be in 0 < factor ≤ 1', factor);
    },
    factor:
      ({ every, factor }) =>
      (step) =>
        factor ** times(step / every),
    python: ({ every, factor }) => `${factor} ** (step ${division} ${every})`,
  });
}

registerSchedule({ name: 'constant', options: [], factor: () => () => 1, python: () => '1' });
registerDecay('step', Math.floor, '//');
registerSchedule({
  name: 'cosine',
  options: ['steps', 'minimum'],
  defaults: { minimum: 0 },
  check({ steps, minimum }, where) {
    mustCount(steps, where, 'steps');
    must(minimum >= 0 && minimum <= 1, where, 'minimum must be a factor in 0…1', minimum);
  },
  factor:
    ({ steps, minimum }) =>
    (step) =>
      minimum + ((1 - minimum) * (1 + Math.cos((Math.PI * Math.min(step, steps)) / steps))) / 2,
  python: ({ steps, minimum }) =>
    `${minimum} + (1 - ${minimum}) * (1 + math.cos(math.pi * min(step, ${steps}) / ${steps})) / 2`,
});

registerDecay('exponential', (x) => x, '/');

/** The factors at the start and at the end of a cycle, as in PyTorch's OneCycleLR. */
const [CYCLE_START, CYCLE_END] = [1 / 25, 1 / 250_000];

registerSchedule({
  name: 'one-cycle',
  options: ['steps', 'peak'],
  defaults: { peak: 0.3 },
  check({ steps, peak }, where) {
    mustCount(steps, where, 'steps', 2);
    const inside = peak * steps > 1 && peak < 1;
    must(inside, where, 'peak must be a share of the steps, after the first of them and below 1', peak);
  },
  factor({ steps, peak }) {
    const [top, last] = [peak * steps - 1, steps - 1];
    const between = (from: number, to: number, share: number): number =>
      to + ((from - to) * (1 + Math.cos(Math.PI * share))) / 2;
    return (step) =>
      step <= top
        ? between(CYCLE_START, 1, step / top)
        : between(1, CYCLE_END, (Math.min(step, last) - top) / (last - top));
  },
  python({ steps, peak }) {
    const [top, last] = [peak * steps - 1, steps - 1];
    const between = (from: number, to: number, share: string): string =>
      `${to} + (${from} - ${to}) * (1 + math.cos(math.pi * ${share})) / 2`;
    const down = `(min(step, ${last}) - ${top}) / ${last - top}`;
    return `${between(CYCLE_START, 1, `step / ${top}`)} if step <= ${top} else ${between(1, CYCLE_END, down)}`;
  },
});

/** Checks options and fills in defaults. */
function settle(given: ScheduleOptions) {
  const where = 'schedule';
  mustBe(typeof given === 'object' && given !== null, where, 'options must be an object', given);
  const made = registry.get(given.name, where);
  mustKnowKeys(given, ['name', 'warmUp', ...made.options], where);
  const { warmUp = 0 } = given;
  mustCount(warmUp, where, 'warmUp', 0);
  const own = given as unknown as Partial<Record<string, number>>;
  const options = Object.fromEntries(
    made.options.map((key) => [key, own[key] === undefined ? made.defaults?.[key] : own[key]]),
  ) as Record<string, number>;
  made.check?.(options, where);
  for (const [key, value] of Object.entries(options))
    must(Number.isFinite(value), where, `${key} must be a finite number`, value);
  return { made, warmUp, options };
}

/**
 * A learning-rate schedule.
 *
 *   warm-up of w steps   (step + 1) / w, then the schedule itself, counted from 0
 *   constant             1
 *   step                 factor ^ floor(step / every)
 *   cosine               minimum + (1 − minimum) (1 + cos(π step / steps)) / 2
 *   exponential          factor ^ (step / every)
 *   one-cycle            with s = peak steps − 1: up to s from 1/25 to 1, and up to steps − 1 from 1 to 1/250,000, each along
 *                        half a cosine
 *
 * Source: cosine: Loshchilov & Hutter 2017, "SGDR", without restarts; one-cycle: Smith & Topin 2018, "Super-convergence", as in
 * PyTorch's OneCycleLR.
 * @throws TypeError for an unknown name or option; RangeError for a value out of range.
 * @example
 * const rate = schedule({ name: 'cosine', steps: 10, warmUp: 2 });
 * [rate(0), rate(1), rate(2), rate(7), rate(12)]; // [0.5, 1, 1, 0.5, 0]
 */
export function schedule(options: ScheduleOptions): Schedule {
  const { made, warmUp, options: settled } = settle(options);
  const proper = made.factor(settled);
  return (step) => (step < warmUp ? (step + 1) / warmUp : proper(step - warmUp));
}

/**
 * The lines of an equivalent Python function of `step`.
 * @throws TypeError for a schedule without a Python expression.
 */
export function pythonOf(options: ScheduleOptions): string[] {
  const { made, warmUp, options: settled } = settle(options); // so only numbers in range get into the lines
  const line = made.python?.(settled);
  mustBe(line !== undefined, 'torch', 'the schedule must state what it is in Python', made.name);
  const rising = [`if step < ${warmUp}:`, `    return (step + 1) / ${warmUp}`, `step -= ${warmUp}`];
  return [...(warmUp > 0 ? rising : []), `return ${line}`];
}
