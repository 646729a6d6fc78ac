/** Parses `--cell`: the name of a built-in cell, or a file with the equations of the user's own, stored as its text. */
import { existsSync, statSync } from 'node:fs';
import type { Cell } from '../cells/cell';
import { choiceNames, choiceOf, type CellParts, type CellSizes } from '../cells/kinds';
import { cellFromText } from '../cells/text';
import { mustBe } from '../core/check';
import { limits } from '../core/equations/parse';
import { readUtf8 } from '../io/files';
import { known } from '../terminal/arguments';
import { usage, using } from '../terminal/errors';

/** Into how many equal parts a cell divides its hidden units, and why; undefined if it does not. */
export const cellPartsOf = (cell: string): CellParts | undefined => choiceOf(cell)?.kind.parts;

/** Whether a setting is the text of a cell rather than a name. */
const isText = (cell: string): boolean => cell.includes('\n');

/**
 * Makes the cell of a setting, optionally with chrono initialization.
 * @throws TypeError for an unknown name; CommandError for chrono initialization of a cell without such an option.
 */
export function makeCell(cell: string, sizes: CellSizes, { chrono }: { chrono?: number } = {}): Cell {
  if (chrono !== undefined) return withChrono(cell, sizes, chrono);
  if (isText(cell)) return cellFromText({ ...sizes, equations: cell });
  const choice = choiceOf(cell);
  mustBe(choice !== undefined, 'network', `the cell must be one of ${choiceNames().join(', ')}`, cell);
  return choice.make(sizes);
}

function withChrono(cell: string, sizes: CellSizes, chrono: number): Cell {
  const { options = {} } = makeCell(cell, sizes);
  if (!('chrono' in options))
    throw usage(
      `train: --chrono must be left out with --cell ${cellLabel(cell)}, got ${chrono}`,
      'only the LSTM with a forget gate can be initialized so: --cell lstm',
    );
  return choiceOf(cell)?.make(sizes, { chrono }) as Cell;
}

/** Whether a setting from a checkpoint, which is untrusted, names or defines a cell. */
export const isCellSetting = (cell: string): boolean => choiceOf(cell) !== undefined || isText(cell);

/** How a setting is printed: `gru`, `mgu (from a file)`. */
export const cellLabel = (cell: string): string => {
  if (!isText(cell)) return cell;
  const [, name = 'a cell'] = /^\s*cell\s+([\w-]+)/m.exec(cell) ?? [];
  return `${name} (from a file)`;
};

/** Whether an argument on the command line means a file: it exists, or it looks like a path. */
export const isCellFile = (word: string): boolean =>
  choiceOf(word) === undefined && (/[./\\]/.test(word) || (existsSync(word) && statSync(word).isFile()));

/** Builds the cell once with small sizes, so that errors in its text are reported before anything else is read. */
const makeOnce = (equations: string): unknown => cellFromText({ input: 2, hidden: 3, equations });

/**
 * The text of a cell's file.
 * Parses the text once, to find errors.
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

/** Accepts a cell's name, or the text of a cell. @throws CommandError for anything else. */
export function knownCell(cell: unknown, place: string): string {
  if (typeof cell === 'string' && isText(cell)) return cell;
  return known(cell, choiceNames(), `${place} must be a file, or one of`);
}

/** Accepts a cell's name, or a file, whose text it returns. @throws CommandError for anything else. */
export const readCellChoice = (word: string, place: string): string =>
  isCellFile(word) ? readCellFile(word, place) : knownCell(word, place);
