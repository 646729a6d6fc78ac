/** The Huber loss with δ = 1: half the squared error up to 1, the absolute error less ½ beyond it; outliers count less. */
import { lazyLoss } from './loss';

export const huberError = lazyLoss({
  name: 'huber',
  title: 'Huber loss',
  targets: 'numbers',
  forward: `
    size = abs(y - target)
    near = min(size, 1)
    each = near * (size - 0.5 * near)
    rowLoss = sum(each, axis=1)`,
  backward: `
    dy = weight * near * (step(y - target) - step(target - y))   # the error, cut to −1 … 1`,
  perOutput: true,
  pytorch: 'F.huber_loss(y, targets, reduction="sum")',
});
