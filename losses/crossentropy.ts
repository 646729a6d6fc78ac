/** Cross-entropy of one class out of O, fused with its softmax: L = −log p_k = log Σ exp(y) − y_k. */
import { lazyLoss } from './loss';

export const crossEntropy = lazyLoss({
  name: 'softmax',
  title: 'cross-entropy',
  targets: 'classes',
  forward: `
    logSum = logsumexp(y, axis=1)
    picked = select(target, y, 0)
    pickedSum = sum(picked, axis=1)
    rowLoss = logSum - pickedSum`,
  backward: `
    dy = weight * (exp(y - logSum) - target)   # p − target: finite for every finite y`,
  prediction: 'softmax',
  pytorch: 'F.cross_entropy(y.flatten(0, -2), targets.flatten(), reduction="sum")',
});
