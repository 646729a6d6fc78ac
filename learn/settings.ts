/** Settings of a task's training run: their form in a checkpoint, and how a resumed run changes them. */
import * as v from 'valibot';
import { canBe, defaultsOf, OFF, settingInWords } from '../core/setting';
import { plateauEntry, readPlateau } from '../run/plateau';
import { rareEntries, readSchedule, runEntries } from '../run/settings';
import { show } from '../terminal/arguments';
import { usage } from '../terminal/errors';
import { flagOf } from '../terminal/options';
import { readingSettings } from './reading';
import type { Given, Task } from './task';
import { sharedSettings, tasks } from './tasks';

export const settingsSchema = v.strictObject({
  ...runEntries,
  file: v.string(),
  /** Absent when it is off. */
  patience: v.optional(
    v.custom<number>(
      (value) => typeof value === 'number' && canBe(sharedSettings.patience, value),
      'must be a number',
    ),
  ),
  plateau: plateauEntry,
});
export type Settings = v.InferOutput<typeof settingsSchema>;

const textOnly = ['text', 'embedding', 'seq'] as const;

/** Settings that cannot change when a run is resumed. */
const fixed = [
  'cell',
  'layers',
  'hidden',
  'batch',
  'optimizer',
  'dropout',
  'variational',
  'zoneout',
  'chrono',
  'seed',
  'dtype',
  'patience',
  'plateau',
] as const;

/** The task's own options with defaults filled in. @throws CommandError for options of another task. */
export function ownOptions(task: Task, given: Given): Given {
  for (const other of tasks)
    for (const name of Object.keys(other.settings))
      if (given[name] !== undefined && !(name in task.settings))
        throw usage(
          `train: --${flagOf(name)} must be left out with --task ${task.name}, got ${show(String(given[name]))}`,
          `it belongs to --task ${other.name}`,
        );
  // runs on text check their own options
  const misplaced =
    task.name === 'text'
      ? undefined
      : textOnly.find((name) => given[name] !== undefined && !(name in task.settings));
  if (misplaced !== undefined)
    throw usage(
      `train: --${misplaced} must be left out with --task ${task.name}, got ${show(String(given[misplaced]))}`,
      'it belongs to --task text',
    );
  const own = Object.keys(task.settings).flatMap((name) =>
    given[name] === undefined ? [] : [[name, given[name]]],
  );
  // the command line accepts the choices of all tasks
  const [wrong] =
    task.name === 'text' ? [] : own.filter(([name, value]) => !canBe(task.settings[name as string], value));
  if (wrong) {
    const [name, value] = wrong as [string, unknown];
    const must = settingInWords(task.settings[name]);
    throw usage(
      `train: --${flagOf(name)} must be ${must} with --task ${task.name}, got ${show(String(value))}`,
    );
  }
  return { ...defaultsOf(task.settings), ...(Object.fromEntries(own) as Given) };
}

/** Settings of a new run. */
export function newSettings(
  task: Task,
  given: Given,
  file: string,
  sha256: string,
  executor: string,
): Settings {
  const usual = { ...defaultsOf(sharedSettings), ...task.defaults };
  const all = {
    ...usual,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  };
  const steps = (given.steps ?? null) as number | null;
  const { cell, layers, hidden, batch, optimizer, lr, clip, dropout, seed, dtype, seconds, patience } = all;
  const rate = readSchedule(String(all.schedule), steps);
  return {
    ...{ file, sha256, cell, layers, hidden, batch, optimizer, lr, dropout, seed, dtype, executor, steps },
    schedule: rate,
    ...readPlateau(given.plateau as string | undefined, {
      schedule: rate,
      patience: patience === OFF ? undefined : patience,
    }),
    clip: clip === OFF ? null : clip,
    ...rareEntries(all),
    ...(patience !== OFF && { patience }),
    ...(given.threads !== undefined && { threads: given.threads as number }),
    // the default limit applies only without another limit
    seconds: given.seconds === undefined && steps !== null ? null : seconds,
  };
}

/** Settings of a resumed run. @throws CommandError when one is changed that is fixed. */
export function resumedSettings(task: Task, given: Given, before: Settings): Settings {
  const usual = defaultsOf(sharedSettings);
  const changed = [...fixed, ...Object.keys(readingSettings), ...Object.keys(task.settings)].find((name) => {
    const off = name in usual ? usual[name as keyof typeof usual] : undefined;
    const was = (before as unknown as Given)[name] ?? off;
    return given[name] !== undefined && given[name] !== was;
  });
  if (changed !== undefined)
    throw usage(
      `train: --${flagOf(changed)} must be left out with --resume, got ${show(String(given[changed]))} (it is fixed by the checkpoint)`,
      `leave --${flagOf(changed)} out, or start a new run without --resume`,
    );
  const { steps, seconds, lr, clip, schedule, threads, executor } = given as Partial<
    Omit<Settings, 'schedule' | 'clip'> & { clip: number | 'off'; schedule: string }
  >;
  const limits = steps !== undefined || seconds !== undefined;
  const settings = {
    ...before,
    ...(lr !== undefined && { lr }),
    ...(threads !== undefined && { threads }),
    ...(executor !== undefined && { executor }),
    ...(clip !== undefined && { clip: clip === OFF ? null : clip }),
    // a new limit replaces both old ones
    ...(limits && { steps: steps ?? null, seconds: seconds ?? null }),
  };
  if (schedule === undefined) return settings;
  const rate = readSchedule(schedule, settings.steps);
  return { ...settings, schedule: rate, ...readPlateau(before.plateau, { schedule: rate }) };
}
