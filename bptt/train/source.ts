/** Batches one at a time from any iterable, without ever holding up the event loop for long. */
import { must, mustBe } from '../../core/check';
import type { Batch } from '../network/batch';
import type { States } from '../network/states';

/** A batch of many. */
export interface StreamBatch extends Omit<Batch, 'initial'> {
  /** As of any batch, or `carry`: the rows go on from the batch before, which has as many. */
  initial?: Batch['initial'] | 'carry';
}

/** Batches of a training, one after the other. */
export type Batches = Iterable<StreamBatch> | AsyncIterable<StreamBatch>;

/** Milliseconds of work after which timers, signals and the screen get their turn. */
const TURN = 10;

/**
 * A batch as a pass takes it, and the states that it goes on from if it carries on.
 * @throws RangeError when it does and there are none.
 */
export function goingOn(
  batch: StreamBatch,
  before: States<Float64Array> | undefined,
  where: string,
): { batch: Batch; from?: States<Float64Array> } {
  const { initial, ...rest } = batch;
  if (initial !== 'carry') return { batch: batch as Batch };
  must(before !== undefined, where, 'a batch must come before one with initial: carry', 'none');
  return { batch: rest, from: before };
}

export class Source {
  private readonly iterator: Iterator<StreamBatch> | AsyncIterator<StreamBatch>;
  private lastTurn = performance.now();
  /** A request that was given up; the iterator would answer a `return` only after it. */
  private pending = false;

  /** @throws TypeError unless `batches` can be iterated. */
  constructor(
    batches: Batches,
    private readonly signal: AbortSignal | undefined,
    private readonly where: string,
  ) {
    const given = Object(batches) as Partial<Iterable<StreamBatch> & AsyncIterable<StreamBatch>>;
    const iterator = given[Symbol.asyncIterator]?.() ?? given[Symbol.iterator]?.();
    mustBe(iterator !== undefined, where, 'batches must be an iterable of batches', batches);
    this.iterator = iterator;
  }

  get aborted(): boolean {
    return this.signal?.aborted === true;
  }

  /**
   * The next batch; undefined at the end, or once the signal is aborted.
   * @throws TypeError when it is none.
   */
  async take(): Promise<StreamBatch | undefined> {
    if (performance.now() - this.lastTurn > TURN) {
      await turn();
      this.lastTurn = performance.now();
    }
    if (this.aborted) return undefined;
    const answer = this.iterator.next();
    const result = 'then' in answer ? await this.orAborted(Promise.resolve(answer)) : answer;
    if (result === undefined || result.done) return undefined;
    const batch: unknown = result.value;
    mustBe(typeof batch === 'object' && batch !== null, this.where, 'every batch must be an object', batch);
    return batch as StreamBatch;
  }

  /** Tells the iterator that no more batches are wanted. */
  async close(): Promise<void> {
    const closing = this.iterator.return?.();
    if (!this.pending) await closing;
    else Promise.resolve(closing).catch(() => undefined); // it may never come
  }

  /** The listener goes with every batch, so that a signal of long life does not gather them. */
  private async orAborted<T>(answer: Promise<T>): Promise<T | undefined> {
    const { signal } = this;
    if (!signal) return answer;
    this.pending = true;
    let stop = (): void => undefined;
    const aborted = new Promise<undefined>((resolve) => {
      stop = () => resolve(undefined);
      signal.addEventListener('abort', stop, { once: true });
    });
    const first = await Promise.race([
      answer.finally(() => {
        this.pending = false;
      }),
      aborted,
    ]);
    signal.removeEventListener('abort', stop);
    return first;
  }
}

const turn = (): Promise<void> =>
  new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
