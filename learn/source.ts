/** Reads the input of a task: a table, CoNLL columns, piano rolls, or a folder with a subfolder for each class. */
import { createHash } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import { join } from 'node:path';
import { mustBe } from '../core/check';
import { tableFrom, tablesFrom, type ReadOptions, type Table } from '../data/table';
import { isParquet } from '../data/parquet';
import { begin, rejoined, textOf } from '../data/text';
import { usage } from '../terminal/errors';
import { columnsTable, columnsTables, hasColumns } from './columns';
import { filesIn, folderTable } from './folder';
import { holdsPieces, piecesTable } from './pieces';

/** How a table is read: as the command line says, else as in training. */
export type Reading = Pick<ReadOptions, 'header' | 'separator' | 'kinds' | 'expected'>;

const isFolder = (file: string): boolean =>
  file !== '-' && statSync(file, { throwIfNoEntry: false })?.isDirectory() === true;

/**
 * Reads a file, or standard input for `-`; errors are reported as mistakes in the input.
 * @param columns Whether a file that is not JSON holds CoNLL columns; by default, its name decides.
 */
export async function tableOf(
  file: string,
  columns = hasColumns(file),
  options: Reading = {},
): Promise<Table> {
  const [source, name] = file === '-' ? [process.stdin, 'standard input'] : [file, file];
  try {
    if (isFolder(file)) {
      mustNotBeTold(options, file, 'a folder');
      return folderTable(file);
    }
    const opened = await begin(source, name);
    if (isParquet(opened.first)) {
      if (file !== '-') await opened.close();
      return await tableFrom(file === '-' ? opened.pieces : file, { ...options, name });
    }
    const texts = textOf(opened.pieces, name);
    let first = '';
    // a pipe may give the beginning, which tells the format, in small pieces
    while (first.length < BEGINNING) {
      const next = await texts.next();
      if (next.done) break;
      first += next.value;
    }
    if (holdsPieces(first)) {
      mustNotBeTold(options, name, 'piano rolls');
      return piecesTable(await wholeOf(first, texts), name);
    }
    if (columns && !holdsJson(first)) {
      mustNotBeTold(options, name, 'CoNLL columns');
      return columnsTable(await wholeOf(first, texts), name);
    }
    return await tableFrom(rejoined(first, texts), { ...options, name });
  } catch (error) {
    throw usage((error as Error).message, columns ? COLUMNS : TABLE, error);
  }
}
const COLUMNS =
  'a token and its tag on each line and an empty line after each sentence, or JSON lines with "tokens" and "tags"';
const TABLE =
  'a file of CSV, TSV, JSON or Parquet, with the names of the columns first; --header, --separator and --kinds say how it is read';

/** Refuses options of tables for a file of another kind. */
function mustNotBeTold({ header, separator, kinds }: Reading, name: string, what: string): void {
  for (const [option, value] of Object.entries({ header, separator, kinds }))
    mustBe(value === undefined, `table: ${name}`, `--${option} must be left out`, value, `it holds ${what}`);
}

const holdsJson = (first: string): boolean => /^\s*[[{]/.test(first);

/** The tables of standard input, each as soon as its rows or sentences have arrived. */
export async function* tablesOfInput(columns: boolean, given: Reading): AsyncGenerator<Table> {
  const options = { ...given, name: 'standard input' };
  try {
    const { first: mark, pieces } = await begin(process.stdin, options.name);
    if (isParquet(mark)) {
      yield* tablesFrom(pieces, options);
      return;
    }
    const texts = textOf(pieces, options.name);
    let first = '';
    // the first line tells the format
    while (!/\S.*\n/.test(first)) {
      const next = await texts.next();
      if (next.done) break;
      first += next.value;
    }
    const whole = rejoined(first, texts);
    if (holdsPieces(first)) {
      mustNotBeTold(given, options.name, 'piano rolls');
      yield piecesTable(await wholeOf('', whole), options.name);
    } else if (columns && !holdsJson(first)) {
      mustNotBeTold(given, options.name, 'CoNLL columns');
      yield* columnsTables(whole, options.name);
    } else yield* tablesFrom(whole, options);
  } catch (error) {
    throw usage((error as Error).message, columns ? COLUMNS : TABLE, error);
  }
}

/** Characters that tell the format of a text. */
const BEGINNING = 1024;

async function wholeOf(first: string, rest: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const piece of rejoined(first, rest)) text += piece;
  return text;
}

/**
 * SHA-256 of a file's bytes, or of all names and files of a folder, by which a checkpoint recognizes its data.
 * Standard input, which cannot be read again, has the hash of an empty file.
 */
export async function fingerprintOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  if (file === '-') return hash.digest('hex');
  if (!isFolder(file)) return (await add(hash, file)).digest('hex');
  for (const { file: name } of filesIn(file)) await add(hash.update(`${name}\0`), join(file, name));
  return hash.digest('hex');
}

async function add(hash: ReturnType<typeof createHash>, file: string): Promise<typeof hash> {
  for await (const piece of createReadStream(file)) hash.update(piece as Uint8Array);
  return hash;
}
