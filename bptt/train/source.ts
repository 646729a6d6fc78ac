/** Takes batches one at a time from any iterable, and regularly yields to the event loop. */
import { must, mustBe } from '../../core/check';
import type { Batch } from '../network/batch/batch';
import type { States } from '../network/batch/states';

/** A batch in a stream of batches. */
export interface StreamBatch extends Omit<Batch, 'initial'> {
  /** As for any batch, or `carry`: rows continue from the previous batch, which has the same number of rows. */
  initial?: Batch['initial'] | 'carry';
}

/** The training batches in order. */
export type Batches = Iterable<StreamBatch> | AsyncIterable<StreamBatch>;

/** Milliseconds of work after which to yield to timers, signals and the screen. */
const TURN = 10;

/**
 * A batch in the form that a pass takes, and the states to continue from if it carries on.
 * @throws RangeError if it carries on and there are no previous states.
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

export class BatchSource {
  private readonly iterator: Iterator<StreamBatch> | AsyncIterator<StreamBatch>;
  private lastTurn = performance.now();
  /** Whether a request was abandoned; the iterator would answer `return` only after it. */
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
   * The next batch; undefined at the end, or after an abort.
   * @throws TypeError if it is not a batch.
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

  /** Closes the iterator. */
  async close(): Promise<void> {
    const closing = this.iterator.return?.();
    if (!this.pending) await closing;
    else Promise.resolve(closing).catch(() => undefined); // it may never settle
  }

  /** The answer, or undefined after an abort. The listener is removed each time, so that listeners do not accumulate. */
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
