/** Adagrad. Source: Duchi, Hazan & Singer 2011; conventions of torch.optim. */
import {
  mustNotBeNegative,
  type CommonOptimizerOptions,
  type OptimizerDefinition,
  type Settled,
} from './update';

/** Adagrad: divides each gradient by the root of the sum of its squares so far. */
export interface AdagradOptions extends CommonOptimizerOptions {
  name: 'adagrad';
  /** The learning rate of step t is divided by 1 + (t − 1) · lrDecay; default 0. */
  lrDecay?: number;
  /** Added to the root; default 1e-10. */
  eps?: number;
  /** Initial value of the sums of squares; default 0. */
  initialAccumulatorValue?: number;
}

export const adagrad: OptimizerDefinition<Settled<AdagradOptions>> = {
  name: 'adagrad',
  title: 'Adagrad',
  defaults: { learningRate: 1e-2, lrDecay: 0, eps: 1e-10, initialAccumulatorValue: 0, weightDecay: 0 },
  check(o, where) {
    mustNotBeNegative(o, ['lrDecay', 'eps', 'initialAccumulatorValue', 'weightDecay'], where);
  },
  update: ({ lrDecay, eps, initialAccumulatorValue, weightDecay }) => ({
    states: ['sum'],
    start: initialAccumulatorValue,
    equations: `
      d = g + weightDecay * pPrev
      sum = sumPrev + d * d
      p = pPrev - lr * (d / (sqrt(sum) + eps))`,
    numbers: (t, lr) => ({ lr: lr / (1 + (t - 1) * lrDecay), eps, weightDecay }),
  }),
  pytorch: { class: 'Adagrad', states: { sum: 'sum' } },
};
