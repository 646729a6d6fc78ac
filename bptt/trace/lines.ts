/** Records the operations of one step of a cell, and classifies them. */
import type { Unroll } from '../unroll';
import { Program, type Operation } from '../../core/programs/program';
import { tensorName } from '../../core/programs/print';
import type { Tensors } from '../../core/tensor';

/** An operation of a step; in the lines of the cell, some names are others (see `StateNoise.names`). */
export interface StepOperation {
  operation: Operation;
  names?: Readonly<Record<string, string>>;
}

/** The operations of step t in one direction, those of zoneout and recurrent dropout among them, and the tensors by name. */
export function recordStep(
  unroll: Unroll,
  t: number,
  way: 'step' | 'stepBackward',
): { operations: readonly StepOperation[]; v: Tensors } {
  const { cell, noise } = unroll;
  const v = way === 'step' ? unroll.at(t) : unroll.atBackward(t);
  const own = unroll.own(t, way);
  const names = noise?.names();
  const recorded = (record: (program: Program) => void): readonly Operation[] => {
    const program = new Program();
    record(program);
    return program.operations;
  };
  const [before, after] = way === 'step' ? (['before', 'after'] as const) : BACK;
  const operations = [
    ...recorded((program) => noise?.[before](program, own, t)).map((operation) => ({ operation })),
    ...recorded((program) => cell[way](program, v, unroll.timeOf(t))).map((operation) => ({
      operation,
      names,
    })),
    ...recorded((program) => noise?.[after](program, own, t)).map((operation) => ({ operation })),
  ];
  return { operations, v };
}

const BACK = ['beforeBackward', 'afterBackward'] as const;

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
