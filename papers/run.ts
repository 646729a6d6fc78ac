/** Runs trials in parallel threads; results do not depend on the number of threads. */
import { extname, join } from 'node:path';
import { Pool } from '../bptt/parallel/pool';
import type { PaperTrial } from './trials';
import type { PaperJobResult, PaperJob } from './worker';

const workerFile = join(__dirname, `worker${extname(__filename)}`);

export interface PaperRunOptions {
  /** Number of trials that run at the same time. */
  jobs: number;
  signal: AbortSignal;
  /** A trial has ended. */
  onFinished: (trial: PaperTrial, answer: PaperJobResult) => void;
  /** Number of trials done since the start, including fractions of running ones. */
  onProgress: (done: number) => void;
}

/**
 * Runs all trials, or until the signal; trials that are then running are lost.
 * @throws Error naming the row and the seed if a trial fails or its thread dies; this stops the other trials.
 */
export async function runTrials(
  trials: readonly PaperTrial[],
  orderOf: (trial: PaperTrial) => PaperJob,
  { jobs, signal, onFinished, onProgress }: PaperRunOptions,
): Promise<void> {
  const pool = new Pool<PaperJob, PaperJobResult, number>(workerFile, jobs);
  const running = new Map<PaperTrial, number>();
  let done = 0;
  const tell = (): void => onProgress(done + [...running.values()].reduce((sum, part) => sum + part, 0));
  const work = async (trial: PaperTrial): Promise<void> => {
    const answer = await pool.run(orderOf(trial), (part) => {
      running.set(trial, part);
      tell();
    });
    running.delete(trial);
    done++;
    onFinished(trial, answer);
    tell();
  };
  const stop = (): void => void pool.close();
  signal.addEventListener('abort', stop);
  try {
    await Promise.all(
      trials.map((trial) => work(trial).catch((error: unknown) => Promise.reject(failureOf(trial, error)))),
    );
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    await pool.close();
  }
}

function failureOf({ row, seed }: PaperTrial, error: unknown): Error {
  const { message } = error as Error;
  return new Error(`${row.name}, seed ${seed}: ${message}`, { cause: error });
}
