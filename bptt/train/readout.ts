/** Fits the output layer of a network by ridge regression, in one solution instead of many steps. */
import { isNumber, must, mustBe, mustKnowKeys } from '../../core/check';
import { rows, type Tensor } from '../../core/tensor';
import type { Batch } from '../network/batch/batch';
import { mustBeNetwork, type Network } from '../network/network';
import { fitted } from '../network/batch/numbers';
import { planOf } from '../network/passes/pass';

/** Options of `fitReadout`. */
export interface ReadoutOptions {
  /** λ, the weight of the sum of squared weights, without the biases; default 1e-6. */
  ridge?: number;
  /** Steps at the beginning of each sequence that do not count, until the states depend on the input alone; default 0. */
  washout?: number;
}

/**
 * Sets the output layer of a network to the minimum of Σ (y − target)² + λ Σ Wy², with the other weights as they are. The
 * sum is over all rows and the steps after the washout.
 *
 *   h [N, H], the states below the output layer   S = [h 1]   (Sᵀ S + λ I) [Wy; by] = Sᵀ targets, without λ for by
 *
 * With a `reservoir` below, this is the training of an echo state network.
 *
 * Source: Jaeger 2001 (GMD report 148); the system is solved by a Cholesky decomposition in float64.
 * @returns the root mean square of the errors that remain.
 * @throws TypeError for a network without an output layer or with a loss; RangeError for targets of another shape, or a
 *   system that has no unique solution.
 * @example
 * const echo = network({ layers: [reservoir({ input: 1, hidden: 20 })], output: 1 });
 * const x = Array.from({ length: 200 }, (_, t) => [[Math.sin(0.3 * t)]]);
 * const targets = Array.from({ length: 200 }, (_, t) => [[Math.sin(0.3 * (t + 1))]]);
 * fitReadout(echo, { x, targets }, { washout: 50 }) < 0.01; // true
 */
export function fitReadout(
  net: Network,
  batch: Pick<Batch, 'x' | 'targets'>,
  options: ReadoutOptions = {},
): number {
  const where = 'fitReadout';
  mustBeNetwork(net, where);
  mustKnowKeys(options, ['ridge', 'washout'], where);
  const { ridge = 1e-6, washout = 0 } = options;
  must(isNumber(ridge) && ridge >= 0 && ridge < Infinity, where, 'ridge must be a number >= 0', ridge);
  const { output, loss, topology } = net.architecture;
  mustBe(output !== undefined, where, 'the network must have an output layer', 'none');
  mustBe(loss === undefined, where, 'the network must have no loss', loss, 'the squared error is minimized');
  mustBe(topology === 'many-to-many', where, 'the topology must be many-to-many', topology);
  mustBe(typeof batch === 'object' && batch !== null, where, 'the batch must be an object', batch);
  const { x, targets, ...others } = batch;
  mustKnowKeys(others, [], where);
  const pass = net.forward({ x });
  const [T, B, O] = pass.output.shape;
  const whole = Number.isInteger(washout) && washout >= 0 && washout < T;
  must(whole, where, `washout must be a whole number in 0…${T - 1}`, washout);
  must(targets !== undefined, where, 'targets must be given', 'none');
  const numbers = fitted(targets, [T, B, O], where, 'targets', 'the network has such outputs');
  const first = washout * B;
  const h = rows(planOf(pass).main.output.value, first, T * B);
  const { Wy, by, error } = solve(matrixOf(h), Float64Array.from(numbers).subarray(first * O), O, ridge);
  net.parameters.set('head.Wy', Wy);
  net.parameters.set('head.by', by);
  return error;
}

/** Rows of states, with a last column of ones for the biases. */
interface States {
  numbers: Float64Array;
  N: number;
  /** H + 1 */
  width: number;
}

function matrixOf(h: Tensor): States {
  const [N, H] = h.shape;
  const numbers = new Float64Array(N * (H + 1)).fill(1);
  for (let n = 0; n < N; n++) for (let k = 0; k < H; k++) numbers[n * (H + 1) + k] = h.get(n, k);
  return { numbers, N, width: H + 1 };
}

/** The weights [H, O] and biases [O], row-major, and the root mean square of the errors. */
function solve(
  { numbers: S, N, width }: States,
  targets: Float64Array,
  O: number,
  ridge: number,
): { Wy: Float64Array; by: Float64Array; error: number } {
  // the lower triangle of Sᵀ S + λ I, and Sᵀ targets
  const A = new Float64Array(width * width);
  const W = new Float64Array(width * O);
  for (let n = 0; n < N; n++) {
    const s = S.subarray(n * width, (n + 1) * width);
    for (let i = 0; i < width; i++) {
      for (let j = 0; j <= i; j++) A[i * width + j] += s[i] * s[j];
      for (let o = 0; o < O; o++) W[i * O + o] += s[i] * targets[n * O + o];
    }
  }
  for (let i = 0; i + 1 < width; i++) A[i * width + i] += ridge;
  choleskySolve(A, W, width, O);
  let sum = 0;
  for (let n = 0; n < N; n++)
    for (let o = 0; o < O; o++) {
      let y = 0;
      for (let i = 0; i < width; i++) y += S[n * width + i] * W[i * O + o];
      sum += (y - targets[n * O + o]) ** 2;
    }
  const end = (width - 1) * O;
  return { Wy: W.slice(0, end), by: W.slice(end), error: Math.sqrt(sum / (N * O)) };
}

/** Solves A X = W in place, A = L Lᵀ [n, n] with its lower triangle given, W [n, O]. */
function choleskySolve(A: Float64Array, W: Float64Array, n: number, O: number): void {
  const dot = (i: number, j: number, end: number): number => {
    let sum = 0;
    for (let k = 0; k < end; k++) sum += A[i * n + k] * A[j * n + k];
    return sum;
  };
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) A[i * n + j] = (A[i * n + j] - dot(i, j, j)) / A[j * n + j];
    const square = A[i * n + i] - dot(i, i, i);
    const why = 'the states depend on each other: a larger ridge, or more steps, make it unique';
    must(
      square > 0,
      'fitReadout',
      'the solution must be unique',
      'a matrix that is not positive definite',
      why,
    );
    A[i * n + i] = Math.sqrt(square);
  }
  for (let o = 0; o < O; o++) {
    for (let i = 0; i < n; i++) {
      let sum = W[i * O + o];
      for (let k = 0; k < i; k++) sum -= A[i * n + k] * W[k * O + o];
      W[i * O + o] = sum / A[i * n + i];
    }
    for (let i = n - 1; i >= 0; i--) {
      let sum = W[i * O + o];
      for (let k = i + 1; k < n; k++) sum -= A[k * n + i] * W[k * O + o];
      W[i * O + o] = sum / A[i * n + i];
    }
  }
}
