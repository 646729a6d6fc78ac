/**
 * Backpropagation through time as an explicit double sum over pairs of steps, with every Jacobian as a matrix. Its cost
 * grows with T²; it exists to be read and as a reference for the fast implementation.
 *
 *   ∂E/∂W = Σ_t Σ_{k≤t} ∂E_t/∂h_t · ( Π_{j=k+1..t} ∂h_j/∂h_{j−1} ) · ∂⁺h_k/∂W
 *
 * h denotes all states of the cell. ∂⁺ is the immediate derivative, with h_{k−1} held fixed.
 */
import { must } from '../../../core/check';
import { floatArithmetic, type Arithmetic } from '../arithmetic';
import { jacobiansIn } from './jacobian';
import { analyticGradients, type Problem } from '../problem';
import { slopeFrom, type StateSlope } from './reaching';
import { spansOf, statesSize, type Matrix } from './stepcopies';
import type { Unroll } from '../../unroll';

/** Longest sequence allowed, because the work grows with T². */
export const DOUBLE_SUM_STEPS = 6;

/** Whether the double sum applies: every cell has a `jacobian`, its states no masks, and no sequence is too long. */
export const hasDoubleSum = ({ plan }: Problem): boolean =>
  plan.unrolls.every(
    ({ cell, options, noise }) =>
      options.T <= DOUBLE_SUM_STEPS && cell.jacobian !== undefined && noise === undefined,
  );

/**
 * The gradient of a problem by the explicit double sum, along any direction (row-major, zeros where it is missing).
 *
 * The Jacobians are the cells' own; the rest is as in `slopeFrom`.
 * @throws RangeError for a cell without a Jacobian, for more than 6 steps, or for a variable that is not a cell's.
 * @example doubleSum(problem)({ 'l0.Wh': unit }) // ∂L/∂Wh in the direction `unit`
 */
export function doubleSum(problem: Problem): StateSlope {
  mustHaveDoubleSum(problem);
  analyticGradients(problem);
  return doubleSumIn(problem, floatArithmetic());
}

function mustHaveDoubleSum({ plan }: Problem): void {
  for (const { name, cell, options, noise } of plan.unrolls) {
    must(noise === undefined, 'doubleSum', `${name} must have no zoneout or recurrent dropout`, 'one');
    must(options.T <= DOUBLE_SUM_STEPS, 'doubleSum', `T must be at most ${DOUBLE_SUM_STEPS}`, options.T);
    must(cell.jacobian !== undefined, 'doubleSum', `${name} must be a cell with a jacobian`, cell.name);
  }
}

/** The same in any arithmetic, after the forward and the backward program have run in it. */
export const doubleSumIn = (problem: Problem, arithmetic: Arithmetic): StateSlope =>
  slopeFrom(problem, 'doubleSum', arithmetic, (unroll) => reachingStates(unroll, arithmetic));

/** For k = 0…T steps and each row of the batch, the total gradient at the states: Σ_{t≥k} ∂E_t/∂h_t · Π ∂h_j/∂h_{j−1}. */
function reachingStates(unroll: Unroll, arithmetic: Arithmetic): Matrix[] {
  const { cell, outputName, options } = unroll;
  const { T, B } = options;
  const { add, value } = arithmetic;
  const dot = dotIn(arithmetic);
  /** A row times a matrix. */
  const times = (row: number[], A: Matrix): number[] => row.map((_, c) => dot(row, (k) => A[k][c]));
  const jacobian = jacobiansIn(unroll, arithmetic);
  const dOutput = value(unroll.dOutput);
  const last = Object.fromEntries(
    Object.entries(unroll.dStates).map(([s, d]) => [s, value(unroll.after(T, d))]),
  );
  const spans = Object.entries(spansOf(cell));
  const zeros = (): number[] => Array<number>(statesSize(cell)).fill(0);
  const sums = Array.from({ length: T + 1 }, () => Array.from({ length: B }, zeros));
  for (let row = 0; row < B; row++) {
    const steps = unroll.steps().map((t) => jacobian(t, row));
    unroll.steps().forEach((t, taken) => {
      // ∂E_t/∂h_t: from the step's output and, after the last step, from whatever reads the final states
      let reaching = spans.flatMap(([s, { from, to }]) =>
        Array.from({ length: to - from }, (_, u) => {
          const output = s === outputName ? dOutput.get(t * B + row, u) : 0;
          return taken === T - 1 ? add(output, last[s].get(row, u)) : output;
        }),
      );
      for (let k = taken + 1; k >= 0; k--) {
        reaching.forEach((v, u) => (sums[k][row][u] = add(sums[k][row][u], v)));
        // each iteration multiplies by the Jacobian of the preceding step, on the right
        if (k > 0) reaching = times(reaching, steps[k - 1]);
      }
    });
  }
  return sums;
}

const dotIn =
  ({ add, mul }: Arithmetic) =>
  (a: number[], b: (k: number) => number): number =>
    a.reduce((sum, v, k) => add(sum, mul(v, b(k))), 0);
