/**
 * The dense associative memory (Krotov & Hopfield 2016): a Hopfield network whose energy is of higher order, so that it
 * stores many more patterns than it has units.
 *
 *   s [1, N] of ±1   patterns ξ [P, N]   d = s ξᵀ [1, P], the agreement with each pattern; m = d / N is the overlap
 *
 *   order n       E = −N/n Σ_μ m_μⁿ          n = 2 is the Hebbian rule of `hopfield`, up to a constant
 *   exponential   E = −log Σ_μ exp(d_μ)      Demircigil et al. 2017 without the logarithm, which changes no update
 *   field         h_i = ½ (E with s_i = −1, minus E with s_i = +1)
 *   update        s_i = sgn(h_i); if h_i = 0, the unit keeps its state
 */
import { must, mustBe, mustKnowKeys } from '../core/check';
import { bound, lazyEquations } from '../core/equations/equations';
import type { Compiled } from '../core/equations/block';
import type { Data } from '../core/memory';
import { executorOf } from '../core/programs/executor';
import { plain } from '../core/programs/plain';
import type { Executor } from '../core/programs/program';
import { hasSimd } from '../core/wasm/features';
import { tensor, zeros, type Tensor, type Tensors } from '../core/tensor';
import { TOGETHER, WholeState, type AllFields } from './fields';
import { AssociativeMemory } from './memory';
import { readPatterns, type HopfieldPatterns, type HopfieldState } from './patterns';
import type { StateFields } from './recall';

/** The order of an energy: the degree n ≥ 2 of a polynomial, or `exponential`. */
export type EnergyOrder = number | 'exponential';

/** Maximum order: beyond, only the nearest pattern counts, and `exponential` is the clearer choice. */
export const mostOrder = 100;

/** Patterns of a dense associative memory, and the order of its energy. */
export interface DenseHopfieldOptions {
  /** P patterns of N units, +1 or −1 each. */
  patterns: HopfieldPatterns;
  /** The degree n of the energy, 2 … 100, or `exponential`; default 3. */
  order?: EnergyOrder;
}

const agreement = lazyEquations(
  'dense Hopfield, agreement',
  's [1, N]   patterns [P, N]   writes d [1, P]',
  'd = s @ patterns.T',
);

/** The equations of one order. */
interface OrderEquations {
  /** M units: x are their columns of the patterns, `own` their states; fields up to `tie` count as zero. */
  readonly update: Compiled;
  readonly energy: Compiled;
}

/** Compiled once for each order. */
const compiled = new Map<EnergyOrder, OrderEquations>();

function equationsOf(order: EnergyOrder): OrderEquations {
  let found = compiled.get(order);
  if (!found) compiled.set(order, (found = order === 'exponential' ? exponential() : polynomial(order)));
  return found;
}

function polynomial(order: number): OrderEquations {
  const power = (name: string): string => Array<string>(order).fill(name).join(' * ');
  return {
    update: lazyEquations(
      `dense Hopfield of order ${order}, update`,
      `x [M, P]   d [1, P]   own [M, 1]   units, scale, tie [1]
       writes rise, size [M, P]   risen, most [M, 1]   h, next [M, 1]`,
      `others = d - x * own                    # the agreement of all other units
       plus = (others + x) / units             # the overlaps with s_i = +1
       minus = (others - x) / units            # and with s_i = -1
       up = ${power('plus')}
       down = ${power('minus')}
       rise = up - down
       size = abs(up) + abs(down)
       risen = sum(rise, axis=1)
       most = sum(size, axis=1)
       h = select(abs(risen) - tie * most, scale * risen, 0)
       next = select(abs(h), step(h) - step(-h), own)`,
    ),
    energy: lazyEquations(
      `dense Hopfield of order ${order}, energy`,
      'd [1, P]   units, scale [1]   writes powers [1, P]   total, E [1, 1]',
      `m = d / units
       powers = ${power('m')}
       total = sum(powers, axis=1)
       E = 0 - 2 * scale * total`,
    ),
  };
}

function exponential(): OrderEquations {
  return {
    update: lazyEquations(
      'dense Hopfield, exponential update',
      'x [M, P]   d [1, P]   own [M, 1]   tie [1]   writes plus, minus [M, P]   up, down [M, 1]   h, next [M, 1]',
      `others = d - x * own
       plus = others + x
       minus = others - x
       up = logsumexp(plus, axis=1)
       down = logsumexp(minus, axis=1)
       h = select(abs(up - down) - tie, (up - down) / 2, 0)
       next = select(abs(h), step(h) - step(-h), own)`,
    ),
    energy: lazyEquations(
      'dense Hopfield, exponential energy',
      'd [1, P]   writes total, E [1, 1]',
      `total = logsumexp(d, axis=1)
       E = 0 - total`,
    ),
  };
}

/**
 * The numbers in the equations. `tie` bounds the rounding error of a field: for a polynomial relative to the sum of the
 * magnitudes of its terms, otherwise absolute.
 */
function constantsOf(order: EnergyOrder, P: number, N: number): Tensors {
  if (order === 'exponential') return { tie: tensor([2 * (N + P + 8) * Number.EPSILON]) };
  const tie = (2 * order + P + 2) * Number.EPSILON;
  return { units: tensor([N]), scale: tensor([N / (2 * order)]), tie: tensor([tie]) };
}

/** The tensors that equations write, for M rows. */
const written = ({ stored }: Compiled, M: number, P: number): Tensors =>
  Object.fromEntries(
    Object.entries(stored).map(([name, shape]) => [
      name,
      zeros(shape.map((size) => (size === 'M' ? M : size === 'P' ? P : 1))),
    ]),
  );

/** Computes fields, updates, energy and overlaps of a state, from its agreement with each pattern. */
export class DenseFields extends WholeState implements StateFields {
  private readonly d: Tensor;
  /** ξᵀ [N, P] */
  private readonly columns: Tensor;
  private readonly constants: Tensors;
  private readonly agree: () => void;
  private some: Bound | undefined;

  /** @param executor by default one with the same results on every machine. */
  constructor(
    private readonly net: DenseHopfield,
    private readonly executor: Executor = hasSimd() ? executorOf('reproducible') : plain,
  ) {
    const { patterns, order } = net;
    super(patterns);
    const [P, N] = patterns.shape;
    [this.d, this.columns] = [zeros([1, P]), zeros([N, P])];
    for (let p = 0; p < P; p++) for (let i = 0; i < N; i++) this.columns.set(i, p, patterns.get(p, i));
    this.constants = constantsOf(order, P, N);
    this.agree = bound(agreement, this.executor, { s: this.s, patterns, d: this.d });
  }

  of(state: HopfieldState): this {
    this.s.data.set(state);
    this.agree();
    return this;
  }

  flip(unit: number): void {
    const P = this.d.shape[1];
    const change = -2 * this.s.data[unit];
    this.s.data[unit] *= -1;
    // whole numbers, so that nothing is rounded
    for (let p = 0; p < P; p++) this.d.data[p] += change * this.columns.data[unit * P + p];
  }

  units(units: readonly number[], k = 0): { h: Data; next: Data; count: number } {
    const P = this.d.shape[1];
    this.some ??= this.bind(zeros([TOGETHER, P]));
    const { x, own, h, next, run } = this.some;
    const count = Math.min(TOGETHER, units.length - k);
    for (let j = 0; j < count; j++) {
      const i = units[k + j];
      x.set(this.columns.data.subarray(i * P, (i + 1) * P), j * P);
      own[j] = this.s.data[i];
    }
    run();
    return { h, next, count };
  }

  private bind(x: Tensor): Bound {
    const [M, P] = x.shape;
    const { update } = equationsOf(this.net.order);
    const own = zeros([M, 1]);
    const values = written(update, M, P);
    const run = bound(update, this.executor, { x, own, d: this.d, ...this.constants, ...values });
    return { x: x.data, own: own.data, h: values.h.data, next: values.next.data, run };
  }

  protected bindAll(): AllFields {
    const fields = this.bind(this.columns);
    const { energy } = equationsOf(this.net.order);
    const values = written(energy, 1, this.d.shape[1]);
    const sums = bound(energy, this.executor, { d: this.d, ...this.constants, ...values });
    const run = (): void => {
      fields.own.set(this.s.data);
      fields.run();
      sums();
    };
    return { h: fields.h, next: fields.next, E: values.E.data, run };
  }
}

/** The equations of some units, bound to buffers. */
interface Bound {
  x: Data;
  own: Data;
  h: Data;
  next: Data;
  run: () => void;
}

/**
 * A dense associative memory: the stored patterns and the order of the energy. Created by `denseHopfield`. There is no
 * matrix of weights: the patterns themselves are what is stored.
 *
 *   patterns [P, N]   state [N] of ±1
 *
 * Source: Krotov & Hopfield 2016, "Dense associative memory for pattern recognition".
 * @throws RangeError for patterns of unequal lengths or of other numbers than ±1, or an order below 2; TypeError for an
 *   unknown option.
 * @example
 * denseHopfield({ patterns: [[1, 1, -1, -1]] }).order // 3
 */
export class DenseHopfield extends AssociativeMemory {
  readonly order: EnergyOrder;

  constructor(options: DenseHopfieldOptions) {
    const where = 'denseHopfield';
    mustBe(typeof options === 'object' && options !== null, where, 'options must be an object', options);
    mustKnowKeys(options, ['patterns', 'order'], where);
    const { order = 3 } = options;
    if (order !== 'exponential') {
      mustBe(typeof order === 'number', where, 'order must be a number or exponential', order);
      const fits = Number.isInteger(order) && order >= 2 && order <= mostOrder;
      must(fits, where, `order must be a whole number in 2 … ${mostOrder}, or exponential`, order);
    }
    super(readPatterns(options.patterns, where), where, (memory: DenseHopfield) => new DenseFields(memory));
    this.order = order;
  }
}

/**
 * A Hopfield network with an energy of higher order, a dense associative memory. With order n it stores about
 * N^(n−1) / (2 (2n − 3)!! ln N) random patterns without errors (Krotov & Hopfield 2016), with the exponential order more than
 * 2^(N/2) (Demircigil et al. 2017). Recall is that of `hopfield`.
 *
 *   patterns [P, N]   state [N] of ±1   E = −N/n Σ_μ m_μⁿ, or −log Σ_μ exp(N m_μ), with m the overlaps
 *
 * With an odd order, or the exponential one, the negative of a pattern is not stored.
 *
 * Source: Krotov & Hopfield 2016, "Dense associative memory for pattern recognition"; Demircigil, Heusel, Löwe, Upgang &
 * Vermet 2017, "On a model of associative memory with huge storage capacity".
 * @throws RangeError for patterns of unequal lengths or of other numbers than ±1, or an order below 2; TypeError for an
 *   unknown option.
 * @example
 * const dense = denseHopfield({ patterns: [[1, 1, -1, -1], [1, 1, 1, -1]], order: 'exponential' });
 * dense.recall([1, 1, -1, -1]).overlap // 1
 */
export const denseHopfield = (options: DenseHopfieldOptions): DenseHopfield => new DenseHopfield(options);
