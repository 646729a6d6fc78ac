/**
 * A cell from its equations: text in, and out comes what is executed, checked and saved.
 *
 * `@` is the matrix product and `.T` the transpose; `*` multiplies element by element, and `sum` adds up the rows, which are
 * those of the batch. `+=` adds to a gradient, which other steps add to as well.
 *
 * Forward reads x, the parameters and `<state>Prev`, and writes every state. Backward reads all of that, what forward
 * wrote, `d<output>Out` (from the output at t) and `d<state>Next` (from the step t + 1); it writes dx and every
 * `d<state>Prev`, and adds into `d<parameter>`. The Jacobian reads `J<state>Prev` and writes `J<state>`; values stand
 * upright in it, one number a row. What a later step reads is kept; what only stands on the way is not stored at all.
 */
import { must, mustBe } from '../core/check';
import { declare } from '../core/equations/declare';
import { numberOf, times, type Shape } from '../core/equations/shapes';
import type { Initializer } from '../core/init';
import type { Cell, CellEquations, CellOption, ColumnRange } from './cell';
import { readCell, type ReadCell } from './read';

export type { CellEquations } from './cell';

/** What a cell is made of beside its equations. */
export interface CellDefinition {
  /** Numbers for the letters of the shapes; D is the width of the input, H that of the hidden layer. */
  sizes: Readonly<Record<string, number>> & { D: number; H: number };
  /** How each parameter starts. */
  init: Readonly<Record<string, Initializer>>;
  /** What a checkpoint must hold to build the same cell again. */
  options?: Readonly<Record<string, CellOption>>;
}

/** Texts that were read before, the last few: the same cell is made again and again. */
const known = new Map<string, ReadCell>();
const MOST_KNOWN = 100;

/**
 * A cell from equations.
 *
 *   x, dx [B, D]   each state s, ds [B, its width]   parameters as declared
 *
 * @throws EquationError with line and column for what cannot be read, is not known or does not fit; RangeError for a
 *   letter without a size.
 * @example
 * const leaky = cell(
 *   {
 *     name: 'leaky',
 *     shapes: 'x [D]   states h [H]   parameters Wx [D, H]',
 *     forward: 'h = 0.9 * hPrev + x @ Wx',
 *     backward: `
 *       dh = dhOut + dhNext   # two paths reach h: the output at t, and the step t + 1
 *       dhPrev = 0.9 * dh
 *       dx = dh @ Wx.T
 *       dWx += x.T @ dh`,
 *   },
 *   { sizes: { D: 2, H: 3 }, init: { Wx: init.glorot() } },
 * );
 * gradcheck(leaky).ok; // true
 */
export function cell(equations: CellEquations, making: CellDefinition): Cell {
  // parsing takes longer than all else here
  const key = JSON.stringify([equations, making.sizes]);
  const read = known.get(key) ?? readCell(equations, making.sizes);
  known.delete(key);
  known.set(key, read);
  const [oldest] = known.keys();
  if (known.size > MOST_KNOWN) known.delete(oldest);
  return made(read, equations, making);
}

/** The numbers that the letters of a cell's shapes stand for. */
export function sizesOf(
  { input: D, hidden: H, parameters, states }: Cell,
  { shapes, name }: CellEquations,
): CellDefinition['sizes'] {
  const { sections } = declare(shapes, ['states', 'parameters'], name);
  // letters beside D and H are the width of a state or an axis of a parameter
  const sizes = { D, H };
  const note = (shape: Shape, numbers: readonly number[]): void =>
    shape.forEach((letter, k) => {
      if (/^[A-Za-z]/.test(letter)) Object.assign(sizes, { [letter]: numbers[k] });
    });
  for (const [s, shape] of Object.entries(sections.states)) note(shape, [states[s]]);
  for (const [p, shape] of Object.entries(sections.parameters)) note(shape, parameters[p].shape);
  return sizes;
}

/** The columns of the biases b that belong to a gate; undefined where a cell has no such gate, or no biases. */
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

/**
 * The same cell with some of its equations written otherwise. It is not cached: there may be thousands.
 * @throws EquationError where they do not fit together; TypeError for a cell that is not defined by equations.
 */
export function variantOf(of: Cell, changed: Partial<CellEquations>): Cell {
  const { equations, parameters } = of;
  mustBe(equations !== undefined, 'cell', 'a variant must be of a cell defined by equations', of.name);
  const sizes = sizesOf(of, equations);
  const init = Object.fromEntries(Object.entries(parameters).map(([p, { init }]) => [p, init]));
  const text = { ...equations, ...changed };
  return made(readCell(text, sizes), text, { sizes, init });
}

/**
 * The cell of equations that were read. Its `step` computes nothing: it records the equations, as operations on the tensors
 * that `v` holds by their names, into a program, which is compiled once and then run for each batch.
 */
function made(read: ReadCell, equations: CellEquations, { sizes, init, options }: CellDefinition): Cell {
  const { name } = equations;
  const { forward, backward, jacobian } = read;
  const size = (text: string): number => {
    const number = numberOf(text, sizes);
    must(number !== undefined, name, 'every letter of the shapes must have a size', text);
    return number;
  };
  const each = <A, B>(
    of: Readonly<Record<string, A>>,
    make: (value: A, key: string) => B,
  ): Record<string, B> =>
    Object.fromEntries(Object.entries(of).map(([key, value]) => [key, make(value, key)]));
  return {
    ...{ name, equations, input: sizes.D, hidden: sizes.H, ...(options && { options }) },
    parameters: each(read.parameters, (shape, p) => ({ shape: shape.map(size), init: init[p] })),
    states: each(read.states, size),
    buffers: each(read.buffers, size),
    parts: each(read.parts, ({ of, from, to }): ColumnRange => ({ of, from: size(from), to: size(to) })),
    statements: read.statements,
    step: (program, v) => forward.record(program, v),
    stepBackward: (program, v) => backward.record(program, v),
    ...(jacobian && { jacobian: (program, v) => jacobian.record(program, v) }),
  };
}

/** Lets a piece of text through, or leaves it out. */
export type Optional = (text: TemplateStringsArray) => string;

/**
 * A piece of text that one variant of a cell has and another has not.
 * @example when(false)`+ b` // ''
 */
export function when(is: boolean): Optional {
  return ([text]) => (is ? text : '');
}
