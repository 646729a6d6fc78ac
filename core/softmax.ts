/**
 * Softmax along the rows of a matrix, or of a list of numbers. A softmax loss does not use it, because it is fused with its
 * gradient (see `losses/crossentropy.ts`).
 */
import { bound, lazyEquations } from './equations/equations';
import { plain } from './programs/plain';
import { greatest } from './programs/reduce';
import { dtypeOf, tensor, toFlat, zeros, type Tensor, type Tensors } from './tensor';

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
  const most = greatest(logits);
  const y = tensor(
    logits.map((value) => value - most),
    [1, logits.length],
  );
  const p = zeros([1, logits.length]);
  bound(softmaxForward, plain, { y, logSum: zeros([1, 1]), p })();
  return toFlat(p);
}
