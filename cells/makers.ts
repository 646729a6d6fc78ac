/** Factories of cells by name, by which a checkpoint or another thread rebuilds a cell. */
import { Registry } from '../core/registry';
import type { Cell } from './cell';
import { kinds, type CellMaker } from './kinds';
import { cellFromText } from './text';

export type { CellMaker } from './kinds';

export const makers = new Registry<CellMaker>('the cell');
for (const { name, make } of kinds.all) makers.add(name, make, 'cells');
// a user's cell has its text among its options
makers.add('equations', cellFromText, 'cells');

/** A cell as plain data. */
export interface CellNote {
  cell: string;
  options: Record<string, unknown>;
}

export const noteOfCell = (cell: Cell): CellNote => ({
  cell: typeof cell.options?.equations === 'string' ? 'equations' : cell.name,
  options: { ...cell.options, input: cell.input, hidden: cell.hidden },
});

/**
 * Rebuilds the cell of a note.
 * @throws TypeError if there is no factory of that name.
 */
export const remake = ({ cell: name, options }: CellNote, known: Registry<CellMaker>, where: string): Cell =>
  known.get(name, where)(options);
