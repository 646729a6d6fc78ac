/** Runs trials in processes of their own, several at a time; what they give does not depend on how many. */
import { fork, type ChildProcess } from 'node:child_process';
import { extname, join } from 'node:path';
import type { Answer, Order } from './orders';
import type { Trial } from './trials';

/** From source this is TypeScript, which a child can load too: it inherits how this process was started. */
const workerFile = join(__dirname, `worker${extname(__filename)}`);

export interface RunOptions {
  /** Trials at a time. */
  jobs: number;
  signal: AbortSignal;
  /** A trial has ended. */
  onFinished: (trial: Trial, answer: Extract<Answer, { kind: 'finished' }>) => void;
  /** Trials done since the start, parts of those that run included. */
  onProgress: (done: number) => void;
}

/**
 * Runs all trials, or until the signal; trials that run then are lost.
 * @throws Error when a trial fails or its process dies, naming the row and the seed.
 */
export async function runTrials(
  trials: readonly Trial[],
  orderOf: (trial: Trial) => Order,
  { jobs, signal, onFinished, onProgress }: RunOptions,
): Promise<void> {
  const waiting = [...trials];
  const running = new Map<Trial, number>();
  let done = 0;
  const tell = (): void => onProgress(done + [...running.values()].reduce((sum, part) => sum + part, 0));

  const work = async (): Promise<void> => {
    const child = fork(workerFile, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const stop = (): void => void child.kill('SIGKILL');
    signal.addEventListener('abort', stop);
    try {
      for (let trial = waiting.shift(); trial && !signal.aborted; trial = waiting.shift()) {
        const current = trial;
        running.set(current, 0);
        const answer = await send(child, orderOf(current), (part) => {
          running.set(current, part);
          tell();
        });
        running.delete(current);
        if (signal.aborted) return;
        if (answer?.kind !== 'finished') throw failureOf(current, answer);
        done++;
        onFinished(current, answer);
        tell();
      }
    } finally {
      signal.removeEventListener('abort', stop);
      child.kill('SIGKILL');
    }
  };

  const workers = Array.from({ length: Math.min(jobs, trials.length) }, () =>
    // the first failure ends the others' work after the trial they are at
    work().catch((error: unknown) => {
      waiting.length = 0;
      throw error;
    }),
  );
  const ends = await Promise.allSettled(workers);
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed) throw failed.reason;
}

/** Sends an order and waits for its end; undefined when the process dies over it. */
function send(
  child: ChildProcess,
  order: Order,
  progress: (done: number) => void,
): Promise<Exclude<Answer, { kind: 'progress' }> | undefined> {
  return new Promise((resolve) => {
    const end = (answer?: Exclude<Answer, { kind: 'progress' }>): void => {
      child.removeListener('message', hear);
      child.removeListener('exit', die);
      resolve(answer);
    };
    const hear = (answer: Answer): void => {
      if (answer.kind === 'progress') progress(answer.done);
      else end(answer);
    };
    const die = (): void => end();
    child.on('message', hear);
    child.on('exit', die);
    child.send(order, (error) => error && end());
  });
}

function failureOf({ row, seed }: Trial, answer?: Answer): Error {
  const where = `${row.name}, seed ${seed}`;
  if (answer?.kind !== 'failed') return new Error(`${where}: the process must live to the end, got none`);
  return new Error(`${where}: ${answer.message}`, { cause: answer.stack });
}
