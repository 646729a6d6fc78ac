/** `backstep train FILE`: chooses the task, and starts or resumes its run. */
import { basename, dirname, extname, join } from 'node:path';
import { trainingSettings } from '../bptt/train/settings';
import { executorHere, executorOf, type ExecutorName } from '../core/programs/executor';
import type { Table } from '../data/table';
import { decodeCheckpoint } from '../io/checkpoint';
import { fileIn, readWhole } from '../io/files';
import { usage, using } from '../terminal/errors';
import { trainTextModel } from '../text/run';
import { onward, TrainingRun, type RunChoices } from '../run/trainingrun';
import { noteLine } from '../terminal/output';
import { CHECKPOINT } from '../run/settings';
import { fingerprintOf, tableOf } from './source';
import type { Given, Task } from './task';
import { mustNotReadTable, readingOf, type GivenReading } from './reading';
import { newSettings, ownOptions, resumedSettings } from './settings';
import { tokens } from './options';
import { taskNames, taskOf, tasks } from './tasks';
import { isTaskRun, readTaskNote, TaskTrainer } from './trainer';

/** The options of `train` as parsed by commander. */
export type Options = Given & RunChoices & { task?: string };

/** Trains on a file, or on the files of a text, or resumes from a checkpoint; returns the exit code. */
export async function trainTask(files: readonly string[], options: Options): Promise<number> {
  const [file] = files as readonly (string | undefined)[];
  if (options.resume !== undefined) {
    const from = using(() => fileIn(options.resume as string, CHECKPOINT));
    const found = using(() => decodeCheckpoint(readWhole(from), { inference: true, file: from }));
    if (isTaskRun(found)) return resume(from, oneOf(files), options);
    mustStay('text', options);
  }
  const isText =
    options.task === 'text' ||
    (options.task === undefined &&
      (options.resume !== undefined || files.every((one) => /\.(txt|md)$/i.test(one))));
  if (isText || file === undefined) {
    if (!isText) throw usage(`train: a file must be given with --task ${options.task}, got none`);
    const named = options.text as string | undefined;
    if (file !== undefined && named !== undefined)
      throw usage(
        `train: --text must be left out with files of a text, got ${named} beside ${file}`,
        `backstep train ${file} ${named} reads both`,
      );
    const text = file ?? named;
    mustNotReadTable(options, 'train', '--task text');
    ownOptions({ name: 'text', settings: { ...trainingSettings, tokens } } as unknown as Task, options);
    const more = files.slice(1);
    return trainTextModel({
      ...options,
      ...(text !== undefined && { text }),
      ...(more.length > 0 && { more }),
    });
  }
  oneOf(files);
  const asked =
    options.task === undefined ? undefined : taskOf(options.task, 'train: --task must be one of text,');
  const table = await tableOf(file, asked?.columns, readingOf(options as GivenReading, 'train'));
  const task = asked ?? chosen(table, options);
  const executor = using(() => executorOf(options.executor as ExecutorName | undefined)).name;
  const own = ownOptions(task, options);
  const settings = newSettings(task, options, file, await fingerprintOf(file), executor);
  const trainer = using(
    () => TaskTrainer.begin(task, task.prepare(table, own), table, settings),
    `backstep data ${file} shows what is in the file`,
  );
  const name = file === '-' ? 'data' : basename(file, extname(file));
  return new TrainingRun(trainer, options.out ?? join('runs', name), options).go();
}

/** @throws CommandError when a resumed run is given another task than its own. */
function mustStay(task: string, { task: asked = task }: Options): void {
  if (asked !== task)
    throw usage(
      `train: --task must stay ${task} with --resume, got ${asked} (it is fixed by the checkpoint)`,
      'leave --task out, or start a new run without --resume',
    );
}

/** The only file, if there is one. @throws CommandError for several, which only a text may have. */
function oneOf(files: readonly string[]): string | undefined {
  if (files.length > 1)
    throw usage(
      `train: one file must be given, got ${files.length}`,
      'only --task text reads several; the rows of tables can be joined in one',
    );
  return files[0];
}

/** The task that the file clearly fits. */
function chosen(table: Table, options: Options): Task {
  const fitting = tasks.flatMap((task) => {
    const why = task.fits(table, options);
    return why === undefined ? [] : [{ task, why }];
  });
  if (fitting.length !== 1)
    throw usage(
      `train: --task must be given for ${table.name}, got none (its columns fit ${fitting.length === 0 ? 'no task clearly' : fitting.map(({ task }) => task.name).join(' and ')})`,
      `--task text, ${taskNames.join(', ')}; backstep data ${table.name} shows the columns`,
    );
  const [{ task, why }] = fitting;
  noteLine(`train: --task ${task.name}, for ${why}`);
  return task;
}

async function resume(from: string, file: string | undefined, options: Options): Promise<number> {
  const spoilt = 'the file is damaged or not a checkpoint; nothing was overwritten';
  const bytes = using(
    () => readWhole(from),
    'give the checkpoint.safetensors of an earlier run, or its folder',
  );
  const {
    task,
    settings: before,
    format,
  } = using(() => readTaskNote(decodeCheckpoint(bytes, { inference: true, file: from })), spoilt);
  mustStay(task.name, options);
  ownOptions(task, options);
  const settings = resumedSettings(task, options, { ...before, ...(file !== undefined && { file }) });
  const table = await tableOf(settings.file, task.columns, { expected: format });
  if ((await fingerprintOf(settings.file)) !== before.sha256)
    throw usage(
      `train: the file must be the one that the checkpoint was trained on, got a different one (${settings.file})`,
      'give the same, unchanged file; for new data train without --resume',
    );
  const executor = using(() => executorOf(executorHere(settings.executor as ExecutorName)))
    .name as ExecutorName;
  const trainer = using(
    () => TaskTrainer.resume(table, settings, decodeCheckpoint(bytes, { executor, file: from })),
    spoilt,
  );
  const { steps } = trainer;
  if (settings.steps !== null && steps >= settings.steps)
    throw usage(
      `train: --steps must be more than the ${steps} steps already trained, got ${settings.steps}`,
      onward(trainer),
    );
  return new TrainingRun(trainer, options.out ?? dirname(from), options).go();
}
