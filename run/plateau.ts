/** `--plateau` of a run: a learning rate that is lowered when validations stop improving. */
import * as v from 'valibot';
import { plateau, type Plateau, type PlateauState } from '../bptt/train/plateau';
import { schedule as scheduleOf, type Schedule, type ScheduleOptions } from '../bptt/train/schedules';
import { OFF, parseDecimal, type Setting } from '../core/setting';
import { show } from '../terminal/arguments';
import { usage } from '../terminal/errors';

const MUST = 'FACTOR:N with 0 < FACTOR < 1 and a whole number N >= 0, as in 0.5:3, or off';

export const plateauSetting = {
  ...{ kind: 'text', label: 'Plateau', unit: 'factor:n', must: MUST, default: OFF },
  help: 'multiply the learning rate by FACTOR after more than N validations in a row without a better one, as in 0.5:3, or off',
} as const satisfies Setting;

/** The plateau of a text such as `0.5:3`; undefined if it is none. */
function plateauIn(text: string): Plateau | undefined {
  const [factor, patience, ...rest] = text.split(':').map((part) => parseDecimal(part.trim()));
  if (rest.length > 0 || patience === undefined) return undefined;
  try {
    return plateau({ factor, patience });
  } catch {
    return undefined;
  }
}

/** The entry in the settings of a run; absent when it is off. */
export const plateauEntry = v.optional(
  v.pipe(
    v.string(),
    v.check((text) => plateauIn(text) !== undefined),
  ),
);

const finite = v.pipe(v.number(), v.finite());
const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
/** Its state in a checkpoint. */
export const plateauState: v.GenericSchema<PlateauState> = v.strictObject({
  factor: v.pipe(finite, v.minValue(0), v.maxValue(1)),
  best: v.optional(finite),
  bad: whole,
  cooldown: whole,
});

/**
 * The entry of the settings for `--plateau`.
 * @param patience Of early stopping, if there is any.
 * @throws CommandError when it cannot be read, or contradicts the schedule or the patience.
 */
export function readPlateau(
  text: string | undefined,
  { schedule, patience }: { schedule: ScheduleOptions; patience?: number | undefined },
): { plateau?: string } {
  if (text === undefined || text === OFF) return {};
  const made = plateauIn(text);
  if (!made) throw usage(`train: --plateau must be ${MUST}, got ${show(text)}`);
  if (schedule.name !== 'constant')
    throw usage(
      `train: --plateau must be left out with --schedule ${schedule.name}, got ${show(text)} (both change the learning rate)`,
      'leave one of them out; only --schedule warmup:STEPS can be combined with it',
    );
  const { patience: own } = made.options;
  if (patience !== undefined && own + 1 >= patience)
    throw usage(
      `train: --plateau must lower the rate before --patience ${patience} ends the training, got ${show(text)}`,
      `--patience ${2 * own + 4}, or --patience off`,
    );
  return { plateau: text };
}

/** The plateau of a run's settings, with its state. @throws CommandError when there is nothing to validate on. */
export function plateauOf(
  text: string | undefined,
  validates: boolean,
  state?: PlateauState,
): Plateau | undefined {
  if (text === undefined) return undefined;
  if (!validates)
    throw usage(
      `train: --plateau must be left out, got ${text} (there is too little data for a validation part)`,
      'leave it out, or give more data',
    );
  const made = plateauIn(text) as Plateau;
  if (state) made.state = state;
  return made;
}

/** The state for other data: the rate stays lowered, but losses of both data are not compared. */
export const onOtherData = (state: PlateauState | undefined): PlateauState | undefined =>
  state && { factor: state.factor, bad: 0, cooldown: 0 };

/** The factor of the learning rate at each step. */
export function rateOf(options: ScheduleOptions, lower: Plateau | undefined): Schedule {
  const proper = scheduleOf(options);
  return lower ? (step) => proper(step) * lower.factor : proper;
}

/** Tells the plateau of a validation; returns the new learning rate, a multiple of `rate`, if it has been lowered. */
export function lowered(lower: Plateau | undefined, loss: number, rate: number): { learningRate?: number } {
  const before = lower?.factor;
  // a diverged validation has no value to compare
  lower?.see(Number.isFinite(loss) ? loss : Number.MAX_VALUE);
  return lower === undefined || lower.factor === before ? {} : { learningRate: rate * lower.factor };
}
