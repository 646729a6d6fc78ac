/**
 * A published experiment, stated so that it can be run: what the paper reports, and what is trained and measured here.
 *
 * A paper has rows, one for each network and recipe that it compares; a row is run once for each seed. A trial sees its
 * row, its seed and the data, and nothing else, so that trials can be run in any order, in any process, and once only.
 */

/** `full` reproduces the figures; `quick` shows in seconds that everything runs. */
export type Size = 'full' | 'quick';

/** What a trial measured, by measure; null where there is nothing to report, such as the time to a success that never came. */
export type Figures = Record<string, number | null>;

export interface Paper {
  /** What it is called on the command line. */
  readonly name: string;
  readonly title: string;
  readonly citation: string;
  /** The task, what is measured, and what is done otherwise than in the paper, and why. */
  readonly about: readonly string[];
  /** What a trial reports, in the order of the table. */
  readonly measures: Readonly<Record<string, Measure>>;
  /** A file that the full size needs. */
  readonly data?: Data;
  rows: (size: Size) => Row[];
}

export interface Measure {
  readonly title: string;
  /** Digits after the point. */
  readonly digits: number;
  /** Set where figures lie orders of magnitude apart. */
  readonly scale?: 'log';
}

export interface Row {
  readonly name: string;
  /** All numbers that the figures depend on, as plain data: a finished trial is known by them. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** What the paper reports, by measure; words where it is no number. */
  readonly published: Readonly<Record<string, number | string>>;
  /** How many seeds, 1, 2, 3 …, are run when nobody says otherwise. */
  readonly seeds: number;
  run: (context: Context) => Promise<Figures> | Figures;
}

/** What a trial is given. */
export interface Context {
  readonly seed: number;
  /** What `Data.read` made of the file; undefined when none was given, which only happens at the quick size. */
  readonly data: unknown;
  /** Tells how far the trial is, 0…1. */
  progress: (done: number) => void;
}

export interface Data {
  /** What the file holds, and where it can be had: the end of an error's sentence. */
  readonly what: string;
  /** What the quick size runs on without the file. */
  readonly standIn: string;
  /** @throws RangeError or TypeError when the file holds something else. */
  read: (contents: string) => unknown;
}
