/** Reads the input of a task: a table, CoNLL columns, piano rolls, or a folder with a subfolder for each class. */
import { createHash } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import { join } from 'node:path';
import { readTable, type Table, type TableOptions } from '../data/table';
import { isParquet } from '../data/parquet';
import { begin, rejoined, textOf } from '../data/text';
import { usage } from '../terminal/errors';
import { columnsTable, hasColumns } from './columns';
import { filesIn, folderTable } from './folder';
import { holdsPieces, piecesTable } from './pieces';

const isFolder = (file: string): boolean =>
  file !== '-' && statSync(file, { throwIfNoEntry: false })?.isDirectory() === true;

/**
 * Reads a file, or standard input for `-`; errors are reported as mistakes in the input.
 * @param columns Whether a file that is not JSON holds CoNLL columns; by default, its name decides.
 */
export async function tableOf(
  file: string,
  columns = hasColumns(file),
  options: Pick<TableOptions, 'header'> = {},
): Promise<Table> {
  const [source, name] = file === '-' ? [process.stdin, 'standard input'] : [file, file];
  try {
    if (isFolder(file)) return folderTable(file);
    const opened = await begin(source, name);
    if (isParquet(opened.first)) {
      if (file !== '-') await opened.close();
      return await readTable(file === '-' ? opened.pieces : file, { ...options, name });
    }
    const texts = textOf(opened.pieces, name);
    const begun = await texts.next();
    const first = begun.done ? '' : begun.value;
    if (holdsPieces(first)) return piecesTable(await wholeOf(first, texts), name);
    if (columns && !/^\s*[[{]/.test(first)) return columnsTable(await wholeOf(first, texts), name);
    return await readTable(rejoined(first, texts), { ...options, name });
  } catch (error) {
    const fix = columns
      ? 'a token and its tag on each line and an empty line after each sentence, or JSON lines with "tokens" and "tags"'
      : 'a file of CSV, TSV, JSON or Parquet, with the names of the columns first';
    throw usage((error as Error).message, fix, error);
  }
}

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
