/** Named parameters and their gradients, each set in one contiguous array. */
import ndarray from 'ndarray';
import type { Parameter } from '../../cells/cell';
import { must, mustBe, mustBeObject, mustShape } from '../../core/check';
import { executorOf } from '../../core/programs/executor';
import { engineMemory, type Data, type Dtype } from '../../core/memory';
import type { Executor } from '../../core/programs/program';
import { mustBeRandom, type Random } from '../../core/random/random';
import { fillFrom, sizeOf, zeros, type Numbers, type Tensor, type Tensors } from '../../core/tensor';
import { fitted, type FlatNumbers } from './batch/numbers';
import { UsedRows, type Table } from './usedrows';

/** Alignment of each parameter in elements: 64 bytes in float32, so that kernels read aligned rows. */
const GRAIN = 16;

/**
 * The parameters of a network and their gradients, by name. All parameters, and all gradients, are views of one row, and
 * share its memory. Fixed parameters follow the trained ones.
 *
 *   values['l0.Wx'], gradients['l0.Wx'] [D, H]   flat, flatGradients [1, N], padding included, without fixed ones
 *
 * @example
 * const { parameters } = network({ layers: [elman({ input: 2, hidden: 3 })], output: 2 });
 * parameters.set('l0.b', [1, 2, 3]);
 * toFlat(parameters.values['l0.b']); // [1, 2, 3]
 * parameters.count; // 26
 */
export class Parameters {
  /** Parameter tensors by name: `l0.Wx`, `head.Wy`. */
  readonly values: Tensors = {};
  /** dL/dparameter under the same names; every backward adds into them. */
  readonly gradients: Tensors = {};
  /** All trained values as one row [1, N], for optimizers and clipping; its `data` hold the fixed ones as well. */
  readonly flat: Tensor;
  /** Their gradients as one row, in the order of `flat`; zeros in the padding. */
  readonly flatGradients: Tensor;
  /** @internal the rows of embeddings that have a gradient */
  readonly used: UsedRows;

  constructor(
    /** Shape and initializer of each, by name. */
    readonly shapes: Readonly<Record<string, Parameter>>,
    /** Of all values and gradients. */
    readonly dtype: Dtype,
    /** Generator of the initial values; without it, all are 0, to be filled in later. */
    random?: Random,
    /** Runs updates and norms over all of them. */
    readonly executor: Executor = executorOf(),
  ) {
    mustBeObject(shapes, 'parameters', 'shapes');
    for (const [name, one] of Object.entries<Partial<Parameter> | null>(shapes)) {
      const fits = Array.isArray(one?.shape) && typeof one.init === 'function';
      mustBe(fits, 'parameters', `${name} must have a shape and an initializer`, one);
    }
    if (random !== undefined) mustBeRandom(random, 'parameters');
    const padded = (shape: number[]): number => Math.ceil(sizeOf(shape) / GRAIN) * GRAIN;
    const all = Object.entries(shapes);
    const total = (those: boolean): number =>
      all.reduce((sum, [, { shape, fixed = false }]) => sum + (fixed === those ? padded(shape) : 0), 0);
    const trained = total(false);
    [this.flat, this.flatGradients] = [0, 1].map(() =>
      zeros([1, trained + total(true)], dtype).hi(1, trained),
    );
    let [offset, fixedOffset] = [0, trained];
    const tables: Table[] = [];
    for (const [name, { shape, init, fixed, isTable }] of all) {
      const at = fixed ? fixedOffset : offset;
      this.values[name] = ndarray(this.flat.data, shape, undefined, at);
      this.gradients[name] = ndarray(this.flatGradients.data, shape, undefined, at);
      if (random) init(this.values[name], random);
      if (isTable && !fixed) tables.push({ name, at, rows: shape[0], width: shape[1] });
      if (fixed) fixedOffset += padded(shape);
      else offset += padded(shape);
    }
    this.used = new UsedRows(tables, trained);
  }

  /** Names of the parameters that training changes. */
  get trained(): string[] {
    return Object.keys(this.values).filter((name) => !this.shapes[name].fixed);
  }

  /** The numbers of `flatGradients`, as a view. */
  get trainedGradients(): Data {
    return this.flatGradients.data.subarray(0, this.flatGradients.shape[1]);
  }

  /** Number of trained values, without the padding between parameters. */
  get count(): number {
    return this.trained.reduce((sum, name) => sum + sizeOf(this.values[name].shape), 0);
  }

  /** Sets all gradients to 0: before the first backward pass of each step. */
  zeroGradients(): void {
    engineMemory().zero(this.flatGradients.data);
    this.used.clear();
  }

  /** @internal The same if all others are zero already. */
  zeroUsedGradients(): void {
    const { data, shape } = this.flatGradients;
    const fixed = { from: shape[1], to: data.length };
    for (const { from, to } of [...this.used.ranges, fixed]) engineMemory().zero(data, from, to);
    this.used.clear();
  }

  /**
   * Replaces the value of one parameter; numbers are given in its shape or flat.
   * @param shape the shape of flat values, to be checked.
   * @throws RangeError for an unknown name or a wrong shape or count; TypeError for a value that is not a number.
   */
  set(name: string, values: Numbers | FlatNumbers, shape?: number[]): void {
    const where = 'parameters.set';
    const names = Object.keys(this.values);
    must(names.includes(name), where, `the name must be one of ${names.join(', ')}`, name);
    const t = this.values[name];
    if (shape) mustShape(shape, t.shape, where, name);
    fillFrom(t, fitted(values, t.shape, where, name));
  }
}

/** The parameters that a name stands for: one, `l0.Wx`, or all of a layer, `l0`. */
export const namedBy = (parameters: readonly string[], name: string): string[] =>
  parameters.filter((parameter) => parameter === name || parameter.startsWith(`${name}.`));

/** The members of `tensors` whose names start with `prefix`, without it: `{ 'l0.Wx': … }` gives `{ Wx: … }`. */
export function withoutPrefix<V>(tensors: Readonly<Record<string, V>>, prefix: string): Record<string, V> {
  const members = Object.entries(tensors).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(members.map(([name, t]) => [name.slice(prefix.length), t]));
}

/** The same record with every name prefixed. */
export function withPrefix<V>(tensors: Readonly<Record<string, V>>, prefix: string): Record<string, V> {
  return Object.fromEntries(Object.entries(tensors).map(([name, t]) => [prefix + name, t]));
}
