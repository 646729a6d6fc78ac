/** The settings of a training run of text: their form in a checkpoint, and how a resumed run changes them. */
import * as v from 'valibot';
import {
  scheduleForms,
  trainingSettings,
  type SettingName,
  type TrainingValues,
} from '../bptt/train/settings';
import { schedule, schedules, type ScheduleOptions } from '../bptt/train/schedules';
import { canBe, defaultsOf, OFF, settingInWords, type Value } from '../core/setting';
import { show } from '../terminal/arguments';
import { cellLabel, isCellSetting, partsOf } from './cellchoice';
import { usage, type CommandError } from '../terminal/errors';

/** Name of the checkpoint in a run's folder. */
export const CHECKPOINT = 'checkpoint.safetensors';
/** Name of the loss curve, which every run draws. */
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
/** Values of a setting as a checkpoint holds them: `off` is left to each entry. */
type Stored<K extends SettingName> = Exclude<Value<Table[K]>, typeof OFF>;

/** What a checkpoint holds of a setting. */
const stored = <K extends SettingName>(name: K): v.GenericSchema<Stored<K>> =>
  v.custom<Stored<K>>(
    (value) => value !== OFF && canBe(trainingSettings[name], value),
    ({ input }) => `must be ${settingInWords(trainingSettings[name])}, got ${show(JSON.stringify(input))}`,
  );

/** What a checkpoint says of the run it comes from. */
export const settingsSchema = v.strictObject({
  text: stored('text'),
  /** Fingerprint of the text: a run goes on with the same one only. */
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  /** The name of a cell, or the text of one's own. */
  cell: v.pipe(v.string(), v.check(isCellSetting)),
  layers: stored('layers'),
  hidden: stored('hidden'),
  /** Left out when there is none. */
  embedding: v.optional(stored('embedding')),
  batch: stored('batch'),
  seq: stored('seq'),
  optimizer: stored('optimizer'),
  lr: stored('lr'),
  schedule: v.custom<ScheduleOptions>(isSchedule, 'must be a known schedule with options in range'),
  clip: v.nullable(stored('clip')),
  dropout: stored('dropout'),
  seed: stored('seed'),
  dtype: stored('dtype'),
  // any: a checkpoint may come from where other executors are
  executor: v.string(),
  /** Left out when it is 1. */
  threads: v.optional(stored('threads')),
  steps: v.nullable(stored('steps')),
  seconds: v.nullable(stored('seconds')),
});
export type Settings = v.InferOutput<typeof settingsSchema>;

/** What the command line or a sweep said; what it left out is undefined. The schedule is still text. */
export type Given = Omit<TrainingValues, 'cell' | 'executor'> & { cell?: string; executor?: string };

const defaults = defaultsOf(trainingSettings);

/** The settings that a run cannot change halfway: its weights, its states and its place in the text depend on them. */
const fixed = [
  ...(['cell', 'layers', 'hidden', 'embedding', 'batch', 'seq'] as const),
  ...(['optimizer', 'dropout', 'seed', 'dtype'] as const),
];

/**
 * Settings of a new run.
 * @throws CommandError when they do not go together.
 */
export function newSettings(given: Given, text: string, sha256: string, executor: string): Settings {
  const {
    cell,
    layers,
    hidden,
    embedding,
    batch,
    seq,
    optimizer,
    lr,
    schedule,
    clip,
    dropout,
    seed,
    dtype,
    seconds,
  } = { ...defaults, ...withoutHoles(given) };
  const { steps = null, threads } = given;
  const { count, why } = partsOf(cell) ?? { count: 1, why: '' };
  if (hidden % count !== 0)
    throw usage(
      `train: --hidden must be a multiple of ${count} with --cell ${cell}, got ${hidden}`,
      `--hidden ${count * Math.ceil(hidden / count)}: ${why}`,
    );
  mustShare(threads, batch);
  return {
    ...{
      text,
      sha256,
      cell,
      layers,
      hidden,
      batch,
      seq,
      optimizer,
      lr,
      dropout,
      seed,
      dtype,
      executor,
      steps,
    },
    schedule: readSchedule(schedule, steps),
    clip: clip === OFF ? null : clip,
    ...(embedding !== OFF && { embedding }),
    ...(threads !== undefined && { threads }),
    // the default limit holds where there is no other
    seconds: given.seconds === undefined && steps !== null ? null : seconds,
  };
}

/**
 * Settings of a run that goes on.
 * @throws CommandError when one is changed that cannot be.
 */
export function resumedSettings(given: Given, before: Settings): Settings {
  for (const name of fixed) {
    const wanted = given[name];
    const was = before[name] ?? OFF;
    if (wanted === undefined || wanted === was) continue;
    throw usage(
      `train: --${name} must stay ${shown(name, was)} with --resume, got ${shown(name, wanted)} (it is fixed by the checkpoint)`,
      `leave --${name} out, or start a new run without --resume`,
    );
  }
  const { schedule, clip, steps, seconds, lr, text, executor, threads } = withoutHoles(given);
  mustShare(threads, before.batch);
  // a new limit replaces both old ones
  const limits = steps !== undefined || seconds !== undefined;
  const settings = {
    ...before,
    ...withoutHoles({ lr, text, executor, threads }),
    ...(clip !== undefined && { clip: clip === OFF ? null : clip }),
    ...(limits && { steps: steps ?? null, seconds: seconds ?? null }),
  };
  return schedule === undefined
    ? settings
    : { ...settings, schedule: readSchedule(schedule, settings.steps) };
}

/** A value as it reads in a message; a cell of one's own by its name. */
const shown = (name: (typeof fixed)[number], value: string | number): string =>
  name === 'cell' ? cellLabel(String(value)) : String(value);

function mustShare(threads: number | undefined, batch: number): void {
  if (threads === undefined || threads <= batch) return;
  throw usage(
    `train: --threads must be at most ${batch}, got ${threads} (threads split the ${batch} streams of --batch)`,
    `--threads ${batch}, or a larger --batch`,
  );
}

/**
 * Reads `constant`, `step:EVERY:FACTOR`, `cosine:STEPS:MINIMUM` or another schedule by its name and its options in order,
 * with or without `warmup:STEPS,` before it; options at the end that have a default can be left out.
 *
 * @param steps what an option called `steps` is when it is left out, the end of a cosine for instance.
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
function withoutHoles<T extends object>(object: T): Filled<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Filled<T>;
}
