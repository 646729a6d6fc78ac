/** RMSprop. Source: Tieleman & Hinton 2012; the centred form: Graves 2013; conventions of torch.optim. */
import {
  mustBeShare,
  mustBeSwitch,
  mustNotBeNegative,
  type CommonOptimizerOptions,
  type OptimizerDefinition,
  type Settled,
} from './update';

/** RMSprop: each gradient is divided by the root of the average of its squares. */
export interface RmspropOptions extends CommonOptimizerOptions {
  name: 'rmsprop';
  /** Share of the old average that each step keeps; default 0.99. */
  alpha?: number;
  /** Added to the root, so that nothing is divided by 0; default 1e-8. */
  eps?: number;
  /** Share of the last velocity that is kept; default 0. */
  momentum?: number;
  /** Divides by the deviation: the square of the average gradient is taken off. Default false. */
  centered?: boolean;
}

// rounding may leave the variance below 0, of which the root would be NaN
const centre = `mean = alpha * meanPrev + rest * d
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
      ${centered ? centre : ''}
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
