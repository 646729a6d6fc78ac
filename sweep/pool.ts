/** A pool of threads that run trials, with an orderly stop. */
import { extname, join } from 'node:path';
import { Pool } from '../bptt/parallel/pool';
import type { SweepJob } from './thread';
import type { Outcome } from './outcome';
import type { TrialProgress } from './trial';

const threadFile = join(__dirname, `thread${extname(__filename)}`);

export class TrialPool {
  private readonly stopFlag = new Int32Array(new SharedArrayBuffer(4));
  /** Running trials, by the folders of their models. */
  private readonly running = new Map<string, Promise<Outcome | undefined>>();
  private readonly pool: Pool<SweepJob, Outcome | undefined, TrialProgress>;

  /** @param jobs number of trials that run at the same time. */
  constructor(jobs: number) {
    this.pool = new Pool(threadFile, jobs);
  }

  /**
   * Runs a trial when a thread is free. If it is already running, returns the result of that run.
   * @returns undefined if it was stopped.
   * @throws what the trial threw, or an Error if its thread died.
   */
  async run(
    order: Omit<SweepJob, 'stop'>,
    onProgress: (part: TrialProgress) => void,
  ): Promise<Outcome | undefined> {
    if (this.stopping) return undefined;
    const { running } = this;
    const { folder } = order;
    // a queue that was restarted or lost the connection may ask again: two threads would write the same files
    const run =
      running.get(folder) ??
      this.pool.run({ ...order, stop: this.stopFlag }, onProgress).finally(() => running.delete(folder));
    running.set(folder, run);
    return run;
  }

  get stopping(): boolean {
    return Atomics.load(this.stopFlag, 0) !== 0;
  }

  /** Asks all running trials to stop after their current step; waiting ones do not start. */
  stop(): void {
    Atomics.store(this.stopFlag, 0, 1);
  }

  /** Resolves when all running trials have ended, or have been saved after `stop`. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.running.values());
  }

  /** Terminates the threads at once; the resulting error of a running trial is not a failure of that trial. */
  close(): Promise<void> {
    this.stop();
    return this.pool.close();
  }
}
