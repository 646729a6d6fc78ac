/** Cross-entropy with label smoothing: a tenth of the target is spread over all O classes, against overconfidence. */
import { lazyLoss } from './loss';

export const smoothedCrossEntropy = lazyLoss({
  name: 'smoothed',
  title: 'cross-entropy with label smoothing',
  targets: 'classes',
  forward: `
    logSum = logsumexp(y, axis=1)
    one = 1 + 0 * target
    classes = sum(one, axis=1)
    q = 0.9 * target + 0.1 / classes
    meant = q * y
    mean = sum(meant, axis=1)
    rowLoss = logSum - mean`,
  backward: `
    dy = weight * (exp(y - logSum) - q)`,
  prediction: 'softmax',
  pytorch: 'F.cross_entropy(y.flatten(0, -2), targets.flatten(), reduction="sum", label_smoothing=0.1)',
});
