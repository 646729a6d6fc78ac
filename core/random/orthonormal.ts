/**
 * Random orthonormal rows, by recursive block Gram–Schmidt: orthonormalizes the first half, projects it out of the second
 * half with two matrix products, then orthonormalizes the second half. Blocks of a few rows are handled by plain loops.
 *
 * The products run without fused multiply-adds, regardless of the network's executor, so that a seed gives the same rows
 * on every machine with SIMD.
 *
 * Source: Björck 1994, "Numerics of Gram–Schmidt orthogonalization"; criterion for reorthogonalization: Daniel, Gragg,
 * Kaufman & Stewart 1976.
 */
import { executorOf } from '../programs/executor';
import { engineMemory, type Dtype } from '../memory';
import { Program } from '../programs/program';
import type { Random } from './random';
import { rows, transpose, zeros } from '../tensor';
import { hasSimd } from '../wasm/features';

/** Block sizes handled by plain loops: for the first block, which has no rows before it, and for all others. */
const FIRST = 128;
const FEW = 16;
/** A row that keeps a smaller fraction of its norm is projected again, because its rounding errors have grown. */
const ENOUGH = 0.1;

/**
 * `n` random orthonormal rows of `length` ≥ n numbers. Up to 128 rows are computed in float64; for more rows, matrix
 * products run in `dtype`, and the rows are orthonormal to its precision.
 *
 * A row in the span of the previous ones is drawn again.
 */
export function orthonormalRows(n: number, length: number, dtype: Dtype, random: Random): Float64Array[] {
  const draw = (row: Float64Array): void => {
    for (let k = 0; k < length; k++) row[k] = random.normal();
  };
  const V = Array.from({ length: n }, () => new Float64Array(length));
  V.forEach(draw);
  engineMemory().borrow(() => {
    const Q = zeros([n, length], dtype);
    const store = (from: number, to: number): void => {
      for (let k = from; k < to; k++) Q.data.set(V[k], k * length);
    };

    /** Projects the orthonormal rows from…to out of the rows low…high: V −= (V Qᵀ) Q. */
    const clear = (low: number, high: number, from: number, to: number): void => {
      store(low, high);
      const [others, own] = [rows(Q, low, high), rows(Q, from, to)];
      engineMemory().borrow(() => {
        const along = zeros([high - low, to - from], dtype);
        const part = zeros([high - low, length], dtype);
        const program = new Program();
        program.matmul(others, transpose(own), along);
        program.matmul(along, own, part);
        program.bind(executorOf(hasSimd() ? 'reproducible' : 'plain'))();
        for (let k = low, at = 0; k < high; k++)
          for (let c = 0, v = V[k]; c < length; c++, at++) v[c] -= part.data[at];
      });
    };

    const few = (from: number, to: number): void => {
      const block = V.slice(from, to);
      let norms = drawn.slice(from, to);
      for (;;) {
        const left = orthonormalize(block, draw);
        store(from, to);
        if (from === 0 || left.every((norm, k) => norm >= ENOUGH * norms[k])) return;
        norms = left.map(() => 1);
        clear(from, to, 0, from);
      }
    };

    const halves = (from: number, to: number): void => {
      if (to - from <= (from === 0 ? FIRST : FEW)) return few(from, to);
      const middle = from + FEW * Math.ceil((to - from) / 2 / FEW);
      halves(from, middle);
      clear(middle, to, from, middle);
      halves(middle, to);
    };

    const drawn = V.map((v) => Math.sqrt(dot(v, v)));
    halves(0, n);
  });
  return V;
}

/**
 * Modified Gram–Schmidt in place, with a second pass on each row against rounding errors. Returns the norms of the rows
 * before normalization.
 */
function orthonormalize(V: readonly Float64Array[], draw: (row: Float64Array) => void): number[] {
  return V.map((v, j) => {
    const before = V.slice(0, j);
    let square = secondPass(v, before);
    const left = Math.sqrt(square);
    while (!(square > 1e-20)) {
      draw(v);
      for (const q of before) firstPass(q, [v]);
      square = secondPass(v, before);
    }
    const norm = Math.sqrt(square);
    for (let k = 0; k < v.length; k++) v[k] /= norm;
    firstPass(v, V.slice(j + 1));
    return left;
  });
}

/** Projects q out of each row of V. */
function firstPass(q: Float64Array, V: readonly Float64Array[]): void {
  let j = 0;
  // four independent sums hide the latency of additions
  for (; j + 3 < V.length; j += 4) {
    const [v0, v1, v2, v3] = [V[j], V[j + 1], V[j + 2], V[j + 3]];
    let [d0, d1, d2, d3] = [0, 0, 0, 0];
    for (let k = 0; k < q.length; k++) {
      const x = q[k];
      d0 += x * v0[k];
      d1 += x * v1[k];
      d2 += x * v2[k];
      d3 += x * v3[k];
    }
    for (let k = 0; k < q.length; k++) {
      const x = q[k];
      v0[k] -= d0 * x;
      v1[k] -= d1 * x;
      v2[k] -= d2 * x;
      v3[k] -= d3 * x;
    }
  }
  for (; j < V.length; j++) {
    const v = V[j];
    const d = dot(q, v);
    for (let k = 0; k < q.length; k++) v[k] -= d * q[k];
  }
}

/** Projects each row of Q in turn out of v; returns Σ v² of the rest. */
function secondPass(v: Float64Array, Q: readonly Float64Array[]): number {
  let d = dot(Q[0] ?? v, v);
  for (let i = 0; i < Q.length; i++) {
    const [q, next] = [Q[i], Q[i + 1] ?? v];
    let sum = 0;
    // one loop subtracts a projection and computes the product with the next row
    for (let k = 0; k < q.length; k++) {
      v[k] -= d * q[k];
      sum += next[k] * v[k];
    }
    d = sum;
  }
  return d;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k] * b[k];
  return sum;
}
