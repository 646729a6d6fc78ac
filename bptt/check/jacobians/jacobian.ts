/**
 * Jacobians of the steps of an unrolled cell, ∂(states after the step)/∂(states before it), as explicit matrices.
 *
 * There is one Jacobian for each row of the batch, because rows are independent. It is [S, S], with one row for each state
 * value after the step and one column for each before it; states are concatenated in the cell's order: h, c.
 *
 *   ∂h_t/∂h_k = ∂h_t/∂h_{t−1} · … · ∂h_{k+1}/∂h_k
 */
import { must } from '../../../core/check';
import { plain } from '../../../core/programs/plain';
import { Program, type Executor } from '../../../core/programs/program';
import {
  reshape,
  rows,
  tensor,
  toNested,
  transpose,
  zeros,
  type Tensor,
  type Tensors,
} from '../../../core/tensor';
import type { Arithmetic } from '../arithmetic';
import { identityMatrix, spansOf, statesSize, StepCopies, type Matrix } from './stepcopies';
import type { Unroll } from '../../unroll';

/** The Jacobian of step t for one row of the batch. */
export type Jacobians = (t: number, row: number) => Matrix;

/**
 * The Jacobians [S, S] of the steps of an unrolled cell that has run forward.
 *
 * They come from the cell's `jacobian` if it has one; otherwise, each row is the result of `stepBackward` on a unit
 * gradient. Past the end of a shorter row, states are carried over, and the Jacobian is the identity. In reverse, step t
 * goes from the state after t + 1 to that after t.
 *
 * Source: Pascanu, Mikolov & Bengio 2013, "On the difficulty of training recurrent neural networks", equation 5.
 * @throws RangeError from the returned function, for a step or a row that does not exist.
 * @example
 * const { unrolls } = planOf(net.forward(batch));
 * const jacobian = jacobiansOf(unrolls[0]);
 * jacobian(1, 0); // ∂h_1/∂h_0 of the first row
 */
export function jacobiansOf(unroll: Unroll, executor: Executor = plain): Jacobians {
  const toMatrix = (t: Tensor): Matrix => toNested(t) as Matrix;
  return heldRows(
    unroll,
    unroll.cell.jacobian ? derived(unroll, executor, toMatrix) : fromBackward(unroll, executor),
  );
}

/** The same by the cell's own `jacobian`, in any arithmetic. */
export const jacobiansIn = (
  unroll: Unroll,
  { still, value }: Pick<Arithmetic, 'still' | 'value'>,
): Jacobians =>
  heldRows(
    unroll,
    derived(unroll, still, (t) => toNested(value(t)) as Matrix),
  );

/** Checks the arguments, and gives the identity for the steps past the end of a row. */
function heldRows({ cell, options }: Unroll, running: Jacobians): Jacobians {
  const { T, B, valid } = options;
  return (t, row) => {
    must(Number.isInteger(t) && t >= 0 && t < T, 'jacobian', `t must be in 0…${T - 1}`, t);
    must(Number.isInteger(row) && row >= 0 && row < B, 'jacobian', `the row must be in 0…${B - 1}`, row);
    const held = valid?.get(t * B + row, 0) === 0;
    return held ? identityMatrix(statesSize(cell)) : running(t, row);
  };
}

/** Jacobians by the cell's own `jacobian`, applied to the identity. */
function derived(unroll: Unroll, executor: Executor, read: (t: Tensor) => Matrix): Jacobians {
  const { cell } = unroll;
  const { states, buffers } = derivativesOf(unroll);
  return (t, row) => {
    const program = new Program();
    cell.jacobian?.(program, { ...buffers, ...uprightAt(unroll, t, row) }, unroll.timeOf(t));
    program.bind(executor)();
    return read(states);
  };
}

/**
 * Derivatives with respect to the S state values before the step: J<name> [S, S] of states, their parts and all buffers;
 * or those along a direction, J<name> [S, 1], if the direction is given as `before` [S, 1].
 */
export function derivativesOf(unroll: Unroll, before?: Tensor): { states: Tensor; buffers: Tensors } {
  const { cell } = unroll;
  const { dtype } = unroll.options;
  const S = statesSize(cell);
  const start = before ?? tensor(identityMatrix(S), [S, S], dtype);
  const columns = start.shape[1];
  const states = zeros([S, columns], dtype);
  const buffers: Tensors = {};
  for (const [s, { from, to }] of Object.entries(spansOf(cell))) {
    buffers[`J${s}Prev`] = rows(start, from, to);
    buffers[`J${s}`] = rows(states, from, to);
  }
  for (const [name, width] of Object.entries(cell.buffers))
    buffers[`J${name}`] = zeros([width, columns], dtype);
  for (const [part, { of, from, to }] of Object.entries(cell.parts ?? {}))
    if (`J${of}` in buffers) buffers[`J${part}`] = rows(buffers[`J${of}`], from, to);
  return { states, buffers };
}

/** The values that step t saved for one row, as columns, and the cell's parameters. */
export function uprightAt(unroll: Unroll, t: number, row: number): Tensors {
  const { cell, options } = unroll;
  const states = Object.keys(cell.states).flatMap((s) => [s, `${s}Prev`]);
  const transposed = ['x', ...states, ...Object.keys(cell.buffers)];
  const v: Tensors = {};
  for (const [name, value] of Object.entries(unroll.at(t))) {
    const origin = cell.parts?.[name]?.of ?? name;
    if (transposed.includes(origin)) v[name] = transpose(rows(value, row, row + 1));
    else if (origin in options.parameters)
      v[name] = value.shape.length === 1 ? reshape(value, [value.shape[0], 1]) : value;
  }
  return v;
}

/** Jacobians by the backward pass: each row is the gradient for an upstream gradient of 1 at one state value. */
function fromBackward(unroll: Unroll, executor: Executor): Jacobians {
  const stepCopies = new StepCopies(unroll);
  return (t, row) => stepCopies.backward(t, row, executor);
}
