/**
 * The Hopfield network (Hopfield 1982), an associative memory: a single layer in which every unit is connected to every
 * other. Storing makes the patterns local minima of the energy; recall descends from a probe to a minimum near it.
 *
 *   s [N] of ±1   W [N, N] symmetric, zero diagonal
 *
 *   field    h_i = Σ_j w_ij s_j
 *   update   s_i = sgn(h_i); if h_i = 0, the unit keeps its state
 *   energy   E = −½ Σ_i s_i h_i
 */
import { mustBe, mustBeOneOf, mustKnowKeys } from '../core/check';
import type { Tensor } from '../core/tensor';
import { Fields } from './fields';
import { readPatterns, readState, type HopfieldPatterns, type HopfieldState } from './patterns';
import { recall, steps, type RecallStep, type RecallResult, type RecallOptions } from './recall';
import { ruleNames, rules, type StorageRule } from './storage';

/** The patterns of a Hopfield network, and the rule that stores them. */
export interface HopfieldOptions {
  /** P patterns of N units, +1 or −1 each. */
  patterns: HopfieldPatterns;
  /** The storage rule; default hebbian. */
  rule?: StorageRule;
}

/**
 * An associative memory: the stored patterns, and the weights that encode them. Created by `hopfield`.
 *
 *   patterns [P, N]   weights [N, N]   state [N] of ±1
 *
 * The weights are computed once; recall does not change them.
 *
 * Source: Hopfield 1982, "Neural networks and physical systems with emergent collective computational abilities".
 * @throws RangeError for patterns of unequal lengths or with values other than ±1; TypeError for an unknown rule or option.
 * @example
 * const one = hopfield({ patterns: [[1, 1, -1, -1]] });
 * one.recall([1, 1, -1, 1]).state; // [1, 1, -1, -1]
 */
export class Hopfield {
  /** [P, N] */
  readonly patterns: Tensor;
  /** W [N, N] */
  readonly weights: Tensor;
  /** The rule that stored the patterns. */
  readonly rule: StorageRule;
  /** Fields up to this value count as zero: the bound of the rounding error of a sum of N terms. */
  readonly tie: number;
  /** Computes fields, energies and overlaps. */
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

  /** h_i = Σ_j w_ij s_j; exactly zero if it is zero up to rounding. */
  field(state: HopfieldState, unit: number): number {
    return this.fields.of(state).units([unit]).h[0];
  }

  /**
   * E = −½ sᵀ W s; asynchronous recall never raises it.
   * @throws RangeError unless the state is N values of ±1.
   */
  energy(state: ArrayLike<number>): number {
    return this.fields.of(this.read(state, 'hopfield.energy')).all().E[0];
  }

  /**
   * The overlap of a state with each pattern, Σ_i ξ_i s_i / N: 1 for the pattern itself, −1 for its negative, about 0 for a
   * random state.
   * @throws RangeError unless the state is N values of ±1.
   */
  overlaps(state: ArrayLike<number>): number[] {
    return this.fields.of(this.read(state, 'hopfield.overlaps')).overlaps();
  }

  /**
   * Recalls a pattern from a probe: updates units until the state is a fixed point or part of a 2-cycle.
   *
   * Asynchronous recall updates one unit at a time, in a new random order for each sweep over all units; every change
   * lowers the energy, so it always ends in a fixed point. Synchronous recall updates all units at once, and may also end in
   * a cycle of two states (Goles, Fogelman & Pellegrin 1985). Recall may also end in the negative of a stored pattern,
   * which has the same energy.
   *
   * @throws RangeError unless the probe is N values of ±1; TypeError for an unknown option.
   * @example
   * const memory = hopfield({ patterns: [[1, 1, 1, 1], [1, -1, 1, -1]] });
   * memory.recall([1, 1, 1, -1], { mode: 'asynchronous' }).outcome // 'fixed point'
   */
  recall(probe: ArrayLike<number>, options: RecallOptions = {}): RecallResult {
    return recall(this.fields, this.read(probe, 'hopfield.recall', 'the probe'), options);
  }

  /**
   * As `recall`, but yields intermediate states: first the probe, then the state after each flip (asynchronous) or each
   * sweep (synchronous).
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
 * | storkey        | more, and correlated ones better; also incremental (Storkey 1997)                   |
 * | pseudo-inverse | any linearly independent ones, all as fixed points (Personnaz, Guyon & Dreyfus 1985) |
 *
 * Source: Hopfield 1982, "Neural networks and physical systems with emergent collective computational abilities".
 * @throws RangeError for patterns of unequal lengths or of other numbers than ±1, and with the pseudo-inverse for patterns
 *   that are linearly dependent; TypeError for an unknown rule or option.
 * @example
 * const memory = hopfield({ patterns: [[1, 1, -1, -1, 1]], rule: 'hebbian' });
 * memory.recall([1, 1, -1, -1, -1]).overlap // 1
 */
export const hopfield = (options: HopfieldOptions): Hopfield => new Hopfield(options);
