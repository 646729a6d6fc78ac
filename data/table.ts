/** Reads tables as streams into compact columns of numbers, dates, texts or lists. */
import { must, mustBe, mustBeOneOf, mustKnowKeys } from '../core/check';
import { nearest } from '../core/nearest';
import { formOf, isMissing } from './cells';
import {
  collectorOf,
  inWords,
  kindOf,
  SAMPLE,
  skip,
  waysToRead,
  type Collector,
  type Column,
  type ColumnKind,
  type ColumnOf,
  type ReadAs,
} from './column';
import { Lines } from './lines';
import { isParquet, parquetRows } from './parquet';
import { jsonRows, separatedRows, separatorOf, type TableCell, type Rows } from './rows';
import { begin, rejoined, textOf, type Source } from './text';

/** Options of reading a table. */
export interface TableOptions {
  /** Default: by the first bytes or the file extension. */
  format?: 'separated' | 'json' | 'parquet';
  /** Cell separator; default: a tab, semicolon, comma or bar, whichever is most frequent in the first line. */
  separator?: string;
  /** Whether the first row holds the column names; default: yes, unless all its cells are numbers. */
  header?: boolean;
  /** Names of the columns of a file without such a row; default `column1`, `column2` and so on. */
  names?: readonly string[];
  /**
   * Kinds of columns by name, to override those inferred from the first rows; or how their cells are written: `point` or
   * `comma` for numbers, the order of the parts for dates, as in `day/month/year`.
   */
  kinds?: Readonly<Record<string, ReadAs>>;
  /** Name of the source in messages; default: the file name. */
  name?: string;
}

/** How the file was read on which a model was trained. */
export interface FileFormat {
  /** The columns that the model reads, and how; undefined where that is inferred from each file. */
  kinds: Readonly<Record<string, ReadAs | undefined>>;
  /** Names of all columns, in order. */
  names?: readonly string[] | undefined;
  /** Of a file with separated cells. */
  header?: boolean | undefined;
  separator?: string | undefined;
}

/** Options of tables that a model reads. */
export interface ReadOptions extends TableOptions {
  /** The format of the training file, so far as the file at hand has it, too. Other columns than its own are skipped. */
  expected?: FileFormat;
}

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
    /** Of a file with separated cells: whether its first row names the columns. And all names, those of skipped ones too. */
    private readonly file: { header?: boolean | undefined; names?: readonly string[] } = {},
  ) {}

  /** Whether the first row names the columns; undefined unless the file has separated cells. */
  get header(): boolean | undefined {
    return this.file.header;
  }

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
    const names = this.file.names ?? this.names;
    const found = this.columns.find((column) => column.name === name);
    const near = nearest(name, names);
    const why = near === undefined ? undefined : `did you mean ${near}?`;
    must(found !== undefined, where, `a column must be one of ${names.join(', ')}`, name, why);
    const wanted = kinds.length === 0 || (kinds as readonly ColumnKind[]).includes(found.kind);
    const place = `${where}: column ${name}`;
    mustBe(wanted, place, `it must hold ${kinds.join(' or ')}`, got(found), firstText(this, found));
    return found as ColumnOf<K>;
  }

  /** How it was read, by which other files are read in the same way: the given columns, so far as it has them. */
  format(wanted: readonly string[]): FileFormat {
    const { columns, header, separator, file } = this;
    const formats = columns.flatMap((column) => (column.kind === 'numbers' ? (column.format ?? []) : []));
    // numbers that could be written in either way are read as those of the other columns, if these agree
    const [common] = new Set(formats).size === 1 ? formats : [];
    const how = (column: Column): ReadAs =>
      ('format' in column ? column.format : undefined) ??
      (column.kind === 'numbers' ? (common ?? column.kind) : column.kind);
    const own = columns.filter(({ name }) => wanted.includes(name));
    return {
      kinds: Object.fromEntries(own.map((column) => [column.name, how(column)])),
      ...(header !== undefined && { names: file.names ?? this.names, header, separator }),
    };
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
  const form = formOf('point');
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
  const where = 'readTable';
  mustKnowKeys(options, ['format', 'separator', 'header', 'names', 'kinds', 'name'], where);
  const { header, names, kinds = {} } = options;
  const why = 'the first row holds the names, unless header is false';
  mustBe(names === undefined || header === false, where, 'names must be left out', names, why);
  for (const [name, how] of Object.entries(kinds)) mustBeOneOf(how, waysToRead, where, `kinds.${name}`);
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
 * The rows of a source in tables, each as soon as its rows have arrived. What the expected format leaves open is inferred for
 * each table by itself.
 */
export async function* tablesFrom(source: Source, options: ReadOptions): AsyncGenerator<Table> {
  const { rows, separator, where, name } = await rowsIn(source, options);
  let names: readonly string[] | undefined;
  let count = 0;
  for await (const some of rows) {
    const builder = new Builder(where, separator, options, names);
    builder.add(some);
    const table = builder.finishPart(name);
    if (some.cells.length > 0) names = builder.header;
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
    mustNotSeparate(options, where, 'Parquet');
    if (typeof source === 'string') await begun.close();
    const rows = parquetRows(typeof source === 'string' ? source : begun.pieces, where);
    return { rows, separator: 'parquet', where, name };
  }
  const texts = textOf(begun.pieces, name);
  const first = await beginningOf(texts);
  must(first.trim() !== '', where, 'it must hold rows', 'an empty file');
  const json = (options.format ?? formatOf(name, first)) === 'json';
  if (json) mustNotSeparate(options, where, 'JSON');
  const separator = json ? 'json' : separatorIn(first, name, options);
  const whole = rejoined(first, texts);
  const rows = json ? jsonRows(whole, where) : separatedRows(whole, separator, where);
  return { rows, separator, where, name };
}

/** Refuses options of separated cells for a file of another kind. */
function mustNotSeparate({ header, names, separator }: ReadOptions, where: string, kind: string): void {
  for (const [name, value] of Object.entries({ header, names, separator }))
    mustBe(value === undefined, where, `${name} must be left out`, value, `the file holds ${kind}`);
}

function separatorIn(first: string, name: string, { separator, expected }: ReadOptions): string {
  if (separator !== undefined) return separator;
  if (/\.tsv$/i.test(name)) return '\t';
  const { separator: usual, names } = expected ?? {};
  // the cells of a single column may hold any sign
  return usual !== undefined && names?.length === 1 ? usual : separatorOf(first, usual);
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
  private hasHeader: boolean | undefined;
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
    const columns = (this.columns as Collector[]).flatMap((column) => column.finish() ?? []);
    const file = { header: this.hasHeader, names: this.names as readonly string[] };
    return new Table(name, columns, this.separator, lines, file);
  }

  private begin(): void {
    const { lines, cells } = this.sample;
    const separated = cells.some(Array.isArray);
    const { before } = this;
    this.names = separated
      ? (before ?? this.readHeader())
      : [...new Set([...(before ?? []), ...keysOf(cells)])];
    this.known = new Set(this.names);
    const { kinds = {} } = this.options;
    // a piece may end before the first row does
    for (const name of this.names.length > 0 ? Object.keys(kinds) : [])
      must(this.names.includes(name), this.where, `kinds must be of ${this.names.join(', ')}`, name);
    for (const [k, row] of cells.entries()) this.mustFit(row, lines[k]);
    this.columns = this.names.map((name, k) =>
      this.collector(
        name,
        cells.slice(0, SAMPLE).map((row) => cellOf(row, name, k)),
      ),
    );
    this.fill(lines, cells);
    this.sample = { lines: [], cells: [] };
  }

  private collector(name: string, sample: readonly TableCell[]): Collector {
    const { kinds = {}, expected } = this.options;
    const own = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
    if (!expected || own !== undefined) return collectorOf(name, sample, own, this.separator);
    if (!Object.hasOwn(expected.kinds, name)) return skip;
    // symbols in a list are read as those of a text
    const lists = sample.some((cell) => typeof cell === 'object');
    return collectorOf(name, sample, lists ? undefined : expected.kinds[name], this.separator);
  }

  /** The column names in the first row, or numbers if it holds data. */
  private readHeader(): readonly string[] {
    const { header, names: given, expected } = this.options;
    const [first = []] = this.sample.cells as (readonly string[])[];
    this.hasHeader = header ?? expected?.header ?? !first.every((cell) => !Number.isNaN(numberOf(cell)));
    if (!this.hasHeader) {
      const names = given ?? (expected?.header ? expected.names : undefined);
      if (!names) return first.map((_, k) => `column${k + 1}`);
      const why = `without a row of names its cells are ${names.join(', ')}`;
      must(
        first.length === names.length,
        this.where,
        `a row must have ${names.length} cells`,
        first.length,
        why,
      );
      return names;
    }
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
        const { how } = columns[c];
        const { kinds = {}, expected } = this.options;
        const asTold = Object.hasOwn(kinds, names[c]);
        const why = asTold
          ? 'as kinds says'
          : expected
            ? 'as in training'
            : `the first rows are ${kindOf(how)}; kinds: { ${JSON.stringify(names[c])}: 'texts' } reads texts`;
        must(
          false,
          `${where}: column ${names[c]}`,
          `it must hold ${asTold || expected ? inWords(how) : kindOf(how)}`,
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

const numberOf = (cell: string): number => (isMissing(cell) ? NaN : formOf('point')(cell));
const keysOf = (rows: Rows['cells']): string[] => [...new Set(rows.flatMap((row) => Object.keys(row)))];
/** The cell of a row; an object without that name, which may be `constructor`, has an empty one. */
function cellOf(row: Rows['cells'][number], name: string, k: number): TableCell {
  if (Array.isArray(row)) return (row as string[])[k];
  return Object.hasOwn(row, name) ? (row as Record<string, TableCell>)[name] : '';
}
