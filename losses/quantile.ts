/**
 * Quantile loss: its minimum is the quantile of the target at a level τ, τ (target − y) below it, (1 − τ) (y − target) above.
 * The levels 0.1, 0.5, 0.9 repeat over the outputs: three of them give a median and an interval of 80 %.
 */
import { lazyLoss } from './loss';

export const quantileError = lazyLoss({
  name: 'quantile',
  title: 'quantile loss',
  targets: 'numbers',
  repeated: { level: [0.1, 0.5, 0.9] },
  forward: `
    each = (y - target) * (step(y - target) - level)
    rowLoss = sum(each, axis=1)`,
  backward: `
    dy = weight * (step(y - target) - level)`,
  perOutput: true,
  pytorch:
    '((y - targets) * ((y > targets).to(y.dtype) - y.new_tensor([0.1, 0.5, 0.9]).repeat(y.shape[-1] // 3))).sum()',
});
