/**
 * Backpropagation through time as an explicit double sum over pairs of steps, with every Jacobian as a matrix. Its cost
 * grows with T²; it exists to be read and as a reference for the fast implementation.
 *
 *   ∂E/∂W = Σ_t Σ_{k≤t} ∂E_t/∂h_t · ( Π_{j=k+1..t} ∂h_j/∂h_{j−1} ) · ∂⁺h_k/∂W
 *
 * h denotes all states of the cell. ∂⁺ is the immediate derivative, with h_{k−1} held fixed.
 */
import { must } from '../../core/check';
import { Program } from '../../core/program';
import { floats, type Arithmetic } from './arithmetic';
import { spansOf, statesSize, type Matrix } from './stepcopies';
import { jacobiansIn } from './jacobian';
import type { Direction } from './judge';
import { analyticGradients, type Problem } from './problem';
import type { Unroll } from '../unroll';

/** Longest sequence allowed, because the work grows with T². */
export const DOUBLE_SUM_STEPS = 6;

/** The directional derivative of the loss with respect to some of the variables. */
export interface DoubleSum {
  (direction: Record<string, ArrayLike<number>>): number;
  /** The supported variables: the parameters and the initial states of every cell. */
  variables: string[];
}

/** Whether the double sum applies: every cell has a `jacobian`, and no sequence is too long. */
export const hasDoubleSum = ({ plan }: Problem): boolean =>
  plan.unrolls.every(({ cell, options }) => options.T <= DOUBLE_SUM_STEPS && cell.jacobian !== undefined);

/**
 * The gradient of a problem by the explicit double sum, along any direction (row-major, zeros where it is missing).
 *
 * ∂E_t/∂h_t, the gradient that reaches each h_t from the layers above, is read from the problem's own backward pass: it
 * does not depend on that layer's recurrence. The Jacobians are the cells' own; ∂⁺ is computed with dual numbers, one step
 * at a time.
 * @throws RangeError for a cell without a Jacobian, for more than 6 steps, or for a variable that is not a cell's.
 * @example doubleSum(problem)({ 'l0.Wh': unit }) // ∂L/∂Wh in the direction `unit`
 */
export function doubleSum(problem: Problem): DoubleSum {
  mustHaveDoubleSum(problem);
  analyticGradients(problem);
  return doubleSumIn(problem, floats());
}

function mustHaveDoubleSum({ plan }: Problem): void {
  for (const { name, cell, options } of plan.unrolls) {
    must(options.T <= DOUBLE_SUM_STEPS, 'doubleSum', `T must be at most ${DOUBLE_SUM_STEPS}`, options.T);
    must(cell.jacobian !== undefined, 'doubleSum', `${name} must be a cell with a jacobian`, cell.name);
  }
}

/** The same in any arithmetic, after the forward and the backward program have run in it. */
export function doubleSumIn(problem: Problem, arithmetic: Arithmetic): DoubleSum {
  const { plan } = problem;
  const dot = dotIn(arithmetic);
  const parts: Record<string, (along: ArrayLike<number>) => number> = {};
  for (const unroll of plan.unrolls) {
    const reaching = reachingStates(unroll, arithmetic);
    const steps = immediate(unroll, reaching, problem.variables, arithmetic);
    for (const parameter of Object.keys(unroll.cell.parameters)) {
      const name = `${unroll.name}.${parameter}`;
      parts[name] = (along) => steps({ [name]: along });
    }
    for (const [s, { from, to }] of Object.entries(spansOf(unroll.cell))) {
      const all = reaching[0].flatMap((line) => line.slice(from, to));
      // trained initial states are one row shared by all rows of the batch
      parts[`${unroll.name}.${s}0`] = (along) => dot(all, (k) => along[k % along.length]);
    }
  }
  // a decoder starts from the encoder's final states, so its initial states are not variables
  const variables = Object.keys(parts).filter((name) => name in problem.variables);
  const slope = (direction: Record<string, ArrayLike<number>>): number =>
    Object.entries(direction).reduce((sum, [name, along]) => {
      must(name in parts, 'doubleSum', `variables must be among ${variables.join(', ')}`, name);
      return arithmetic.add(sum, parts[name](along));
    }, 0);
  return Object.assign(slope, { variables });
}

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

/** Σ_k (total gradient at the states after step k) · ∂⁺h_k/∂W, the immediate derivative along a direction of W. */
function immediate(
  unroll: Unroll,
  reaching: Matrix[],
  variables: Problem['variables'],
  arithmetic: Arithmetic,
): (direction: Direction) => number {
  const { add, mul } = arithmetic;
  const spans = Object.entries(spansOf(unroll.cell));
  // last step first: after a step has run, its states have tangents, which the next step would count as those of h_{k−1}
  const steps = unroll
    .steps()
    .map((t, taken) => {
      const program = new Program();
      unroll.step(program, t);
      const moved = spans.map(([s, { from }]) => ({ from, d: arithmetic.tangentOf(unroll.at(t)[s]) }));
      return { run: program.bind(arithmetic.moving), moved, lines: reaching[taken + 1] };
    })
    .reverse();
  return (direction) => {
    arithmetic.move(variables, direction);
    let sum = 0;
    for (const { run, moved, lines } of steps) {
      run();
      for (const { from, d } of moved)
        lines.forEach((line, row) => {
          for (let u = 0; u < d.shape[1]; u++) sum = add(sum, mul(line[from + u], d.get(row, u)));
        });
    }
    return sum;
  };
}

const dotIn =
  ({ add, mul }: Arithmetic) =>
  (a: number[], b: (k: number) => number): number =>
    a.reduce((sum, v, k) => add(sum, mul(v, b(k))), 0);
