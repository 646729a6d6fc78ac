/**
 * Softmax along the rows of a matrix, or of a list of numbers. A softmax loss does not use it, because it is fused with its
 * gradient (see `losses/crossentropy.ts`).
 */
import ndarray from 'ndarray';
import { bound, lazyEquations } from './equations/equations';
import type { Data } from './memory';
import { plain } from './programs/plain';
import { greatest } from './programs/reduce';
import { dtypeOf, outside, zeros, type Tensor, type Tensors } from './tensor';

export const softmaxForward = lazyEquations(
  'softmax, forward',
  'y [N, O]   writes logSum [N, 1]   p [N, O]',
  `logSum = logsumexp(y, axis=1)
   p = exp(y - logSum)`,
);

/** Each p depends on every y of its row: on its own directly, and on all through the denominator. */
export const softmaxBackward = lazyEquations(
  'softmax, backward',
  'p, dp [N, O]   writes flow, dy [N, O]   flowSum [N, 1]',
  `flow = p * dp
   flowSum = sum(flow, axis=1)
   dy = p * (dp - flowSum)`,
);

/** Buffers of a softmax of this shape. */
export function softmaxBuffers(y: Tensor): Tensors {
  const [N, O] = y.shape;
  const dtype = dtypeOf(y);
  return { logSum: zeros([N, 1], dtype), flow: zeros([N, O], dtype), flowSum: zeros([N, 1], dtype) };
}

/**
 * p = softmax(y) of a list of numbers; the maximum is subtracted first, for accuracy.
 * @example softmax([0, Math.log(3)])[1] // 0.75
 */
export function softmax(logits: readonly number[]): number[] {
  return Array.from(softmaxRows(logits, 1));
}

/** The same of each of N rows, which follow each other. */
export function softmaxRows(logits: ArrayLike<number>, N: number): Float64Array {
  const O = logits.length / N;
  const [values, result] = [Float64Array.from(logits), new Float64Array(logits.length)];
  for (let at = 0; at < values.length; at += O) {
    const row = values.subarray(at, at + O);
    const most = greatest(row);
    for (let k = 0; k < O; k++) row[k] -= most;
  }
  const [y, p] = [values, result].map((data) => ndarray<Data>(data, [N, O]));
  bound(softmaxForward, plain, { y, logSum: outside([N, 1], 'float64'), p })();
  return result;
}
