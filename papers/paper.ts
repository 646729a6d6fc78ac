/**
 * Definition of a published experiment: the results that the paper reports, and the trials that reproduce them.
 *
 * A paper has rows, one for each network and recipe that it compares; each row runs once per seed. A trial depends only on
 * its row, its seed and the data, so trials can run in any order and in any process, and need not be repeated.
 */

/** `full` reproduces the results; `quick` shows in seconds that everything runs. */
export type Size = 'full' | 'quick';

/** Results of a trial by measure; null if there is none, such as the time to a success that did not occur. */
export type Figures = Record<string, number | null>;

export interface Paper {
  /** Its name on the command line. */
  readonly name: string;
  readonly title: string;
  readonly citation: string;
  /** Where the published figures stand, and where they were read if that is not the paper itself. */
  readonly figuresFrom: string;
  /** The task, the measures, and the differences from the paper with their reasons. */
  readonly about: readonly string[];
  /** The measures that a trial reports, in the order of the table. */
  readonly measures: Readonly<Record<string, Measure>>;
  /** A file that the full size needs. */
  readonly data?: PaperData;
  rows: (size: Size) => PaperRow[];
}

export interface Measure {
  readonly title: string;
  /** Digits after the decimal point. */
  readonly digits: number;
  /** Logarithmic scale, for values that differ by orders of magnitude. */
  readonly scale?: 'log';
}

export interface PaperRow {
  readonly name: string;
  /** All settings that the results depend on, as plain data; they identify finished trials. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** The paper's results by measure; text if they are not numbers. */
  readonly published: Readonly<Record<string, number | string>>;
  /** Default number of seeds 1, 2, 3 …. */
  readonly seeds: number;
  run: (context: Context) => Promise<Figures> | Figures;
}

/** Input of a trial. */
export interface Context {
  readonly seed: number;
  /** The result of `Data.read`; undefined if no file was given, which is allowed only for the quick size. */
  readonly data: unknown;
  /** Reports progress, 0…1. */
  progress: (done: number) => void;
}

export interface PaperData {
  /** What the file contains and where to get it, as the end of an error message. */
  readonly what: string;
  /** The data of the quick size without a file. */
  readonly standIn: string;
  /** @throws RangeError or TypeError for a file with other contents. */
  read: (contents: string) => unknown;
}
