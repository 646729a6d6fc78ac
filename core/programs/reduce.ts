/** Reductions in plain loops: sums over rows or columns, log-sum-exp, and the norm. */
import type { Reduction } from './program';
import { toFlat, type Tensor } from '../tensor';

/** Binds a reduction to its loop. The offsets of the operands are read at every call. */
export function bindReduction({ what, from, out, accumulate }: Reduction): () => void {
  const [R, C] = from.shape;
  const [X, row, col] = [from.data, from.stride[0], from.stride[1]];
  const [Y, yStride] = [out.data, out.stride[0]];
  const put = (k: number, value: number): void => {
    const at = out.offset + k * yStride;
    Y[at] = accumulate ? Y[at] + value : value;
  };

  const sumRows = (): void => {
    const [x0, y0] = [from.offset, out.offset];
    if (!accumulate) for (let c = 0; c < C; c++) Y[y0 + c * yStride] = 0;
    for (let r = 0; r < R; r++) {
      for (let c = 0; c < C; c++) Y[y0 + c * yStride] += X[x0 + r * row + c * col];
    }
  };
  const sumColumns = (): void => {
    const x0 = from.offset;
    for (let r = 0; r < R; r++) {
      let sum = 0;
      for (let c = 0; c < C; c++) sum += X[x0 + r * row + c * col];
      put(r, sum);
    }
  };
  const logSumExp = (): void => {
    const x0 = from.offset;
    for (let r = 0; r < R; r++) put(r, logOfSum(X, C, x0 + r * row, col));
  };
  return { sumRows, sumColumns, logSumExp }[what];
}

/** log Σ exp(x) of `count` numbers, `stride` apart. Not finite where the largest of them is not. */
export function logOfSum(values: ArrayLike<number>, count: number, from = 0, stride = 1): number {
  let m = -Infinity;
  for (let c = 0; c < count; c++) m = Math.max(m, values[from + c * stride]);
  if (!Number.isFinite(m)) return m;
  let sum = 0;
  // subtracting the maximum prevents overflow: the largest term is exp(0)
  for (let c = 0; c < count; c++) sum += Math.exp(values[from + c * stride] - m);
  return m + Math.log(sum);
}

/** √Σ x², scaled by the largest entry to prevent overflow and underflow. NaN and Inf pass through. */
export function norm(t: Tensor): number {
  const values = toFlat(t);
  let largest = 0;
  for (const v of values) largest = Math.max(largest, Math.abs(v));
  if (largest === 0 || !Number.isFinite(largest)) return largest;
  let sum = 0;
  for (const v of values) sum += (v / largest) ** 2;
  return largest * Math.sqrt(sum);
}

/** Math.max of any number of values, without the argument limit of a call. */
export function greatest(values: Iterable<number>): number {
  let most = -Infinity;
  for (const value of values) most = Math.max(most, value);
  return most;
}

/** Math.min of any number of values. */
export function least(values: Iterable<number>): number {
  let lowest = Infinity;
  for (const value of values) lowest = Math.min(lowest, value);
  return lowest;
}
