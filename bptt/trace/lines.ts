/** The operations that one step of a cell records, and what each is about. */
import type { Unroll } from '../unroll';
import { Program, type Operation } from '../../core/program';
import { nameOf } from '../../core/print';
import type { Tensors } from '../../core/tensor';

/** What the cell of step t records one way, and the tensors that it reads and writes by their names there. */
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

/** Whether an operation adds to the gradient of weights, which all steps and rows have in common. */
export function isOfWeights(operation: Operation, { options: { gradients } }: Unroll): boolean {
  const shared = Object.values(gradients).map(({ data }) => data);
  return operation.kind !== 'pointwise' && shared.includes(operation.out.data);
}

/** The units of some modules that an operation of a step is about; undefined when it is about all. */
export function unitsOf(operation: Operation, v: Tensors): [from: number, to: number] | undefined {
  const out = operation.kind === 'pointwise' ? Object.values(operation.outputs)[0] : operation.out;
  const part = /\[(\d+):(\d+)\]$/.exec(nameOf(out, v));
  return part ? [Number(part[1]), Number(part[2])] : undefined;
}
