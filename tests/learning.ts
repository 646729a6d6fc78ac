/** What the tests of all tasks on tables share: small trainers, and the check that a resumed run ends with the same bytes. */
import type { Table } from '../data/table';
import { decodeCheckpoint, encodeCheckpoint } from '../io/checkpoint';
import { newSettings, ownOptions } from '../learn/settings';
import type { Given, Task } from '../learn/task';
import { taskOf } from '../learn/tasks';
import { TaskTrainer } from '../learn/trainer';

/** The preparation of a table. */
export const noteFor = <N>(task: Task<N>, table: Table, given: Given = {}): N =>
  task.prepare(table, ownOptions(task, given));

/** A trainer of a small network. */
export function trainerFor(name: string, table: Table, given: Given = {}): TaskTrainer {
  const task = taskOf(name, '');
  const small = { hidden: 6, batch: 16, threads: 1, steps: 60, lr: 0.02, ...given };
  const settings = newSettings(task, small, 'x', 'a'.repeat(64), 'wasm');
  return TaskTrainer.begin(task, noteFor(task, table, given), table, settings);
}

/** Trains to the end, or until a step at which it is aborted. */
export async function runTrainer(trainer: TaskTrainer, until = Infinity): Promise<string> {
  const abort = new AbortController();
  await trainer.start();
  try {
    return await trainer.run({
      signal: abort.signal,
      onStep: ({ step }) => {
        trainer.validateWhenDue();
        if (step >= until) abort.abort();
      },
    });
  } finally {
    trainer.close();
  }
}

/** Two tests: a run that is interrupted and resumed, and its gradients. */
export function resumesToTheBit(name: string, make: () => Promise<Table>, given: Given = {}): void {
  it('a run that is interrupted and resumed ends with the same bytes', async () => {
    const table = await make();
    const options = { ...given, steps: 16, dropout: 0.1 };
    const whole = trainerFor(name, table, options);
    await runTrainer(whole);
    const first = trainerFor(name, table, options);
    expect(await runTrainer(first, 7)).toBe('aborted');
    const read = decodeCheckpoint(encodeCheckpoint(first.checkpoint()));
    const second = TaskTrainer.resume(table, first.settings, read);
    await runTrainer(second);
    expect(encodeCheckpoint(second.checkpoint())).toEqual(encodeCheckpoint(whole.checkpoint()));
  });

  it('its gradients are right', async () => {
    const trainer = trainerFor(name, await make(), { ...given, steps: 4 });
    await runTrainer(trainer);
    expect(trainer.gradcheck().verdict).toBe('right');
  });
}
