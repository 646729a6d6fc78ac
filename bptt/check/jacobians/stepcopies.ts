/**
 * Three ways to compute the Jacobian of one step without the cell's own `jacobian`: they check it, and the first one
 * replaces it for cells that have none. Each runs one step on S copies of one row of the batch, one copy for each of the S
 * state values.
 */
import type { Cell } from '../../../cells/cell';
import { plain } from '../../../core/programs/plain';
import { Program, type Executor } from '../../../core/programs/program';
import { toNested, zeros, type Tensor, type Tensors } from '../../../core/tensor';
import { fillTensor } from '../problem';
import { SideExecutor } from '../kinks';
import { DualExecutor } from '../rtrl';
import { Unroll } from '../../unroll';

/** A matrix as its rows. */
export type Matrix = number[][];

/** The range of each state within the S values of all states: `{ h: { from: 0, to: 5 }, c: { from: 5, to: 10 } }`. */
export function spansOf({ states }: Cell): Record<string, { from: number; to: number }> {
  let from = 0;
  const spans = Object.entries(states).map(([s, width]) => [s, { from, to: (from += width) }] as const);
  return Object.fromEntries(spans);
}

/** S, the total width of the states. */
export const statesSize = ({ states }: Cell): number =>
  Object.values(states).reduce((sum, width) => sum + width, 0);

export class StepCopies {
  private readonly S: number;
  private readonly copied: Unroll;
  private readonly v: Tensors;

  constructor(private readonly unroll: Unroll) {
    const { cell } = unroll;
    const { dtype, parameters } = unroll.options;
    const [S, D] = [statesSize(cell), cell.input];
    const [x, dx] = [zeros([S, D], dtype), zeros([S, D], dtype)];
    // the gradients of the copies are not used
    const gradients = Object.fromEntries(
      Object.entries(parameters).map(([name, { shape }]) => [name, zeros([...shape], dtype)]),
    );
    this.S = S;
    this.copied = new Unroll(cell, { T: 1, B: S, dtype, x, dx, parameters, gradients });
    this.v = this.copied.at(0);
  }

  /** Row by row, by the backward pass from a gradient of 1 at one state value after the step. */
  backward(t: number, row: number, executor: Executor = plain): Matrix {
    const { cell } = this.unroll;
    this.load(t, row);
    for (const [s, { from }] of Object.entries(spansOf(cell)))
      fillTensor(this.v[`d${s}Next`], (copy, unit) => (copy === from + unit ? 1 : 0));
    const program = new Program();
    cell.step(program, this.v, this.unroll.timeOf(t));
    cell.stepBackward(program, this.v, this.unroll.timeOf(t));
    program.bind(executor)();
    return this.lines((s) => this.v[`d${s}Prev`]);
  }

  /** Column by column, by dual numbers with a tangent of 1 at one state value before the step. */
  forwardMode(t: number, row: number): Matrix {
    const { cell } = this.unroll;
    this.load(t, row);
    const duals = new DualExecutor();
    for (const [s, { from }] of Object.entries(spansOf(cell)))
      fillTensor(duals.tangentOf(this.v[`${s}Prev`]), (copy, unit) => (copy === from + unit ? 1 : 0));
    const program = new Program();
    cell.step(program, this.v, this.unroll.timeOf(t));
    program.bind(duals)();
    return transposed(this.lines((s) => duals.tangentOf(this.v[s])));
  }

  /** Column by column, by central differences of 2h and of h, extrapolated; the values of `stop` are held fixed. */
  differences(t: number, row: number, h = 1e-4): Matrix {
    const { cell } = this.unroll;
    const executor = new SideExecutor();
    const program = new Program();
    cell.step(program, this.v, this.unroll.timeOf(t));
    const run = program.bind(executor);
    const at = (shift: number): Matrix => {
      this.load(t, row);
      executor.hold(run);
      this.load(t, row);
      for (const [s, { from }] of Object.entries(spansOf(cell))) {
        const before = this.v[`${s}Prev`];
        fillTensor(before, (copy, unit) => before.get(copy, unit) + (copy === from + unit ? shift : 0));
      }
      run();
      return this.lines((s) => this.v[s]);
    };
    const central = (h: number): Matrix => {
      const [up, down] = [at(h), at(-h)];
      return up.map((line, copy) => line.map((value, k) => (value - down[copy][k]) / (2 * h)));
    };
    const [wide, narrow] = [central(2 * h), central(h)];
    return transposed(narrow.map((line, copy) => line.map((value, k) => (4 * value - wide[copy][k]) / 3)));
  }

  /** Copies the input and the states of the row before step t into all copies. */
  private load(t: number, row: number): void {
    const before = this.unroll.at(t);
    for (const name of ['x', ...Object.keys(this.unroll.cell.states).map((s) => `${s}Prev`)])
      fillTensor(this.v[name], (_copy, unit) => before[name].get(row, unit));
  }

  /** The states of each copy, concatenated. */
  private lines(of: (s: string) => Tensor): Matrix {
    const states = Object.keys(this.unroll.cell.states).map((s) => toNested(of(s)) as Matrix);
    return Array.from({ length: this.S }, (_, copy) => states.flatMap((state) => state[copy]));
  }
}

/** The identity [n, n]. */
export function identityMatrix(n: number): Matrix {
  return Array.from({ length: n }, (_, r) => Array.from({ length: n }, (_, c) => (r === c ? 1 : 0)));
}

export const transposed = (A: Matrix): Matrix => A[0].map((_, c) => A.map((line) => line[c]));
