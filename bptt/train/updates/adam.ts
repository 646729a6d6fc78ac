/**
 * Adam, and AdamW with decoupled weight decay.
 *
 * Source: Adam: Kingma & Ba 2015; AMSGrad: Reddi, Kale & Kumar 2018; AdamW: Loshchilov & Hutter 2019; conventions of torch.optim.
 */
import { must, mustBeSwitch } from '../../../core/check';
import { power } from '../../../core/random/portable';
import {
  mustBeShare,
  mustNotBeNegative,
  type CommonOptimizerOptions,
  type OptimizerDefinition,
  type Settled,
} from './update';

/** Adam: bias-corrected moving averages of the gradient and its square; adamw decouples weight decay. */
export interface AdamOptions extends CommonOptimizerOptions {
  name: 'adam' | 'adamw';
  /** Decay rates of the averages of the gradient and of its square; default [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** Added to the root; default 1e-8. */
  eps?: number;
  /** Divides by the largest average of squares so far; default false. */
  amsgrad?: boolean;
}

/** p · shrink is adamw's weight decay, exactly p for adam. */
const equations = (amsgrad: boolean): string => `
  d = g + weightDecay * pPrev
  m = beta1 * mPrev + rest1 * d
  v = beta2 * vPrev + rest2 * d * d
  ${amsgrad ? 'vMax = max(vMaxPrev, v)' : ''}
  p = shrink * pPrev - lr * (m / (sqrt(${amsgrad ? 'vMax' : 'v'}) / root + eps))`;

const making = (name: AdamOptions['name'], title: string): OptimizerDefinition<Settled<AdamOptions>> => {
  const decoupled = name === 'adamw';
  return {
    name,
    title,
    defaults: {
      learningRate: 1e-3,
      betas: [0.9, 0.999],
      eps: 1e-8,
      weightDecay: decoupled ? 1e-2 : 0,
      amsgrad: false,
    },
    check(o, where) {
      mustNotBeNegative(o, ['eps', 'weightDecay'], where);
      const { length } = Object(o.betas) as ArrayLike<number>;
      must(length === 2, where, 'betas must be two numbers', o.betas);
      for (const beta of o.betas) mustBeShare(beta, 'each beta', where);
      mustBeSwitch(o, 'amsgrad', where);
    },
    update: ({ betas: [beta1, beta2], eps, weightDecay, amsgrad }) => ({
      states: ['m', 'v', ...(amsgrad ? ['vMax'] : [])],
      equations: equations(amsgrad),
      numbers: (t, learningRate) => ({
        beta1,
        beta2,
        rest1: 1 - beta1,
        rest2: 1 - beta2,
        eps,
        // bias correction: the averages start at 0, so divide by 1 − βᵗ
        lr: learningRate / (1 - power(beta1, t)),
        root: Math.sqrt(1 - power(beta2, t)),
        weightDecay: decoupled ? 0 : weightDecay,
        shrink: decoupled ? 1 - learningRate * weightDecay : 1,
      }),
    }),
    pytorch: { class: title, states: { m: 'exp_avg', v: 'exp_avg_sq', vMax: 'max_exp_avg_sq' } },
  };
};

export const adam = making('adam', 'Adam');
export const adamw = making('adamw', 'AdamW');
