/** Mean squared error over the O outputs of a row. */
import { lazyLoss } from './loss';

export const squaredError = lazyLoss({
  name: 'squared',
  title: 'mean squared error',
  targets: 'numbers',
  forward: `
    each = (y - target) * (y - target)
    rowLoss = sum(each, axis=1)`,
  backward: `
    dy = 2 * weight * (y - target)`,
  perOutput: true,
  pytorch: 'F.mse_loss(y, targets, reduction="sum")',
});
