/**
 * How patterns become weights: three rules, each symmetric and with a zero diagonal.
 *
 *   ξ [P, N]   W [N, N]
 *
 * Hebbian (Hopfield 1982)
 *   W = 1/N Σ ξ ξᵀ
 * Storkey (1997), one pattern after the other
 *   h_ij = Σ_k w_ik ξ_k, k ≠ i, j
 *   w_ij += 1/N (ξ_i ξ_j − ξ_i h_ji − h_ij ξ_j)
 * Pseudo-inverse (Personnaz, Guyon & Dreyfus 1985)
 *   W = Ξ⁺ Ξ, the projection on what the patterns span: Σ q qᵀ over an orthonormal basis of it
 */
import { must } from '../core/check';
import { executorOf } from '../core/executor';
import type { Data } from '../core/memory';
import { Program } from '../core/program';
import { tensor, transpose, zeros, type Tensor } from '../core/tensor';

/** The rule that stores patterns. The last two bear a higher load. */
export type StorageRule = 'hebbian' | 'storkey' | 'pseudo-inverse';
export const rules: Record<StorageRule, (patterns: Tensor) => Tensor> = {
  hebbian,
  storkey,
  'pseudo-inverse': pseudoInverse,
};
export const ruleNames = Object.keys(rules) as StorageRule[];

/** Of a pattern of length √N, the part beyond the others below which it counts as theirs: far above rounding. */
const DEPENDENT = 1e-9;

function hebbian(patterns: Tensor): Tensor {
  const N = patterns.shape[1];
  return outerProducts(patterns, 1 / N);
}

function storkey(patterns: Tensor): Tensor {
  const [P, N] = patterns.shape;
  const W = zeros([N, N]);
  const w = W.data;
  const h = new Float64Array(N);
  for (let p = 0; p < P; p++) {
    const x = patterns.data.subarray(p * N, (p + 1) * N);
    for (let i = 0; i < N; i++) {
      h[i] = 0;
      for (let k = 0; k < N; k++) h[i] += w[i * N + k] * x[k];
    }
    for (let i = 0; i < N; i++) {
      for (let j = 0; j < N; j++) {
        if (j === i) continue;
        const own = w[i * N + j];
        // h_i without the term of j, and h_j without that of i; their own are zero with the diagonal
        const [hij, hji] = [h[i] - own * x[j], h[j] - own * x[i]];
        w[i * N + j] = own + (x[i] * x[j] - (x[i] * hji + hij * x[j])) / N;
      }
    }
  }
  return W;
}

function pseudoInverse(patterns: Tensor): Tensor {
  return outerProducts(orthonormal(patterns), 1);
}

/** W = scale Σ x xᵀ over the rows x, without the diagonal. */
function outerProducts(x: Tensor, scale: number): Tensor {
  const N = x.shape[1];
  const W = zeros([N, N]);
  const program = new Program();
  program.matmul(transpose(x), x, W);
  program.bind(executorOf())();
  for (let k = 0; k < N * N; k++) W.data[k] *= scale;
  for (let i = 0; i < N; i++) W.set(i, i, 0);
  return W;
}

/**
 * An orthonormal basis of what the patterns span, by Gram and Schmidt; a second pass takes away what rounding left.
 * @throws RangeError for a pattern that is a combination of those before it.
 */
function orthonormal(patterns: Tensor): Tensor {
  const [P, N] = patterns.shape;
  const basis = tensor(patterns);
  const row = (p: number): Data => basis.data.subarray(p * N, (p + 1) * N);
  for (let p = 0; p < P; p++) {
    const q = row(p);
    for (let pass = 0; pass < 2; pass++)
      for (let before = 0; before < p; before++) {
        const b = row(before);
        const along = dot(q, b);
        for (let i = 0; i < N; i++) q[i] -= along * b[i];
      }
    const rest = Math.sqrt(dot(q, q));
    const why = P > N ? `${P} patterns of ${N} units always are dependent` : 'it is a sum of those before it';
    const independent = rest > DEPENDENT * Math.sqrt(N);
    must(independent, 'hopfield', 'patterns must be linearly independent', `pattern ${p} that is not`, why);
    for (let i = 0; i < N; i++) q[i] /= rest;
  }
  return basis;
}

function dot(a: Data, b: Data): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
