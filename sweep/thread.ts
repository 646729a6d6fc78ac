/** What a thread of the pool does with a trial. */
import { carryOut } from '../bptt/parallel/pool';
import { readText, type Text } from '../text/read';
import type { Settings } from '../text/settings';
import type { Outcome } from './outcome';
import { mustBeTextOf } from './textfile';
import { runTrial, type Part } from './trial';

/** One trial to run. */
export interface Order {
  settings: Settings;
  /** Where the text lies on this machine, and where the model is kept. */
  text: string;
  folder: string;
  /** Shared memory; anything but 0 asks the trial to stop. */
  stop: Int32Array;
}

let text: Text | undefined;

export default carryOut<Order, Outcome | undefined, Part>(
  async ({ settings, text: file, folder, stop }, tell) => {
    // many may have waited for a thread when the word came to stop
    if (Atomics.load(stop, 0) !== 0) return undefined;
    if (text?.sha256 !== settings.sha256) text = readText(file);
    mustBeTextOf(settings, text.sha256, file);
    const abort = new AbortController();
    return runTrial(settings, {
      folder,
      text,
      signal: abort.signal,
      onProgress: (part) => {
        if (Atomics.load(stop, 0) !== 0) abort.abort();
        tell(part);
      },
    });
  },
);
