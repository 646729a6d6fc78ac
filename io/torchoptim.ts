/** The options of torch.optim's optimisers as ours, and ours as theirs. */
import { must, mustBe, mustBeOneOf } from '../core/check';
import type { OptimizerOptions } from '../bptt/train/optimizers';

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

const classes: Readonly<Record<OptimizerOptions['name'], string>> = {
  adam: 'Adam',
  adamw: 'AdamW',
  adagrad: 'Adagrad',
  rmsprop: 'RMSprop',
  sgd: 'SGD',
};

/**
 * The Python that makes an optimiser of `parameters` with our options.
 * @example torchOptimizerCall({ name: 'sgd', learningRate: 0.1 }) // 'torch.optim.SGD(parameters, lr=0.1)'
 */
export function torchOptimizerCall({ name, ...options }: OptimizerOptions): string {
  const given = Object.entries(options).map(([ours, value]) => {
    const [theirs] = Object.entries(optionNames).find(([, own]) => own === ours) as [string, string];
    return `${theirs}=${python(value)}`;
  });
  return `torch.optim.${classes[name]}(${['parameters', ...given].join(', ')})`;
}

/** A value as Python; numbers and booleans only, because options may come from a stranger's checkpoint. */
function python(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (Array.isArray(value)) return `(${value.map(python).join(', ')})`;
  mustBe(Number.isFinite(value), 'torch', 'options of the optimiser must be numbers or booleans', value);
  return String(value);
}
