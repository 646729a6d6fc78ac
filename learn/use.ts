/** Uses a trained task: predicts another file, and evaluates the predictions. */
import { join } from 'node:path';
import { decodeCheckpoint } from '../io/checkpoint';
import { fileIn, readWhole, writeWhole } from '../io/files';
import { saving, usage, using } from '../terminal/errors';
import { asJson, drained, line, noteLine } from '../terminal/output';
import { CHECKPOINT } from '../run/settings';
import type { Network } from '../bptt/network/network';
import type { Filling } from '../data/missing';
import type { Table } from '../data/table';
import type { Predictions } from './task';
import { readingOf, type GivenReading } from './reading';
import { fingerprintOf, tableOf, tablesOfInput } from './source';
import { withBestWeights } from './preparation';
import { evaluateText } from './text/evaluate';
import { isTaskRun, readTaskNote, type TaskNote } from './trainer';

export interface UseOptions extends GivenReading {
  out?: string;
  json?: boolean;
  /** Of standard input: predicts series while they arrive. */
  follow?: boolean;
  /** What a missing value becomes; default as in training. */
  missing?: 'refuse' | Filling;
}

/** The network of a task with its best weights, ready for use; undefined if the checkpoint is not of a task. */
function modelOf(
  given: string,
  command: string,
  { missing }: UseOptions,
): (TaskNote & { network: Network }) | undefined {
  const file = using(() => fileIn(given, CHECKPOINT));
  const bytes = using(() => readWhole(file), 'create one with backstep train FILE --task …');
  const checkpoint = using(
    () => decodeCheckpoint(bytes, { file }),
    'the file is damaged or not a checkpoint',
  );
  if (!isTaskRun(checkpoint)) return undefined;
  const note = using(() => readTaskNote(checkpoint), 'the file is damaged');
  const { network } = withBestWeights(checkpoint);
  if (missing === undefined) return { ...note, network };
  const { task } = note;
  const changed = task.withMissing?.(note.note, missing);
  if (changed === undefined)
    throw usage(
      `${command}: --missing must be left out with this model of ${task.name}, got ${missing}`,
      'it is for series of numbers',
    );
  return { ...note, note: changed, network };
}

const FIX =
  'the file must have the columns that the model was trained on; --header no reads one without a row of names';

/**
 * Writes the predictions for a file as CSV, or as JSON lines. Those for rows of standard input are written as soon as the row has
 * arrived, unless they depend on later rows.
 */
export async function predict(given: string, file: string, options: UseOptions): Promise<void> {
  const { out, json, follow } = options;
  if (follow && (file !== '-' || out !== undefined))
    throw usage(
      `predict: --follow must be given with standard input and standard output, got ${out ?? file}`,
      'tail -f FILE | backstep predict CHECKPOINT - --follow',
    );
  let count = 0;
  const linesOf = ({ names, rows }: Predictions): string[] => {
    const write = (row: (string | number)[]): string =>
      json ? asJson(Object.fromEntries(names.map((name, k) => [name, row[k]]))) : row.map(cell).join(',');
    const first = json || count > 0 ? [] : [names.map(cell).join(',')];
    count += rows.length;
    return [...first, ...rows.map(write)];
  };
  if (out !== undefined) {
    const lines: string[] = [];
    for await (const some of predictions(given, file, options)) lines.push(...linesOf(some));
    saving(() => writeWhole(out, `${lines.join('\n')}\n`), 'choose another file with --out');
    noteLine(`wrote ${out}: ${count} ${count === 1 ? 'row' : 'rows'}`);
    return;
  }
  for await (const some of predictions(given, file, options))
    for (const text of linesOf(some)) {
      process.stdout.write(`${text}\n`);
      await drained();
    }
}

/** The predictions for a file, in the parts in which they can be made. */
async function* predictions(given: string, file: string, options: UseOptions): AsyncGenerator<Predictions> {
  const model = modelOf(given, 'predict', options);
  if (!model)
    throw usage(
      `predict: the checkpoint must be of a task, got ${given}, which is of text or was saved by a program`,
      'backstep sample writes with a model of text',
    );
  const { task, note, network, format } = model;
  const reading = { ...readingOf(options, 'predict'), expected: format };
  const follower = task.follow?.(note);
  if (file !== '-' || (follower && !options.follow)) {
    const table = await tableOf(file, task.columns, reading);
    yield using(() => task.predict(network, table, note), FIX);
    return;
  }
  let before = 0;
  const of = (table: Table): Predictions => {
    const part = using(() => task.predict(network, table, note, before), FIX);
    before += table.rows;
    return part;
  };
  const ready = (arrived: Table | undefined): Table[] =>
    using(() => follower?.(arrived) ?? [arrived].flatMap((one) => one ?? []));
  for await (const arrived of tablesOfInput(task.columns ?? false, reading))
    for (const table of ready(arrived)) yield of(table);
  for (const table of ready(undefined)) yield of(table);
}

/** A CSV cell, quoted if necessary; a number with as many digits as float32 distinguishes. */
function cell(value: string | number): string {
  if (typeof value === 'number') return String(Number(value.toPrecision(8)));
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

/** Evaluates a model on a file; on the training file, its test part is used. */
export async function evaluateModel(given: string, file: string, options: UseOptions): Promise<void> {
  const { out, json } = options;
  const model = modelOf(given, 'evaluate', options);
  if (!model) {
    evaluateText(given, file, options);
    return;
  }
  const { task, note, network, settings, format } = model;
  const reading = { ...readingOf(options, 'evaluate'), expected: format };
  const table = await tableOf(file, task.columns, reading);
  const same = file !== '-' && (await fingerprintOf(file)) === settings.sha256;
  const { examples, scope } = using(() => {
    const { test } = same ? task.parts(table, note) : { test: undefined };
    return test
      ? { examples: test, scope: 'the test part of the file that it was trained on' }
      : task.others(table, note);
  }, FIX);
  const judgement = using(() => task.judge(network, examples, table, note), FIX);
  if (json) line(asJson({ event: 'evaluation', task: task.name, file, on: scope, ...judgement.figures }));
  else for (const text of [`${file}: ${scope}`, ...judgement.lines]) line(text);
  if (out === undefined) return;
  for (const [name, svg] of Object.entries(await judgement.pictures())) {
    const path = join(out, name);
    saving(() => writeWhole(path, svg), 'choose another folder with --out');
    noteLine(`wrote ${path}`);
  }
}
