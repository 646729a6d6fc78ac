/** The messages between page and worker: requests, each with a response, and events. */
import type { CellEquations } from '../../cells/cell';
import type { DiagramLayout } from '../equations/layout';
import type { RecallQuestion, Recalled } from './associate';
import type { Checkable, Examination, Told } from './check';
import type { Exercise, JudgedDerivation } from './derive';
import type { LoadedCheckpoint } from './load';
import type { CellReport, Template } from './own';
import type { CurvePoint } from './run';
import type { OutlinedPass, UnitAtStep, UnitQuestion } from './pass';
import type { GradientNorms, JacobianNorms, Prediction, Started } from './session';
import type { HintLevel } from '../../referee/grade';
import type { PageSettings } from './settings';

/** Every request, with its parameters and its response. */
export interface Questions {
  /** Starts a new run with these settings, paused until `play`. */
  start: { ask: PageSettings; answer: Started };
  play: { ask: boolean; answer: boolean };
  /** Trains some steps at once. */
  step: { ask: number; answer: CurvePoint[][] };
  sample: { ask: { run: number; length: number; temperature: number }; answer: string };
  prediction: { ask: { run: number }; answer: Prediction };
  trace: { ask: { run: number; row: number }; answer: OutlinedPass };
  /** What a unit computes at a step of the pass that was traced last; null if none was. */
  unit: { ask: UnitQuestion; answer: UnitAtStep | null };
  flow: { ask: { run: number }; answer: GradientNorms };
  jacobians: { ask: { run: number }; answer: JacobianNorms[] };
  /** Prepares the check of the settings' network, or of a real mistake, given its text. */
  check: { ask: string | null; answer: { variables: Checkable[]; mistakes: string[] } };
  /** Diagnoses the gradients of a real mistake. */
  diagnose: { ask: string; answer: Told };
  /** Checks every weight of every variable, with a mistake by its index, or −1 for none. */
  examine: { ask: { mistake: number }; answer: Examination };
  exercises: { ask: null; answer: Exercise[] };
  /** Lines that were typed for an exercise, and the level of detail of hints. */
  derive: { ask: { name: string; text: string; level: HintLevel }; answer: JudgedDerivation };
  /** The first right line that is not there yet; null where none is missing. */
  nextLine: { ask: { name: string; text: string }; answer: string | null };
  /** Texts of cells to start from. */
  templates: { ask: null; answer: Template[] };
  /** Checks the text of a cell. */
  checkCell: { ask: string; answer: CellReport };
  /** Changes of one line that would make its gradients right, in words. */
  repairCell: { ask: string; answer: string[] };
  /** Arranges the drawing of a cell. */
  layout: {
    ask: { equations: Pick<CellEquations, 'name' | 'shapes' | 'forward'>; numbered: boolean };
    answer: DiagramLayout;
  };
  recall: { ask: RecallQuestion; answer: Recalled };
  spoil: { ask: { picture: number[]; fraction: number; seed: number }; answer: number[] };
  save: { ask: { run: number; losses: Float64Array }; answer: Uint8Array<ArrayBuffer> };
  /** Loads a checkpoint file; the response has its settings. */
  load: {
    ask: { bytes: Uint8Array; settings: PageSettings };
    answer: { settings: PageSettings; started: Started } & Pick<LoadedCheckpoint, 'points' | 'saysTask'>;
  };
}
export type QuestionKind = keyof Questions;

export type WorkerQuestion = {
  [K in QuestionKind]: { id: number; kind: K; ask: Questions[K]['ask'] };
}[QuestionKind];

export type Message =
  | { kind: 'answer'; id: number; answer: unknown }
  | { kind: 'refused'; id: number; reason: string }
  /** New points of each run since the last event. */
  | { kind: 'progress'; points: CurvePoint[][] }
  /** Training cannot continue. */
  | { kind: 'failed'; reason: string };
