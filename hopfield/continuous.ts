/**
 * The continuous Hopfield network (Ramsauer et al. 2020): states and patterns are real vectors, and one update of a state
 * is an attention over the stored patterns.
 *
 *   q [S, N], S states   patterns X [P, N], one per row   weight [S, P]   next [S, N]   E [S, 1]
 *
 *   energy   E = −1/β log Σ_μ exp(β x_μ·q) + ½ q·q + 1/β log P + ½ max_μ x_μ·x_μ, which is never negative
 *   update   q = softmax(β q Xᵀ) X, which is q − ∂E/∂q
 */
import { isNumber, must, mustBe, mustCount, mustKnowKeys } from '../core/check';
import { bound, lazyEquations } from '../core/equations/equations';
import { plain } from '../core/programs/plain';
import {
  isTensor,
  tensor,
  toFlat,
  toNested,
  zeros,
  type Numbers,
  type Tensor,
  type Tensors,
} from '../core/tensor';

/** Attention of queries q over the patterns as keys and values, with the scale β; then the new states. */
export const update = lazyEquations(
  'continuous Hopfield, update',
  `q [S, N]   X [P, N]   beta [1]
   writes scaled [S, N]   score, weight [S, P]   logSum [S, 1]   next [S, N]`,
  `scaled = beta * q
   score = scaled @ X.T
   logSum = logsumexp(score, axis=1)
   weight = exp(score - logSum)
   next = weight @ X`,
);

/** The energy of the states, from the logSum of their update; `base` is 1/β log P + ½ max x·x. */
export const energy = lazyEquations(
  'continuous Hopfield, energy',
  'q [S, N]   logSum [S, 1]   beta, base [1]   writes squares [S, N]   length, E [S, 1]',
  `squares = q * q
   length = sum(squares, axis=1)
   E = length / 2 - logSum / beta + base`,
);

/** The gradient of the energy, derived by hand: that of logSum / β is softmax(β q Xᵀ) X. */
export const energyBackward = lazyEquations(
  'continuous Hopfield, energy backward',
  'q, next [S, N]   writes dq [S, N]',
  'dq = q - next',
);

/** Patterns of a continuous Hopfield network, and the sharpness of its recall. */
export interface ContinuousHopfieldOptions {
  /** P patterns of N numbers, [P, N]. */
  patterns: Numbers;
  /** β > 0: large values recall one pattern, small ones a mean of several; default 1. */
  beta?: number;
}

/** Options of a recall of states. */
export interface ContinuousRecallOptions {
  /** Maximum number of updates; default 100. */
  updates?: number;
  /** Recall ends when no number of the state changes by more than this; default 1e-9. */
  tolerance?: number;
}

/** Where a recall ended. */
export interface ContinuousRecall {
  /** The final states [S, N]. */
  state: Tensor;
  /** The weight of each pattern in the last update [S, P]; each row sums to 1. */
  weight: Tensor;
  /** E of the first states and after each update, a list for each update. */
  energies: number[][];
  /** `fixed point`: the last update changed nothing beyond the tolerance. */
  outcome: 'fixed point' | 'stopped';
}

/**
 * A continuous associative memory. Created by `continuousHopfield`.
 *
 *   patterns X [P, N]   states [S, N]
 *
 * Source: Ramsauer et al. 2020, "Hopfield networks is all you need".
 * @throws RangeError unless patterns are [P, N] of finite numbers and β > 0; TypeError for an unknown option.
 * @example
 * continuousHopfield({ patterns: [[1, 0], [0, 1]], beta: 8 }).recall([[1, 0.2]]).outcome // 'fixed point'
 */
export class ContinuousHopfield {
  /** X [P, N] */
  readonly patterns: Tensor;
  readonly beta: number;
  /** 1/β log P + ½ max x·x, which keeps the energy from being negative. */
  private readonly base: number;

  constructor(options: ContinuousHopfieldOptions) {
    const where = 'continuousHopfield';
    mustBe(typeof options === 'object' && options !== null, where, 'options must be an object', options);
    mustKnowKeys(options, ['patterns', 'beta'], where);
    this.patterns = readRows(options.patterns, where, 'patterns', 'P');
    this.beta = options.beta ?? 1;
    must(Number.isFinite(this.beta) && this.beta > 0, where, 'beta must be a number > 0', this.beta);
    const [P] = this.patterns.shape;
    const lengths = (toNested(this.patterns) as number[][]).map((x) => x.reduce((sum, v) => sum + v * v, 0));
    this.base = Math.log(P) / this.beta + Math.max(...lengths) / 2;
  }

  /**
   * E of each state [S, N].
   * @throws RangeError unless the states are [S, N] of finite numbers.
   */
  energy(states: Numbers): number[] {
    const run = this.bind(this.read(states, 'energy'));
    run.all();
    return toFlat(run.E);
  }

  /**
   * Updates all states, each on its own, until they no longer change. An update never raises the energy of a state, beyond
   * rounding.
   * @throws RangeError unless the states are [S, N] of finite numbers.
   * @example
   * const pair = continuousHopfield({ patterns: [[1, 0], [0, 1]], beta: 8 });
   * pair.recall([[1, 0.2]]).weight.get(0, 0) > 0.99 // true
   */
  recall(states: Numbers, options: ContinuousRecallOptions = {}): ContinuousRecall {
    const where = 'continuousHopfield.recall';
    mustKnowKeys(options, ['updates', 'tolerance'], where);
    const { updates = 100, tolerance = 1e-9 } = options;
    mustCount(updates, where, 'updates');
    must(isNumber(tolerance) && tolerance >= 0, where, 'tolerance must be >= 0', tolerance);
    const q = this.read(states, 'recall');
    const { all, next, weight, E } = this.bind(q);
    const energies: number[][] = [];
    let outcome: ContinuousRecall['outcome'] = 'stopped';
    for (let k = 0; k < updates && outcome === 'stopped'; k++) {
      all();
      energies.push(toFlat(E));
      if (next.data.every((v, j) => Math.abs(v - q.data[j]) <= tolerance)) outcome = 'fixed point';
      q.data.set(next.data);
    }
    const last = tensor(weight);
    all();
    energies.push(toFlat(E));
    return { state: q, weight: last, energies, outcome };
  }

  private bind(q: Tensor): { all: () => void; next: Tensor; weight: Tensor; E: Tensor } {
    const { patterns: X, beta, base } = this;
    const [[S, N], P] = [q.shape, X.shape[0]];
    const make = (width: number): Tensor => zeros([S, width]);
    const own: Tensors = {
      ...{ q, X, beta: tensor([beta]), base: tensor([base]) },
      ...{ scaled: make(N), score: make(P), weight: make(P), logSum: make(1), next: make(N) },
      ...{ squares: make(N), length: make(1), E: make(1) },
    };
    const [step, sums] = [bound(update, plain, own), bound(energy, plain, own)];
    return { all: () => (step(), sums()), next: own.next, weight: own.weight, E: own.E };
  }

  private read(states: Numbers, method: string): Tensor {
    const N = this.patterns.shape[1];
    const where = `continuousHopfield.${method}`;
    const read = readRows(states, where, 'states', 'S');
    must(
      read.shape[1] === N,
      where,
      `states must be [S, ${N}]`,
      read.shape,
      `N = ${N} is fixed by the patterns`,
    );
    return read;
  }
}

/** A copy [rows, N] of a matrix of finite numbers. */
function readRows(given: Numbers, where: string, name: string, rows: string): Tensor {
  mustBe(Array.isArray(given) || isTensor(given), where, `${name} must be a list or a tensor`, given);
  const copy = tensor(given);
  must(copy.shape.length === 2 && copy.data.length > 0, where, `${name} must be [${rows}, N]`, copy.shape);
  must(copy.data.every(Number.isFinite), where, `${name} must be finite numbers`, 'one that is not');
  return copy;
}

/**
 * A Hopfield network of real patterns: an associative memory whose update is softmax attention, with the patterns as keys
 * and values, the states as queries, and β as the scale of the scores.
 *
 *   patterns X [P, N]   states q [S, N]   q = softmax(β q Xᵀ) X
 *
 * Source: Ramsauer et al. 2020, "Hopfield networks is all you need".
 * @throws RangeError unless patterns are [P, N] of finite numbers and β > 0; TypeError for an unknown option.
 * @example
 * const soft = continuousHopfield({ patterns: [[1, 0], [0, 1]], beta: 8 });
 * soft.recall([[0.6, 0.4]]).state.get(0, 0) > 0.99 // true
 */
export const continuousHopfield = (options: ContinuousHopfieldOptions): ContinuousHopfield =>
  new ContinuousHopfield(options);
