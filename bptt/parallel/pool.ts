/** A pool of worker threads that run jobs, one job per thread at a time, and report progress. */
import { parentPort } from 'node:worker_threads';
import { Piscina } from 'piscina';

/** A numbered job; progress messages carry the same number. */
export interface Numbered<Order> {
  number: number;
  order: Order;
}

/** Minimum milliseconds between two progress messages of a job. */
const REPORT_EVERY = 100;

export class Pool<Order, Answer, Part> {
  private readonly threads: Piscina<Numbered<Order>, Answer>;
  private readonly listeners = new Map<number, (part: Part) => void>();
  private number = 0;
  private closing = false;

  /**
   * @param file whose default export is made by `carryOut`; TypeScript where this process runs TypeScript.
   * @param threads maximum number of jobs that run at the same time.
   */
  constructor(file: string, threads: number) {
    this.threads = new Piscina({
      filename: file,
      minThreads: 0,
      maxThreads: threads,
      idleTimeout: 1000,
      stricterFIFO: true,
      // with atomics a thread would block between two jobs, and not free memory in the meantime
      atomics: 'disabled',
    });
    this.threads.on('message', ({ number, part }: { number: number; part: Part }) =>
      this.listeners.get(number)?.(part),
    );
    // while closing, ignore late answers of threads that were terminated
    this.threads.on('error', (error) => {
      if (!this.closing) throw error;
    });
  }

  /**
   * Runs a job as soon as a thread is free.
   * @throws what the job threw, or an Error if its thread died or the pool was closed.
   */
  async run(order: Order, onPart: (part: Part) => void): Promise<Answer> {
    const number = this.number++;
    this.listeners.set(number, onPart);
    try {
      return await this.threads.run({ number, order });
    } finally {
      this.listeners.delete(number);
    }
  }

  /** Terminates the threads at once, even while they run jobs. */
  close(): Promise<void> {
    this.closing = true;
    return this.threads.destroy();
  }
}

/**
 * Wraps a job function for use in the file of a pool: adds job numbers and limits the rate of progress messages.
 * @example
 * // the default export of a pool's file
 * const double = carryOut((order: number, _tell: (part: number) => void) => Promise.resolve(2 * order));
 * await double({ number: 0, order: 21 }); // 42
 */
export function carryOut<Order, Answer, Part>(
  work: (order: Order, tell: (part: Part) => void) => Promise<Answer>,
): (numbered: Numbered<Order>) => Promise<Answer> {
  return ({ number, order }) => {
    let reported = -Infinity;
    return work(order, (part) => {
      const now = performance.now();
      if (now - reported < REPORT_EVERY) return;
      reported = now;
      parentPort?.postMessage({ number, part });
    });
  };
}
