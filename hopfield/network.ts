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
import { AssociativeMemory } from './memory';
import { readPatterns, type HopfieldPatterns } from './patterns';
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
 * The weights are computed once; recall does not change them. The energy is E = −½ sᵀ W s.
 *
 * Source: Hopfield 1982, "Neural networks and physical systems with emergent collective computational abilities".
 * @throws RangeError for patterns of unequal lengths or with values other than ±1; TypeError for an unknown rule or option.
 * @example
 * const one = hopfield({ patterns: [[1, 1, -1, -1]] });
 * one.recall([1, 1, -1, 1]).state; // [1, 1, -1, -1]
 */
export class Hopfield extends AssociativeMemory {
  /** W [N, N] */
  readonly weights: Tensor;
  /** The rule that stored the patterns. */
  readonly rule: StorageRule;
  /** Fields up to this value count as zero: the bound of the rounding error of a sum of N terms. */
  readonly tie: number;

  constructor(options: HopfieldOptions) {
    const where = 'hopfield';
    mustBe(typeof options === 'object' && options !== null, where, 'options must be an object', options);
    mustKnowKeys(options, ['patterns', 'rule'], where);
    const rule = mustBeOneOf(options.rule ?? 'hebbian', ruleNames, where, 'rule');
    super(readPatterns(options.patterns, where), where, (memory: Hopfield) => new Fields(memory));
    this.rule = rule;
    this.weights = rules[this.rule](this.patterns);
    const N = this.units;
    let largest = 0;
    for (let i = 0; i < N; i++) {
      let sum = 0;
      for (let j = 0; j < N; j++) sum += Math.abs(this.weights.data[i * N + j]);
      largest = Math.max(largest, sum);
    }
    this.tie = N * Number.EPSILON * largest;
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
