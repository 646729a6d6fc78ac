/** Uses a trained task: predicts another file, and evaluates the predictions. */
import { join } from 'node:path';
import { decodeCheckpoint } from '../io/checkpoint';
import { fileIn, readWhole, writeWhole } from '../io/files';
import { saving, usage, using } from '../terminal/errors';
import { asJson, drained, line, noteLine } from '../terminal/output';
import { CHECKPOINT } from '../run/settings';
import type { Network } from '../bptt/network/network';
import { fingerprintOf, tableOf } from './source';
import { withBestWeights } from './preparation';
import { isTaskRun, readTaskNote, type TaskNote } from './trainer';

export interface UseOptions {
  out?: string;
  json?: boolean;
}

/** The network of a task with its best weights, ready for use. */
function modelOf(given: string, command: string): TaskNote & { network: Network } {
  const file = using(() => fileIn(given, CHECKPOINT));
  const bytes = using(() => readWhole(file), 'create one with backstep train FILE --task …');
  const checkpoint = using(
    () => decodeCheckpoint(bytes, { file }),
    'the file is damaged or not a checkpoint',
  );
  if (!isTaskRun(checkpoint))
    throw usage(
      `${command}: the checkpoint must be of a task, got ${file}, which is of text or was saved by a program`,
      'backstep sample writes with a model of text',
    );
  const note = using(() => readTaskNote(checkpoint), 'the file is damaged');
  const { network } = withBestWeights(checkpoint);
  return { ...note, network };
}

const FIX = 'the file must have the columns that the model was trained on';

/** Writes the predictions for a file as CSV, or as JSON lines. */
export async function predict(given: string, file: string, { out, json }: UseOptions): Promise<void> {
  const { task, note, network } = modelOf(given, 'predict');
  const table = await tableOf(file, task.columns, { header: task.header?.(note) });
  const { names, rows } = using(() => task.predict(network, table, note), FIX);
  const write = (row: (string | number)[]): string =>
    json ? asJson(Object.fromEntries(names.map((name, k) => [name, row[k]]))) : row.map(cell).join(',');
  const lines = [...(json ? [] : [names.map(cell).join(',')]), ...rows.map(write)];
  if (out !== undefined) {
    saving(() => writeWhole(out, `${lines.join('\n')}\n`), 'choose another file with --out');
    noteLine(`wrote ${out}: ${rows.length} ${rows.length === 1 ? 'row' : 'rows'}`);
    return;
  }
  for (const text of lines) {
    process.stdout.write(`${text}\n`);
    await drained();
  }
}

/** A CSV cell, quoted if necessary; a number with as many digits as float32 distinguishes. */
function cell(value: string | number): string {
  if (typeof value === 'number') return String(Number(value.toPrecision(8)));
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

/** Evaluates a model on a file; on the training file, its test part is used. */
export async function evaluateModel(given: string, file: string, { out, json }: UseOptions): Promise<void> {
  const { task, note, network, settings } = modelOf(given, 'evaluate');
  const table = await tableOf(file, task.columns, { header: task.header?.(note) });
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
