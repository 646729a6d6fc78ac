/** Cells by name: how a checkpoint or another thread rebuilds a cell. */
import { mustBe } from '../core/check';
import { constant } from '../core/init';
import type { Cell } from './cell';
import { embedding, type Embedding, type EmbeddingOptions } from './embedding';
import { kinds, type CellMaker } from './kinds';
import { cellFromText } from './text';

export type { CellMaker } from './kinds';

export const makers: Readonly<Record<string, CellMaker>> = {
  ...Object.fromEntries(kinds.map(({ name, make }) => [name, make])),
  /** A cell of one's own: its text is among its options. */
  equations: cellFromText,
};

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
export function remake(
  { cell: name, options }: CellNote,
  known: Readonly<Record<string, CellMaker>>,
  where: string,
): Cell {
  const names = Object.keys(known).join(', ');
  mustBe(Object.hasOwn(known, name), where, `cells must be among ${names}`, name);
  const cell = known[name](options);
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
