/** What page and worker say to each other: questions with an answer each, and events that nobody asked for. */
import type { Asked, Recalled } from './associate';
import type { Checkable, Examined } from './check';
import type { Loaded } from './load';
import type { Point } from './run';
import type { Flow, Jacobians, Pass, Prediction, Started } from './session';
import type { Settings } from './settings';

/** Every question: what it says and what it is answered. */
export interface Questions {
  /** Begins anew with these settings; training stands still until `play`. */
  start: { ask: Settings; answer: Started };
  play: { ask: boolean; answer: boolean };
  /** Makes some steps now. */
  step: { ask: number; answer: Point[][] };
  sample: { ask: { run: number; length: number; temperature: number }; answer: string };
  prediction: { ask: { run: number }; answer: Prediction };
  trace: { ask: { run: number; row: number }; answer: Pass };
  flow: { ask: { run: number }; answer: Flow };
  jacobians: { ask: { run: number }; answer: Jacobians[] };
  check: { ask: null; answer: { variables: Checkable[]; mistakes: string[] } };
  /** A mistake by its number, or −1 for none; of every weight of every variable. */
  examine: { ask: { mistake: number }; answer: Record<string, Examined[]> };
  recall: { ask: Asked; answer: Recalled };
  spoil: { ask: { picture: number[]; share: number; seed: number }; answer: number[] };
  save: { ask: { run: number; losses: Float64Array }; answer: Uint8Array<ArrayBuffer> };
  /** A checkpoint file; the answer has the settings that it was found to have. */
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
  /** Points of each run since the last event. */
  | { kind: 'progress'; points: Point[][] }
  /** Training cannot go on. */
  | { kind: 'failed'; reason: string };
