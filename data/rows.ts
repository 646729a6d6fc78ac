/** Splits the text of a table into rows: CSV, TSV and similar formats with Papa Parse, JSON line by line. */
import Papa from 'papaparse';
import { must, mustBe } from '../core/check';

/** A cell: text, or a JSON value. */
export type TableCell = string | number | readonly unknown[];

/** Rows, with the numbers of their first lines. */
export interface Rows {
  lines: number[];
  /** By column, or by name. */
  cells: (readonly string[] | Readonly<Record<string, TableCell>>)[];
}

const separators = ['\t', ';', ',', '|'] as const;

/** A quote that is not closed within this many characters counts as never closed. */
const LONGEST_CELL = 1 << 24;

/**
 * The cell separator of a file: the usual one if its first line has it outside quotes, else the candidate that occurs most
 * often there; the usual one, or a comma, if none does.
 * @example
 * separatorOf('date;"a, b";c') // ';'
 * separatorOf('1,5;2,5;3,5,7', ';') // ';'
 */
export function separatorOf(text: string, usual?: string): string {
  const line = text.replace(/"[^"]*"/g, '').split(/\r?\n/, 1)[0];
  const count = (sign: string): number => line.split(sign).length - 1;
  if (usual !== undefined && count(usual) > 0) return usual;
  return separators.reduce((most, sign) => (count(sign) > count(most) ? sign : most), usual ?? ',');
}

/**
 * The rows of a text with separated cells and RFC 4180 quotes; empty lines are skipped.
 * @throws RangeError with the line for a quote that is not closed or is inside a cell.
 */
export async function* separatedRows(
  texts: AsyncIterable<string>,
  separator: string,
  where: string,
): AsyncGenerator<Rows> {
  const parser = new Papa.Parser({ delimiter: separator, newline: '\n' } as never) as unknown as {
    parse(text: string, from: number, leaveLast: boolean): Papa.ParseResult<string[]>;
  };
  let rest = '';
  let line = 1;
  const parse = (leaveLast: boolean): Rows => {
    const { data, errors, meta } = parser.parse(rest, 0, leaveLast);
    const rows: Rows = { lines: [], cells: [] };
    const faults = new Map(errors.filter(({ type }) => type === 'Quotes').map((e) => [e.row, e.message]));
    data.forEach((cells, k) => {
      const fault = faults.get(k);
      must(fault === undefined, where, 'quotes must stand around whole cells and be closed', `line ${line}`);
      cells[cells.length - 1] = cells[cells.length - 1].replace(/\r$/, '');
      if (cells.length > 1 || cells[0] !== '') {
        rows.lines.push(line);
        rows.cells.push(cells);
      }
      line += 1 + cells.reduce((n, cell) => (cell.includes('\n') ? n + cell.split('\n').length - 1 : n), 0);
    });
    rest = leaveLast ? rest.slice(meta.cursor) : '';
    must(rest.length < LONGEST_CELL, where, 'every quote must be closed', `none after line ${line}`);
    return rows;
  };
  for await (const text of texts) {
    rest += text;
    if (rest.includes('\n')) yield parse(true);
  }
  if (rest !== '') yield parse(false);
}

/**
 * The objects of a text, one per line, or of one JSON list.
 * @throws TypeError with the line number for a line that is not an object of numbers, texts and lists.
 */
export async function* jsonRows(texts: AsyncIterable<string>, where: string): AsyncGenerator<Rows> {
  let rest = '';
  let line = 0;
  let list: boolean | undefined;
  const parse = (lines: readonly string[]): Rows => {
    const rows: Rows = { lines: [], cells: [] };
    for (const text of lines) {
      line++;
      if (text.trim() === '') continue;
      rows.lines.push(line);
      rows.cells.push(objectOf(text, `${where}: line ${line}`));
    }
    return rows;
  };
  for await (const text of texts) {
    rest += text;
    if (list === undefined && rest.trim() !== '') list = rest.trimStart().startsWith('[');
    if (list || !text.includes('\n')) continue;
    const lines = rest.split('\n');
    rest = lines.pop() as string;
    yield parse(lines);
  }
  if (!list) {
    yield parse([rest]);
    return;
  }
  const all = jsonOf(rest, where);
  mustBe(Array.isArray(all), where, 'it must be a list of objects', all);
  const cells = (all as unknown[]).map((one, k) => cellsOf(one, `${where}: object ${k + 1}`));
  yield { lines: cells.map((_, k) => k + 1), cells };
}

const objectOf = (text: string, where: string): Record<string, TableCell> =>
  cellsOf(jsonOf(text, where), where);

function jsonOf(text: string, where: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    mustBe(false, where, 'it must be JSON', text.trim());
  }
}

/** Converts JSON values to cells: null is missing, true and false are text. */
export function cellsOf(object: unknown, where: string): Record<string, TableCell> {
  const plain = typeof object === 'object' && object !== null && !Array.isArray(object);
  mustBe(plain, where, 'it must be an object, as {"x": 1}', object);
  return Object.fromEntries(
    Object.entries(object).map(([name, value]: [string, unknown]) => {
      if (value === null) return [name, ''];
      if (typeof value === 'boolean') return [name, String(value)];
      const fits = typeof value === 'number' || typeof value === 'string' || Array.isArray(value);
      mustBe(fits, where, `"${name}" must be a number, a text or a list`, value);
      return [name, value as TableCell];
    }),
  );
}
