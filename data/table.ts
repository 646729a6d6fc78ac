/** Reads tables as streams into compact columns of numbers, dates, texts or lists. */
import { must, mustBe, mustKnowKeys } from '../core/check';
import { nearest } from '../core/nearest';
import { dateFormOf, isMissing, numberForm, type Form } from './cells';
import { Lines } from './lines';
import { isParquet, parquetRows } from './parquet';
import { jsonRows, separatedRows, separatorOf, type TableCell, type Rows } from './rows';
import { begin, rejoined, textOf, type Source } from './text';

/** The values of a column, in the order of rows. */
export type Column =
  /** NaN for a missing value. */
  | { name: string; kind: 'numbers'; values: Float64Array }
  /** Milliseconds since 1970; NaN for a missing value. */
  | { name: string; kind: 'dates'; values: Float64Array }
  /** Empty for a missing value. */
  | { name: string; kind: 'texts'; values: string[] }
  | { name: string; kind: 'lists'; values: (readonly unknown[])[] };
/** The type of a column's values. */
export type ColumnKind = Column['kind'];
/** A column of one of the given kinds. */
export type ColumnOf<K extends ColumnKind> = Extract<Column, { kind: K }>;

/** Options of reading a table. */
export interface TableOptions {
  /** Default: by the first bytes or the file extension. */
  format?: 'separated' | 'json' | 'parquet';
  /** Cell separator; default: a tab, semicolon, comma or bar, whichever is most frequent in the first line. */
  separator?: string;
  /** Whether the first row holds the column names; default: yes, unless all its cells are numbers. */
  header?: boolean;
  /** Kinds of columns by name, to override those inferred from the first rows. */
  kinds?: Readonly<Record<string, ColumnKind>>;
  /** Name of the source in messages; default: the file name. */
  name?: string;
}

/** Options of tables that a model reads. */
export interface ReadOptions extends TableOptions {
  /** Kinds of columns that hold no lists; a name that the table lacks is ignored. */
  expected?: Readonly<Record<string, 'numbers' | 'texts'>>;
}

/** Number of rows from which the kinds of columns are inferred. */
const SAMPLE = 10_000;

/**
 * Columns of equal length, by name; created by `readTable`.
 *
 * @example
 * const table = await readTable(['day,temp\n1,3.5\n2,NA\n']);
 * table.rows; // 2
 * table.missing(table.column('temp')); // 1
 */
export class Table {
  constructor(
    readonly name: string,
    readonly columns: readonly Column[],
    /** The cell separator of the file, `json` or `parquet`. */
    readonly separator: string,
    /** The first line of each row in the file. */
    private readonly lines: { readonly length: number; at(row: number): number | undefined },
  ) {}

  get rows(): number {
    return this.lines.length;
  }

  /** The first line of a row in the file, for messages. */
  lineOf(row: number): number {
    return this.lines.at(row) as number;
  }

  get names(): string[] {
    return this.columns.map(({ name }) => name);
  }

  /**
   * A column, of one of the given kinds.
   * @throws RangeError for an unknown name, with the nearest known one; TypeError for another kind.
   */
  column<K extends ColumnKind = ColumnKind>(name: string, ...kinds: readonly K[]): ColumnOf<K> {
    const where = `table: ${this.name}`;
    const { names } = this;
    const found = this.columns.find((column) => column.name === name);
    const near = nearest(name, names);
    const why = near === undefined ? undefined : `did you mean ${near}?`;
    must(found !== undefined, where, `a column must be one of ${names.join(', ')}`, name, why);
    const wanted = kinds.length === 0 || (kinds as readonly ColumnKind[]).includes(found.kind);
    const place = `${where}: column ${name}`;
    mustBe(wanted, place, `it must hold ${kinds.join(' or ')}`, got(found), firstText(this, found));
    return found as ColumnOf<K>;
  }

  /** Number of missing values in a column. */
  missing({ kind, values }: Column): number {
    if (kind === 'texts') return values.filter((text) => text === '').length;
    if (kind === 'lists') return values.filter((list) => list.length === 0).length;
    return values.reduce((n, value) => n + Number(Number.isNaN(value)), 0);
  }
}

const got = ({ kind }: Column): string => kind;

/** The first cell of a column that is not a number. */
function firstText(table: Table, { kind, values }: Column): string | undefined {
  if (kind !== 'texts') return undefined;
  const form = numberForm(['0'], table.separator) as Form;
  const row = values.findIndex((text) => text !== '' && !isMissing(text) && Number.isNaN(form(text)));
  return row < 0 ? undefined : `line ${table.lineOf(row)} has ${JSON.stringify(values[row].slice(0, 40))}`;
}

/**
 * Reads CSV, TSV and similar formats, JSON as one object per line or one list of objects, or Parquet.
 *
 * Numbers may have thousands separators or, if the cell separator is not a comma, a decimal comma. Dates in the common
 * formats are read as UTC; if the order of day and month is ambiguous, they stay text. Missing values (an empty cell, `NA`,
 * `null` …) are NaN or an empty text, never zero. A number takes eight bytes of memory; repeated texts are stored once.
 *
 * @param source the name of a file, or its pieces: `process.stdin`, `[text]`.
 * @throws RangeError for a row with another number of cells than the first, a cell of another kind than its column (which
 *   is inferred from the first 10,000 rows), or a table without rows; TypeError for data that is not text, not JSON or a damaged Parquet file.
 * @example
 * const table = await readTable(['day,temp\n2024-01-01,3.5\n2024-01-02,NA\n']);
 * table.names; // ['day', 'temp']
 * table.column('temp', 'numbers').values; // [3.5, NaN]
 */
export async function readTable(source: Source, options: TableOptions = {}): Promise<Table> {
  mustKnowKeys(options, ['format', 'separator', 'header', 'kinds', 'name'], 'readTable');
  return tableFrom(source, options);
}

/** `readTable` for the file of a model. */
export async function tableFrom(source: Source, options: ReadOptions): Promise<Table> {
  const { rows, separator, where, name } = await rowsIn(source, options);
  const builder = new Builder(where, separator, options);
  for await (const some of rows) builder.add(some);
  return builder.finish(name);
}

/**
 * The rows of a source in tables, each as soon as its rows have arrived. Kinds that are not expected are inferred for each
 * table by itself.
 */
export async function* tablesFrom(source: Source, options: ReadOptions): AsyncGenerator<Table> {
  const { rows, separator, where, name } = await rowsIn(source, options);
  let names: readonly string[] | undefined;
  let count = 0;
  for await (const some of rows) {
    const builder = new Builder(where, separator, options, names);
    builder.add(some);
    const table = builder.finishPart(name);
    if (Array.isArray(some.cells[0])) names ??= table?.names ?? builder.header;
    if (table) yield table;
    count += table?.rows ?? 0;
  }
  must(count > 0, where, 'it must hold rows', names ? 'a header only' : 'an empty file');
}

/** The rows of a source, and how its cells are separated. */
async function rowsIn(
  source: Source,
  options: ReadOptions,
): Promise<{ rows: AsyncIterable<Rows>; separator: string; where: string; name: string }> {
  const name = options.name ?? (typeof source === 'string' ? source : 'the data');
  const where = `table: ${name}`;
  const begun = await begin(source, name);
  if (options.format === 'parquet' || (options.format === undefined && isParquet(begun.first))) {
    if (typeof source === 'string') await begun.close();
    const rows = parquetRows(typeof source === 'string' ? source : begun.pieces, where);
    return { rows, separator: 'parquet', where, name };
  }
  const texts = textOf(begun.pieces, name);
  const first = await beginningOf(texts);
  must(first.trim() !== '', where, 'it must hold rows', 'an empty file');
  const json = (options.format ?? formatOf(name, first)) === 'json';
  const separator = json ? 'json' : (options.separator ?? (/\.tsv$/i.test(name) ? '\t' : separatorOf(first)));
  const whole = rejoined(first, texts);
  const rows = json ? jsonRows(whole, where) : separatedRows(whole, separator, where);
  return { rows, separator, where, name };
}

const formatOf = (name: string, text: string): 'json' | 'separated' =>
  /\.(jsonl|ndjson|json)$/i.test(name) || /^\s*(\{|\[\s*\{)/.test(text) ? 'json' : 'separated';

/** Enough of the text to detect its format: at least its first line. */
async function beginningOf(texts: AsyncIterator<string, void>): Promise<string> {
  let first = '';
  while (!first.includes('\n')) {
    const next = await texts.next();
    if (next.done) break;
    first += next.value;
  }
  return first;
}

/** Collects rows: first a sample, from which the kinds of columns are inferred, then the cells of each column. */
class Builder {
  private sample: Rows = { lines: [], cells: [] };
  private names: readonly string[] | undefined;
  private known = new Set<string>();
  private columns: Collector[] | undefined;
  private readonly lines = new Lines();

  constructor(
    private readonly where: string,
    private readonly separator: string,
    private readonly options: ReadOptions,
    /** Names of the columns where an earlier table of the same source has them. */
    private readonly before?: readonly string[],
  ) {}

  /** Names of the columns, once they are known. */
  get header(): readonly string[] | undefined {
    return this.names;
  }

  add({ lines, cells }: Rows): void {
    if (this.columns) return this.fill(lines, cells);
    // a piece may hold more rows than the argument limit of a call
    this.sample.lines = this.sample.lines.concat(lines);
    this.sample.cells = this.sample.cells.concat(cells);
    if (this.sample.lines.length >= SAMPLE) this.begin();
  }

  finish(name: string): Table {
    const table = this.finishPart(name);
    must(table !== undefined, this.where, 'it must hold rows', 'a header only');
    return table;
  }

  /** The table; undefined without rows. */
  finishPart(name: string): Table | undefined {
    if (!this.columns) this.begin();
    const { lines } = this;
    if (lines.length === 0) return undefined;
    return new Table(
      name,
      (this.columns as Collector[]).map((column) => column.finish()),
      this.separator,
      lines,
    );
  }

  private begin(): void {
    const { lines, cells } = this.sample;
    this.names = this.before ?? (cells.some(Array.isArray) ? this.readHeader() : keysOf(cells));
    this.known = new Set(this.names);
    const { kinds = {}, expected = {} } = this.options;
    for (const name of Object.keys(kinds))
      must(this.names.includes(name), this.where, `kinds must be of ${this.names.join(', ')}`, name);
    for (const [k, row] of cells.entries()) this.mustFit(row, lines[k]);
    this.columns = this.names.map((name, k) => {
      const values = cells.slice(0, SAMPLE).map((row) => cellOf(row, name, k));
      const own = kinds[name] as ColumnKind | undefined;
      const lists = values.some((cell) => typeof cell === 'object');
      const usual = lists || !Object.hasOwn(expected, name) ? undefined : expected[name];
      return collectorOf(name, values, own ?? usual, this.separator);
    });
    this.fill(lines, cells);
    this.sample = { lines: [], cells: [] };
  }

  /** The column names in the first row, or numbers if it holds data. */
  private readHeader(): string[] {
    const [first = []] = this.sample.cells as (readonly string[])[];
    const isHeader = this.options.header ?? !first.every((cell) => !Number.isNaN(numberOf(cell)));
    if (!isHeader) return first.map((_, k) => `column${k + 1}`);
    this.sample.cells.shift();
    const [line] = this.sample.lines.splice(0, 1);
    const names = first.map((cell, k) => cell.trim() || `column${k + 1}`);
    const seen = new Set<string>();
    const twice = names.find((name) => seen.size === seen.add(name).size);
    must(twice === undefined, this.where, 'names of columns must differ', `two ${twice} in line ${line}`);
    return names;
  }

  private fill(lines: readonly number[], rows: Rows['cells']): void {
    const { where } = this;
    const names = this.names as readonly string[];
    const columns = this.columns as Collector[];
    rows.forEach((row, k) => {
      this.mustFit(row, lines[k]);
      for (let c = 0; c < columns.length; c++) {
        const cell = cellOf(row, names[c], c);
        if (columns[c].add(cell)) continue;
        const { kind } = columns[c];
        const why = Object.hasOwn(this.options.expected ?? {}, names[c])
          ? 'as in training'
          : `the first rows are ${kind}; kinds: { ${JSON.stringify(names[c])}: 'texts' } reads texts`;
        must(
          false,
          `${where}: column ${names[c]}`,
          `it must hold ${kind}`,
          `${String(cell).slice(0, 40)} in line ${lines[k]}`,
          why,
        );
      }
      this.lines.add(lines[k]);
    });
  }

  private mustFit(row: Rows['cells'][number], line: number): void {
    const names = this.names as readonly string[];
    if (Array.isArray(row)) {
      const why = `line ${line}; the first line has ${names.length}`;
      must(row.length === names.length, this.where, `a row must have ${names.length} cells`, row.length, why);
      return;
    }
    const wrong = Object.keys(row).find((name) => !this.known.has(name));
    if (wrong !== undefined)
      must(false, this.where, `objects must be of ${names.join(', ')}`, `${wrong} in line ${line}`);
  }
}

const numberOf: Form = (cell) => (isMissing(cell) ? NaN : (numberForm([cell], ',')?.(cell) ?? NaN));
const keysOf = (rows: Rows['cells']): string[] => [...new Set(rows.flatMap((row) => Object.keys(row)))];
/** The cell of a row; an object without that name, which may be `constructor`, has an empty one. */
function cellOf(row: Rows['cells'][number], name: string, k: number): TableCell {
  if (Array.isArray(row)) return (row as string[])[k];
  return Object.hasOwn(row, name) ? (row as Record<string, TableCell>)[name] : '';
}

interface Collector {
  kind: ColumnKind;
  /** Returns false for a cell of another kind. */
  add(cell: TableCell): boolean;
  finish(): Column;
}

/** The collector of a column, of the requested kind or of the one inferred from a sample. */
function collectorOf(
  name: string,
  sample: readonly TableCell[],
  wanted: ColumnKind | undefined,
  separator: string,
): Collector {
  const texts = sample.filter((cell) => typeof cell === 'string' && !isMissing(cell)) as string[];
  const lists = sample.some((cell) => typeof cell === 'object');
  const some = sample.some((cell) => typeof cell === 'number') || texts.length > 0;
  const asNumber = numberForm(texts, separator);
  const asDate = dateFormOf(texts);
  const fitting = asNumber && some ? 'numbers' : asDate && texts.length > 0 ? 'dates' : 'texts';
  const kind = wanted ?? (lists ? 'lists' : fitting);
  if (kind === 'lists') return collectLists(name);
  if (kind === 'texts') return collectTexts(name);
  const form = (kind === 'numbers' ? asNumber : asDate) ?? (() => NaN);
  return collectNumbers(name, kind, form);
}

function collectNumbers(name: string, kind: 'numbers' | 'dates', form: Form): Collector {
  const values = new Growing();
  return {
    kind,
    add(cell) {
      if (typeof cell === 'object') return false;
      const missing = typeof cell === 'string' && isMissing(cell);
      const value = typeof cell === 'number' ? cell : missing ? NaN : form(cell);
      values.push(value);
      return missing || Number.isFinite(value);
    },
    finish: () => ({ name, kind, values: values.array }),
  };
}

function collectTexts(name: string): Collector {
  const values: string[] = [];
  const known = new Map<string, string>();
  return {
    kind: 'texts',
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
    kind: 'lists',
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
