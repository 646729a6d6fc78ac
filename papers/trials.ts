/** The trials of a paper: lists them, finds finished ones, and summarizes their results. */
import * as v from 'valibot';
import type { Measure, Paper, PaperRow, Size } from './paper';

/** One row with one seed. */
export interface PaperTrial {
  readonly row: PaperRow;
  readonly seed: number;
}

/** The record of a finished trial. */
export const finishedSchema = v.object({
  row: v.string(),
  seed: v.number(),
  settings: v.record(v.string(), v.unknown()),
  /** SHA-256 of the data file; null for none. */
  data: v.nullable(v.string()),
  figures: v.record(v.string(), v.nullable(v.number())),
  /** Wall-clock time. */
  seconds: v.number(),
});
export type Finished = v.InferOutput<typeof finishedSchema>;

/** All trials, ordered by seed first, so that a run that is stopped early has results for every row. */
export function trialsOf(paper: Paper, size: Size, seeds?: number): PaperTrial[] {
  const rows = paper.rows(size);
  const most = Math.max(...rows.map((row) => seeds ?? row.seeds));
  return Array.from({ length: most }, (_, k) =>
    rows.filter((row) => k < (seeds ?? row.seeds)).map((row) => ({ row, seed: k + 1 })),
  ).flat();
}

/** The record of a finished trial with the same row, seed, settings and data. */
export function finishedOf(
  { row, seed }: PaperTrial,
  data: string | null,
  finished: readonly Finished[],
): Finished | undefined {
  const settings = JSON.stringify(row.settings);
  return finished.find(
    (one) =>
      one.row === row.name &&
      one.seed === seed &&
      one.data === data &&
      JSON.stringify(one.settings) === settings,
  );
}

/** Summary of one measure over the trials of one row, with the paper's result. */
export interface Line {
  readonly row: string;
  readonly measure: string;
  readonly published: number | string | null;
  /** Mean of the trials that report it. */
  readonly mean: number | null;
  /** Sample standard deviation (n − 1); null for fewer than two trials. */
  readonly deviation: number | null;
  /** Seed by seed. */
  readonly values: readonly (number | null)[];
  readonly seconds: number;
}

/** One summary for each row and measure with a finished trial. */
export function resultLines(
  { measures }: { measures: Readonly<Record<string, Measure>> },
  rows: readonly PaperRow[],
  finished: readonly Finished[],
): Line[] {
  return rows.flatMap((row) => {
    const own = finished.filter((one) => one.row === row.name).sort((a, b) => a.seed - b.seed);
    const total = (of: (one: Finished) => number): number => own.reduce((sum, one) => sum + of(one), 0);
    return Object.keys(measures)
      .filter((measure) => own.some(({ figures }) => measure in figures))
      .map((measure) => {
        const values = own.map(({ figures }) => figures[measure] ?? null);
        return {
          row: row.name,
          measure,
          published: row.published[measure] ?? null,
          ...meanAndDeviation(values.filter((value) => value !== null)),
          values,
          seconds: total((one) => one.seconds),
        };
      });
  });
}

/** Mean and sample standard deviation. */
export function meanAndDeviation(values: readonly number[]): {
  mean: number | null;
  deviation: number | null;
} {
  const n = values.length;
  if (n === 0) return { mean: null, deviation: null };
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  if (n === 1) return { mean, deviation: null };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / (n - 1)) };
}
