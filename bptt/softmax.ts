/**
 * Softmax along the rows of a matrix, where something reads the probabilities themselves. A softmax loss needs none of
 * this: it is fused with its gradient (see `losses.ts`).
 *
 *   y, p, dy, dp, flow [N, O]   logSum, flowSum [N, 1]
 *
 * Forward
 *   logSum = logSumExp(y)
 *   p = exp(y - logSum)
 *
 * Backward
 *   flow = p * dp
 *   flowSum = sumColumns(flow)
 *   dy = p * (dp - flowSum)
 */
import type { Program } from '../core/program';
import { exp, mul, sub } from '../core/scalar';
import { statement } from '../core/statement';
import { dtypeOf, zeros, type Tensor, type Tensors } from '../core/tensor';

const forward = statement(({ y, logSum }) => ({ p: exp(sub(y, logSum)) }));
/** Each p depends on every y of its row: directly, and through the sum that it is divided by. */
const flowBackward = statement(({ p, dp }) => ({ flow: mul(p, dp) }));
const backward = statement(({ p, dp, flowSum }) => ({ dy: mul(p, sub(dp, flowSum)) }));

/** What a softmax of this shape works with. */
export function softmaxBuffers(y: Tensor): Tensors {
  const [N, O] = y.shape;
  const dtype = dtypeOf(y);
  return { logSum: zeros([N, 1], dtype), flow: zeros([N, O], dtype), flowSum: zeros([N, 1], dtype) };
}

/** Records p = softmax(y). */
export function softmax(program: Program, v: Tensors): void {
  program.logSumExp(v.y, v.logSum);
  program.pointwise(forward, v);
}

/** Records dy from dp. */
export function softmaxBackward(program: Program, v: Tensors): void {
  program.pointwise(flowBackward, v);
  program.sumColumns(v.flow, v.flowSum);
  program.pointwise(backward, v);
}
