/** The options of torch.optim's optimisers as ours. */
import { must, mustBeOneOf } from '../core/check';
import type { OptimizerOptions } from '../bptt/optimizers';

const optionNames: Record<string, string> = {
  lr: 'learningRate',
  weight_decay: 'weightDecay',
  lr_decay: 'lrDecay',
  initial_accumulator_value: 'initialAccumulatorValue',
  momentum: 'momentum',
  dampening: 'dampening',
  nesterov: 'nesterov',
  alpha: 'alpha',
  centered: 'centered',
  betas: 'betas',
  eps: 'eps',
  amsgrad: 'amsgrad',
};

const optimizers = ['adamw', 'adam', 'adagrad', 'rmsprop', 'sgd'] as const;

/**
 * Our options for a vector named `optim_<optimiser>…` with PyTorch's options.
 * @throws TypeError for an optimiser or an option that this engine lacks.
 */
export function torchOptimizer(
  vectorName: string,
  hyper: Readonly<Record<string, unknown>>,
): OptimizerOptions {
  const rest = vectorName.replace(/^optim_/, '').replace(/^amsgrad/, 'adam_amsgrad');
  const found = optimizers.find((name) => rest.startsWith(name)) ?? rest;
  const options: Record<string, unknown> = {
    name: mustBeOneOf(found, optimizers, 'verify', 'the optimiser'),
  };
  for (const [key, value] of Object.entries(hyper)) {
    must(
      Object.hasOwn(optionNames, key),
      'verify',
      `hyper must be among ${Object.keys(optionNames).join(', ')}`,
      key,
    );
    options[optionNames[key]] = value;
  }
  return options as unknown as OptimizerOptions;
}
