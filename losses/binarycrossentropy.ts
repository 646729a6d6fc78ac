/** Binary cross-entropy of O independent bits with the target q: −q log σ(y) − (1 − q) log(1 − σ(y)). */
import { lazyLoss } from './loss';

export const binaryCrossEntropy = lazyLoss({
  name: 'bernoulli',
  title: 'binary cross-entropy',
  targets: 'probabilities',
  forward: `
    # log(1 + exp(y)) = (y + abs(y)) / 2 + log1p(exp(-abs(y))): exp never overflows, and at y = 0 the slopes of abs cancel
    each = 0.5 * y + 0.5 * abs(y) - y * target + log1p(exp(-abs(y)))
    rowLoss = sum(each, axis=1)`,
  backward: `
    dy = weight * (sigmoid(y) - target)`,
  prediction: 'sigmoid',
  pytorch: 'F.binary_cross_entropy_with_logits(y, targets, reduction="sum")',
});
