/** Mean absolute error over the O outputs of a row. */
import { lazyLoss } from './loss';

export const absoluteError = lazyLoss({
  name: 'absolute',
  title: 'mean absolute error',
  targets: 'numbers',
  forward: `
    each = abs(y - target)
    rowLoss = sum(each, axis=1)`,
  backward: `
    dy = weight * (step(y - target) - step(target - y))   # the sign of the error; 0 at no error`,
  perOutput: true,
  pytorch: 'F.l1_loss(y, targets, reduction="sum")',
});
