/** Settings of every training run: their form in a checkpoint, and the parser of `--schedule`. */
import * as v from 'valibot';
import type { NoiseOptions } from '../bptt/network/noise';
import {
  scheduleForms,
  trainingSettings,
  type SettingName,
  type TrainingValues,
} from '../bptt/train/settings';
import { schedule, schedules, type ScheduleOptions } from '../bptt/train/schedules';
import { canBe, OFF, parseDecimal, settingInWords, type Value } from '../core/setting';
import { show } from '../terminal/arguments';
import { usage, type CommandError } from '../terminal/errors';
import { isCellSetting } from './cellchoice';

export { CHECKPOINT } from '../io/save';
/** Name of the picture of the loss curves, which every run draws. */
export const PICTURE = 'loss.svg';

const isSchedule = (given: unknown): boolean => {
  try {
    schedule(given as ScheduleOptions);
    return true;
  } catch {
    return false;
  }
};

type Table = typeof trainingSettings;
/** Values of a setting as a checkpoint stores them: each entry represents `off` in its own way. */
type Stored<K extends SettingName> = Exclude<Value<Table[K]>, typeof OFF>;

/** Schema of a setting in a checkpoint. */
export const stored = <K extends SettingName>(name: K): v.GenericSchema<Stored<K>> =>
  v.custom<Stored<K>>(
    (value) => value !== OFF && canBe(trainingSettings[name], value),
    ({ input }) => `must be ${settingInWords(trainingSettings[name])}, got ${show(JSON.stringify(input))}`,
  );

/** The entries that every run writes to its checkpoint, whatever it trains. */
export const runEntries = {
  /** Fingerprint of the training data: a run can be resumed only with the same data. */
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  /** The name of a built-in cell, or the text of the user's own. */
  cell: v.pipe(v.string(), v.check(isCellSetting)),
  layers: stored('layers'),
  hidden: stored('hidden'),
  batch: stored('batch'),
  optimizer: stored('optimizer'),
  lr: stored('lr'),
  schedule: v.custom<ScheduleOptions>(isSchedule, 'must be a known schedule with options in range'),
  clip: v.nullable(stored('clip')),
  dropout: stored('dropout'),
  /** These three are absent when they are off. */
  variational: v.optional(v.literal(true)),
  zoneout: v.optional(stored('zoneout')),
  chrono: v.optional(stored('chrono')),
  seed: stored('seed'),
  dtype: stored('dtype'),
  // any string: the checkpoint may come from a machine with other executors
  executor: v.string(),
  /** Absent when it is 1. */
  threads: v.optional(stored('threads')),
  steps: v.nullable(stored('steps')),
  seconds: v.nullable(stored('seconds')),
};

/** The entries of settings that are off by default; those that are off are absent. */
export const rareEntries = ({
  variational = false,
  zoneout = '0',
  chrono = OFF,
}: Pick<TrainingValues, 'variational' | 'zoneout' | 'chrono'>) => ({
  ...(variational && { variational }),
  ...(readZoneout(zoneout) !== 0 && { zoneout }),
  ...(chrono !== OFF && { chrono }),
});

/** What to do when a network cannot have the noise that was asked for. */
export const NOISE_FIX = 'leave --zoneout or --variational out, or choose another --cell';

/** The noise of a network that is trained with these settings. */
export const noiseOf = ({ dropout, variational, zoneout }: Noisy): NoiseOptions & { dropout: number } => ({
  dropout,
  ...(variational && { variational }),
  ...(zoneout !== undefined && { zoneout: readZoneout(zoneout) }),
});
interface Noisy {
  dropout: number;
  variational?: true | undefined;
  zoneout?: string | undefined;
}

/**
 * Reads a probability, or one for each state.
 * @throws CommandError for any other text.
 * @example readZoneout('h=0.05,c=0.5') // { h: 0.05, c: 0.5 }
 */
export function readZoneout(text: string): number | Record<string, number> {
  const isProbability = (p: number): boolean => p >= 0 && p < 1;
  const one = parseDecimal(text.trim());
  if (isProbability(one)) return one;
  const all = text.split(',').map((part) => part.split('='));
  const states = all.map(([name, p = '']) => [name.trim(), parseDecimal(p.trim())] as const);
  const isFine = all.every((pair) => pair.length === 2) && states.every(([s, p]) => s && isProbability(p));
  if (isFine) return Object.fromEntries(states);
  throw usage(`train: --zoneout must be ${trainingSettings.zoneout.must}, got ${show(text)}`);
}

/**
 * Reads `constant`, `step:EVERY:FACTOR`, `cosine:STEPS:MINIMUM` or another schedule by its name and its options in
 * order, optionally preceded by `warmup:STEPS,`; options at the end that have a default can be omitted.
 *
 * @param steps default of an option called `steps`, such as the end of a cosine.
 * @throws CommandError for any other text.
 * @example readSchedule('warmup:100,cosine:5000', null) // { name: 'cosine', steps: 5000, warmUp: 100 }
 */
export function readSchedule(text: string, steps: number | null): ScheduleOptions {
  const all = scheduleForms();
  const forms = `${all.slice(0, -1).join(', ')} or ${all[all.length - 1]}`;
  const refuse = (why = ''): CommandError =>
    usage(
      `train: --schedule must be ${forms}, got ${show(text)}${why}`,
      'for example step:1000:0.5, cosine:5000, or warmup:100,cosine:5000; cosine without a number needs --steps',
    );
  const [, warm, given = warm && 'constant'] = /^(?:warmup:(\d+)(?:,(?=.)|$))?(.+)?$/.exec(text) ?? [];
  const [name, ...numbers] = given?.split(':') ?? [];
  const names = schedules().find(([known]) => known === name)?.[1];
  if (!names || numbers.length > names.length || !numbers.every((one) => /^\d*\.?\d+$/.test(one)))
    throw refuse();
  const options = {
    name,
    ...(names.includes('steps') && steps !== null && { steps }),
    ...Object.fromEntries(numbers.map((one, k) => [names[k], Number(one)])),
    ...(warm !== undefined && { warmUp: Number(warm) }),
  } as ScheduleOptions;
  try {
    schedule(options);
  } catch (error) {
    throw refuse(` (${(error as Error).message.replace(/^schedule: /, '')})`);
  }
  return options;
}

type Filled<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** The same object without the keys whose value is undefined. */
export function withoutHoles<T extends object>(object: T): Filled<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Filled<T>;
}
