/** Rows of series that arrive one after the other: which of them can be predicted, and when. */
import { must } from '../core/check';
import type { Column } from '../data/column';
import { Table } from '../data/table';
import type { Follower } from './task';

/** Some rows of a table. */
function picked(table: Table, rows: readonly number[]): Table {
  const columns = table.columns.map((column) => ({ ...column, values: taken(column, rows) }) as Column);
  const lines = rows.map((row) => table.lineOf(row));
  return new Table(table.name, columns, table.separator, lines);
}

const taken = ({ values }: Column, rows: readonly number[]): Column['values'] =>
  values instanceof Float64Array
    ? Float64Array.from(rows, (row) => values[row])
    : (rows.map((row) => values[row]) as Column['values']);

/** The rows of several tables of the same columns in one. */
function together(tables: readonly Table[]): Table {
  const [first] = tables;
  const lines = tables.flatMap((table) => Array.from({ length: table.rows }, (_, row) => table.lineOf(row)));
  const columns = first.columns.map((column) => {
    const own = tables.map((table) => table.column(column.name, column.kind).values);
    const values =
      column.values instanceof Float64Array
        ? Float64Array.from(own.flatMap((part) => Array.from(part as Float64Array)))
        : own.flat();
    return { ...column, values } as Column;
  });
  return new Table(first.name, columns, first.separator, lines);
}

const groupOf = (table: Table, row: number, group: string | null): string =>
  group === null ? '' : String(table.column(group, 'texts', 'numbers').values[row]);

/** A row of a series, with the values of the row before where some of its columns have none. */
function carriedOn(row: Table, before: Table | undefined, names: readonly string[]): Table {
  if (!before) return row;
  const columns = row.columns.map((column) => {
    const { name, kind, values } = column;
    const gap = kind === 'numbers' && names.includes(name) && Number.isNaN(values[0]);
    return gap ? { ...column, values: before.column(name, 'numbers').values } : column;
  });
  return new Table(row.name, columns, row.separator, [row.lineOf(0)]);
}

/**
 * After each row, the last `window` rows of its series, once there are as many.
 * @param carried Columns whose missing values are those of the row before.
 */
export function afterEachRow(window: number, group: string | null, carried: readonly string[]): Follower {
  const series = new Map<string, Table[]>();
  return (arrived) =>
    Array.from({ length: arrived?.rows ?? 0 }, (_, row) => row).flatMap((row) => {
      const table = arrived as Table;
      const name = groupOf(table, row, group);
      const before = series.get(name) ?? [];
      // one more than the network reads, so that even a window of 1 has the spacing of the dates
      const own = [...before, carriedOn(picked(table, [row]), before.at(-1), carried)].slice(-window - 1);
      series.set(name, own);
      return own.length < window ? [] : [together(own)];
    });
}

/** The rows of a series, when the next series begins or the input ends; the rows of a series must follow each other. */
export function whenGroupEnds(group: string): Follower {
  const ended = new Set<string>();
  let name: string | undefined;
  let own: Table[] = [];
  return (arrived) => {
    const whole: Table[] = [];
    for (let row = 0; row < (arrived?.rows ?? 0); row++) {
      const table = arrived as Table;
      const next = groupOf(table, row, group);
      if (next !== name) {
        if (name !== undefined) {
          whole.push(together(own));
          ended.add(name);
        }
        const again = `${next} again in line ${table.lineOf(row)}`;
        must(
          !ended.has(next),
          `table: column ${group}`,
          'with --follow its rows must follow each other',
          again,
        );
        [name, own] = [next, []];
      }
      own.push(picked(table, [row]));
    }
    return arrived === undefined && own.length > 0 ? [together(own)] : whole;
  };
}
