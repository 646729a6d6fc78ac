/** Threads of this process that carry out orders, one each at a time, and tell how far they are. */
import { parentPort } from 'node:worker_threads';
import { Piscina } from 'piscina';

/** An order on its way to a thread; what the thread tells carries the same number. */
export interface Numbered<Order> {
  number: number;
  order: Order;
}

/** Milliseconds between two parts that a thread tells. */
const TELL_EVERY = 100;

export class Pool<Order, Answer, Part> {
  private readonly threads: Piscina<Numbered<Order>, Answer>;
  private readonly listeners = new Map<number, (part: Part) => void>();
  private number = 0;
  private closing = false;

  /**
   * @param file whose default export is made by `carryOut`; TypeScript where this process runs TypeScript.
   * @param threads orders at a time.
   */
  constructor(file: string, threads: number) {
    this.threads = new Piscina({
      filename: file,
      minThreads: 0,
      maxThreads: threads,
      idleTimeout: 1000,
      stricterFIFO: true,
      // with atomics a thread would sleep between two orders, and free no memory then
      atomics: 'disabled',
    });
    this.threads.on('message', ({ number, part }: { number: number; part: Part }) =>
      this.listeners.get(number)?.(part),
    );
    // an answer that was under way when its thread was ended belongs to no order any more
    this.threads.on('error', (error) => {
      if (!this.closing) throw error;
    });
  }

  /**
   * Has an order carried out, when a thread is free.
   * @throws what the thread threw, or an Error when it died or the pool was closed.
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

  /** Ends the threads, whatever they are doing. */
  close(): Promise<void> {
    this.closing = true;
    return this.threads.destroy();
  }
}

/**
 * What a thread of a pool does with an order.
 * @example
 * // the default export of a pool's file
 * const double = carryOut((order: number, _tell: (part: number) => void) => Promise.resolve(2 * order));
 * await double({ number: 0, order: 21 }); // 42
 */
export function carryOut<Order, Answer, Part>(
  work: (order: Order, tell: (part: Part) => void) => Promise<Answer>,
): (numbered: Numbered<Order>) => Promise<Answer> {
  return ({ number, order }) => {
    let told = -Infinity;
    return work(order, (part) => {
      const now = performance.now();
      if (now - told < TELL_EVERY) return;
      told = now;
      parentPort?.postMessage({ number, part });
    });
  };
}
