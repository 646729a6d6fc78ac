/** A thread of the pool: runs the trials that it is handed, one after the other. */
import { parentPort } from 'node:worker_threads';
import { readText, type Text } from '../../io/text';
import type { Settings } from '../settings';
import { runTrial, type Outcome, type Part } from './trial';

/** One trial to run. */
export interface Order {
  id: string;
  settings: Settings;
  /** Where the text lies on this machine, and where the model is kept. */
  text: string;
  folder: string;
  /** Shared memory; anything but 0 asks the trial to stop. */
  stop: Int32Array;
}

/** How far a trial is, as the pool hears of it. */
export interface Message extends Part {
  id: string;
}

/** Milliseconds between two messages. */
const TELL_EVERY = 100;

let text: Text | undefined;

export default async function run({
  id,
  settings,
  text: file,
  folder,
  stop,
}: Order): Promise<Outcome | undefined> {
  if (text?.sha256 !== settings.sha256) text = readText(file);
  if (text.sha256 !== settings.sha256)
    throw new RangeError(`sweep: ${file} must stay as it was when the sweep began, got another text`);
  const abort = new AbortController();
  let told = 0;
  return runTrial(settings, {
    folder,
    text,
    signal: abort.signal,
    onProgress: (part) => {
      if (Atomics.load(stop, 0) !== 0) abort.abort();
      const now = performance.now();
      if (now - told < TELL_EVERY) return;
      told = now;
      parentPort?.postMessage({ id, ...part } satisfies Message);
    },
  });
}
