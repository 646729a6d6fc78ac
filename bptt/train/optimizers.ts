/**
 * Optimizers, which compute new parameters p from gradients g, with PyTorch's semantics and defaults.
 *
 * Each update is one statement over all parameters at once: p, g and the optimizer's states are rows [1, N]; values that
 * change with the step (learning rate, bias corrections) are computed in float64 and passed as scalars.
 */
import ndarray from 'ndarray';
import { must, mustBe, mustBeArrayLike, mustBeObject } from '../../core/check';
import type { Data } from '../../core/memory';
import { Program, type Executor } from '../../core/programs/program';
import {
  fillFrom,
  isTensor,
  sizeOf,
  tensor,
  toFlat,
  zeros,
  type Tensor,
  type Tensors,
} from '../../core/tensor';
import type { Network } from '../network/network';
import { Parameters, withPrefix } from '../network/parameters';
import type { ElementRange, Table } from '../network/usedrows';
import { dividedBy, groupsOf, type Group } from './groups';
import { settle, type OptimizerOptions } from './updates';

export type { OptimizerName, OptimizerOptions } from './updates';

/** A snapshot of weights, optimizer states and step count. */
export interface OptimizerSnapshot {
  steps: number;
  numbers: Data[];
}

/**
 * An optimizer with its states; created by `optimizer`.
 *
 *   values, gradients and each state [1, N], over all parameters at once
 *
 * `step` reads the gradients and changes the weights and the states; it does not zero the gradients.
 *
 * Source: the semantics of torch.optim; the papers are named in `updates/`.
 * @throws TypeError for an unknown name or option; RangeError for a value out of range.
 * @example
 * net.forward(batch).backward();
 * adam.step();
 * adam.steps; // 1
 * adam.state()['m.l0.Wx'].shape; // [2, 3]
 */
export class Optimizer {
  /** All options with defaults filled in, from which a checkpoint can rebuild the optimizer. */
  readonly options: OptimizerOptions;
  /** The optimizer's states [1, N] by name. */
  private readonly rows: Tensors = {};
  /** The parameters that are in no group, then the groups. */
  private readonly groups: readonly Group[];
  /** Updates everything, except the tables whose rows are updated one by one. */
  private readonly update: () => void;
  private readonly tables: { table: Table; updateRow: (row: number) => void }[];
  private made = 0;

  constructor(
    /** The parameters that `step` changes. */
    readonly parameters: Parameters,
    options: OptimizerOptions,
    executor: Executor,
  ) {
    const { dtype, flat, flatGradients } = parameters;
    const { options: settled, rule } = settle(options);
    this.options = settled;
    for (const state of rule.states) {
      this.rows[state] = zeros(flat.shape, dtype);
      this.rows[state].data.fill(rule.start);
    }
    this.groups = groupsOf(parameters, this.options);
    const { used } = parameters;
    const why = 'sparse updates the rows of one';
    if (this.options.sparse)
      must(
        used.tables.length > 0,
        `optimizer ${options.name}`,
        'the network must have an embedding',
        'none',
        why,
      );
    const program = new Program();
    for (const range of this.options.sparse ? used.others : [this.all])
      this.record(program, range, flatGradients);
    this.update = program.bind(executor);
    this.tables = (this.options.sparse ? used.tables : []).map((table) => {
      const { at, width } = table;
      const [first, next] = [0, 1].map((row) => {
        const one = new Program();
        this.record(one, { from: at + row * width, to: at + (row + 1) * width }, flatGradients);
        return one;
      });
      return { table, updateRow: Program.bindRepeated(executor, first, next) };
    });
  }

  /** Records the update of some elements, group by group. */
  private record(program: Program, range: ElementRange, gradients: Tensor): void {
    const written: Tensors = { p: this.parameters.flat, ...this.rows };
    for (const { from, to, group } of dividedBy(this.groups, range)) {
      const part = ({ data }: Tensor): Tensor => ndarray(data, [1, to - from], undefined, from);
      const tensors: Tensors = { ...group.scalars, g: part(gradients) };
      for (const [name, row] of Object.entries(written)) tensors[name] = tensors[`${name}Prev`] = part(row);
      program.pointwise(group.rule.statement, tensors);
    }
  }

  private get all(): ElementRange {
    return { from: 0, to: this.parameters.flat.shape[1] };
  }

  /** @internal What a step changes, and the only gradients that are not zero. */
  get touched(): readonly ElementRange[] {
    return this.options.sparse ? this.parameters.used.ranges : [this.all];
  }

  /** Number of updates so far. */
  get steps(): number {
    return this.made;
  }

  /** The default learning rate of `step`. */
  get learningRate(): number {
    return this.options.learningRate as number;
  }

  /**
   * Updates all parameters; the gradients do not change.
   *
   * @param learningRate for this step only; default: the option `learningRate`. That of a group changes in proportion.
   * @throws RangeError unless the learning rate is a finite number ≥ 0.
   */
  step(learningRate: number = this.learningRate): void {
    mustBeRate(learningRate, 'optimizer.step');
    this.made++;
    for (const { rule, scalars, share } of this.groups) {
      const numbers = rule.numbers(this.made, share * learningRate);
      for (const name in numbers) scalars[name].data[0] = numbers[name];
    }
    this.update();
    for (const { table, updateRow } of this.tables) this.parameters.used.each(table, updateRow);
  }

  /** A snapshot of weights, states and step count. Into `reused`, if given, only what is `within` is copied. */
  keep(reused?: OptimizerSnapshot, within: readonly ElementRange[] = [this.all]): OptimizerSnapshot {
    const numbers = this.changed;
    if (!reused) return { steps: this.made, numbers: numbers.map((data) => data.slice()) };
    numbers.forEach((data, k) => copy(data, reused.numbers[k], within));
    reused.steps = this.made;
    return reused;
  }

  /** Restores what is `within` from a snapshot. */
  restore(snapshot: OptimizerSnapshot, within: readonly ElementRange[] = [this.all]): void {
    const where = 'optimizer.restore';
    mustBeObject(snapshot, where, 'the snapshot');
    const { steps, numbers } = snapshot;
    const fits =
      Array.isArray(numbers) && this.changed.every(({ length }, k) => numbers[k]?.length === length);
    mustBe(fits, where, 'the snapshot must be one that keep() of this optimizer returned', numbers);
    this.changed.forEach((data, k) => copy(numbers[k], data, within));
    this.made = steps;
  }

  /** The arrays that a step changes: weights and states. */
  private get changed(): Data[] {
    return [this.parameters.flat, ...Object.values(this.rows)].map(({ data }) => data);
  }

  /**
   * Views of the optimizer's states by state and parameter, `m.l0.Wx` in the shape of `l0.Wx`; `steps` [1] float64 is a copy
   * of the step count.
   */
  state(): Tensors {
    const views: Tensors = { steps: tensor([this.made]) };
    for (const [state, row] of Object.entries(this.rows)) {
      const { trained, values } = this.parameters;
      const parts = trained.map(
        (name) => [name, ndarray(row.data, values[name].shape, undefined, values[name].offset)] as const,
      );
      Object.assign(views, withPrefix(Object.fromEntries(parts), `${state}.`));
    }
    return views;
  }

  /**
   * Loads states in the form that `state` returns, as tensors or as row-major numbers.
   * @throws RangeError if a name is missing or unknown, or a size is wrong; nothing is changed then.
   */
  load(state: Readonly<Record<string, Tensor | ArrayLike<number>>>): void {
    const where = 'optimizer.load';
    mustBeObject(state, where, 'the state');
    const own = this.state();
    const given = new Map<string, ArrayLike<number>>();
    for (const [name, values] of Object.entries(state)) {
      must(name in own, where, `the name must be one of ${Object.keys(own).join(', ')}`, name);
      if (!isTensor(values)) mustBeArrayLike(values, where, name);
      const flat = isTensor(values) ? toFlat(values) : values;
      const size = sizeOf(own[name].shape);
      must(flat.length === size, where, `${name} must hold ${size} values`, flat.length);
      given.set(name, flat);
    }
    const missing = Object.keys(own).find((name) => !given.has(name));
    must(missing === undefined, where, `${missing} must be given`, 'none');
    const steps = (given.get('steps') as ArrayLike<number>)[0];
    must(Number.isSafeInteger(steps) && steps >= 0, where, 'steps must be a whole number >= 0', steps);
    this.made = steps;
    for (const [name, values] of given) if (name !== 'steps') fillFrom(own[name], values);
  }
}

/**
 * An optimizer over all parameters of a network.
 *
 * | name    | defaults                                                                             |
 * | ------- | ------------------------------------------------------------------------------------ |
 * | sgd     | learningRate 1e-3, momentum 0, dampening 0, nesterov false, weightDecay 0            |
 * | rmsprop | learningRate 1e-2, alpha 0.99, eps 1e-8, momentum 0, centered false, weightDecay 0   |
 * | adagrad | learningRate 1e-2, lrDecay 0, eps 1e-10, initialAccumulatorValue 0, weightDecay 0    |
 * | adam    | learningRate 1e-3, betas [0.9, 0.999], eps 1e-8, weightDecay 0, amsgrad false        |
 * | adamw   | learningRate 1e-3, betas [0.9, 0.999], eps 1e-8, weightDecay 1e-2, amsgrad false     |
 *
 * With `sparse: true`, only the rows of an embedding that were used are updated, for large vocabularies: the same result for
 * sgd and adagrad, that of torch.optim.SparseAdam for adam. Weight decay and momentum must then be 0.
 *
 * `groups: [{ parameters: ['embedding'], learningRate: 1e-4, weightDecay: 0 }]` trains some parameters with a learning rate or
 * weight decay of their own; a schedule applies to all.
 *
 * @param executor runs the update; default: the network's.
 * @throws TypeError for an unknown name or option; RangeError for a value out of range.
 * @example
 * const adam = optimizer(net, { name: 'adam', learningRate: 2e-3 });
 * net.parameters.zeroGradients();
 * net.forward(batch, { training: true }).backward();
 * adam.step();
 */
export function optimizer(
  of: Network | Parameters,
  options: OptimizerOptions,
  executor?: Executor,
): Optimizer {
  const where = 'optimizer';
  const alone = of instanceof Parameters;
  const trains = alone || (of as Partial<Network> | undefined)?.parameters instanceof Parameters;
  mustBe(trains, where, 'the first argument must be a network, or its parameters', of);
  const parameters = alone ? of : of.parameters;
  return new Optimizer(parameters, options, executor ?? parameters.executor);
}

function copy(from: Data, into: Data, within: readonly ElementRange[]): void {
  for (const range of within) into.set(from.subarray(range.from, range.to), range.from);
}

function mustBeRate(rate: number, where: string): void {
  must(rate >= 0 && Number.isFinite(rate), where, 'the learning rate must be a finite number >= 0', rate);
}
