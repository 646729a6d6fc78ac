/**
 * Lets the threads of a process take turns, by a lock that threads inherit from the one that starts them. Threads that were
 * started before the engine was loaded in their parent do not share it.
 */

/** Key of the lock among the data that Node hands on to new threads. */
export const LOCK = 'backstep: the turn of one thread';
/** After so many milliseconds a thread goes ahead: the one before it may have been terminated. */
const LONGEST = 2000;

const lock = inherited();

/** Runs `act` while no other thread runs one. */
export function inTurn<T>(act: () => T, longest = LONGEST): T {
  if (!lock) return act();
  while (Atomics.compareExchange(lock, 0, 0, 1) !== 0)
    if (Atomics.wait(lock, 0, 1, longest) === 'timed-out') break;
  try {
    return act();
  } finally {
    Atomics.store(lock, 0, 0);
    Atomics.notify(lock, 0, 1);
  }
}

/** The lock of the thread that started this one, or a new one; undefined outside of Node. */
function inherited(): Int32Array | undefined {
  if (typeof process === 'undefined' || typeof SharedArrayBuffer === 'undefined') return undefined;
  const threads = process.getBuiltinModule?.('node:worker_threads');
  if (!threads) return undefined;
  const known = threads.getEnvironmentData(LOCK) as unknown as SharedArrayBuffer | undefined;
  const buffer = known ?? new SharedArrayBuffer(4);
  if (!known) threads.setEnvironmentData(LOCK, buffer);
  return new Int32Array(buffer);
}
