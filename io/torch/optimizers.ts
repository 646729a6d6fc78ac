/** Converts options of torch.optim's optimizers to ours and back. */
import { must, mustBe, mustBeOneOf } from '../../core/check';
import type { OptimizerOptions } from '../../bptt/train/optimizers';
import { optimizerNames, optimizerOf, restsWithout, settle } from '../../bptt/train/updates';

/** The torch.optim name of an option: `initial_accumulator_value`. */
const theirs = (option: string): string =>
  option === 'learningRate' ? 'lr' : option.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** The torch.optim names of an optimizer and its state. @throws TypeError if it has no counterpart. */
export function torchNames(name: string): { class: string; states: Readonly<Record<string, string>> } {
  const { pytorch } = optimizerOf(name, 'torch');
  mustBe(pytorch !== undefined, 'torch', 'the optimizer must state what it is in PyTorch', name);
  return { states: {}, ...pytorch };
}

/**
 * Our options for a vector named `optim_<optimizer>…` with PyTorch's options.
 * @throws TypeError for an optimizer or an option that this engine lacks.
 */
export function torchOptimizer(
  vectorName: string,
  hyper: Readonly<Record<string, unknown>>,
): OptimizerOptions {
  const rest = vectorName.replace(/^optim_/, '').replace(/^amsgrad/, 'adam_amsgrad');
  const known = optimizerNames();
  const found = known.filter((name) => rest.startsWith(name)).sort((a, b) => b.length - a.length);
  const name = mustBeOneOf(found[0] ?? rest, known, 'verify', 'the optimizer');
  const ours = new Map(Object.keys(optimizerOf(name).defaults).map((option) => [theirs(option), option]));
  const options: Record<string, unknown> = { name };
  for (const [key, value] of Object.entries(hyper)) {
    const option = ours.get(key);
    must(option !== undefined, 'verify', `hyper must be among ${[...ours.keys()].join(', ')}`, key);
    options[option] = value;
  }
  return options as unknown as OptimizerOptions;
}

/**
 * Python code that creates an optimizer of `parameters` with our options.
 * @example torchOptimizerCall({ name: 'sgd', learningRate: 0.1 }) // 'torch.optim.SGD(parameters, lr=0.1)'
 */
export function torchOptimizerCall(all: OptimizerOptions): string {
  const { name, sparse = false, groups, ...options } = all;
  const why = 'torch.optim needs an embedding with sparse gradients, and an optimizer for it alone';
  // where rows without a gradient rest, an update of all rows is the same
  const same = !sparse || restsWithout(settle(all).rule);
  mustBe(same, 'torch', `${name} must update all rows of an embedding`, 'sparse: true', why);
  mustBe(groups === undefined, 'torch', `${name} must be for all parameters alike`, 'groups');
  const given = Object.entries(options).map(([option, value]) => `${theirs(option)}=${python(value)}`);
  return `torch.optim.${torchNames(name).class}(${['parameters', ...given].join(', ')})`;
}

/** A Python literal; numbers and booleans only, because options may come from an untrusted checkpoint. */
function python(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (Array.isArray(value)) return `(${value.map(python).join(', ')})`;
  mustBe(Number.isFinite(value), 'torch', 'options of the optimizer must be numbers or booleans', value);
  return String(value);
}
