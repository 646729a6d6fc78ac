/** A question, that is a cell with given inputs and upstream gradients, and the computation of its right answer. */
import type { Cell } from '../cells/cell';
import { must, mustCount } from '../core/check';
import { executorOf } from '../core/programs/executor';
import { hoist } from '../core/programs/hoist';
import { plain } from '../core/programs/plain';
import { Program, type Executor } from '../core/programs/program';
import {
  fillFrom,
  rowMajor,
  sizeOf,
  toFlat,
  zeros,
  type Numbers,
  type Tensor,
  type Tensors,
} from '../core/tensor';
import type { Variable } from '../bptt/check/problem';
import { Unroll } from '../bptt/unroll';
import { BackwardPass } from './backwardpass';
import { ErrorBoundExecutor, type Rounding } from './errorbound';

/** Numbers by name, row-major. */
export type Named = Record<string, number[]>;

/** A cell, its inputs and its upstream gradients. What is left out is zero; lengths default to T. */
export interface Question {
  cell: Cell;
  /** x [T, B, D]. */
  x: Numbers;
  /** By their names in the equations. */
  parameters: Readonly<Record<string, Numbers>>;
  /** Each state [B, width] before the first step. */
  initial?: Readonly<Record<string, Numbers>>;
  /** Length of each row; later steps are padding. */
  lengths?: readonly number[];
  /** dL/doutput [T, B, H]. */
  dOutput?: Numbers;
  /** dL/dstate [B, width] of the last state of each row. */
  dFinal?: Readonly<Record<string, Numbers>>;
}

/** Number of entries in a state up to which plain loops are fast enough. */
const SMALL = 256;

/** A question in memory, ready to run. */
export class Subject {
  readonly T: number;
  readonly B: number;
  readonly unroll: Unroll;
  /** x, the parameters and the initial states `h0`, each with its gradient. */
  readonly variables: Record<string, Variable> = {};
  readonly forward = new Program();
  readonly backward = new Program();
  readonly executor: Executor;

  /** @param cell a cell of the same sizes to use in place of the question's. */
  constructor(
    readonly question: Question,
    readonly cell: Cell = question.cell,
  ) {
    const { lengths } = question;
    const { x, shape } = boxOf(question.x);
    [this.T, this.B] = shape;
    const { T, B } = this;
    // for small ones, binding costs more than running
    this.executor = B * cell.hidden > SMALL ? executorOf() : plain;
    const put = (numbers: Numbers | undefined, shape: number[], name: string): Tensor => {
      const t = zeros(shape);
      if (numbers === undefined) return t;
      const { numbers: values, shape: got } = rowMajor(numbers, 'diagnose', name);
      must(
        sizeOf(shape) === values.length && (got.length < 2 || sizeOf(got) === sizeOf(shape)),
        'diagnose',
        `${name} must be [${shape.join(', ')}]`,
        `[${got.join(', ')}]`,
      );
      fillFrom(t, values);
      return t;
    };
    const variable = (value: Tensor): Variable => ({ value, gradient: zeros([...value.shape]) });
    this.variables.x = variable(put(x, [T * B, cell.input], 'x'));
    for (const [p, { shape }] of Object.entries(cell.parameters)) {
      must(
        p in question.parameters,
        'diagnose',
        `parameters must hold ${p}`,
        Object.keys(question.parameters),
      );
      this.variables[p] = variable(put(question.parameters[p], [...shape], p));
    }
    const pick = (what: 'value' | 'gradient'): Record<string, Tensor> =>
      Object.fromEntries(Object.keys(cell.parameters).map((p) => [p, this.variables[p][what]]));
    let valid: Tensor | undefined;
    if (lengths?.some((n) => n !== T)) {
      valid = zeros([T * B, 1]);
      for (let t = 0; t < T; t++) lengths.forEach((n, b) => valid?.set(t * B + b, 0, t < n ? 1 : 0));
    }
    const { value, gradient } = this.variables.x;
    this.unroll = new Unroll(cell, {
      ...{ T, B, dtype: 'float64', x: value, dx: gradient },
      ...{ parameters: pick('value'), gradients: pick('gradient'), valid },
    });
    const { unroll } = this;
    for (const [s, width] of Object.entries(cell.states)) {
      const first = unroll.after(0, unroll.states[s]);
      fillFrom(first, toFlat(put(question.initial?.[s], [B, width], `initial ${s}`)));
      this.variables[`${s}0`] = { value: first, gradient: unroll.after(0, unroll.dStates[s]) };
    }
    this.upstream();
    unroll.forward(this.forward);
    unroll.backward(this.backward);
  }

  /** Writes the upstream gradients; zeros for rows that are not `kept`. */
  upstream(included: (row: number) => boolean = () => true): void {
    const { unroll, question, B } = this;
    const width = unroll.dOutput.shape[1];
    const write = (t: Tensor, numbers: Numbers | undefined, of: (row: number) => boolean): void => {
      const values =
        numbers === undefined ? undefined : rowMajor(numbers, 'diagnose', 'the gradient from above').numbers;
      must(
        values === undefined || values.length === sizeOf(t.shape),
        'diagnose',
        `the gradient from above must be [${t.shape.join(', ')}]`,
        values?.length,
      );
      const columns = t.shape[1];
      fillFrom(
        t,
        Float64Array.from({ length: sizeOf(t.shape) }, (_, k) =>
          values && of(Math.floor(k / columns)) ? values[k] : 0,
        ),
      );
    };
    must(width > 0, 'diagnose', 'the output must have a width', width);
    write(unroll.dOutput, question.dOutput, (row) => included(row % B));
    for (const [s, d] of Object.entries(unroll.dStates))
      write(unroll.after(this.T, d), question.dFinal?.[s], included);
  }

  /** Runs forward: outputs [T, B, H] and final states. */
  run(): Named {
    hoist(this.forward).bind(this.executor)();
    return this.outputs();
  }

  /** @param read reads a tensor: its numbers, or what an executor keeps for each of them. */
  outputs(read: (t: Tensor) => number[] = toFlat): Named {
    const { unroll, T } = this;
    const finals = Object.entries(unroll.states).map(
      ([s, t]) => [`${s}T`, read(unroll.after(T, t))] as const,
    );
    return { output: read(unroll.output), ...Object.fromEntries(finals) };
  }

  /** Gradients by a backward program, `dx`, `dWx`, `dh0`, after the forward pass has run. */
  gradients(backward?: Program): Named {
    return this.pass(backward).all();
  }

  /** A backward pass after the forward pass has run; default the cell's own. */
  pass(backward: Program = this.backward): BackwardPass {
    return new BackwardPass(backward, this.gradientTensors, this.executor);
  }

  /** The backward pass of a cell that differs from the question's only in its backward equations. */
  passOf(cell: Cell): BackwardPass {
    if (!keepsTheSame(cell, this.unroll)) {
      // it saves other values in its forward pass
      const other = new Subject(this.question, cell);
      other.run();
      return other.pass();
    }
    const program = new Program();
    // the same tensors with other equations
    this.unroll.with({ cell }).backward(program);
    return this.pass(program);
  }

  /** The tensors of the gradients, by the names of the quantities. */
  get gradientTensors(): Tensors {
    return Object.fromEntries(
      Object.entries(this.variables).map(([name, { gradient }]) => [`d${name}`, gradient]),
    );
  }

  clear(): void {
    for (const { gradient } of Object.values(this.variables)) fillFrom(gradient, 0);
  }

  read(of: (t: Tensor) => number[] = toFlat): Named {
    return Object.fromEntries(Object.entries(this.gradientTensors).map(([name, t]) => [name, of(t)]));
  }

  /** The current gradients of some parameters, as `dNAME`. */
  readSome(names: readonly string[]): [string, number[]][] {
    return names.map((name) => [`d${name}`, toFlat(this.variables[name].gradient)]);
  }

  /** Bounds on the rounding errors of outputs and gradients in a number format. Recomputes the numbers. */
  bounds(rounding: Rounding): Named {
    const executor = new ErrorBoundExecutor(rounding);
    this.clear();
    this.forward.bind(executor)();
    this.backward.bind(executor)();
    const bound = (t: Tensor): number[] => executor.of(t);
    return { ...this.outputs(bound), ...this.read(bound) };
  }

  /** The shape of a quantity in questions and answers. */
  shapeOf(quantity: string): number[] {
    const { T, B, cell, unroll } = this;
    if (quantity === 'dx') return [T, B, cell.input];
    if (quantity === 'output') return [T, B, unroll.dOutput.shape[1]];
    const state = /^(.+)T$/.exec(quantity)?.[1] ?? '';
    if (Object.hasOwn(cell.states, state)) return [B, cell.states[state]];
    return [...this.variables[quantity.slice(1)].value.shape];
  }
}

/** Whether a cell can run on the tensors of an unrolling. */
export const keepsTheSame = (cell: Cell, { buffers }: Unroll): boolean =>
  Object.entries(cell.buffers).every(([name, width]) => buffers[name]?.shape[1] === width);

function boxOf(x: Numbers): { x: Numbers; shape: number[] } {
  const { shape } = rowMajor(x, 'diagnose', 'x');
  must(shape.length === 3, 'diagnose', 'x must be [T, B, D]', `[${shape.join(', ')}]`);
  shape.forEach((n, k) => mustCount(n, 'diagnose', 'TBD'[k]));
  return { x, shape };
}
