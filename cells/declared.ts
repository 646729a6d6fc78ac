/** What the declaration of a cell says about it: the sizes behind the letters of its shapes, and the columns of its gates. */
import { declare } from '../core/equations/declare';
import { times, type Shape } from '../core/equations/shapes';
import type { Cell, CellEquations, ColumnRange } from './cell';
import type { CellDefinition } from './define';

/** The values of the letters in a cell's shapes. */
export function declaredSizes(
  { input: D, hidden: H, parameters, states }: Cell,
  { shapes, name }: Pick<CellEquations, 'shapes' | 'name'>,
): CellDefinition['sizes'] {
  const { sections } = declare(shapes, ['states', 'parameters'], name);
  // letters other than D and H are the width of a state or an axis of a parameter
  const sizes = { D, H };
  const note = (shape: Shape, numbers: readonly number[]): void =>
    shape.forEach((letter, k) => {
      if (/^[A-Za-z]/.test(letter)) Object.assign(sizes, { [letter]: numbers[k] });
    });
  for (const [s, shape] of Object.entries(sections.states)) note(shape, [states[s]]);
  for (const [p, shape] of Object.entries(sections.parameters)) note(shape, parameters[p].shape);
  return sizes;
}

/** The columns of the biases b that belong to a gate; undefined if the cell has no such gate or no biases. */
export function gateBias({ name, equations, parameters }: Cell, gate: string): ColumnRange | undefined {
  if (equations === undefined || !('b' in parameters)) return undefined;
  const { gates, sections } = declare(equations.shapes, ['states', 'parameters'], name);
  const count = gates?.names.length ?? 0;
  const k = gates?.names.indexOf(gate) ?? -1;
  const isGated = gates && sections.parameters.b[0] === times(gates.size, count);
  if (k < 0 || !isGated) return undefined;
  const width = parameters.b.shape[0] / count;
  return { of: 'b', from: k * width, to: (k + 1) * width };
}
