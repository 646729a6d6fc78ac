/**
 * Matrix products in plain loops: the naive reference, a version that keeps unit strides in the innermost loop, and a
 * row look-up for one-hot matrices.
 */
import { isOneHot, viewOf } from '../onehot';
import type { Product } from './program';

/** out (=|+=) a b + bias by definition; the reference for every faster kernel. */
export function matmulNaive({ a, b, out, bias, accumulate }: Product): void {
  const [M, K] = a.shape;
  const N = b.shape[1];
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) {
      let sum = (accumulate ? out.get(m, n) : 0) + (bias ? bias.get(n) : 0);
      for (let k = 0; k < K; k++) sum += a.get(m, k) * b.get(k, n);
      out.set(m, n, sum);
    }
  }
}

/**
 * Binds out (=|+=) a b + bias to the loop that suits its operands: row look-ups if a is one-hot; sums of rows of b if they
 * are contiguous; otherwise dot products of rows of a and columns of b (products with a transposed weight). The offsets of
 * the operands are read at every call.
 */
export function bindMatmul({ a, b, out, bias, accumulate }: Product): () => void {
  const [M, K] = a.shape;
  const N = b.shape[1];
  const [A, aRow, aCol] = [a.data, a.stride[0], a.stride[1]];
  const [B, bRow, bCol] = [b.data, b.stride[0], b.stride[1]];
  const [Y, yRow, yCol] = [out.data, out.stride[0], out.stride[1]];

  const start = (): void => {
    const y0 = out.offset;
    if (accumulate && !bias) return;
    for (let m = 0; m < M; m++) {
      for (let n = 0; n < N; n++) {
        const at = y0 + m * yRow + n * yCol;
        Y[at] = (accumulate ? Y[at] : 0) + (bias ? bias.data[bias.offset + n * bias.stride[0]] : 0);
      }
    }
  };

  /** out[r] += b[class of r], or, if a is transposed, out[class of r] += b[r], without multiplications. */
  const lookUp = (): void => {
    start();
    const [b0, y0] = [b.offset, out.offset];
    const { numbers, first, count, low, width, transposed } = viewOf(a);
    for (let r = 0; r < count; r++) {
      const k = numbers[first + r] - low;
      if (k < 0 || k >= width) continue;
      const [from, to] = transposed ? [b0 + r * bRow, y0 + k * yRow] : [b0 + k * bRow, y0 + r * yRow];
      for (let n = 0; n < N; n++) Y[to + n * yCol] += B[from + n * bCol];
    }
  };

  const addRows = (): void => {
    start();
    const [a0, b0, y0] = [a.offset, b.offset, out.offset];
    for (let m = 0; m < M; m++) {
      const y = y0 + m * yRow;
      let k = 0;
      // four rows of b per pass: the row of out is loaded and stored a quarter as often
      for (; k + 3 < K; k += 4) {
        const at = a0 + m * aRow + k * aCol;
        const [p, q, r, s] = [A[at], A[at + aCol], A[at + 2 * aCol], A[at + 3 * aCol]];
        const row = b0 + k * bRow;
        const [row1, row2, row3] = [row + bRow, row + 2 * bRow, row + 3 * bRow];
        for (let n = 0; n < N; n++) {
          Y[y + n * yCol] += p * B[row + n] + q * B[row1 + n] + r * B[row2 + n] + s * B[row3 + n];
        }
      }
      for (; k < K; k++) {
        const p = A[a0 + m * aRow + k * aCol];
        const row = b0 + k * bRow;
        for (let n = 0; n < N; n++) Y[y + n * yCol] += p * B[row + n];
      }
    }
  };

  const dotColumns = (): void => {
    start();
    const [a0, b0, y0] = [a.offset, b.offset, out.offset];
    for (let m = 0; m < M; m++) {
      const row = a0 + m * aRow;
      const y = y0 + m * yRow;
      let n = 0;
      for (; n + 3 < N; n += 4) {
        const [second, third, fourth] = [bCol, 2 * bCol, 3 * bCol];
        let p = 0;
        let q = 0;
        let r = 0;
        let s = 0;
        for (let k = 0, i = row, j = b0 + n * bCol; k < K; k++, i += aCol, j += bRow) {
          const v = A[i];
          p += v * B[j];
          q += v * B[j + second];
          r += v * B[j + third];
          s += v * B[j + fourth];
        }
        Y[y + n * yCol] += p;
        Y[y + (n + 1) * yCol] += q;
        Y[y + (n + 2) * yCol] += r;
        Y[y + (n + 3) * yCol] += s;
      }
      for (; n < N; n++) {
        let sum = 0;
        for (let k = 0, i = row, j = b0 + n * bCol; k < K; k++, i += aCol, j += bRow) sum += A[i] * B[j];
        Y[y + n * yCol] += sum;
      }
    }
  };

  if (isOneHot(a)) return lookUp;
  return bCol === 1 ? addRows : dotColumns;
}
