/** Decides whether two computations are the same function: runs both on residues, at the exact oracle's random points. */
import { ResidueExecutor } from '../bptt/check/exact/oracle';
import { atPoints } from '../bptt/check/exact/points';
import { positionOf } from '../bptt/check/problem';
import type { Point } from '../core/residues';
import { sizeOf, type Tensor } from '../core/tensor';
import { Subject, type Named, type Question } from '../referee/subject';

/** Computes outputs or gradients of a question. */
export type ComputeNumbers = (question: Question) => Named;

/**
 * Whether two computations give the same residues at every point. Their numbers are constants of the field, so they must
 * be random integers; `bptt/check/exact/points.ts` bounds the probability that two different functions pass as equal.
 */
export function sameFunction(
  first: (run: ComputeNumbers) => Named[] | undefined,
  second: (run: ComputeNumbers) => Named[] | undefined,
): boolean {
  const same = (point: Point): boolean => {
    const run = runAt(new ResidueExecutor(point));
    return JSON.stringify(first(run)) === JSON.stringify(second(run));
  };
  for (const { result } of atPoints(0, same)) if (!result) return false;
  return true;
}

const runAt =
  (executor: ResidueExecutor): ComputeNumbers =>
  (question) => {
    const subject = new Subject(question);
    const flat = (t: Tensor): number[] => {
      const { re } = executor.of(t);
      return Array.from({ length: sizeOf(re.shape) }, (_, k) => re.data[positionOf(re, k)]);
    };
    subject.forward.bind(executor.still)();
    return subject.outputs(flat);
  };
