/** Records the operations of one step of a cell, and classifies them. */
import type { Unroll } from '../unroll';
import { Program, type Operation } from '../../core/programs/program';
import { tensorName } from '../../core/programs/print';
import type { Tensors } from '../../core/tensor';

/** The operations that the cell records at step t in one direction, and their tensors by name. */
export function recordStep(
  unroll: Unroll,
  t: number,
  way: 'step' | 'stepBackward',
): { operations: readonly Operation[]; v: Tensors } {
  const program = new Program();
  const v = way === 'step' ? unroll.at(t) : unroll.atBackward(t);
  unroll.cell[way](program, v, unroll.timeOf(t));
  return { operations: program.operations, v };
}

/** Whether an operation adds to the gradient of weights, which is shared by all steps and rows. */
export function isOfWeights(operation: Operation, { options: { gradients } }: Unroll): boolean {
  const shared = Object.values(gradients).map(({ data }) => data);
  return operation.kind !== 'pointwise' && shared.includes(operation.out.data);
}

/** The range of units that an operation computes, if it is limited to some modules; undefined for all units. */
export function unitRange(operation: Operation, v: Tensors): [from: number, to: number] | undefined {
  const out = operation.kind === 'pointwise' ? Object.values(operation.outputs)[0] : operation.out;
  const part = /\[(\d+):(\d+)\]$/.exec(tensorName(out, v));
  return part ? [Number(part[1]), Number(part[2])] : undefined;
}
