/** Registry of the tasks on user files, one line each. Commands, help, messages and checkpoints look them up here. */
import type { Setting } from '../core/setting';
import { trainingSettings } from '../bptt/train/settings';
import { plateauSetting } from '../run/plateau';
import { known } from '../terminal/arguments';
import { classify } from './classify/classify';
import { forecast } from './forecast/forecast';
import { generate } from './generate/generate';
import { music } from './music/music';
import { tag } from './tag/tag';
import type { Task } from './task';
import { translate } from './translate/translate';

export const tasks: readonly Task[] = [forecast, classify, tag, translate, generate, music];
export const taskNames = tasks.map(({ name }) => name);

/** @throws CommandError for an unknown name. */
export const taskOf = (name: unknown, must: string): Task => {
  const found = known(name, taskNames, must);
  return tasks.find((task) => task.name === found) as Task;
};

const { text: _text, embedding: _embedding, seq: _seq, ...shared } = trainingSettings;
/** Settings of all tasks, besides their own. */
export const sharedSettings = {
  ...shared,
  patience: {
    ...{ kind: 'number', whole: true, least: 1, off: true, default: 10 },
    ...{ label: 'Patience', unit: 'n', help: 'stop after n validations without improvement, or off' },
  },
  plateau: plateauSetting,
} as const satisfies Record<string, Setting>;

/** A choice that tasks offer with names of their own: all names, of which each task checks its own. */
function merged(before: Setting | undefined, setting: Setting): Setting {
  if (before?.kind !== 'choice' || setting.kind !== 'choice') return setting;
  const names = [...new Set([...before.names(), ...setting.names()])];
  const same = names.length === setting.names().length;
  return same ? setting : { ...setting, names: () => names, otherwise: 'by the task' };
}

/** The settings of all tasks by name, without those that text runs have, too. */
export const taskSettings: Readonly<Record<string, Setting>> = tasks
  .flatMap(({ settings }) => Object.entries(settings))
  .filter(([name]) => !(name in trainingSettings))
  .reduce<Record<string, Setting>>(
    (all, [name, setting]) => ({ ...all, [name]: merged(all[name], setting) }),
    {},
  );
