/** The program of a pool thread: runs one trial. */
import { carryOut } from '../bptt/parallel/pool';
import { readText, type Text } from '../text/read';
import type { TextSettings } from '../text/settings';
import type { Outcome } from './outcome';
import { mustBeTextOf } from './textfile';
import { runTrial, type TrialProgress } from './trial';

/** One trial to run. */
export interface SweepJob {
  settings: TextSettings;
  /** Paths of the text and of the model's folder on this machine. */
  text: string;
  folder: string;
  /** Shared memory; a value other than 0 asks the trial to stop. */
  stop: Int32Array;
}

let text: Text | undefined;

export default carryOut<SweepJob, Outcome | undefined, TrialProgress>(
  async ({ settings, text: file, folder, stop }, tell) => {
    // stopped while it waited for a thread
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
