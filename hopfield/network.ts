/**
 * The Hopfield network (Hopfield 1982): a single layer in which every unit hears every other one, an associative memory.
 * What it is given falls to the nearest of the states of low energy, and storing puts these where the patterns are.
 *
 *   s [N] of ±1   W [N, N] symmetric, zero diagonal
 *
 *   field    h_i = Σ_j w_ij s_j
 *   update   s_i = sgn(h_i), and where h_i = 0 the unit keeps its state
 *   energy   E = −½ Σ_i s_i h_i
 */
import { mustBe, mustBeOneOf, mustKnowKeys } from '../core/check';
import type { Tensor } from '../core/tensor';
import { Fields } from './fields';
import { readPatterns, readState, type HopfieldPatterns, type HopfieldState } from './patterns';
import { recall, steps, type RecallStep, type RecallResult, type RecallOptions } from './recall';
import { ruleNames, rules, type StorageRule } from './storage';

/** What a Hopfield network stores, and by which rule. */
export interface HopfieldOptions {
  /** P patterns of N units, +1 or −1 each. */
  patterns: HopfieldPatterns;
  /** How they are stored; default hebbian. */
  rule?: StorageRule;
}

/**
 * An associative memory: stored patterns, and the weights in which they are stored. Made by `hopfield`.
 *
 *   patterns [P, N]   weights [N, N]   state [N] of ±1
 *
 * The weights are computed once; recall does not change them.
 *
 * Source: Hopfield 1982, "Neural networks and physical systems with emergent collective computational abilities".
 * @throws RangeError for patterns that are not of one length or not of ±1; TypeError for an unknown rule or option.
 * @example
 * const one = hopfield({ patterns: [[1, 1, -1, -1]] });
 * one.recall([1, 1, -1, 1]).state; // [1, 1, -1, -1]
 */
export class Hopfield {
  /** [P, N] */
  readonly patterns: Tensor;
  /** W [N, N] */
  readonly weights: Tensor;
  /** How the patterns were stored. */
  readonly rule: StorageRule;
  /** Fields up to here are zero but for rounding: they are sums of N terms, each of them rounded. */
  readonly tie: number;
  /** Answers questions about single states. */
  private readonly fields: Fields;

  constructor(options: HopfieldOptions) {
    const where = 'hopfield';
    mustBe(typeof options === 'object' && options !== null, where, 'options must be an object', options);
    mustKnowKeys(options, ['patterns', 'rule'], where);
    this.rule = mustBeOneOf(options.rule ?? 'hebbian', ruleNames, where, 'rule');
    this.patterns = readPatterns(options.patterns, where);
    this.weights = rules[this.rule](this.patterns);
    const N = this.units;
    let largest = 0;
    for (let i = 0; i < N; i++) {
      let sum = 0;
      for (let j = 0; j < N; j++) sum += Math.abs(this.weights.data[i * N + j]);
      largest = Math.max(largest, sum);
    }
    this.tie = N * Number.EPSILON * largest;
    this.fields = new Fields(this);
  }

  /** N */
  get units(): number {
    return this.patterns.shape[1];
  }

  /** h_i = Σ_j w_ij s_j, exactly zero where only rounding keeps it from that. */
  field(state: HopfieldState, unit: number): number {
    return this.fields.of(state).unit(unit).h[0];
  }

  /**
   * E = −½ sᵀ W s; asynchronous recall never raises it.
   * @throws RangeError unless the state is N numbers of ±1.
   */
  energy(state: ArrayLike<number>): number {
    return this.fields.of(this.read(state, 'hopfield.energy')).all().E[0];
  }

  /**
   * How far a state agrees with each pattern, Σ_i ξ_i s_i / N: 1 is the pattern itself, −1 its mirror image, and 0 is
   * what chance gives.
   * @throws RangeError unless the state is N numbers of ±1.
   */
  overlaps(state: ArrayLike<number>): number[] {
    return this.fields.of(this.read(state, 'hopfield.overlaps')).overlaps();
  }

  /**
   * Recalls a pattern from a probe: updates units until nothing changes any more, or all changes come back.
   *
   * Asynchronously, units are updated one at a time, in a new random order for each sweep over all of
   * them; the energy falls with every change, so that this always ends in a fixed point. Synchronously all units are
   * updated at once, which may also end in a cycle of two states (Goles, Fogelman & Pellegrin 1985).
   * With a state its mirror image is recalled as well: both have the same energy.
   *
   * @throws RangeError unless the probe is N numbers of ±1; TypeError for an unknown option.
   * @example
   * const memory = hopfield({ patterns: [[1, 1, 1, 1], [1, -1, 1, -1]] });
   * memory.recall([1, 1, 1, -1], { mode: 'asynchronous' }).outcome // 'fixed point'
   */
  recall(probe: ArrayLike<number>, options: RecallOptions = {}): RecallResult {
    return recall(new Fields(this), this.read(probe, 'hopfield.recall', 'the probe'), options);
  }

  /**
   * As `recall`, seen while it happens: the probe first, then asynchronously each unit that changes, synchronously each
   * update of all units.
   * @example for (const { state, energy } of memory.steps(probe)) draw(state, energy);
   */
  steps(probe: ArrayLike<number>, options: RecallOptions = {}): Generator<RecallStep, RecallResult, void> {
    return steps(new Fields(this), this.read(probe, 'hopfield.recall', 'the probe'), options);
  }

  private read(state: ArrayLike<number>, where: string, name = 'the state'): HopfieldState {
    const { units } = this;
    return readState(state, units, where, name, `N = ${units} is fixed by the patterns`);
  }
}

/**
 * A Hopfield network that stores patterns of ±1.
 *
 *   patterns [P, N]   weights W [N, N]
 *
 * | rule           | stores                                                                              |
 * | -------------- | ----------------------------------------------------------------------------------- |
 * | hebbian        | about 0.138 N random patterns with few errors (Amit, Gutfreund & Sompolinsky 1985)  |
 * | storkey        | more, and correlated ones better, still one pattern after the other (Storkey 1997)  |
 * | pseudo-inverse | any that are linearly independent, all as fixed points (Personnaz, Guyon & Dreyfus 1985) |
 *
 * Source: Hopfield 1982, "Neural networks and physical systems with emergent collective computational abilities".
 * @throws RangeError for patterns of unequal lengths or of other numbers than ±1, and with the pseudo-inverse for patterns
 *   that are linearly dependent; TypeError for an unknown rule or option.
 * @example
 * const memory = hopfield({ patterns: [[1, 1, -1, -1, 1]], rule: 'hebbian' });
 * memory.recall([1, 1, -1, -1, -1]).overlap // 1
 */
export const hopfield = (options: HopfieldOptions): Hopfield => new Hopfield(options);
