/** Time series in a table: a single one, or one for each group, in order of time. */
import { must } from '../core/check';
import { fill, type Filling } from '../data/missing';
import { scaleOf } from '../data/standardise';
import type { Table } from '../data/table';
import { dateText } from './season';

/** One series: the values of its columns in the order of time. */
export interface Series {
  name: string;
  steps: number;
  times?: Float64Array;
  /** Raw values with gaps filled, in the order of `inputs`. */
  columns: Float64Array[];
}

/** Which columns make up the series, and how gaps are filled. */
export interface SeriesOptions {
  inputs: readonly string[];
  date: string | null;
  group: string | null;
  missing: 'refuse' | Filling;
}

/** The rows of a series in the order of time; undefined for all rows of a file in their order. */
type Own = Uint32Array | undefined;

/** The series of a table, sorted by date. Columns whose rows are in order and without gaps are not copied. */
export function seriesOf(
  table: Table,
  { inputs, date, group, missing }: SeriesOptions,
  where: string,
  means?: readonly number[],
): Series[] {
  const times = date === null ? undefined : table.column(date, 'dates', 'numbers').values;
  const values = inputs.map((name) => table.column(name, 'numbers').values);
  return rowsByGroup(table, group).map(([name, rows]) => {
    const own = times ? sortedByTime(table, rows, { times, date: date as string, group, where }) : rows;
    const columns = values.map((all, k) => {
      const column = taken(all, own);
      const gap = column.findIndex(Number.isNaN);
      if (gap < 0) return column;
      const why =
        '--missing previous carries the value before on, --missing mean takes the mean of the training part';
      const got = `none in line ${table.lineOf(own ? own[gap] : gap)}`;
      must(missing !== 'refuse', `${where}: column ${inputs[k]}`, 'every row must have a value', got, why);
      return filled(column, missing, means?.[k], `${where}: column ${inputs[k]}`);
    });
    const series = { name, steps: own?.length ?? table.rows, columns };
    return times ? { ...series, times: taken(times, own) } : series;
  });
}

/** A column without gaps; with `previous`, one at the beginning takes the first value that is there. */
function filled(column: Float64Array, how: Filling, mean: number | undefined, where: string): Float64Array {
  const first = column.findIndex((x) => !Number.isNaN(x));
  if (how === 'mean') return fill(column, how, mean ?? scaleOf(column).mean);
  must(first >= 0, where, 'some row must have a value', 'none');
  return fill(column, how, NaN, first).fill(column[first], 0, first);
}

const taken = (all: Float64Array, own: Own): Float64Array =>
  own ? Float64Array.from(own, (row) => all[row]) : all;

/** The rows of each group, in order of appearance. */
function rowsByGroup(table: Table, group: string | null): [name: string, rows: Own][] {
  if (group === null) return [['', undefined]];
  const groups = table.column(group, 'texts', 'numbers').values;
  const counts = new Map<string | number, number>();
  for (let row = 0; row < table.rows; row++) counts.set(groups[row], (counts.get(groups[row]) ?? 0) + 1);
  const places = new Map(Array.from(counts, ([name, n]) => [name, { rows: new Uint32Array(n), count: 0 }]));
  for (let row = 0; row < table.rows; row++) {
    const own = places.get(groups[row]) as { rows: Uint32Array; count: number };
    own.rows[own.count++] = row;
  }
  return Array.from(places, ([name, { rows }]) => [String(name), rows]);
}

/** The rows sorted by date, which must differ. */
function sortedByTime(
  table: Table,
  rows: Own,
  { times, date, group, where }: { times: Float64Array; date: string; group: string | null; where: string },
): Own {
  const place = `${where}: column ${date}`;
  const count = rows?.length ?? times.length;
  const rowAt = (k: number): number => (rows ? rows[k] : k);
  let ascending = true;
  for (let k = 0; k < count; k++) {
    const row = rowAt(k);
    if (Number.isNaN(times[row]))
      must(false, place, 'every row must have a date', `none in line ${table.lineOf(row)}`);
    ascending &&= k === 0 || times[rowAt(k - 1)] < times[row];
  }
  if (ascending) return rows;
  const sorted = (rows ?? Uint32Array.from(times, (_, row) => row)).sort(
    (a, b) => times[a] - times[b] || a - b,
  );
  for (let k = 1; k < count; k++) {
    const [before, row] = [sorted[k - 1], sorted[k]];
    if (times[before] !== times[row]) continue;
    const lines = `${dateText(times[row])} in lines ${table.lineOf(before)} and ${table.lineOf(row)}`;
    const why =
      group === null ? 'where the file holds several series, --group COLUMN tells them apart' : undefined;
    must(false, place, 'dates must differ', lines, why);
  }
  return sorted;
}
