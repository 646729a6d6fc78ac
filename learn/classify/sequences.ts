/** The labeled sequences of a table: a text or a list in each row, or a series in the rows of each group. */
import type { Batch } from '../../bptt/network/batch/batch';
import { must } from '../../core/check';
import type { Table } from '../../data/table';
import { paddedRows } from '../padding';
import { seriesOf, type Series } from '../series';
import { coderOf, symbolTableLines, symbolsIn } from '../symbols';
import type { Examples } from '../task';
import type { Note, Reads } from './note';

export const where = 'classify';

/** The values of a column of texts or numbers as texts; empty for a missing value. */
export const wordsIn = (table: Table, name: string): string[] =>
  Array.from<string | number, string>(table.column(name, 'texts', 'numbers').values, (value) =>
    Number.isNaN(value) ? '' : String(value),
  );

/** The label of each row, or of each group; undefined if the table has no such column. */
export function labelsIn(table: Table, label: string, reads: Reads): string[] | undefined {
  if (!table.names.includes(label)) return undefined;
  const texts = wordsIn(table, label);
  const none = texts.flatMap((text, row) => (text === '' ? [row] : []));
  const place = `${where}: column ${label}`;
  if (none.length > 0)
    must(false, place, 'every row must have a label', `none in ${symbolTableLines(table, none)}`);
  if (reads.kind === 'symbols') return texts;
  const groups = wordsIn(table, reads.group);
  const first = new Map<string, number>();
  texts.forEach((text, row) => {
    const name = groups[row];
    const before = first.get(name);
    if (before === undefined) first.set(name, row);
    else if (texts[before] !== text)
      must(
        false,
        place,
        `a ${reads.group} must have one label`,
        `${texts[before]} and ${text} for ${name} in lines ${table.lineOf(before)} and ${table.lineOf(row)}`,
      );
  });
  return Array.from(first.values(), (row) => texts[row]);
}

/** The series of a table, each standardized, in row-major order [T, D]. */
const interleaved = ({ columns, steps }: Series, scales: readonly { mean: number; deviation: number }[]) => {
  const D = columns.length;
  const row = new Float64Array(steps * D);
  columns.forEach((column, d) => {
    for (let t = 0; t < steps; t++) row[t * D + d] = (column[t] - scales[d].mean) / scales[d].deviation;
  });
  return row;
};

/** The sequences that the network reads from a table, and the word for them. */
export function rowsOf(
  table: Table,
  { reads, longest }: Note,
): { rows: ArrayLike<number>[]; width: number; names: (string | number)[]; cut: number } {
  if (reads.kind === 'symbols') {
    const code = coderOf(reads.known);
    const symbols = symbolsIn(table, reads.column, reads.tokens, where);
    const file = table.separator === 'folder' ? table.column('file', 'texts').values : undefined;
    return {
      rows: symbols.map((row) => code(row.slice(0, longest))),
      width: 0,
      names: symbols.map((_, row) => file?.[row] ?? row + 1),
      cut: symbols.filter(({ length }) => length > longest).length,
    };
  }
  const { scales } = reads;
  const series = seriesOf(
    table,
    reads,
    where,
    scales.map(({ mean }) => mean),
  );
  const D = scales.length;
  return {
    rows: series.map((one) => interleaved(one, scales).subarray(0, longest * D)),
    width: D,
    names: series.map(({ name }) => name),
    cut: series.filter(({ steps }) => steps > longest).length,
  };
}

/** Sequences with one label each. */
export class Labelled implements Examples {
  readonly lengths: number[];

  constructor(
    private readonly rows: readonly ArrayLike<number>[],
    private readonly width: number,
    /** Indices of the labels. */
    readonly labels: readonly number[],
    private readonly weights: readonly number[],
  ) {
    this.lengths = rows.map(({ length }) => length / Math.max(1, width));
  }

  get count(): number {
    return this.rows.length;
  }

  batch(rows: readonly number[]): Batch {
    const labels = rows.map((row) => this.labels[row]);
    return {
      ...paddedRows(
        rows.map((row) => this.rows[row]),
        this.width,
      ),
      targets: { shape: [rows.length], numbers: labels },
      ...(this.weights.some((weight) => weight !== 1) && {
        weights: { shape: [rows.length], numbers: labels.map((label) => this.weights[label]) },
      }),
    };
  }
}
