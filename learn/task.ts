/**
 * Interface of a task: from a table to sequences and targets, and from outputs to metrics, pictures and predictions.
 */
import type { Setting } from '../core/setting';
import type { AttentionScore } from '../bptt/network/layers/attention';
import type { Network } from '../bptt/network/network';
import type { NetworkOptions } from '../bptt/network/architecture';
import type { Batch } from '../bptt/network/batch/batch';
import type { ColumnKind } from '../data/column';
import type { Filling } from '../data/missing';
import type { Table } from '../data/table';
import type * as v from 'valibot';

/** Options of a task by name, as given; undefined if omitted. */
export type Given = Readonly<Record<string, string | number | boolean | undefined>>;

/** Examples with their targets, from which batches are made. */
export interface Examples {
  readonly count: number;
  /** Number of steps of each; absent if all are equal. */
  readonly lengths?: readonly number[];
  batch(rows: readonly number[]): Batch;
}

/** The three parts of a file; `test` is used only after the last step. */
export interface Parts {
  training: Examples;
  validation?: Examples;
  test?: Examples;
}

/** The evaluation of a network. */
export interface Judgement {
  /** The metrics, for JSON. */
  figures: Record<string, unknown>;
  /** The metrics as text. */
  lines: string[];
  /** Draws the pictures; by file name. */
  pictures: () => Promise<Record<string, string>>;
}

/** Predictions as a table. */
export interface Predictions {
  names: string[];
  rows: (string | number)[][];
}

/** The parts of the network's architecture that the task determines; the run's settings determine the rest. */
export interface TaskArchitecture extends Pick<NetworkOptions, 'topology' | 'loss'> {
  input: number;
  output: number;
  /** Width of the input embedding. */
  embedding?: number | null;
  /** Whether its layers are bidirectional. */
  both?: boolean;
  /** Encoder-decoder: what writes; the others describe what reads. */
  decoder?: { input: number; embedding: number | null; start: number; attention?: AttentionScore };
}

/** A task. `Note` is what its checkpoint stores to read other files in the same way. */
export interface Task<Note = unknown> {
  name: string;
  /** A short description for the help. */
  about: string;
  /** The unit of the loss. */
  unit(note: Note): string;
  /** The task's own options. */
  settings: Readonly<Record<string, Setting>>;
  /** The task's own defaults of shared settings. */
  defaults: { hidden: number; lr: number };
  note: v.GenericSchema<unknown, Note>;
  /** Whether files that are not JSON hold CoNLL columns; by default they are tables. */
  columns?: boolean;
  /** The columns that it reads, and the kind of each; undefined where several kinds fit. */
  reads(note: Note): Readonly<Record<string, ColumnKind | undefined>>;
  /** Collects rows that arrive into tables that can be predicted; absent if each row can be predicted by itself. */
  follow?(note: Note): Follower | undefined;
  /** The same preparation with missing values read otherwise; absent or undefined if none can be missing. */
  withMissing?(note: Note, how: 'refuse' | Filling): Note | undefined;
  /** The reason why the table clearly fits this task; undefined if it does not. */
  fits(table: Table, given: Given): string | undefined;
  /**
   * Determines everything that the file and the options leave open. @throws RangeError or TypeError if that is
   * impossible.
   */
  prepare(table: Table, given: Given): Note;
  parts(table: Table, note: Note): Parts;
  /** All examples of another file, or those of the training file after the training part. */
  others(table: Table, note: Note): { examples: Examples; scope: string };
  network(note: Note): TaskArchitecture;
  /** How the table was read, as lines of a title and a text. */
  describe(table: Table, note: Note): [title: string, text: string][];
  judge(network: Network, examples: Examples, table: Table, note: Note): Judgement;
  /** @param before Rows of the same input that were predicted before; the numbers of rows go on. */
  predict(network: Network, table: Table, note: Note, before?: number): Predictions;
}

/** Takes the rows that have arrived, or undefined at the end, and returns the tables that can be predicted now. */
export type Follower = (arrived: Table | undefined) => Table[];

/** The comma-separated names in an option. */
export const splitList = (text: unknown): string[] =>
  typeof text === 'string'
    ? text
        .split(',')
        .map((name) => name.trim())
        .filter(Boolean)
    : [];

/** The same kind for each of some columns; a name that is null is left out. */
export const allOf = <K extends ColumnKind | undefined>(
  names: readonly (string | null)[],
  kind: K,
): Record<string, K> => Object.fromEntries(names.flatMap((name) => (name === null ? [] : [[name, kind]])));
