/** What a task is: from a table to sequences and targets, and from outputs back to figures, pictures and rows. */
import type { Setting } from '../core/setting';
import type { Network } from '../bptt/network/network';
import type { NetworkOptions } from '../bptt/network/architecture';
import type { Batch } from '../bptt/network/batch';
import type { Table } from '../data/table';
import type * as v from 'valibot';

/** Options of a task by name, as given; what was left out is undefined. */
export type Given = Readonly<Record<string, string | number | boolean | undefined>>;

/** Sequences with their targets; a batch is made of some of them. */
export interface Examples {
  readonly count: number;
  /** Steps of each; absent where all have as many. */
  readonly lengths?: readonly number[];
  batch(rows: readonly number[]): Batch;
}

/** The three parts of a file; `test` is never looked at before the last step. */
export interface Parts {
  training: Examples;
  validation?: Examples;
  test?: Examples;
}

/** How well a network does. */
export interface Judgement {
  /** The figures, as JSON. */
  figures: Record<string, unknown>;
  /** The same for people. */
  lines: string[];
  /** Pictures by the names of their files. */
  pictures: () => Promise<Record<string, string>>;
}

/** A table that predictions are written as. */
export interface Predictions {
  names: string[];
  rows: (string | number)[][];
}

/** What a task asks of its network; the run's settings say the rest. */
export interface Shape extends Pick<NetworkOptions, 'topology' | 'loss'> {
  input: number;
  output: number;
  /** The width of an embedding of the input. */
  embedding?: number | null;
  /** Whether its layers read from both ends. */
  both?: boolean;
}

/** One task, in one file. `Note` is its preparation: what a checkpoint must hold to read another file in the same way. */
export interface Task<Note = unknown> {
  name: string;
  /** In a few words, for help. */
  about: string;
  /** What the loss is counted in. */
  unit: string;
  /** Its own options. */
  settings: Readonly<Record<string, Setting>>;
  /** Defaults of the settings that all tasks share, where it has its own. */
  defaults: { hidden: number; lr: number };
  note: v.GenericSchema<Note>;
  /** Whether files that are no JSON have CoNLL columns; default they are tables. */
  columns?: boolean;
  /** Why the table is clearly for this task, in words; undefined where it is not. */
  fits(table: Table, given: Given): string | undefined;
  /** Decides all that the file and the options leave open. @throws RangeError or TypeError where that cannot be. */
  prepare(table: Table, given: Given): Note;
  parts(table: Table, note: Note): Parts;
  /** All of another file, or what of it lies behind the training part. */
  others(table: Table, note: Note): { examples: Examples; said: string };
  network(note: Note): Shape;
  /** What was understood, in lines of a title and a text. */
  describe(table: Table, note: Note): [title: string, text: string][];
  judge(network: Network, examples: Examples, table: Table, note: Note): Judgement;
  predict(network: Network, table: Table, note: Note): Predictions;
}

/** The names in an option, separated by commas. */
export const listOf = (text: unknown): string[] =>
  typeof text === 'string'
    ? text
        .split(',')
        .map((name) => name.trim())
        .filter(Boolean)
    : [];
