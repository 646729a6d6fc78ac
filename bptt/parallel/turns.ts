/**
 * Turns between two threads, kept in two words of shared memory: how many questions were asked, how many answered.
 *
 * Whoever waits for a word to change sleeps on it; what was written to shared memory before the change is seen after
 * it. A question that failed is answered by the negative of its number.
 */

/** [questions asked, questions answered]. */
export type Turns = Int32Array;
const ASKED = 0;
const ANSWERED = 1;

/**
 * Milliseconds to look again and again before going to sleep. Waking up takes 0.05 to 0.1 ms: looking for as long as
 * that costs at most twice what the better of the two would have cost.
 */
const SPIN = 0.1;

export const newTurns = (): Turns => new Int32Array(new SharedArrayBuffer(8));

/** Asks the next question and returns its number. */
export function ask(turns: Turns): number {
  const turn = Atomics.add(turns, ASKED, 1) + 1;
  Atomics.notify(turns, ASKED);
  return turn;
}

/** Sleeps until a question after number `done` is asked. Only where a thread may block. */
export function awaitQuestion(turns: Turns, done: number): void {
  while (Atomics.load(turns, ASKED) === done) Atomics.wait(turns, ASKED, done);
}

/** Answers question `turn`. */
export function answer(turns: Turns, turn: number, ok: boolean): void {
  Atomics.store(turns, ANSWERED, ok ? turn : -turn);
  Atomics.notify(turns, ANSWERED);
}

/** Whether question `turn` is answered, and how; looks for a moment before it says no. */
export function answered(turns: Turns, turn: number): 'ok' | 'failed' | undefined {
  const until = performance.now() + SPIN;
  do {
    const now = Atomics.load(turns, ANSWERED);
    if (Math.abs(now) === turn) return now > 0 ? 'ok' : 'failed';
  } while (performance.now() < until);
  return undefined;
}

/** Resolves once there is another answer than the one before question `turn`; never blocks. */
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
