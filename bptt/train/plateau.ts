/** Lowers the learning rate when a measure stops improving. */
import { isNumber, must, mustBeOneOf, mustCount, mustKnowKeys } from '../../core/check';

/** Whether a lower or a higher value of a measure is better. */
export type Better = 'lower' | 'higher';

/** When, and by how much, the learning rate is lowered. */
export interface PlateauOptions {
  /** Factor of the learning rate; default 0.1. */
  factor?: number;
  /** Number of validations in a row without an improvement that are tolerated; default 10. */
  patience?: number;
  /** The smallest change that is an improvement; default 1e-4. */
  threshold?: number;
  /** Whether the threshold is a share of the best value (default) or a difference from it. */
  mode?: 'relative' | 'absolute';
  /** Number of validations after a change in which none is counted as bad; default 0. */
  cooldown?: number;
  /** The lowest factor in all; default 0. */
  minimum?: number;
}

/** What a resumed run continues from; JSON. */
export interface PlateauState {
  /** The product of all factors so far. */
  factor: number;
  /** The best value so far; absent before the first validation. */
  best?: number;
  /** Number of validations since the best one, and of those left in which none is counted. */
  bad: number;
  cooldown: number;
}

const defaults: Required<PlateauOptions> = {
  factor: 0.1,
  patience: 10,
  threshold: 1e-4,
  mode: 'relative',
  cooldown: 0,
  minimum: 0,
};

/**
 * A schedule that depends on validations; created by `plateau`, used by `fit`, continued by a later `fit`.
 * @example
 * const lower = plateau({ factor: 0.5, patience: 0 });
 * for (const loss of [3, 2, 2, 1.9, 1.9]) lower.see(loss);
 * lower.factor // 0.25
 */
export class Plateau {
  /** Options with defaults filled in. */
  readonly options: Readonly<Required<PlateauOptions>>;
  /** To be saved with a run, and to be set for its continuation. */
  state: PlateauState = { factor: 1, bad: 0, cooldown: 0 };

  /** @internal use `plateau` */
  constructor(options: PlateauOptions) {
    const where = 'plateau';
    mustKnowKeys(options, Object.keys(defaults), where);
    const given = Object.entries(options).filter(([, value]) => value !== undefined);
    this.options = { ...defaults, ...Object.fromEntries(given) };
    const { factor, patience, threshold, mode, cooldown, minimum } = this.options;
    const lowers = isNumber(factor) && factor > 0 && factor < 1;
    must(lowers, where, 'factor must be in 0 < factor < 1', factor);
    mustCount(patience, where, 'patience', 0);
    mustCount(cooldown, where, 'cooldown', 0);
    const isThreshold = Number.isFinite(threshold) && threshold >= 0;
    must(isThreshold, where, 'threshold must be a number >= 0', threshold);
    const isFactor = isNumber(minimum) && minimum >= 0 && minimum <= 1;
    must(isFactor, where, 'minimum must be a factor in 0…1', minimum);
    mustBeOneOf(mode, ['relative', 'absolute'], where, 'mode');
  }

  /** The factor of the learning rate now. */
  get factor(): number {
    return this.state.factor;
  }

  /** Records the value of a validation. */
  see(value: number, better: Better = 'lower'): void {
    const { factor, patience, cooldown, minimum } = this.options;
    const now = { ...this.state };
    if (this.improves(value, better)) Object.assign(now, { best: value, bad: 0 });
    else now.bad++;
    if (now.cooldown > 0) {
      now.cooldown--;
      now.bad = 0;
    }
    if (now.bad > patience)
      Object.assign(now, { factor: Math.max(now.factor * factor, minimum), cooldown, bad: 0 });
    this.state = now;
  }

  private improves(value: number, better: Better): boolean {
    const { threshold, mode } = this.options;
    const { best } = this.state;
    if (best === undefined) return true;
    const sign = better === 'lower' ? -1 : 1;
    const limit = mode === 'relative' ? best * (1 + sign * threshold) : best + sign * threshold;
    return better === 'lower' ? value < limit : value > limit;
  }
}

/**
 * Lowers the learning rate whenever validations stop improving, for the option `plateau` of `fit`.
 *
 * Its `state` is JSON: save it with a run (`training: { plateau: lower.state }`), and set it before the continuation.
 *
 * Source: the semantics and defaults of torch.optim.lr_scheduler.ReduceLROnPlateau, but `minimum` is a factor, and there is no
 * `eps`: every change counts.
 * @throws RangeError for a value out of range; TypeError for an unknown option.
 * @example
 * const lower = plateau({ factor: 0.5, patience: 3 });
 * await fit(net, batches, {
 *   optimizer: { name: 'adam' },
 *   validation: { batches: () => [batch], every: 5 },
 *   plateau: lower,
 *   steps: 20,
 * });
 * lower.factor <= 1; // true
 */
export const plateau = (options: PlateauOptions = {}): Plateau => new Plateau(options);
