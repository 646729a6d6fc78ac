/**
 * Softmax along the rows of a matrix, for layers that read the probabilities themselves. A softmax loss does not use it,
 * because it is fused with its gradient (see `losses/crossentropy.ts`).
 */
import { lazyEquations } from '../../core/equations/equations';
import { dtypeOf, zeros, type Tensor, type Tensors } from '../../core/tensor';

export const softmax = lazyEquations(
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
