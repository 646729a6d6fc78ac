/** What `--cell` can be: a cell that is built in, by its name, or one of the user's own, as the text of its file. */
import { existsSync, statSync } from 'node:fs';
import type { Cell } from '../cells/cell';
import { choiceNames, choiceOf, type CellParts, type CellSizes } from '../cells/kinds';
import { cellFromText } from '../cells/text';
import { mustBe } from '../core/check';
import { limits } from '../core/equations/parse';
import { readUtf8 } from '../io/files';
import { known } from '../terminal/arguments';
import { usage, using } from '../terminal/errors';

/** Into how many equal parts a cell shares out its hidden units, and why; undefined where it does not. */
export const partsOf = (cell: string): CellParts | undefined => choiceOf(cell)?.kind.parts;

/** Whether a setting is the text of a cell, and not the name of one. */
const isText = (cell: string): boolean => cell.includes('\n');

/** The cell that a setting asks for. @throws TypeError for a name that is none. */
export function makeCell(cell: string, sizes: CellSizes): Cell {
  if (isText(cell)) return cellFromText({ ...sizes, equations: cell });
  const choice = choiceOf(cell);
  mustBe(choice !== undefined, 'network', `the cell must be one of ${choiceNames().join(', ')}`, cell);
  return choice.make(sizes);
}

/** Whether a setting asks for a cell: what a checkpoint says is not trusted. */
export const isCellSetting = (cell: string): boolean => choiceOf(cell) !== undefined || isText(cell);

/** How a setting is shown: `gru`, `mgu (from a file)`. */
export const cellLabel = (cell: string): string => {
  if (!isText(cell)) return cell;
  const [, name = 'a cell'] = /^\s*cell\s+([\w-]+)/m.exec(cell) ?? [];
  return `${name} (from a file)`;
};

/** Whether a word on the command line is meant as a file: there is one, or it looks like one. */
export const isCellFile = (word: string): boolean =>
  choiceOf(word) === undefined && (/[./\\]/.test(word) || (existsSync(word) && statSync(word).isFile()));

/** Made once with small sizes: what is wrong with a text is said before anything else is read. */
const makeOnce = (equations: string): unknown => cellFromText({ input: 2, hidden: 3, equations });

/**
 * The text of a cell's file.
 * @param read Reads it once, to find what is wrong with it.
 * @throws CommandError when there is no such file, or it holds no cell.
 */
export function readCellFile(file: string, place: string, read = makeOnce): string {
  const fix = 'see examples/cells/ for examples of such files';
  if (!existsSync(file)) throw usage(`${place} must be a file, got ${file}, which does not exist`, fix);
  const { size } = statSync(file);
  if (size > 4 * limits.characters)
    throw usage(
      `${place} must be a file of at most ${limits.characters} characters, got ${size} bytes (${file})`,
      fix,
    );
  const text = using(() => readUtf8(file), fix);
  using(() => {
    try {
      read(text);
    } catch (error) {
      throw new Error(`${file}: ${(error as Error).message}`, { cause: error });
    }
  }, fix);
  return text;
}

/** A name, or the text of a cell. @throws CommandError for neither. */
export function knownCell(cell: unknown, place: string): string {
  if (typeof cell === 'string' && isText(cell)) return cell;
  return known(cell, choiceNames(), `${place} must be a file, or one of`);
}

/** A name, or the text of the file that is named. @throws CommandError for neither. */
export const readCell = (word: string, place: string): string =>
  isCellFile(word) ? readCellFile(word, place) : knownCell(word, place);
