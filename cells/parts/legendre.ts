/**
 * The linear memory of a Legendre memory unit: A and B, their discretization, and the weights that read the past from it.
 *
 *   θ dm/dt = A m + B u       A_ij = (2i + 1) (−1 if i < j, else (−1)^{i−j+1})       B_i = (2i + 1) (−1)^i
 *   u(t − r θ) ≈ Σ_i P_i(2r − 1) m_i(t),  0 ≤ r ≤ 1,  with the Legendre polynomials P_i
 *
 * Source: Voelker, Kajić & Eliasmith 2019, "Legendre memory units: Continuous-time representation in recurrent neural
 * networks" (NeurIPS), equations 1 to 3. The step is by zero-order hold, exact for an input that is constant within it.
 */
import { isNumber, must, mustCount } from '../../core/check';

/** A memory that is stepped: m_t = A m_{t−1} + B u_t. */
export interface LegendreMemory {
  /** [order, order]: row i gives the new m_i. */
  A: number[][];
  /** [order] */
  B: number[];
}

/**
 * The matrices of one step of a memory of `order` numbers, for a window of `theta` steps.
 *
 * @throws RangeError unless order is a whole number ≥ 1 and theta a number ≥ 1.
 * @example
 * const { A, B } = legendreMemory(1, 2); // dm/dt = (u − m) / 2
 * A[0][0]; // 0.60653
 * B[0]; // 0.39347
 */
export function legendreMemory(order: number, theta: number): LegendreMemory {
  const where = 'legendreMemory';
  mustCount(order, where, 'order');
  must(Number.isFinite(theta) && theta >= 1, where, 'theta must be a number >= 1', theta);
  // the exponential of [[A, B], [0, 0]] / θ holds both: the last column is the response to a constant input
  const n = order + 1;
  const whole = new Float64Array(n * n);
  for (let i = 0; i < order; i++)
    for (let j = 0; j < n; j++) whole[i * n + j] = continuous(i, j, order) / theta;
  const step = exponential(whole, n);
  const rows = Array.from({ length: order }, (_, i) => Array.from(step.subarray(i * n, (i + 1) * n)));
  return { A: rows.map((row) => row.slice(0, order)), B: rows.map((row) => row[order]) };
}

/** Entry i, j of [A, B]. */
function continuous(i: number, j: number, order: number): number {
  const sign = (n: number): number => (n % 2 === 0 ? 1 : -1);
  return (2 * i + 1) * (j === order ? sign(i) : i < j ? -1 : sign(i - j + 1));
}

/**
 * The weights that read from the memory the input of r · theta steps ago.
 *
 * @throws RangeError unless r is in 0…1.
 * @example legendreDelay(3, 1) // [1, 1, 1]
 */
export function legendreDelay(order: number, r: number): number[] {
  mustCount(order, 'legendreDelay', 'order');
  must(isNumber(r) && r >= 0 && r <= 1, 'legendreDelay', 'r must be in 0…1', r);
  const x = 2 * r - 1;
  const P = [1, x];
  for (let n = 1; n + 1 < order; n++) P.push(((2 * n + 1) * x * P[n] - n * P[n - 1]) / (n + 1));
  return P.slice(0, order);
}

/** e^M of a square matrix in rows, by scaling, a Taylor series, and squaring. */
function exponential(M: Float64Array, n: number): Float64Array {
  let norm = 0;
  for (let i = 0; i < n; i++) {
    const row = M.subarray(i * n, (i + 1) * n);
    norm = Math.max(norm, row.reduce((sum, v) => sum + Math.abs(v), 0)); // prettier-ignore
  }
  const squarings = Math.max(0, Math.ceil(Math.log2(norm)) + 1);
  const scaled = M.map((v) => v / 2 ** squarings);
  let sum = identity(n);
  // Horner's scheme; the norm is at most 1/2, so what is left out is below 2^-18 / 18!, far less than a rounding error
  for (let k = 18; k >= 1; k--) {
    sum = product(scaled, sum, n).map((v) => v / k);
    for (let i = 0; i < n; i++) sum[i * n + i] += 1;
  }
  for (let k = 0; k < squarings; k++) sum = product(sum, sum, n);
  return sum;
}

const identity = (n: number): Float64Array =>
  Float64Array.from({ length: n * n }, (_, k) => (k % (n + 1) === 0 ? 1 : 0));

function product(P: Float64Array, Q: Float64Array, n: number): Float64Array {
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let k = 0; k < n; k++) {
      const p = P[i * n + k];
      if (p !== 0) for (let j = 0; j < n; j++) out[i * n + j] += p * Q[k * n + j];
    }
  return out;
}
