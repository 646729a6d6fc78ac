/**
 * The states of a whole sequence by Newton's method, all steps at once, and the gradients that reach them: a second way to
 * both, which shares the step and its Jacobian with the loop over time, but not the loop.
 *
 * The states solve s_t = f(s_{t−1}, x_t) for all t. From a guess s, one iteration linearizes every step at once:
 *
 *   s'_t = f(s_{t−1}, x_t) + J_t (s'_{t−1} − s_{t−1}),   J_t = ∂f/∂s at (s_{t−1}, x_t)
 *
 * That is a linear recurrence. After k iterations the first k states are right, whatever the guess, and near the solution
 * the error is squared in each iteration. The gradient that reaches each state is another linear recurrence, in reverse:
 * λ_t = ∂E/∂s_t + J_{t+1}ᵀ λ_{t+1}.
 *
 * Source: Lim, Zhu, Selfridge & Kasim 2023, "Parallelizing non-linear sequential models over the sequence length" (DEER,
 * arXiv 2309.12252). The linear recurrences are solved by a loop, because a scan multiplies S × S matrices.
 */
import { isNumber, must, mustBe, mustCount, mustKnowKeys } from '../../../core/check';
import { Program, type Executor } from '../../../core/programs/program';
import { plain } from '../../../core/programs/plain';
import type { Tensor } from '../../../core/tensor';
import { floatArithmetic } from '../arithmetic';
import { BatchedJacobian } from './batched';
import { analyticGradients, type Problem } from '../problem';
import { slopeFrom, type StateSlope } from './reaching';
import { spansOf, statesSize } from './stepcopies';
import { Unroll } from '../../unroll';

/** Options of `newton`. */
export interface NewtonOptions {
  /** Stops when no state changes by more than this, relative to the largest state; default 1e-8, in float32 1e-4. */
  tolerance?: number;
  /** Refuses to go on after this many iterations; default 100. */
  most?: number;
  /**
   * Factor of the Jacobians in the linear recurrence, 0…1; default 1. A smaller one converges more slowly, but also where
   * the product of many Jacobians explodes, as in chaotic networks. 0 is the iteration of Jacobi.
   */
  damping?: number;
  /** Default: the plain one. */
  executor?: Executor;
}

/** Default number of iterations. */
const MOST = 100;
const HINT = 'where the product of many Jacobians explodes, a smaller damping may help';

/** The values of a row after a number of steps, all states concatenated: h, c. */
export type AtStep = (count: number, row: number) => Float64Array;

/** The solution of `newton`. Steps are counted in the order in which the cell takes them. */
export interface NewtonResult {
  iterations: number;
  /** The largest change of a state in each iteration. */
  changes: readonly number[];
  /** The states after 0…T steps. */
  states: AtStep;
  /** The gradients that reach them, from those of the outputs and of the final states that the unrolled cell has. */
  gradients: () => AtStep;
  /** The T steps of B rows as one step of T·B rows, at the solution. */
  readonly all: Unroll;
}

/**
 * The states of an unrolled cell on its input, from its initial states, by Newton's method over the whole sequence.
 *
 * It neither reads nor writes the states that the loop over time computes.
 * @throws RangeError if it does not converge; TypeError for a cell with a clock, or for one without a Jacobian.
 * @example
 * const { unrolls } = planOf(net.forward(batch));
 * newton(unrolls[0]).iterations; // 3
 */
export function newton(unroll: Unroll, options: NewtonOptions = {}): NewtonResult {
  mustKnowKeys(options, ['tolerance', 'most', 'damping', 'executor'], 'newton');
  const { cell, options: sizes } = unroll;
  const { T, B, dtype, valid } = sizes;
  const {
    tolerance = dtype === 'float32' ? 1e-4 : 1e-8,
    most = 100,
    damping = 1,
    executor = plain,
  } = options;
  must(isNumber(tolerance) && tolerance > 0, 'newton', 'tolerance must be positive', tolerance);
  mustCount(most, 'newton', 'most');
  must(isNumber(damping) && damping >= 0 && damping <= 1, 'newton', 'damping must be in 0…1', damping);
  mustBe(cell.phase === undefined, 'newton', 'the cell must have no clock', cell.name);
  mustBe(
    unroll.noise === undefined,
    'newton',
    'the cell must have no zoneout or recurrent dropout',
    cell.name,
  );
  mustBe(cell.jacobian !== undefined, 'newton', 'the cell must have a jacobian', cell.name);

  const S = statesSize(cell);
  const all = allSteps(unroll);
  const program = new Program();
  all.step(program, 0);
  const step = program.bind(executor);
  const jacobian = new BatchedJacobian(all, executor);
  const J = new Float64Array(T * B * S * S);
  let states = startOf(unroll, S);
  const linearize = (): void => {
    eachState(all, (s, from, width) =>
      copyBefore(unroll, states, all.after(0, all.states[s]), { S, from, width }),
    );
    step();
    jacobian.into(J);
    if (valid) holdRows(J, valid, S);
  };
  const changes: number[] = [];
  for (let change = Infinity, scale = 0; !(change <= tolerance * scale); changes.push(change)) {
    const isGoing = changes.length < most && (changes.length === 0 || Number.isFinite(change));
    const last = `a change of ${change.toPrecision(2)} in iteration ${changes.length}`;
    must(isGoing, 'newton', `the states of ${cell.name} must converge within ${most} iterations`, last, HINT);
    linearize();
    const next = corrected(unroll, all, states, J, damping);
    ({ change, scale } = compare(next, states));
    states = dtype === 'float32' ? Float64Array.from(Float32Array.from(next)) : next;
  }
  const at =
    (of: Float64Array): AtStep =>
    (count, row) =>
      of.slice((count * B + row) * S, (count * B + row + 1) * S);
  return {
    ...{ iterations: changes.length, changes, all, states: at(states) },
    gradients: () => {
      linearize();
      return at(reaching(unroll, J, S));
    },
  };
}

/** Whether Newton's method applies: every cell has a `jacobian` and no clock, and no sequence is longer than its iterations. */
export const hasNewton = ({ plan }: Problem): boolean =>
  plan.unrolls.every(
    ({ cell, options, noise }) =>
      options.T < MOST && cell.jacobian !== undefined && cell.phase === undefined && noise === undefined,
  );

/**
 * The gradient of a problem from the gradients that reach the states of Newton's method, along any direction.
 * @throws as `newton`.
 * @example newtonSlope(problem)({ 'l0.Wh': unit }) // ∂L/∂Wh in the direction `unit`
 */
export function newtonSlope(problem: Problem): StateSlope {
  analyticGradients(problem);
  return slopeFrom(problem, 'newtonSlope', floatArithmetic(), (unroll) => {
    const { T, B } = unroll.options;
    const at = newton(unroll, { executor: problem.executor }).gradients();
    return Array.from({ length: T + 1 }, (_, count) =>
      Array.from({ length: B }, (_row, row) => at(count, row)),
    );
  });
}

/** Calls `each` with the name, the offset and the width of every state. */
function eachState({ cell }: Unroll, each: (s: string, from: number, width: number) => void): void {
  for (const [s, { from, to }] of Object.entries(spansOf(cell))) each(s, from, to - from);
}

/** The cell on all rows of all steps at once: the T steps of B rows become one step of T·B rows, on the same memory. */
function allSteps({ cell, name, options }: Unroll): Unroll {
  const { T, B, dtype, x, dx, valid, parameters, gradients } = options;
  const sizes = { T: 1, B: T * B, dtype, x, dx, parameters, gradients, name, forwardOnly: true };
  return new Unroll(cell, { ...sizes, ...(valid && { valid }) });
}

/** The first guess, T + 1 blocks of B rows of S states: the initial states, and zero after every step. */
function startOf(unroll: Unroll, S: number): Float64Array {
  const { T, B } = unroll.options;
  const states = new Float64Array((T + 1) * B * S);
  eachState(unroll, (s, from, width) => {
    const initial = unroll.after(0, unroll.states[s]);
    for (let b = 0; b < B; b++) for (let u = 0; u < width; u++) states[b * S + from + u] = initial.get(b, u);
  });
  return states;
}

/** Copies one of the states before each step to the row of that step. */
function copyBefore(
  unroll: Unroll,
  states: Float64Array,
  into: Tensor,
  { S, from, width }: { S: number; from: number; width: number },
): void {
  const { B } = unroll.options;
  unroll.steps().forEach((t, taken) => {
    for (let b = 0; b < B; b++)
      for (let u = 0; u < width; u++) into.set(t * B + b, u, states[(taken * B + b) * S + from + u]);
  });
}

/** A row whose sequence has ended keeps its states: its Jacobian is the identity. */
function holdRows(J: Float64Array, valid: Tensor, S: number): void {
  for (let r = 0; r < valid.shape[0]; r++) {
    if (valid.get(r, 0) !== 0) continue;
    J.fill(0, r * S * S, (r + 1) * S * S);
    for (let k = 0; k < S; k++) J[r * S * S + k * S + k] = 1;
  }
}

/** s'_t = f(s_{t−1}, x_t) + damping · J_t (s'_{t−1} − s_{t−1}), step by step. */
function corrected(
  unroll: Unroll,
  all: Unroll,
  states: Float64Array,
  J: Float64Array,
  damping: number,
): Float64Array {
  const { B } = unroll.options;
  const S = statesSize(unroll.cell);
  const next = states.slice();
  const after = Object.entries(spansOf(all.cell)).map(([s, span]) => ({
    ...span,
    of: all.after(1, all.states[s]),
  }));
  unroll.steps().forEach((t, taken) => {
    for (let b = 0; b < B; b++) {
      const [row, before] = [t * B + b, (taken * B + b) * S];
      for (const { from, to, of } of after)
        for (let i = from; i < to; i++) {
          let sum = 0;
          for (let k = 0; k < S; k++)
            sum += J[(row * S + i) * S + k] * (next[before + k] - states[before + k]);
          next[before + B * S + i] = of.get(row, i - from) + damping * sum;
        }
    }
  });
  return next;
}

/** The largest change, which is NaN if any is, and the largest state. */
function compare(next: Float64Array, states: Float64Array): { change: number; scale: number } {
  let [change, scale] = [0, 0];
  next.forEach((v, k) => {
    change = Math.max(change, Math.abs(v - states[k]));
    scale = Math.max(scale, Math.abs(v));
  });
  return { change, scale };
}

/** λ_t for 0…T steps taken: from the last step to the first. */
function reaching(unroll: Unroll, J: Float64Array, S: number): Float64Array {
  const { T, B } = unroll.options;
  const total = new Float64Array((T + 1) * B * S);
  const spans = Object.entries(spansOf(unroll.cell));
  const order = unroll.steps();
  for (let count = T; count > 0; count--) {
    const t = order[count - 1];
    for (let b = 0; b < B; b++) {
      const [row, here] = [t * B + b, (count * B + b) * S];
      for (const [s, { from, to }] of spans)
        for (let i = from; i < to; i++) {
          if (s === unroll.outputName) total[here + i] += unroll.dOutput.get(row, i - from);
          if (count === T) total[here + i] += unroll.after(T, unroll.dStates[s]).get(b, i - from);
        }
      for (let i = 0; i < S; i++)
        for (let k = 0; k < S; k++) total[here - B * S + k] += J[(row * S + i) * S + k] * total[here + i];
    }
  }
  return total;
}
