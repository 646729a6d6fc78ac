/**
 * Estimates the rounding error of a result by Monte Carlo arithmetic: the program runs again with a random perturbation of
 * about one rounding error on every number it writes, and the change of the result estimates its error. Unlike a bound
 * from magnitudes, this accounts for cancellation.
 *
 * Source: Parker 1997, "Monte Carlo arithmetic".
 */
import { plain } from '../../core/programs/plain';
import type { Executor, Operation } from '../../core/programs/program';
import { Random } from '../../core/random/random';
import { sizeOf, type Tensor } from '../../core/tensor';
import { backwardGradients, positionOf, type Problem } from './problem';

/** Number of perturbed runs. */
const RUNS = 8;
/** Twice the unit roundoff, because each number results from a few roundings. */
export const ROUNDOFF = 2 ** -52;

/** Runs programs on another executor, and perturbs the numbers they write by a relative error of up to `ROUNDOFF`. */
export class RoundingExecutor implements Executor {
  readonly name = 'rounding';

  /** @param beside tensors that are written together with a tensor, such as its derivative. */
  constructor(
    readonly random: Random,
    private readonly base: Executor = plain,
    private readonly beside: (t: Tensor) => Tensor[] = () => [],
  ) {}

  bind(operation: Operation): () => void {
    const run = this.base.bind(operation);
    const written = operation.kind === 'pointwise' ? Object.values(operation.outputs) : [operation.out];
    const moved = written.flatMap((t) => [t, ...this.beside(t)]);
    return () => {
      run();
      for (const t of moved) this.move(t);
    };
  }

  private move(t: Tensor): void {
    const size = sizeOf(t.shape);
    for (let k = 0; k < size; k++) t.data[positionOf(t, k)] *= 1 + ROUNDOFF * (2 * this.random.uniform() - 1);
  }
}

/** The largest distance of `measure` from `exact` over several perturbed runs. */
export function measuredSpread(exact: number, measure: () => number): number {
  let most = 0;
  for (let k = 0; k < RUNS; k++) most = Math.max(most, Math.abs(measure() - exact));
  return most;
}

/**
 * The rounding error of the hand-derived gradients along any direction. The passes run at the first call.
 * @param gradients those of the unperturbed passes.
 */
export function gradientRounding(
  { variables, forward, backward }: Problem,
  gradients: Record<string, number[]>,
): (direction: Record<string, ArrayLike<number>>) => number {
  let samples: Record<string, number[]>[] | undefined;
  const sample = (): Record<string, number[]>[] => {
    const executor = new RoundingExecutor(new Random(0));
    const run = forward.bind(executor);
    return Array.from({ length: RUNS }, () => {
      run();
      return backwardGradients(variables, backward, executor);
    });
  };
  const along = (all: Record<string, number[]>, direction: Record<string, ArrayLike<number>>): number =>
    Object.entries(direction).reduce((sum, [name, d]) => {
      const gradient = all[name];
      for (let k = 0; k < d.length; k++) if (d[k] !== 0) sum += d[k] * gradient[k];
      return sum;
    }, 0);
  return (direction) => {
    samples ??= sample();
    const exact = along(gradients, direction);
    return samples.reduce((most, one) => Math.max(most, Math.abs(along(one, direction) - exact)), 0);
  };
}
