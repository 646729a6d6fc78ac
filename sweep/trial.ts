/** Runs one trial: trains to the last step or until it is stopped, and measures the result. */
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { executorOf, type ExecutorName } from '../core/programs/executor';
import { decodeCheckpoint, encodeCheckpoint } from '../io/checkpoint';
import { readWhole, writeWhole } from '../io/files';
import type { Text } from '../text/read';
import { BITS } from '../text/events';
import { type TextSettings } from '../text/settings';
import { CHECKPOINT } from '../run/settings';
import { Trainer } from '../text/trainer';
import type { Outcome } from './outcome';

/** Progress of a trial. */
export interface TrialProgress {
  /** 0…1. */
  done: number;
  /** Bits per character of this step. */
  bits: number;
}

export interface TrialOptions {
  /** Folder of the model; a trial resumes from a checkpoint in it. */
  folder: string;
  text: Text;
  signal: AbortSignal;
  onProgress: (part: TrialProgress) => void;
}

const SAVE_SECONDS = 15;
/** The fraction of the loss curve over which the final loss is averaged. */
const END = 0.05;

/**
 * Trains a model; results do not depend on how often the trial was stopped, killed and resumed.
 * @returns undefined if it was stopped; it is saved then.
 */
export async function runTrial(
  wanted: TextSettings,
  { folder, text, signal, onProgress }: TrialOptions,
): Promise<Outcome | undefined> {
  const started = performance.now();
  const file = join(folder, CHECKPOINT);
  const executor = executorOf(wanted.executor || undefined).name as ExecutorName;
  const settings = { ...wanted, executor };
  const trainer = existsSync(file)
    ? Trainer.resume(settings, text, decodeCheckpoint(readWhole(file), { executor, file }))
    : Trainer.begin(settings, text);
  const save = (): void => writeWhole(file, encodeCheckpoint(trainer.checkpoint()));
  let saved = started;
  const measured = { parameters: trainer.network.parameters.count, host: hostname(), model: folder };
  const seconds = (): number => Number(((performance.now() - started) / 1000).toFixed(2));
  const diverged = (): Outcome => ({
    ...{ status: 'diverged', training: null, validation: null },
    ...{ ...measured, seconds: seconds() },
  });
  try {
    await trainer.start();
    const stopped = await trainer.run({
      signal,
      onStep: ({ step, loss }) => {
        onProgress({ done: step / (settings.steps as number), bits: loss * BITS });
        if (performance.now() - saved < SAVE_SECONDS * 1000) return;
        save();
        saved = performance.now();
      },
    });
    save();
    if (stopped === 'aborted') return undefined;
    const validation = trainer.validate();
    // the last update may have made weights non-finite, which no later step would detect
    if (validation && !Number.isFinite(validation.loss)) return diverged();
    return {
      ...{ status: 'done', training: endOf(trainer.curves.training.pairs) },
      ...{ validation: validation ? validation.loss * BITS : null },
      ...{ ...measured, seconds: seconds() },
    };
  } catch (error) {
    if (!(error instanceof RangeError && error.message.includes('finite'))) throw error;
    return diverged();
  } finally {
    trainer.close();
  }
}

/** Mean bits per character over the last points of a loss curve: step, loss, step, loss … */
function endOf(points: ArrayLike<number>): number | null {
  const losses = Array.from(points).filter((_, k) => k % 2 === 1);
  const last = losses.slice(-Math.max(1, Math.round(losses.length * END)));
  return last.length === 0 ? null : (last.reduce((sum, loss) => sum + loss, 0) / last.length) * BITS;
}
