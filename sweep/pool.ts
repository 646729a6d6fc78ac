/** The threads of this process that run trials, and the way to stop these in good order. */
import { extname, join } from 'node:path';
import { Pool } from '../bptt/parallel/pool';
import type { Order } from './thread';
import type { Outcome } from './outcome';
import type { Part } from './trial';

const threadFile = join(__dirname, `thread${extname(__filename)}`);

export class TrialPool {
  private readonly stopFlag = new Int32Array(new SharedArrayBuffer(4));
  /** By the folders of their models. */
  private readonly running = new Map<string, Promise<Outcome | undefined>>();
  private readonly pool: Pool<Order, Outcome | undefined, Part>;

  /** @param jobs trials at a time. */
  constructor(jobs: number) {
    this.pool = new Pool(threadFile, jobs);
  }

  /**
   * Runs a trial when a thread is free. One that runs already is not run twice: whoever asks for it gets what it reaches.
   * @returns undefined when it was stopped.
   * @throws what the trial threw, or an Error when its thread died.
   */
  async run(order: Omit<Order, 'stop'>, onProgress: (part: Part) => void): Promise<Outcome | undefined> {
    if (this.stopping) return undefined;
    const { running } = this;
    const { folder } = order;
    // a queue that has lost its memory, or the sight of us, may ask again: two threads would write the same files
    const run =
      running.get(folder) ??
      this.pool.run({ ...order, stop: this.stopFlag }, onProgress).finally(() => running.delete(folder));
    running.set(folder, run);
    return run;
  }

  get stopping(): boolean {
    return Atomics.load(this.stopFlag, 0) !== 0;
  }

  /** Asks all trials to stop after the step that they are at; those that wait do not begin. */
  stop(): void {
    Atomics.store(this.stopFlag, 0, 1);
  }

  /** Resolves when every trial that runs has ended, or has been saved after `stop`. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.running.values());
  }

  /** Ends the threads, whatever they are doing: who waits for a trial then must not take that for a failure of it. */
  close(): Promise<void> {
    this.stop();
    return this.pool.close();
  }
}
