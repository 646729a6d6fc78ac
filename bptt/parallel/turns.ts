/**
 * Request and answer counters of two threads, two words of shared memory by which they wait for each other.
 *
 * A thread that waits sleeps on a word with Atomics; data written to shared memory before the word changed is visible
 * afterwards. A request that failed is answered with its negative number.
 */

/** [number of the last request, number of the last answer]. */
export type Turns = Int32Array;
const ASKED = 0;
const ANSWERED = 1;

/**
 * Milliseconds to spin before sleeping. Waking up takes 0.05 to 0.1 ms: spinning for about that long costs at most twice
 * as much as the better choice of the two.
 */
const SPIN = 0.1;

export const newTurns = (): Turns => new Int32Array(new SharedArrayBuffer(8));

/** Makes the next request and returns its number. */
export function ask(turns: Turns): number {
  const turn = Atomics.add(turns, ASKED, 1) + 1;
  Atomics.notify(turns, ASKED);
  return turn;
}

/** Blocks until a request after number `done` is made. Only for threads that may block. */
export function awaitQuestion(turns: Turns, done: number): void {
  while (Atomics.load(turns, ASKED) === done) Atomics.wait(turns, ASKED, done);
}

/** Answers request `turn`. */
export function answer(turns: Turns, turn: number, ok: boolean): void {
  Atomics.store(turns, ANSWERED, ok ? turn : -turn);
  Atomics.notify(turns, ANSWERED);
}

/** The outcome of request `turn`, or undefined if it is not answered after a short spin. */
export function answered(turns: Turns, turn: number): 'ok' | 'failed' | undefined {
  const until = performance.now() + SPIN;
  do {
    const now = Atomics.load(turns, ANSWERED);
    if (Math.abs(now) === turn) return now > 0 ? 'ok' : 'failed';
  } while (performance.now() < until);
  return undefined;
}

/** Resolves when request `turn` is answered; never blocks. */
export async function anAnswer(turns: Turns, turn: number): Promise<void> {
  const now = Atomics.load(turns, ANSWERED);
  if (Math.abs(now) === turn) return;
  const { value } = (Atomics as WithWaitAsync).waitAsync(turns, ANSWERED, now);
  await value;
}

/** ECMAScript 2024, in every Node that this package runs on. */
type WithWaitAsync = typeof Atomics & {
  waitAsync(words: Int32Array, index: number, value: number): { value: string | Promise<string> };
};
