/** Variants of a cell: the same cell with other equations, such as a planted mistake. */
import { mustBe } from '../core/check';
import type { Cell, CellEquations } from './cell';
import { declaredSizes } from './declared';
import { recordingCell } from './define';
import { readCell } from './read';

/**
 * The same cell with some of its equations replaced. It is not cached, because there may be thousands.
 * @throws EquationError if the equations do not fit together; TypeError for a cell that is not defined by equations.
 */
export function variantOf(of: Cell, changed: Partial<CellEquations>): Cell {
  const { equations, parameters } = of;
  mustBe(equations !== undefined, 'cell', 'a variant must be of a cell defined by equations', of.name);
  const sizes = declaredSizes(of, equations);
  const init = Object.fromEntries(Object.entries(parameters).map(([p, { init }]) => [p, init]));
  const fixed = Object.keys(parameters).filter((p) => parameters[p].fixed);
  const text = { ...equations, ...changed };
  return recordingCell(readCell(text, sizes), text, { sizes, init, fixed });
}
