/** One trial: trained to its last step, or until it is stopped, and measured. */
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { executorOf, type ExecutorName } from '../core/executor';
import { decodeCheckpoint, encodeCheckpoint } from '../io/checkpoint';
import { readWhole, writeWhole } from '../io/files';
import type { Text } from '../text/read';
import { BITS } from '../text/events';
import { type Settings } from '../text/settings';
import { CHECKPOINT } from '../run/settings';
import { Trainer } from '../text/trainer';
import type { Outcome } from './outcome';

/** How far a trial is. */
export interface Part {
  /** 0…1. */
  done: number;
  /** Bits per character of this step. */
  bits: number;
}

export interface TrialOptions {
  /** Where the model is kept; a trial goes on from what it finds there. */
  folder: string;
  text: Text;
  signal: AbortSignal;
  onProgress: (part: Part) => void;
}

const SAVE_SECONDS = 15;
/** The share of the loss curve that counts as its end. */
const END = 0.05;

/**
 * Trains; the same figures come out however often the trial was stopped, killed and taken up again.
 * @returns undefined when it was stopped; it has been saved then.
 */
export async function runTrial(
  wanted: Settings,
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
    // the last step may have gone too far, and no other one finds out
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
