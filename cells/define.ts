/**
 * Creates a cell from its equations as text; the same text is executed, checked and saved.
 *
 * `@` is the matrix product and `.T` the transpose; `*` multiplies element by element, and `sum` adds up the rows of the
 * batch. The shapes are declared for one row; a step computes all B rows at once, so x is [B, D] and x.T @ dz adds up the
 * rows, too. `+=` adds to a gradient that other steps add to as well. Of a value `v`, `dv` is the gradient dL/dv.
 *
 * Forward reads x, the parameters and `<state>Prev`, and writes every state; the first state is the output. Backward reads all
 * of these, the values that forward wrote, `d<output>Out` (from the output at t) and `d<state>Next` (from the step t + 1); it
 * writes dx and every `d<state>Prev`, and adds into `d<parameter>`.
 *
 * The Jacobian, which a cell may leave out, is the derivative of the states with respect to the states before: given
 * `J<state>Prev`, it writes `J<state>`. Its values are column vectors. If `JhPrev` is the identity, `Jh` is ∂h_t/∂h_{t−1}.
 *
 * `gates a = i f g o [H]` names the columns of `a`, H for each gate: `ai`, `af`, `ag`, `ao`. Values that a later block reads are
 * kept; other intermediate results are not stored.
 */
import { must } from '../core/check';
import { declare } from '../core/equations/declare';
import { numberOf } from '../core/equations/shapes';
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
  return recordingCell(read, equations, making);
}

/** The equations with what the options `layerNorm` and `residual` add around them. */
function surrounded(
  text: CellEquations,
  making: CellDefinition,
): { equations: CellEquations; making: CellDefinition } {
  const { layerNorm = false, residual = false } = making.options ?? {};
  const equations = layerNorm ? withLayerNorm(text, making.sizes.D) : text;
  const init = layerNorm ? { ...making.init, gain: constant(1), shift: constant(0) } : making.init;
  if (!residual) return { equations, making: { ...making, init } };
  const [[width]] = Object.values(declare(text.shapes, ['states', 'parameters'], text.name).sections.states);
  const output = numberOf(width, making.sizes) as number;
  return { equations: withResidual(equations, [making.sizes.D, output]), making: { ...making, init } };
}

/**
 * The cell of parsed equations. Its `step` computes nothing: it records the equations as operations on the named tensors
 * `v` in a program, which is compiled once and then run for each batch.
 */
export function recordingCell(
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
