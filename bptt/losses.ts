/**
 * Losses, from the outputs y of all steps to one number, and dL/dy.
 *
 *   y, target, dy [N, O]   weight, rowLoss [N, 1]   loss [1]      N = T·B rows
 *
 *   loss = Σ_rows weight * rowLoss
 *
 * The weights carry the reduction: 0 on padding, 1 for a sum, 1 / (number of valid steps) for a mean.
 */
import type { Compiled } from '../core/equations/block';
import { equations } from '../core/equations/equations';
import { numberOf } from '../core/equations/shapes';
import type { Program } from '../core/program';
import { zeros, dtypeOf, type Tensor, type Tensors } from '../core/tensor';

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

const given = 'y, target [N, O]   weight [N, 1]';

/** Softmax cross-entropy of the class k, L = −log p_k = logSum − y_k with logSum = log Σ exp(y). */
const crossEntropy = equations(
  'cross-entropy',
  `y, target [N, O]   writes logSum, pickedSum, rowLoss [N, 1]   picked [N, O]`,
  `logSum = logsumexp(y, axis=1)
   picked = select(target, y, 0)
   pickedSum = sum(picked, axis=1)
   rowLoss = logSum - pickedSum`,
);
/** dL/dy = p − target: the fused gradient, finite for every finite y. */
const crossEntropyBackward = equations(
  'cross-entropy, backward',
  `${given}   logSum [N, 1]   writes dy [N, O]`,
  'dy = weight * (exp(y - logSum) - target)',
);

/** −q log σ(y) − (1 − q) log(1 − σ(y)) for the target q, written so that exp never overflows. */
const bernoulli = equations(
  'binary cross-entropy',
  'y, target [N, O]   writes each [N, O]   rowLoss [N, 1]',
  `each = max(y, 0) - y * target + log1p(exp(-abs(y)))
   rowLoss = sum(each, axis=1)`,
);
const bernoulliBackward = equations(
  'binary cross-entropy, backward',
  `${given}   writes dy [N, O]`,
  'dy = weight * (sigmoid(y) - target)',
);

const squared = equations(
  'squared error',
  'y, target [N, O]   writes each [N, O]   rowLoss [N, 1]',
  `each = (y - target) * (y - target)
   rowLoss = sum(each, axis=1)`,
);
const squaredBackward = equations(
  'squared error, backward',
  `${given}   writes dy [N, O]`,
  'dy = 2 * weight * (y - target)',
);

const total = equations(
  'loss',
  'weight, rowLoss [N, 1]   writes weightedLoss [N, 1]   loss [1]',
  `weightedLoss = weight * rowLoss
   loss = sum(weightedLoss)`,
);

/** One loss: its value in each row, and its gradient. */
interface Loss {
  forward: Compiled;
  backward: Compiled;
}

export const losses: Readonly<Record<LossName, Loss>> = {
  softmax: { forward: crossEntropy, backward: crossEntropyBackward },
  bernoulli: { forward: bernoulli, backward: bernoulliBackward },
  squared: { forward: squared, backward: squaredBackward },
};

/** Records the loss on `forward` and dy on `backward`. */
export function recordLoss(name: LossName, forward: Program, backward: Program, v: LossTensors): void {
  const { forward: value, backward: gradient } = losses[name];
  const [N, O] = v.y.shape;
  const scratch = (of: Compiled): Tensors =>
    Object.fromEntries(
      Object.entries(of.stored)
        .filter(([key]) => !(key in v))
        .map(([key, shape]) => [
          key,
          zeros(
            shape.map((size) => numberOf(size, { N, O }) as number),
            dtypeOf(v.y),
          ),
        ]),
    );
  const own: Tensors = { ...v, ...scratch(value), ...scratch(total) };
  value.record(forward, own);
  total.record(forward, own);
  gradient.record(backward, own);
}
