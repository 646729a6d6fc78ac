/** Interface of the runners of a sweep: threads of this process, or workers on any machine that share a queue. */
import type { Trial } from './config';
import type { Outcome } from './outcome';
import type { TrialProgress } from './trial';

/** Callbacks by which a sweep follows its trials. */
export interface Listener {
  /** A trial has started or made progress; `where` is the name of the machine if it is another one. */
  moved: (trial: Trial, part: TrialProgress, where?: string) => void;
  finished: (trial: Trial, outcome: Outcome) => void;
  /** A trial failed; the sweep continues without it. */
  failed: (trial: Trial, message: string) => void;
  /** A trial has left its machine and waits again. */
  returned: (trial: Trial) => void;
  /** Any other message. */
  note: (text: string) => void;
}

export interface TrialRunner {
  /**
   * Runs the trials in any order; resolves when each has finished or failed, or after `stop`.
   * @throws what a callback throws.
   */
  run(trials: readonly Trial[], listener: Listener): Promise<void>;
  /** Stops in an orderly way, so that the sweep can be resumed later. Returns what happens to running trials. */
  stop(): string;
  /** Releases all resources. */
  close(): Promise<void>;
}
