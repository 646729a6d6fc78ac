/** Columns of tables: their kinds, and collecting the cells of one. */
import {
  cellFormats,
  dateFormatOf,
  formOf,
  isDateFormat,
  isMissing,
  isNumberFormat,
  numberFormatOf,
  type CellFormat,
  type DateFormat,
  type Found,
  type NumberFormat,
} from './cells';
import type { TableCell } from './rows';

/** The values of a column, in the order of rows. */
export type Column =
  /** NaN for a missing value; `format` if the cells could be of no other. */
  | { name: string; kind: 'numbers'; values: Float64Array; format?: NumberFormat }
  /** Milliseconds since 1970; NaN for a missing value. */
  | { name: string; kind: 'dates'; values: Float64Array; format?: DateFormat }
  /** Empty for a missing value. */
  | { name: string; kind: 'texts'; values: string[] }
  | { name: string; kind: 'lists'; values: (readonly unknown[])[] };
/** The type of a column's values. */
export type ColumnKind = Column['kind'];
/** A column of one of the given kinds. */
export type ColumnOf<K extends ColumnKind> = Extract<Column, { kind: K }>;

/** How a column is read: as values of a kind, or of a kind that is written in one way. */
export type ReadAs = ColumnKind | CellFormat;
const columnKinds = ['numbers', 'dates', 'texts', 'lists'] as const satisfies ColumnKind[];
export const waysToRead: readonly ReadAs[] = [...columnKinds, ...cellFormats];

/** The kind of the values. */
export const kindOf = (how: ReadAs): ColumnKind =>
  isNumberFormat(how) ? 'numbers' : isDateFormat(how) ? 'dates' : how;

/**
 * In words, for messages.
 * @example inWords('comma') // 'numbers with a decimal comma'
 */
export const inWords = (how: ReadAs): string =>
  isNumberFormat(how) ? `numbers with a decimal ${how}` : isDateFormat(how) ? `dates as ${how}` : how;

/** Number of rows from which the kinds of columns are inferred. */
export const SAMPLE = 10_000;

/** Collects the cells of a column. */
export interface Collector {
  /** How it is read. */
  how: ReadAs;
  /** Returns false for a cell that cannot be read so. */
  add(cell: TableCell): boolean;
  /** Undefined if it is skipped. */
  finish(): Column | undefined;
}

/** The collector of a column, read as requested or as inferred from a sample. */
export function collectorOf(
  name: string,
  sample: readonly TableCell[],
  wanted: ReadAs | undefined,
  separator: string,
): Collector {
  if (wanted === 'texts') return collectTexts(name);
  if (wanted === 'lists') return collectLists(name);
  if (wanted !== undefined && wanted !== 'numbers' && wanted !== 'dates')
    return isNumberFormat(wanted)
      ? collectNumbers(name, 'numbers', { format: wanted, certain: true })
      : collectNumbers(name, 'dates', { format: wanted, certain: true });
  const texts = sample.filter((cell) => typeof cell === 'string' && !isMissing(cell)) as string[];
  if (wanted === 'numbers') return collectNumbers(name, 'numbers', numberFormatOf(texts, separator));
  if (wanted === 'dates') return collectNumbers(name, 'dates', dateFormatOf(texts));
  if (sample.some((cell) => typeof cell === 'object')) return collectLists(name);
  const some = sample.some((cell) => typeof cell === 'number') || texts.length > 0;
  const asNumber = some ? numberFormatOf(texts, separator) : undefined;
  if (asNumber) return collectNumbers(name, 'numbers', asNumber);
  const asDate = texts.length > 0 ? dateFormatOf(texts) : undefined;
  return asDate ? collectNumbers(name, 'dates', asDate) : collectTexts(name);
}

/** Collects numbers, or dates as numbers; without a format only those that are numbers already. */
function collectNumbers(
  name: string,
  ...[kind, found]: ['numbers', Found<NumberFormat> | undefined] | ['dates', Found<DateFormat> | undefined]
): Collector {
  const values = new Growing();
  const form = found ? formOf(found.format) : () => NaN;
  let certain = found?.certain === true;
  return {
    how: found?.certain ? found.format : kind,
    add(cell) {
      if (typeof cell === 'object') return false;
      const missing = typeof cell === 'string' && isMissing(cell);
      const value = typeof cell === 'number' ? cell : missing ? NaN : form(cell);
      values.push(value);
      // digits alone are the same number in each format; any other decides the format, also after the sample
      certain ||= kind === 'numbers' && typeof cell === 'string' && !missing && /[.,e]/i.test(cell);
      return missing || Number.isFinite(value);
    },
    finish: () =>
      ({
        ...{ name, kind, values: values.array },
        ...(found && certain && { format: found.format }),
      }) as Column,
  };
}

/** Collects nothing of a column that is not needed. */
export const skip: Collector = { how: 'texts', add: () => true, finish: () => undefined };

function collectTexts(name: string): Collector {
  const values: string[] = [];
  const known = new Map<string, string>();
  return {
    how: 'texts',
    add(cell) {
      if (typeof cell === 'object') return false;
      const text = String(cell);
      const same = known.get(text);
      if (same === undefined && known.size < SAMPLE) known.set(text, text);
      values.push(same ?? text);
      return true;
    },
    finish: () => ({ name, kind: 'texts', values }),
  };
}

function collectLists(name: string): Collector {
  const values: (readonly unknown[])[] = [];
  return {
    how: 'lists',
    add(cell) {
      if (typeof cell !== 'object' && cell !== '') return false;
      values.push(typeof cell === 'object' ? cell : []);
      return true;
    },
    finish: () => ({ name, kind: 'lists', values }),
  };
}

/** A growing array of numbers, which doubles when it is full. */
class Growing {
  // small: a table may have thousands of columns
  private data = new Float64Array(4);
  private count = 0;

  push(value: number): void {
    if (this.count === this.data.length) {
      const larger = new Float64Array(2 * this.count);
      larger.set(this.data);
      this.data = larger;
    }
    this.data[this.count++] = value;
  }

  get array(): Float64Array {
    return this.data.subarray(0, this.count);
  }
}
