/** RMSprop. Source: Tieleman & Hinton 2012; the centered form: Graves 2013; conventions of torch.optim. */
import { mustBeSwitch } from '../../../core/check';
import {
  mustBeShare,
  mustNotBeNegative,
  type CommonOptimizerOptions,
  type OptimizerDefinition,
  type Settled,
} from './update';

/** RMSprop: divides each gradient by the root of the moving average of its squares. */
export interface RmspropOptions extends CommonOptimizerOptions {
  name: 'rmsprop';
  /** Decay rate of the average; default 0.99. */
  alpha?: number;
  /** Added to the root, to avoid division by 0; default 1e-8. */
  eps?: number;
  /** Momentum coefficient; default 0. */
  momentum?: number;
  /** Divides by the standard deviation: subtracts the squared average gradient. Default false. */
  centered?: boolean;
}

// rounding may make the variance negative, whose root would be NaN
const center = `mean = alpha * meanPrev + rest * d
      variance = max(v - mean * mean, 0)`;

export const rmsprop: OptimizerDefinition<Settled<RmspropOptions>> = {
  name: 'rmsprop',
  title: 'RMSprop',
  defaults: { learningRate: 1e-2, alpha: 0.99, eps: 1e-8, momentum: 0, centered: false, weightDecay: 0 },
  check(o, where) {
    mustNotBeNegative(o, ['eps', 'momentum', 'weightDecay'], where);
    mustBeShare(o.alpha, 'alpha', where);
    mustBeSwitch(o, 'centered', where);
  },
  update: ({ alpha, eps, momentum, centered, weightDecay }) => ({
    states: ['v', ...(centered ? ['mean'] : []), ...(momentum > 0 ? ['buf'] : [])],
    equations: `
      d = g + weightDecay * pPrev
      v = alpha * vPrev + rest * d * d
      ${centered ? center : ''}
      u = d / (sqrt(${centered ? 'variance' : 'v'}) + eps)
      ${momentum > 0 ? 'buf = momentum * bufPrev + u' : ''}
      p = pPrev - lr * ${momentum > 0 ? 'buf' : 'u'}`,
    numbers: (_t, lr) => ({
      ...{ lr, alpha, rest: 1 - alpha, eps, weightDecay },
      ...(momentum > 0 && { momentum }),
    }),
  }),
  pytorch: { class: 'RMSprop', states: { v: 'square_avg', mean: 'grad_avg', buf: 'momentum_buffer' } },
};
