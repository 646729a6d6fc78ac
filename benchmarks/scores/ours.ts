/** The score of this engine on a data set, and the same examples for PyTorch. */
import type { Batch } from '../../bptt/network/batch/batch';
import type { FlatNumbers } from '../../bptt/network/batch/numbers';
import type { Network } from '../../bptt/network/network';
import { endsInOne } from '../../bptt/network/topology';
import { executorOf } from '../../core/programs/executor';
import type { Table } from '../../data/table';
import { newSettings, ownOptions, type Settings } from '../../learn/settings';
import type { Examples, Parts, Task } from '../../learn/task';
import { taskOf } from '../../learn/tasks';
import { TaskTrainer } from '../../learn/trainer';
import type { ScoreSet, Size } from './sets';

/** A data set as the task reads it. */
interface Prepared {
  task: Task;
  table: Table;
  note: unknown;
  settings: Settings;
  parts: Parts;
}

export async function prepared(set: ScoreSet, size: Size, seed: number): Promise<Prepared> {
  const task = taskOf(set.task, 'the task must be one of');
  const table = await set.table(size);
  const given = { ...set.options, ...set.sizes[size], seed, threads: 1 };
  const note = task.prepare(table, ownOptions(task, set.options));
  const settings = newSettings(task, given, table.name, '', executorOf().name);
  return { task, table, note, settings, parts: task.parts(table, note) };
}

/** What a training ends with. */
export interface Trained {
  score: number;
  /** The lowest loss on the validation part. */
  validation: number;
}

/** Trains with early stopping; `start` may replace the weights that the network starts from. */
export async function ourScore(
  set: ScoreSet,
  { task, table, note, settings, parts }: Prepared,
  start?: (network: Network) => void,
): Promise<Trained> {
  const trainer = TaskTrainer.begin(task, note, table, settings);
  start?.(trainer.network);
  await trainer.start();
  let validation = Infinity;
  const onStep = (): void => {
    const seen = trainer.validateWhenDue();
    if (seen) validation = Math.min(validation, seen.loss);
  };
  try {
    await trainer.run({ signal: new AbortController().signal, onStep });
  } finally {
    trainer.close();
  }
  const { figures } = task.judge(trainer.network, parts.test as Examples, table, note);
  return { score: set.scoreOf(figures), validation };
}

/** The examples and the recipe as JSON, for `pytorch.py`. */
export function caseOf({ task, note, settings, parts }: Prepared): object {
  const { seed, hidden, lr, clip, batch, steps, patience } = settings;
  const { movements } = note as { movements?: number[][] };
  const architecture = task.network(note);
  const { topology = 'many-to-many' } = architecture;
  const of = (part: Examples | undefined): object[] =>
    Array.from({ length: part?.count ?? 0 }, (_, row) =>
      exampleOf((part as Examples).batch([row]), endsInOne(topology)),
    );
  const { training, validation, test } = parts;
  return {
    ...architecture,
    ...{ seed, hidden, lr, clip, batch, steps, patience },
    ...(movements && { units: movements.flat() }),
    parts: { training: of(training), validation: of(validation), test: of(test) },
  };
}

/** A batch of one row: its steps as class numbers or as vectors, without padding, and its targets. */
function exampleOf({ x, targets, lengths, targetLengths = lengths }: Batch, one: boolean): object {
  const steps = ({ shape, numbers }: FlatNumbers, length = shape[0]): unknown[] => {
    const all = Array.from(numbers);
    const width = shape.length > 2 ? shape[2] : 0;
    const at = (t: number): unknown => (width === 0 ? all[t] : all.slice(t * width, (t + 1) * width));
    return Array.from({ length }, (_, t) => at(t));
  };
  const wanted = targets as FlatNumbers;
  return {
    x: steps(x as FlatNumbers, lengths?.[0]),
    targets: one ? Array.from(wanted.numbers) : steps(wanted, targetLengths?.[0]),
  };
}
