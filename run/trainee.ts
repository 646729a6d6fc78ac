/**
 * Interface between a training run and its task. The run handles time, files, signals and the terminal; the task all
 * else.
 */
import type { GradcheckReport } from '../bptt/check/gradcheck';
import type { LossCurve } from '../bptt/train/curve';
import type { FitResult, StepInfo } from '../bptt/train/fit';
import type { CheckpointToSave } from '../io/checkpoint';

/** An event as a JSON object; `event` is its name. */
export interface ProgressEvent {
  event: string;
}

/** The fields of a step that step lines and the progress bar use. */
export interface StepEvent extends ProgressEvent {
  event: 'step';
  step: number;
  /** Seconds since the start, and the fraction of the run that is done, 0…1. */
  seconds: number;
  done: number;
}

/** Formats events as text. */
export interface Words {
  /** The lines of an event; a step is one line, with the last validation beside it. */
  lines(event: ProgressEvent, last?: ProgressEvent): string[];
  /** The facts about a step for the progress bar, most important first. */
  factsOf(step: StepEvent, last?: ProgressEvent): string[];
}

/** Speed and progress of a run. */
export interface Pace {
  /** The running mean of the loss. */
  average: number;
  /** Time steps a second, in training alone. */
  rate: number;
  seconds: number;
  secondsLeft: number;
  done: number;
}

/** How a run ended, for the final report. */
export interface Ending {
  stopped: string;
  /** Steps made by this run. */
  made: number;
  seconds: number;
  /** The running mean of the training loss. */
  training: number;
  /** The command that resumes the run, and a function that formats any other command. */
  resume: string;
  command: (text: string) => string;
  /** The checkpoint's path, quoted for the shell. */
  file: string;
}

export interface RunOptions {
  signal: AbortSignal;
  /** Awaited; training stops when it returns false. */
  onStep: (info: StepInfo) => unknown;
}

/** A task in training. */
export interface Trainee {
  readonly settings: { lr: number; clip: number | null; steps: number | null; seconds: number | null };
  readonly words: Words;
  readonly curves: { training: LossCurve; validation: LossCurve };
  /** Updates made so far, including those before a resume. */
  readonly steps: number;
  /** Whether the schedule has ended. */
  readonly spent: boolean;
  /** Starts the threads; returns why there are fewer than requested, or an empty string. */
  start(): Promise<string>;
  close(): void;
  run(options: RunOptions): Promise<FitResult['stopped']>;
  checkpoint(): CheckpointToSave;
  gradcheck(): GradcheckReport;
  opening(out: string): ProgressEvent;
  stepped(info: StepInfo, pace: Pace): StepEvent;
  /** Validates if a validation is due at this step. */
  validateWhenDue(): ProgressEvent | undefined;
  /** A sample of what the network has learned, shown during training; absent for tasks without one. */
  sample?(): ProgressEvent;
  /** Pictures for the end of the run, by file name. */
  pictures(): Promise<Record<string, string>>;
  closing(ending: Ending): ProgressEvent;
}
