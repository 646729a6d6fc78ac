/** Factories of cells by name, by which a checkpoint or another thread rebuilds a cell. */
import { Registry } from '../core/registry';
import type { Cell } from './cell';
import { EQUATIONS, kinds, type CellMaker } from './kinds';
import { cellFromText } from './text';

export type { CellMaker } from './kinds';

/** A factory for each name that a saved cell can have: every kind, and a user's text, which is one of its options. */
export function makers(): Registry<CellMaker> {
  const all = new Registry<CellMaker>('the cell');
  for (const { name, make } of kinds.all) all.add(name, make, 'cells');
  all.add(EQUATIONS, cellFromText, 'cells');
  return all;
}

/** A cell as plain data. */
export interface CellNote {
  cell: string;
  options: Record<string, unknown>;
}

export const noteOfCell = (cell: Cell): CellNote => ({
  cell: typeof cell.options?.equations === 'string' ? EQUATIONS : cell.name,
  options: { ...cell.options, input: cell.input, hidden: cell.hidden },
});

/**
 * Rebuilds the cell of a note.
 * @throws TypeError if there is no factory of that name.
 */
export const remake = ({ cell: name, options }: CellNote, known: Registry<CellMaker>, where: string): Cell =>
  known.get(name, where)(options);
