/** What runs the trials of a sweep: this process alone, or workers anywhere that share a queue. */
import type { Trial } from './config';
import type { Outcome } from './outcome';
import type { Part } from './trial';

/** What a sweep hears of its trials. */
export interface Listener {
  /** A trial has begun, or moved on; `where` is a machine's name when it is another one. */
  moved: (trial: Trial, part: Part, where?: string) => void;
  finished: (trial: Trial, outcome: Outcome) => void;
  /** It could not be run to its end: the sweep goes on without it. */
  failed: (trial: Trial, message: string) => void;
  /** It has left the machine that it ran on, and waits. */
  returned: (trial: Trial) => void;
  /** Something else worth a line. */
  note: (text: string) => void;
}

export interface Runner {
  /**
   * Runs the trials, in any order; ends when each has finished or failed, or after `stop`.
   * @throws what a listener throws.
   */
  run(trials: readonly Trial[], listener: Listener): Promise<void>;
  /** Ends in good order, so that the sweep can go on another time. Says what becomes of what runs. */
  stop(): string;
  /** Lets everything go. */
  close(): Promise<void>;
}
