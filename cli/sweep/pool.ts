/** The threads of this process that run trials, and the way to stop these in good order. */
import { extname, join } from 'node:path';
import { Pool } from '../../io/pool';
import type { Order } from './thread';
import type { Outcome } from './outcome';
import type { Part } from './trial';

const threadFile = join(__dirname, `thread${extname(__filename)}`);

export class TrialPool {
  private readonly stopFlag = new Int32Array(new SharedArrayBuffer(4));
  private readonly pool: Pool<Order, Outcome | undefined, Part>;

  /** @param jobs trials at a time. */
  constructor(jobs: number) {
    this.pool = new Pool(threadFile, jobs);
  }

  /**
   * Runs a trial when a thread is free.
   * @returns undefined when it was stopped.
   * @throws what the trial threw, or an Error when its thread died.
   */
  async run(order: Omit<Order, 'stop'>, onProgress: (part: Part) => void): Promise<Outcome | undefined> {
    return this.stopping ? undefined : this.pool.run({ ...order, stop: this.stopFlag }, onProgress);
  }

  get stopping(): boolean {
    return Atomics.load(this.stopFlag, 0) !== 0;
  }

  /** Asks all trials to stop after the step that they are at; those that wait stop as they begin. */
  stop(): void {
    Atomics.store(this.stopFlag, 0, 1);
  }

  /** Ends the threads, whatever they are doing. */
  close(): Promise<void> {
    return this.pool.close();
  }
}
