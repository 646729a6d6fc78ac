/**
 * Orthonormal rows drawn at random: Gram–Schmidt by halves. The first half is made orthonormal, the second is cleared of
 * it by two matrix products and then made orthonormal itself; loops are left with a few rows at a time.
 *
 * The products run without fused multiply-adds, whatever executor a network has: a seed then gives the same rows on
 * every machine with SIMD.
 *
 * Source: Björck 1994, "Numerics of Gram–Schmidt orthogonalization"; when to clear again: Daniel, Gragg, Kaufman &
 * Stewart 1976.
 */
import { executorOf } from './executor';
import { engineMemory, type Dtype } from './memory';
import { Program } from './program';
import type { Random } from './random';
import { rows, transpose, zeros } from './tensor';
import { hasSimd } from './wasm/features';

/** Rows that are left to loops: of the first ones, which have none before them, and of all others. */
const FIRST = 128;
const FEW = 16;
/** A row that keeps less of its norm than this is cleared once more, because rounding errors have grown with it. */
const ENOUGH = 0.1;

/**
 * `n` orthonormal rows of `length` ≥ n numbers. Up to 128 rows are computed in float64; the products that more rows need
 * are of `dtype`, and the rows are as orthonormal as its precision allows.
 *
 * A row that lies in the span of those before it is drawn again.
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

    /** Removes from the rows low…high their part in the span of the orthonormal rows from…to: V −= (V Qᵀ) Q. */
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
 * Modified Gram–Schmidt in place, each row twice: the second pass removes what rounding left of the first. Gives what
 * was left of each row's norm.
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

/** Removes from each of V its part along q. */
function firstPass(q: Float64Array, V: readonly Float64Array[]): void {
  let j = 0;
  // four rows at a time, because each sum waits for its last addition
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

/** Removes from v its part along each row of Q, one after the other; gives Σ v² of what is left. */
function secondPass(v: Float64Array, Q: readonly Float64Array[]): number {
  let d = dot(Q[0] ?? v, v);
  for (let i = 0; i < Q.length; i++) {
    const [q, next] = [Q[i], Q[i + 1] ?? v];
    let sum = 0;
    // one loop removes a part and sums up the product with the next row
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
