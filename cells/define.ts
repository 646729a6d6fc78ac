/**
 * Creates a cell from its equations as text; the same text is executed, checked and saved.
 *
 * `@` is the matrix product and `.T` the transpose; `*` multiplies element by element, and `sum` adds up the rows of the
 * batch. `+=` adds to a gradient that other steps add to as well.
 *
 * Forward reads x, the parameters and `<state>Prev`, and writes every state. Backward reads all of these, the values that
 * forward wrote, `d<output>Out` (from the output at t) and `d<state>Next` (from the step t + 1); it writes dx and every
 * `d<state>Prev`, and adds into `d<parameter>`. The Jacobian reads `J<state>Prev` and writes `J<state>`; its values are
 * column vectors. Values that a later block reads are kept; other intermediate results are not stored.
 */
import { must, mustBe } from '../core/check';
import { declare } from '../core/equations/declare';
import { numberOf, times, type Shape } from '../core/equations/shapes';
import { constant, type Initializer } from '../core/random/init';
import type { Cell, CellEquations, CellOption, ColumnRange } from './cell';
import { withLayerNorm } from './parts/layernorm';
import { readCell, type ReadCell } from './read';
import { withResidual } from './parts/residual';

export type { CellEquations } from './cell';

/** The sizes, initializers and options of a cell. */
export interface CellDefinition {
  /** Values of the letters in the shapes; D is the width of the input, H that of the hidden layer. */
  sizes: Readonly<Record<string, number>> & { D: number; H: number };
  /** The initializer of each parameter. */
  init: Readonly<Record<string, Initializer>>;
  /** Parameters that training does not change. */
  fixed?: readonly string[];
  /**
   * Options that a checkpoint must hold to build the same cell again. `layerNorm: true` normalizes the input, `residual: true`
   * adds it to the output, as for the built-in cells.
   */
  options?: Readonly<Record<string, CellOption>>;
}

/** A cache of the texts that were parsed last, because the same cell is often created again. */
const known = new Map<string, ReadCell>();
const MOST_KNOWN = 100;

/**
 * Creates a cell from equations.
 *
 *   x, dx [B, D]   each state s, ds [B, its width]   parameters as declared
 *
 * @throws EquationError with line and column for a syntax error, an unknown name or a shape mismatch; RangeError for a
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
export function cell(text: CellEquations, given: CellDefinition): Cell {
  const { equations, making } = surrounded(text, given);
  // parsing takes most of the time
  const key = JSON.stringify([equations, making.sizes]);
  const read = known.get(key) ?? readCell(equations, making.sizes);
  known.delete(key);
  known.set(key, read);
  const [oldest] = known.keys();
  if (known.size > MOST_KNOWN) known.delete(oldest);
  return made(read, equations, making);
}

/** The equations with what the options `layerNorm` and `residual` add around them. */
function surrounded(
  text: CellEquations,
  making: CellDefinition,
): { equations: CellEquations; making: CellDefinition } {
  const { layerNorm = false, residual = false } = making.options ?? {};
  const equations = layerNorm ? withLayerNorm(text) : text;
  const init = layerNorm ? { ...making.init, gain: constant(1), shift: constant(0) } : making.init;
  if (!residual) return { equations, making: { ...making, init } };
  const [[width]] = Object.values(declare(text.shapes, ['states', 'parameters'], text.name).sections.states);
  const output = numberOf(width, making.sizes) as number;
  return { equations: withResidual(equations, [making.sizes.D, output]), making: { ...making, init } };
}

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
  return made(readCell(text, sizes), text, { sizes, init, fixed });
}

/**
 * The cell of parsed equations. Its `step` computes nothing: it records the equations as operations on the named tensors
 * `v` in a program, which is compiled once and then run for each batch.
 */
function made(
  read: ReadCell,
  equations: CellEquations,
  { sizes, init, options, fixed = [] }: CellDefinition,
): Cell {
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
    parameters: each(read.parameters, (shape, p) => ({
      ...{ shape: shape.map(size), init: init[p] },
      ...(fixed.includes(p) && { fixed: true }),
    })),
    states: each(read.states, size),
    buffers: each(read.buffers, size),
    parts: each(read.parts, ({ of, from, to }): ColumnRange => ({ of, from: size(from), to: size(to) })),
    statements: read.statements,
    step: (program, v) => forward.record(program, v),
    stepBackward: (program, v) => backward.record(program, v),
    ...(jacobian && { jacobian: (program, v) => jacobian.record(program, v) }),
  };
}

/** A template tag that returns its text, or an empty string. */
export type Optional = (text: TemplateStringsArray) => string;

/**
 * A template tag for text that only some variants of a cell contain.
 * @example when(false)`+ b` // ''
 */
export function when(is: boolean): Optional {
  return ([text]) => (is ? text : '');
}
