/** What a run trains: all that depends on the task. The run itself knows time, files, signals and the terminal. */
import type { GradcheckReport } from '../bptt/check/gradcheck';
import type { LossCurve } from '../bptt/train/curve';
import type { FitResult, StepInfo } from '../bptt/train/fit';
import type { CheckpointToSave } from '../io/checkpoint';

/** Something that happened, as an object of JSON; `event` names it. */
export interface Told {
  event: string;
}

/** What a step line and a progress bar need of a step. */
export interface ToldStep extends Told {
  event: 'step';
  step: number;
  /** Seconds since the start, and how much of the run is done, 0…1. */
  seconds: number;
  done: number;
}

/** What happened, in words. */
export interface Words {
  /** As lines; of a step one line, with the last validation beside it. */
  lines(event: Told, last?: Told): string[];
  /** What is told of a step, most important first. */
  factsOf(step: ToldStep, last?: Told): string[];
}

/** How fast a run is, and how far. */
export interface Pace {
  /** The running mean of the loss. */
  average: number;
  /** Time steps a second, in training alone. */
  rate: number;
  seconds: number;
  secondsLeft: number;
  done: number;
}

/** How a run ended, for the last words. */
export interface Ending {
  stopped: string;
  /** Steps made by this run. */
  made: number;
  seconds: number;
  /** The running mean of the training loss. */
  training: number;
  /** Commands: to resume, and of any other kind. */
  resume: string;
  command: (text: string) => string;
  /** The checkpoint, as a shell takes it. */
  file: string;
}

export interface RunOptions {
  signal: AbortSignal;
  /** Awaited; returning false stops. */
  onStep: (info: StepInfo) => unknown;
}

/** A task in training. */
export interface Trainee {
  readonly settings: { lr: number; clip: number | null; steps: number | null; seconds: number | null };
  readonly words: Words;
  readonly curves: { training: LossCurve; validation: LossCurve };
  /** Updates made so far, those before a resume included. */
  readonly steps: number;
  /** Whether the schedule has ended. */
  readonly spent: boolean;
  /** Starts the threads; says why there are fewer than were wanted, or nothing. */
  start(): Promise<string>;
  close(): void;
  run(options: RunOptions): Promise<FitResult['stopped']>;
  checkpoint(): CheckpointToSave;
  gradcheck(): GradcheckReport;
  opening(out: string): Told;
  stepped(info: StepInfo, pace: Pace): ToldStep;
  /** After the steps that a validation is due for. */
  validateWhenDue(): Told | undefined;
  /** What the network has learnt, to look at while it trains; not every task has such. */
  sample?(): Told;
  /** After the last step: pictures by the names of their files. */
  pictures(): Promise<Record<string, string>>;
  closing(ending: Ending): Told;
}
