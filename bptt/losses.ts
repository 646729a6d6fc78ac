/**
 * Losses, from the outputs y of all steps to one number, and dL/dy.
 *
 *   y, target, dy [N, O]   weight, rowLoss [N, 1]   loss [1]      N = T·B rows
 *
 *   loss = Σ_rows weight * rowLoss
 *
 * The weights carry the reduction: 0 on padding, 1 for a sum, 1 / (number of valid steps) for a mean.
 */
import type { Program } from '../core/program';
import { abs, add, exp, log1p, max, mul, neg, select, sigmoid, sub } from '../core/scalar';
import { statement, type Statement } from '../core/statement';
import { zeros, dtypeOf, type Tensor } from '../core/tensor';

/** `softmax`: cross-entropy of one class of O; `bernoulli`: of O independent bits; `squared`: mean squared error. */
export type LossName = 'softmax' | 'bernoulli' | 'squared';

export interface LossTensors {
  y: Tensor;
  dy: Tensor;
  /** [N, O]: for softmax one-hot rows, for bernoulli values in 0…1, for squared any numbers. */
  target: Tensor;
  weight: Tensor;
  rowLoss: Tensor;
  loss: Tensor;
}

// softmax cross-entropy, L = −log p_k = logSum − y_k, where logSum = log Σ exp(y)
const pick = statement(({ y, target }) => ({ picked: select(target, y, 0) }));
const crossEntropy = statement(({ logSum, pickedSum }) => ({ rowLoss: sub(logSum, pickedSum) }));
/** dL/dy = p − target: the fused gradient, finite for every finite y. */
const crossEntropyBackward = statement(({ y, logSum, target, weight }) => ({
  dy: mul(weight, sub(exp(sub(y, logSum)), target)),
}));

/** −q log σ(y) − (1 − q) log(1 − σ(y)) for the target q, written so that exp never overflows. */
const bernoulli = statement(({ y, target }) => ({
  each: add(sub(max(y, 0), mul(y, target)), log1p(exp(neg(abs(y))))),
}));
const bernoulliBackward = statement(({ y, target, weight }) => ({
  dy: mul(weight, sub(sigmoid(y), target)),
}));

const squared = statement(({ y, target }) => ({ each: mul(sub(y, target), sub(y, target)) }));
const squaredBackward = statement(({ y, target, weight }) => ({ dy: mul(mul(2, weight), sub(y, target)) }));

const weighted = statement(({ weight, rowLoss }) => ({ weightedLoss: mul(weight, rowLoss) }));

export const lossStatements = {
  pick,
  crossEntropy,
  crossEntropyBackward,
  bernoulli,
  bernoulliBackward,
  squared,
  squaredBackward,
};

/** Records the loss on `forward` and dy on `backward`. */
export function recordLoss(name: LossName, forward: Program, backward: Program, v: LossTensors): void {
  const [N, O] = v.y.shape;
  const dtype = dtypeOf(v.y);
  if (name === 'softmax') {
    const scratch = {
      picked: zeros([N, O], dtype),
      pickedSum: zeros([N, 1], dtype),
      logSum: zeros([N, 1], dtype),
    };
    forward.logSumExp(v.y, scratch.logSum);
    forward.pointwise(pick, { ...v, ...scratch });
    forward.sumColumns(scratch.picked, scratch.pickedSum);
    forward.pointwise(crossEntropy, { ...v, ...scratch });
    backward.pointwise(crossEntropyBackward, { ...v, ...scratch });
  } else {
    const [each, back]: [Statement, Statement] =
      name === 'bernoulli' ? [bernoulli, bernoulliBackward] : [squared, squaredBackward];
    const scratch = zeros([N, O], dtype);
    forward.pointwise(each, { ...v, each: scratch });
    forward.sumColumns(scratch, v.rowLoss);
    backward.pointwise(back, { ...v });
  }
  const weightedLoss = zeros([N, 1], dtype);
  forward.pointwise(weighted, { ...v, weightedLoss });
  forward.sumRows(weightedLoss, v.loss);
}
