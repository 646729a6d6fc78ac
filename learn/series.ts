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

/** The series of a table, sorted by date. */
export function seriesOf(
  table: Table,
  { inputs, date, group, missing }: SeriesOptions,
  where: string,
  means?: readonly number[],
): Series[] {
  const groups = group === null ? undefined : table.column(group, 'texts', 'numbers').values;
  const rows = new Map<string, number[]>();
  for (let row = 0; row < table.rows; row++) {
    const name = String(groups?.[row] ?? '');
    const own = rows.get(name);
    if (own) own.push(row);
    else rows.set(name, [row]);
  }
  const times = date === null ? undefined : table.column(date, 'dates', 'numbers').values;
  const values = inputs.map((name) => table.column(name, 'numbers').values);
  return Array.from(rows, ([name, own]) => {
    if (times) sortByTime(table, own, times, { date: date as string, group, where });
    const columns = values.map((all, k) => {
      const column = Float64Array.from(own, (row) => all[row]);
      const gap = column.findIndex(Number.isNaN);
      if (gap < 0) return column;
      const why =
        '--missing previous carries the value before on, --missing mean takes the mean of the training part';
      const got = `none in line ${table.lines[own[gap]]}`;
      must(missing !== 'refuse', `${where}: column ${inputs[k]}`, 'every row must have a value', got, why);
      const mean = means?.[k] ?? scaleOf(column).mean;
      return fill(
        column,
        missing,
        mean,
        missing === 'previous' && gap === 0 ? column.findIndex((x) => !Number.isNaN(x)) : 0,
      );
    });
    const series = { name, steps: own.length, columns };
    return times ? { ...series, times: Float64Array.from(own, (row) => times[row]) } : series;
  });
}

function sortByTime(
  table: Table,
  rows: number[],
  times: Float64Array,
  { date, group, where }: { date: string; group: string | null; where: string },
): void {
  const place = `${where}: column ${date}`;
  const gap = rows.find((row) => Number.isNaN(times[row]));
  must(gap === undefined, place, 'every row must have a date', `none in line ${table.lines[gap ?? 0]}`);
  rows.sort((a, b) => times[a] - times[b] || a - b);
  for (let k = 1; k < rows.length; k++) {
    const twice = times[rows[k]] === times[rows[k - 1]];
    const lines = `${dateText(times[rows[k]])} in lines ${table.lines[rows[k - 1]]} and ${table.lines[rows[k]]}`;
    const why =
      group === null ? 'where the file holds several series, --group COLUMN tells them apart' : undefined;
    must(!twice, place, 'dates must differ', lines, why);
  }
}
