/** Binary cross-entropy of O independent bits with the target q: −q log σ(y) − (1 − q) log(1 − σ(y)). */
import { lazyLoss } from './loss';

export const binaryCrossEntropy = lazyLoss({
  name: 'bernoulli',
  title: 'binary cross-entropy',
  targets: 'probabilities',
  forward: `
    each = max(y, 0) - y * target + log1p(exp(-abs(y)))   # written so that exp never overflows
    rowLoss = sum(each, axis=1)`,
  backward: `
    dy = weight * (sigmoid(y) - target)`,
  prediction: 'sigmoid',
  pytorch: 'F.binary_cross_entropy_with_logits(y, targets, reduction="sum")',
});
