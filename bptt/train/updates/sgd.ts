/** Gradient descent, optionally with momentum or Nesterov momentum. Source: torch.optim. */
import { must, mustBeSwitch } from '../../../core/check';
import {
  mustNotBeNegative,
  type CommonOptimizerOptions,
  type OptimizerDefinition,
  type Settled,
} from './update';

/** Gradient descent, optionally with momentum. */
export interface SgdOptions extends CommonOptimizerOptions {
  name: 'sgd';
  /** Momentum coefficient; default 0, no momentum. */
  momentum?: number;
  /** Fraction of the gradient that is not added to the velocity, except in the first step; default 0. */
  dampening?: number;
  /** Nesterov momentum; requires a momentum and no dampening. Default false. */
  nesterov?: boolean;
}

export const sgd: OptimizerDefinition<Settled<SgdOptions>> = {
  name: 'sgd',
  title: 'SGD',
  defaults: { learningRate: 1e-3, momentum: 0, dampening: 0, nesterov: false, weightDecay: 0 },
  check(o, where) {
    mustNotBeNegative(o, ['momentum', 'weightDecay'], where);
    must(Number.isFinite(o.dampening), where, 'dampening must be a finite number', o.dampening);
    mustBeSwitch(o, 'nesterov', where);
    const fits = !o.nesterov || (o.momentum > 0 && o.dampening === 0);
    const got = `momentum ${o.momentum}, dampening ${o.dampening}`;
    must(fits, where, 'nesterov needs a momentum > 0 and a dampening of 0', got);
  },
  update: ({ momentum, dampening, nesterov, weightDecay }) =>
    momentum === 0
      ? {
          equations: `
            d = g + weightDecay * pPrev
            p = pPrev - lr * d`,
          numbers: (_t, lr) => ({ lr, weightDecay }),
        }
      : {
          states: ['buf'],
          equations: `
            d = g + weightDecay * pPrev
            buf = momentum * bufPrev + keep * d
            p = pPrev - lr * ${nesterov ? '(d + momentum * buf)' : 'buf'}`,
          // the first step has no velocity yet and is not dampened
          numbers: (t, lr) => ({ lr, weightDecay, momentum, keep: t === 1 ? 1 : 1 - dampening }),
        },
  pytorch: { class: 'SGD', states: { buf: 'momentum_buffer' } },
};
