/**
 * Backpropagation through time written out, for the vanilla network: every pair of steps by itself, with every
 * Jacobian as an explicit matrix. It costs T² products of matrices and is meant to be read, and to check the rest.
 *
 *   ∂E/∂W = Σ_t Σ_{k≤t} ∂E_t/∂h_t · ( Π_{j=k+1..t} ∂h_j/∂h_{j−1} ) · ∂⁺h_k/∂W
 *
 * ∂⁺ is the immediate derivative, with h_{k−1} held fixed; ∂h_j/∂h_{j−1} = diag(f'(z_j)) Whᵀ on column vectors.
 */
import { must } from '../core/check';
import { analyticGradients, type Problem } from './problem';

/** Longest sequence it is meant for: the work grows with T². */
export const DOUBLE_SUM_STEPS = 6;

type Activation = 'tanh' | 'sigmoid' | 'relu';
const slopeAt: Record<Activation, (h: number) => number> = {
  tanh: (h) => 1 - h * h,
  sigmoid: (h) => h * (1 - h),
  relu: (h) => (h > 0 ? 1 : 0),
};

/** ∂h_j/∂h_{j−1} [H, H] for one row of the batch: entry (r, c) is f'(z_r) Wh[c, r]. */
export function elmanJacobian(h: number[], Wh: number[][], activation: Activation): number[][] {
  return h.map((value, r) => h.map((_, c) => slopeAt[activation](value) * Wh[c][r]));
}

/**
 * Gradients of a problem whose first layer is an Elman cell, as the explicit double sum: Wx, Wh, b, row-major.
 *
 * What reaches each h_t from above, ∂E_t/∂h_t, is read from the problem's own backward pass: it does not pass
 * through time.
 * @throws RangeError for another cell, for more than 6 steps, or for rows of unequal length.
 */
export function doubleSum(problem: Problem): { Wx: number[]; Wh: number[]; b: number[] } {
  const { plan } = problem;
  const [unroll] = plan.unrolls;
  const { cell } = unroll;
  const { T, B, masked } = plan.shape;
  must(cell.name === 'elman', 'doubleSum', 'the cell must be elman', cell.name);
  must(T <= DOUBLE_SUM_STEPS, 'doubleSum', `T must be at most ${DOUBLE_SUM_STEPS}`, T);
  must(!masked, 'doubleSum', 'all rows must be of length T', 'unequal lengths');
  const activation = (cell.options?.activation ?? 'tanh') as Activation;
  const { input: D, hidden: H } = cell;
  analyticGradients(problem);

  const Wh = matrixOf(H, H, (r, c) => unroll.options.parameters.Wh.get(r, c));
  const [dWx, dWh, db] = [D * H, H * H, H].map((n) => Array<number>(n).fill(0));
  for (let row = 0; row < B; row++) {
    const stateAt = (t: number): number[] => read(H, (u) => unroll.states.h.get(t * B + row, u)); // t = 0 is h_{−1}
    for (let t = 0; t < T; t++) {
      const above = read(H, (u) => unroll.dOutput.get(t * B + row, u));
      const final = read(H, (u) => (t === T - 1 ? unroll.dStates.h.get(T * B + row, u) : 0));
      const dEdh = above.map((v, u) => v + final[u]);
      for (let k = 0; k <= t; k++) {
        // Π_{j=k+1..t} ∂h_j/∂h_{j−1}: later steps stand to the left
        let jacobian = identity(H);
        for (let j = k + 1; j <= t; j++)
          jacobian = product(elmanJacobian(stateAt(j + 1), Wh, activation), jacobian);
        const dEdhk = read(H, (c) =>
          dot(
            dEdh,
            jacobian.map((line) => line[c]),
          ),
        );
        // ∂⁺h_k/∂W: h_k = f(x_k Wx + h_{k−1} Wh + b) with h_{k−1} held fixed
        const dz = dEdhk.map((v, u) => v * slopeAt[activation](stateAt(k + 1)[u]));
        const hPrev = stateAt(k);
        for (let u = 0; u < H; u++) {
          for (let d = 0; d < D; d++) dWx[d * H + u] += unroll.options.x.get(k * B + row, d) * dz[u];
          for (let v = 0; v < H; v++) dWh[v * H + u] += hPrev[v] * dz[u];
          db[u] += dz[u];
        }
      }
    }
  }
  return { Wx: dWx, Wh: dWh, b: unroll.options.parameters.b ? db : [] };
}

const read = (n: number, value: (k: number) => number): number[] =>
  Array.from({ length: n }, (_, k) => value(k));
const matrixOf = (R: number, C: number, value: (r: number, c: number) => number): number[][] =>
  read(R, (r) => r).map((r) => read(C, (c) => value(r, c)));
const identity = (n: number): number[][] => matrixOf(n, n, (r, c) => (r === c ? 1 : 0));
const dot = (a: number[], b: number[]): number => a.reduce((sum, v, k) => sum + v * b[k], 0);
const product = (A: number[][], B: number[][]): number[][] =>
  A.map((line) =>
    B[0].map((_, c) =>
      dot(
        line,
        B.map((other) => other[c]),
      ),
    ),
  );
