/**
 * The interface of a recurrent cell: sizes, parameters, states, one step forward and one step backward.
 *
 * A cell is independent of time. `step` and `stepBackward` record their products and statements on a program, and access
 * tensors by the names in the equations:
 *
 *   step           reads x, the parameters, sPrev for each state s; writes s and the buffers
 *   stepBackward   reads dsNext for each state s (the gradient from t+1), d<output>Out (the gradient from the output
 *                  at t) and all of the above; writes dx, dsPrev; adds into d<parameter> for each parameter
 *
 * Both receive the time t of the step; only a cell with a clock uses it.
 *
 * The optional `jacobian` gives the derivative of the new states of one row of the batch with respect to the previous
 * states. It treats the row as a column vector, so that J = ∂s/∂sPrev is the matrix of the textbooks:
 *
 *   jacobian       reads the values of the step, each as a column [H, 1], the parameters (vectors as columns too), and
 *                  JsPrev [H, n] for each state s; writes Js [H, n], and J<buffer> for intermediate buffers
 *
 * If JsPrev are the rows of the identity, Js are the rows of the Jacobian. In general, JsPrev and Js are the derivatives
 * of the states before and after the step with respect to any n numbers.
 */
import { must, mustBeOneOf, mustBeSwitch, mustCount, mustKnowKeys } from '../core/check';
import {
  constant,
  glorot,
  identity,
  normal,
  orthogonal,
  uniform,
  type Initializer,
} from '../core/random/init';
import type { Program } from '../core/programs/program';
import type { Statement } from '../core/programs/statement';
import type { Tensors } from '../core/tensor';

/**
 * A recurrent cell: its sizes, and how to record one step forward and one step back. A cell of your own is an object
 * of this form.
 *
 *   x, dx [B, D]   each state s, dsNext, dsPrev [B, width]   each buffer [B, width]      the first state is the output
 *
 * The functions record on a program and compute nothing; they must not keep state between calls. The header of `cell.ts`
 * lists the names that a step reads and writes.
 *
 * @example
 * const forward = equations(
 *   'leaky, forward',
 *   'x [B, D]   hPrev [B, H]   Wx [D, H]   writes a, h [B, H]',
 *   `a = x @ Wx
 *    h = 0.9 * hPrev + a`,
 * );
 * const backward = equations(
 *   'leaky, backward',
 *   `x [B, D]   dhOut, dhNext [B, H]   Wx [D, H]
 *    writes dx [B, D]   da, dhPrev [B, H]   adds dWx [D, H]`,
 *   `da = dhOut + dhNext   # two paths reach h: the output at t, and the step at t+1
 *    dhPrev = 0.9 * da
 *    dx = da @ Wx.T
 *    dWx += x.T @ da`,
 * );
 * const leaky: Cell = {
 *   name: 'leaky',
 *   input: 2,
 *   hidden: 3,
 *   parameters: { Wx: { shape: [2, 3], init: init.glorot() } },
 *   states: { h: 3 },
 *   buffers: { a: 3, da: 3 },
 *   statements: [{ forward: forward.statements[0], backward: backward.statements[0] }],
 *   step: (program, v) => forward.record(program, v),
 *   stepBackward: (program, v) => backward.record(program, v),
 * };
 * gradcheck(leaky).ok; // true
 */
export interface Cell {
  /** Names the cell in messages, tables and checkpoints: `lstm`. */
  readonly name: string;
  /** D, the width of x [B, D]. */
  readonly input: number;
  /** H, the number of hidden units. */
  readonly hidden: number;
  /** The trained parameters, by the names in the equations: `Wx` [D, H]. */
  readonly parameters: Readonly<Record<string, Parameter>>;
  /** Width of each state; the first one is the cell's output. */
  readonly states: Readonly<Record<string, number>>;
  /** Width of each buffer: values that a step saves for its backward, and intermediate results. */
  readonly buffers: Readonly<Record<string, number>>;
  /** Names for some of the columns of a buffer, a parameter or its gradient; two names may share columns. */
  readonly parts?: Readonly<Record<string, ColumnRange>>;
  /** Options that a checkpoint must hold to build the same cell again. */
  readonly options?: Readonly<Record<string, CellOption>>;
  /** The equations it was made from, for display and for checkpoints. */
  readonly equations?: CellEquations;
  /** Of a cell with a clock, whose equations depend on the time, in place of `equations`. */
  readonly clocked?: ClockedEquations;
  /** Forward statements with the backward statements derived from them, for the check against duals. */
  readonly statements?: readonly StatementPair[];
  /** For a cell with a clock: a key of its behavior at time t. Steps of the same phase record the same operations. */
  phase?(t: number): string;
  /**
   * Records the step at time t: from x and the previous states to the states and buffers. Memory that it allocates is
   * freed together with the layout of that sequence length.
   */
  step(program: Program, v: Tensors, t: number): void;
  /**
   * Records the backward pass of the same step: from the gradients of its states to dx and the gradients of the previous
   * states, which it overwrites, and the gradients of the parameters, to which it adds.
   */
  stepBackward(program: Program, v: Tensors, t: number): void;
  /**
   * Records the derivative of the states with respect to the previous ones, for one row, as `flow` needs it. Without it,
   * `flow` computes the derivative from `stepBackward`, row by row.
   */
  jacobian?(program: Program, v: Tensors, t: number): void;
}

/** The text of a cell. */
export interface CellEquations {
  /** Its name in messages: `lstm`. */
  name: string;
  /**
   * Shapes of a row of the batch: `x [D]   states h, c [H]   parameters Wx [D, 4H]  Wh [H, 4H]  b [4H]
   * gates a = i f g o [H]`. The first state is the cell's output.
   */
  shapes: string;
  forward: string;
  backward: string;
  /** Derivatives of the states with respect to the previous ones; without it, `backward` computes them row by row. */
  jacobian?: string;
}

/** The text of a cell of modules with a clock. */
export interface ClockedEquations extends Pick<CellEquations, 'name' | 'shapes'> {
  /**
   * Equations of one active module: `heard` are the columns of hPrev from its first unit on, Wx and b its columns, and Wh
   * its columns, in the rows from its first unit on.
   */
  active: Required<Pick<CellEquations, 'forward' | 'backward' | 'jacobian'>>;
  /** Equations of one inactive module, whose columns are hPrev and h. */
  inactive: ClockedEquations['active'];
  /** Its units `from`…`to` (exclusive); active when `period` divides the time. */
  modules: readonly { from: number; to: number; period: number }[];
  /** Time of a sequence's first step. */
  offset: number;
}

/** The types that an option of a cell can have, so that it can be saved. */
export type CellOption = string | number | boolean | readonly object[];

/** Name and width of a cell's output, its first state: what the next layer reads. */
export function outputOf({ states }: Cell): { name: string; width: number } {
  const [[name, width]] = Object.entries(states);
  return { name, width };
}

/**
 * A statement and its derivative. The gradient of an output o is called do (or doOut, doNext: they add up); the gradient
 * of an input u is called du (or duRow, to be summed over the rows; duKept is its previous value).
 *
 * An optional third statement gives the same derivatives in forward mode: Jo of each output from Ju of the inputs.
 */
export interface StatementPair {
  /** Computes outputs from inputs. */
  forward: Statement;
  /** Computes the gradients of the inputs from those of the outputs and from saved values. */
  backward: Statement;
  /** Computes derivatives of the outputs from those of the inputs. */
  jacobian?: Statement;
}

/** A parameter of a cell: its shape and its initializer. */
export interface Parameter {
  shape: number[];
  /** Called once, with the tensor and the network's generator. */
  init: Initializer;
  /** @internal whether it is the table of an embedding, of which a pass reads only the rows of its class numbers */
  isTable?: boolean;
  /** It keeps its initial value: it has a gradient, but training does not change it. */
  fixed?: boolean;
}

/** Columns `from`…`to` (not included) of the tensor named `of`. */
export interface ColumnRange {
  of: string;
  from: number;
  to: number;
}

/** How the weights of a cell are initialized. */
export type WeightInit = 'glorot' | 'orthogonal' | 'uniform' | 'normal' | 'identity' | 'zeros';

/** Options that every cell takes. */
export interface CellOptions {
  /** D, the width of the input. */
  input: number;
  /** H, the number of hidden units. */
  hidden: number;
  /** Biases; default true. */
  bias?: boolean;
  /** Initializer of Wx; default glorot. */
  inputInit?: WeightInit;
  /** Initializer of Wh; default orthogonal, whose powers neither vanish nor explode. */
  recurrentInit?: WeightInit;
  /** Normalizes the input of the layer (`cells/parts/layernorm.ts`), with parameters gain and shift [D]; default false. */
  layerNorm?: boolean;
  /** Adds the input of the layer to its output (`cells/parts/residual.ts`), which must be as wide; default false. */
  residual?: boolean;
}

/** The options that change what is around a cell, of any kind but the clocked ones. */
export const surroundingNames = ['layerNorm', 'residual'] as const;
export const cellOptionNames = ['input', 'hidden', 'bias', 'inputInit', 'recurrentInit'];

/**
 * Checks the options that all cells share, and the names of `more` of its own; `switches` are those that are true or
 * false, `numbers` those that are any finite number.
 */
export function checkCellOptions<O extends CellOptions>(
  options: O,
  where: string,
  more: string[] = [],
  switches: (keyof O & string)[] = [],
  numbers: (keyof O & string)[] = [],
): void {
  const names = [...cellOptionNames, ...surroundingNames, ...more, ...switches, ...numbers];
  mustKnowKeys(options, names, where);
  mustCount(options.input, where, 'input');
  mustCount(options.hidden, where, 'hidden');
  for (const name of ['bias' as const, ...surroundingNames, ...switches]) mustBeSwitch(options, name, where);
  for (const name of numbers) {
    const { [name]: value = 0 } = options;
    must(Number.isFinite(value), where, `${name} must be a finite number`, value);
  }
}

const weightInits: Readonly<Record<WeightInit, (hidden: number) => Initializer>> = {
  glorot: () => glorot(),
  orthogonal: () => orthogonal(),
  uniform: (hidden) => uniform(1 / Math.sqrt(hidden)),
  normal: (hidden) => normal(1 / Math.sqrt(hidden)),
  identity: () => identity(),
  zeros: () => constant(0),
};

export const weightInitNames = Object.keys(weightInits) as WeightInit[];

/** The initializer of a weight matrix by name; `uniform` is ±1/√H, `normal` has deviation 1/√H. */
export const weightInit = (name: WeightInit, hidden: number, where: string): Initializer =>
  weightInits[mustBeOneOf(name, weightInitNames, where, 'the initializer')](hidden);

/** Whether `value` has the form of a cell, built-in or user-defined. */
export function isCell(value: unknown): value is Cell {
  return (
    typeof value === 'object' &&
    value !== null &&
    'step' in value &&
    'stepBackward' in value &&
    'states' in value
  );
}
