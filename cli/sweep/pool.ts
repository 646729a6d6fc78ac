/** The threads of this process that run trials. */
import { extname, join } from 'node:path';
import { Piscina } from 'piscina';
import type { Message, Order } from './thread';
import type { Outcome, Part } from './trial';

/** From source this is TypeScript, which a thread can load too: it inherits how this process was started. */
const threadFile = join(__dirname, `thread${extname(__filename)}`);

export class Pool {
  private readonly stopFlag = new Int32Array(new SharedArrayBuffer(4));
  private readonly threads: Piscina<Order, Outcome | undefined>;
  private readonly listeners = new Map<string, (part: Part) => void>();

  /** @param jobs trials at a time. */
  constructor(jobs: number) {
    // its threads would sleep between two trials, and free nothing then: no atomics
    this.threads = new Piscina({
      filename: threadFile,
      minThreads: 0,
      maxThreads: jobs,
      idleTimeout: 1000,
      stricterFIFO: true,
      atomics: 'disabled',
    });
    this.threads.on('message', ({ id, ...part }: Message) => this.listeners.get(id)?.(part));
  }

  /**
   * Runs a trial when a thread is free.
   * @returns undefined when it was stopped.
   * @throws what the trial threw, or an Error when its thread died.
   */
  async run(order: Omit<Order, 'stop'>, onProgress: (part: Part) => void): Promise<Outcome | undefined> {
    if (this.stopping) return undefined;
    this.listeners.set(order.id, onProgress);
    try {
      return await this.threads.run({ ...order, stop: this.stopFlag });
    } finally {
      this.listeners.delete(order.id);
    }
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
    return this.threads.destroy();
  }
}
