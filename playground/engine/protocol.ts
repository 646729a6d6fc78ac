/** The messages between page and worker: requests, each with a response, and events. */
import type { Asked, Recalled } from './associate';
import type { Checkable, Examination, Told } from './check';
import type { Exercise, Judged } from './derive';
import type { Loaded } from './load';
import type { CellReport, Template } from './own';
import type { Point } from './run';
import type { Flow, Jacobians, Pass, Prediction, Started } from './session';
import type { HintLevel } from '../../referee/grade';
import type { Settings } from './settings';

/** Every request, with its parameters and its response. */
export interface Questions {
  /** Starts a new run with these settings, paused until `play`. */
  start: { ask: Settings; answer: Started };
  play: { ask: boolean; answer: boolean };
  /** Trains some steps at once. */
  step: { ask: number; answer: Point[][] };
  sample: { ask: { run: number; length: number; temperature: number }; answer: string };
  prediction: { ask: { run: number }; answer: Prediction };
  trace: { ask: { run: number; row: number }; answer: Pass };
  flow: { ask: { run: number }; answer: Flow };
  jacobians: { ask: { run: number }; answer: Jacobians[] };
  /** Prepares the check of the settings' network, or of a real mistake, given its text. */
  check: { ask: string | null; answer: { variables: Checkable[]; mistakes: string[] } };
  /** Diagnoses the gradients of a real mistake. */
  diagnose: { ask: string; answer: Told };
  /** Checks every weight of every variable, with a mistake by its index, or −1 for none. */
  examine: { ask: { mistake: number }; answer: Examination };
  exercises: { ask: null; answer: Exercise[] };
  /** Lines that were typed for an exercise, and the level of detail of hints. */
  derive: { ask: { name: string; text: string; level: HintLevel }; answer: Judged };
  /** The first right line that is not there yet; null where none is missing. */
  nextLine: { ask: { name: string; text: string }; answer: string | null };
  /** Texts of cells to start from. */
  templates: { ask: null; answer: Template[] };
  /** Checks the text of a cell. */
  checkCell: { ask: string; answer: CellReport };
  /** Changes of one line that would make its gradients right, in words. */
  repairCell: { ask: string; answer: string[] };
  recall: { ask: Asked; answer: Recalled };
  spoil: { ask: { picture: number[]; fraction: number; seed: number }; answer: number[] };
  save: { ask: { run: number; losses: Float64Array }; answer: Uint8Array<ArrayBuffer> };
  /** Loads a checkpoint file; the response has its settings. */
  load: {
    ask: { bytes: Uint8Array; settings: Settings };
    answer: { settings: Settings; started: Started } & Pick<Loaded, 'points' | 'saysTask'>;
  };
}
export type Kind = keyof Questions;

export type Question = { [K in Kind]: { id: number; kind: K; ask: Questions[K]['ask'] } }[Kind];

export type Message =
  | { kind: 'answer'; id: number; answer: unknown }
  | { kind: 'refused'; id: number; reason: string }
  /** New points of each run since the last event. */
  | { kind: 'progress'; points: Point[][] }
  /** Training cannot continue. */
  | { kind: 'failed'; reason: string };
