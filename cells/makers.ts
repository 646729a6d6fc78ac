/** Cells by name: how a checkpoint or another thread rebuilds a cell. */
import { constant } from '../core/init';
import { Registry } from '../core/registry';
import type { Cell } from './cell';
import { embedding, type Embedding, type EmbeddingOptions } from './embedding';
import { kinds, type CellMaker } from './kinds';
import { cellFromText } from './text';

export type { CellMaker } from './kinds';

export const makers = new Registry<CellMaker>('the cell');
for (const { name, make } of kinds.all) makers.add(name, make, 'cells');
// a cell of one's own: its text is among its options
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
 * The cell of a note. Its weights start at zero: they come from elsewhere, and orthogonal matrices take time to draw.
 * @throws TypeError when there is no maker of that name.
 */
export function remake({ cell: name, options }: CellNote, known: Registry<CellMaker>, where: string): Cell {
  const cell = known.get(name, where)(options);
  return { ...cell, parameters: fromZero(cell.parameters) };
}

/** The embedding of such options, which starts at zero as well. */
export function remakeEmbedding(options: EmbeddingOptions): Embedding {
  const made = embedding(options);
  return { ...made, parameters: fromZero(made.parameters) };
}

const fromZero = (parameters: Cell['parameters']): Cell['parameters'] =>
  Object.fromEntries(
    Object.entries(parameters).map(([name, { shape }]) => [name, { shape, init: constant(0) }]),
  );
