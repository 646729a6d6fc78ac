/**
 * Definition and registry of losses: equations for one number from the outputs y of all steps, and for dL/dy.
 *
 *   y, target, dy [N, O]   weight, rowLoss [N, 1]   loss [1]      N = T·B rows
 *
 *   loss = Σ_rows weight * rowLoss
 *
 * The weights carry the reduction: 0 on padding, 1 for a sum, 1 / (number of valid steps) for a mean.
 */
import { must } from '../core/check';
import { Block, type Compiled } from '../core/equations/block';
import { lazyEquations } from '../core/equations/equations';
import { numberOf, type Shape } from '../core/equations/shapes';
import { lazy } from '../core/once';
import type { Program } from '../core/programs/program';
import { Registry } from '../core/registry';
import { engineMemory, type Dtype } from '../core/memory';
import { columns, dtypeOf, tensor, zeros, type Tensor, type Tensors } from '../core/tensor';

/** The kind of targets: a class number, O numbers in 0…1, or O arbitrary numbers. */
export type LossTargets = 'classes' | 'probabilities' | 'numbers';
/** The function that turns outputs into predictions. */
export type LossPrediction = 'same' | 'sigmoid' | 'softmax';

/** The equations of a loss and its metadata. */
export interface LossDefinition {
  /** Its name in options and checkpoints: `softmax`. */
  name: string;
  /** Its name in texts: `cross-entropy`. */
  title: string;
  targets: LossTargets;
  /** Reads y and target; writes rowLoss [N, 1]. */
  forward: string;
  /** Reads y, target, the values that forward wrote, and weight [N, 1]; writes dy [N, O]. */
  backward: string;
  /** Default: the outputs as they are. */
  prediction?: LossPrediction;
  /** Names that stand for numbers [1, O]: each list repeats over the outputs, so O must be a multiple of its length. */
  repeated?: Readonly<Record<string, readonly number[]>>;
  /**
   * Adjacent columns by name and width, which are all O: of `sign`, the equations read `y_sign` and `target_sign`, and write
   * `dy_sign` in place of dy. A repeated name ends like them: `level_sign`. `namedOutputs` makes such a loss.
   */
  columns?: readonly (readonly [name: string, width: number, prediction: LossPrediction])[];
  /** Whether a row's loss is the mean over its O outputs instead of the sum; default false. */
  perOutput?: boolean;
  /** PyTorch code of the sum over all rows of `y` and `targets`, with `torch.nn.functional` as F; required for export. */
  pytorch?: string;
}

/** A loss, ready to be recorded. */
export interface Loss extends Readonly<
  Required<Omit<LossDefinition, 'forward' | 'backward' | 'pytorch' | 'columns'>>
> {
  readonly columns?: LossDefinition['columns'];
  readonly pytorch?: string;
  /** The definition it was made from, to rebuild it in other threads. */
  readonly definition: LossDefinition;
  /** Names that only `forward` reads. */
  readonly passing: readonly string[];
  readonly forward: Compiled;
  readonly backward: Compiled;
}

/**
 * Creates a loss from its equations.
 *
 * @throws EquationError with line and column for a syntax error, an unknown name or a shape mismatch.
 * @example
 * loss({
 *   name: 'fourth-power',
 *   title: 'fourth power of the error',
 *   targets: 'numbers',
 *   forward: 'square = (y - target) * (y - target)\nrowLoss = sum(square * square, axis=1)',
 *   backward: 'dy = 4 * weight * square * (y - target)',
 * }).prediction; // 'same'
 */
export function loss(definition: LossDefinition): Loss {
  return { ...describe(definition), ...compile(definition) };
}

/** The same, compiled at first use: for the built-in losses, so that importing this library compiles none. */
export function lazyLoss(definition: LossDefinition): Loss {
  const compiled = lazy(() => compile(definition));
  return {
    ...describe(definition),
    get forward() {
      return compiled().forward;
    },
    get backward() {
      return compiled().backward;
    },
    get passing() {
      return compiled().passing;
    },
  };
}

function describe(definition: LossDefinition): Omit<Loss, 'forward' | 'backward' | 'passing'> {
  const { forward: _forward, backward: _backward, ...about } = definition;
  return { prediction: 'same', perOutput: false, repeated: {}, ...about, definition };
}

function compile({
  name,
  forward,
  backward,
  repeated = {},
  columns,
}: LossDefinition): Pick<Loss, 'forward' | 'backward' | 'passing'> {
  const ranges = rangesOf(columns);
  const isOnce = new Set(ranges.map(({ of }) => of)).size === ranges.length;
  must(isOnce, name, 'columns must have names that differ', ranges.map(({ of }) => of).join(', '));
  const shapes = (what: string): Record<string, Shape> =>
    columns
      ? Object.fromEntries(ranges.map(({ of, width }) => [`${what}_${of}`, ['N', String(width)]]))
      : { [what]: ['N', 'O'] };
  const lists = Object.keys(repeated).map((key) => {
    const range = rangeOf(key, ranges);
    return [key, ['1', range ? String(range.width) : 'O']] as const;
  });
  const given = { ...shapes('y'), ...shapes('target'), ...Object.fromEntries(lists) };
  const there = new Block(forward, `${name}, forward`, { given, outputs: { rowLoss: ['N', '1'] } });
  there.mustWrite(['rowLoss']);
  const back = new Block(backward, `${name}, backward`, {
    given: { ...given, weight: ['N', '1'], ...Object.fromEntries(there.scope.written) },
    outputs: shapes('dy'),
  });
  const gradients = Object.keys(shapes('dy'));
  back.mustWrite(gradients);
  back.mustUse(new Set(gradients));
  const outputNames = ['rowLoss', ...back.scope.read.keys()];
  there.mustUse(new Set(outputNames));
  const value = there.compile(outputNames);
  const passing = Object.keys(value.stored).filter((key) => !outputNames.includes(key));
  return { forward: value, backward: back.compile(gradients), passing };
}

interface Range {
  of: string;
  from: number;
  width: number;
}

/** The columns of a loss by name. */
function rangesOf(columns: LossDefinition['columns'] = []): Range[] {
  let from = 0;
  return columns.map(([of, width]) => ({ of, from: (from += width) - width, width }));
}

/** The columns for which a repeated name stands; undefined for all. */
const rangeOf = (key: string, ranges: readonly Range[]): Range | undefined =>
  ranges.find(({ of }) => key.endsWith(`_${of}`));

/** The number of outputs of a loss of named columns; undefined if there can be any. */
export const widthOfLoss = (name: string): number | undefined =>
  lossOf(name).columns?.reduce((sum, [, width]) => sum + width, 0);

const losses = new Registry<Loss>('loss');

/**
 * Registers a loss under its name for networks, checkpoints, commands and the check suite.
 * @throws RangeError if the name is taken.
 * @example
 * registerLoss(
 *   loss({
 *     name: 'log-cosh',
 *     title: 'log-cosh error',
 *     targets: 'numbers',
 *     forward: 'rowLoss = sum(log((exp(y - target) + exp(target - y)) / 2), axis=1)',
 *     backward: 'dy = weight * tanh(y - target)',
 *   }),
 * );
 * network({ layers: [gru({ input: 2, hidden: 3 })], output: 2, loss: 'log-cosh' });
 */
export function registerLoss(made: Loss): Loss {
  return losses.add(made.name, made, 'registerLoss');
}

/**
 * The names of all losses, in order of registration.
 * @example lossNames().includes('softmax') // true
 */
export const lossNames = (): string[] => losses.names;

/** @throws TypeError for an unknown name. */
export const lossOf = (name: string, where = 'loss'): Loss => losses.get(name, where);

/** What a loss computes, without its PyTorch code: the form in which a checkpoint holds it. */
export function statedAs({ pytorch: _pytorch, ...definition }: LossDefinition): LossDefinition {
  const sorted = (of: object): object =>
    Object.fromEntries(Object.entries(of).sort(([a], [b]) => (a < b ? -1 : 1)));
  const { repeated } = definition;
  return sorted({ ...definition, ...(repeated && { repeated: sorted(repeated) }) }) as LossDefinition;
}

/**
 * The name of a loss that is given by its name or as one of your own, which is registered if it is new.
 * @throws RangeError if another loss has its name.
 */
export function nameOfLoss(given: string | Loss, where: string): string {
  if (typeof given !== 'object' || given === null || !('definition' in given))
    return lossOf(given, where).name;
  const { name, definition } = given;
  if (!losses.has(name)) return registerLoss(given).name;
  const [known, own] = [lossOf(name).definition, definition].map((one) => JSON.stringify(statedAs(one)));
  must(
    known === own,
    where,
    'a loss of your own must have a name of its own',
    name,
    'another is called that',
  );
  return name;
}

/** @throws RangeError if O is not the width of the loss, or no multiple of the length of a list that it repeats. */
export function mustFitOutput(name: string, O: number, where: string): void {
  const { columns, repeated } = lossOf(name, where);
  const width = widthOfLoss(name) ?? O;
  must(O === width, where, `the output must be ${width} for the columns of its loss`, O, name);
  const ranges = rangesOf(columns);
  for (const [key, { length }] of Object.entries(repeated)) {
    const own = rangeOf(key, ranges)?.width ?? O;
    const what = `the output of ${name} must have a multiple of ${length} numbers`;
    must(own % length === 0, where, what, own, `one for each ${key}`);
  }
}

/** The tensors of a recorded loss. */
export interface LossTensors {
  y: Tensor;
  dy: Tensor;
  /** [N, O]; where targets are classes, one-hot, as a matrix or as class numbers (`core/onehot.ts`). */
  target: Tensor;
  weight: Tensor;
  rowLoss: Tensor;
  loss: Tensor;
  /** Whether it is added to the loss that is there; default false. */
  adds?: boolean;
  /** Whether dy has no memory, because there is no backward pass; default false. */
  forwardOnly?: boolean;
}

const total = lazyEquations(
  'loss',
  'weight, rowLoss [N, 1]   writes weightedLoss [N, 1]   loss [1]',
  `weightedLoss = weight * rowLoss
   loss = sum(weightedLoss)`,
);
const totalAdded = lazyEquations(
  'loss',
  'weight, rowLoss [N, 1]   writes weightedLoss [N, 1]   adds loss [1]',
  `weightedLoss = weight * rowLoss
   loss += sum(weightedLoss)`,
);

const constants = new Map<string, Tensor>();

/** A list repeated over O outputs, [1, O]: the same tensor for all layouts, outside of the memory that they share. */
function repeatedTo(O: number, list: readonly number[], dtype: Dtype): Tensor {
  const key = [O, dtype, ...list].join(' ');
  const known = constants.get(key);
  if (known) return known;
  const numbers = Array.from({ length: O }, (_, k) => list[k % list.length]);
  const made = engineMemory().apart(() => tensor(numbers, [1, O], dtype));
  constants.set(key, made);
  return made;
}

/** Lays a loss out, to be recorded: the loss itself, and dy. */
export function layLoss(
  name: string,
  { adds = false, forwardOnly = false, ...v }: LossTensors,
): { forward: (program: Program) => void; backward: (program: Program) => void } {
  const { forward: value, backward: gradient, passing, repeated, columns: named } = lossOf(name);
  const [N, O] = v.y.shape;
  const ranges = rangesOf(named);
  const constants = Object.entries(repeated).map(([key, list]) => {
    const width = rangeOf(key, ranges)?.width ?? O;
    return [key, repeatedTo(width, list, dtypeOf(v.y))];
  });
  const own: Tensors = { ...v, ...(Object.fromEntries(constants) as Tensors) };
  for (const { of, from, width } of ranges)
    for (const what of ['y', 'target', 'dy'] as const)
      own[`${what}_${of}`] = columns(v[what], from, from + width);
  // a value that the backward pass does not read can lie in the memory of dy, which is written later
  const passes = passing.find((key) => value.stored[key].join() === 'N,O');
  if (passes !== undefined && !forwardOnly) own[passes] = v.dy;
  for (const { stored } of [value, total, gradient])
    for (const [key, shape] of Object.entries(stored))
      own[key] ??= zeros(
        shape.map((size) => numberOf(size, { N, O }) as number),
        dtypeOf(v.y),
      );
  return {
    forward: (program) => {
      value.record(program, own);
      (adds ? totalAdded : total).record(program, own);
    },
    backward: (program) => gradient.record(program, own),
  };
}

/** Records a loss on `forward` and its dy on `backward`. */
export function recordLoss(name: string, forward: Program, backward: Program, v: LossTensors): void {
  const laid = layLoss(name, v);
  laid.forward(forward);
  laid.backward(backward);
}
