/**
 * Judges one derivative by an oracle: right, wrong or undecided.
 *
 *   wrong       |a − n| > tolerance + TRUST · uncertainty
 *   right       |a − n| ≤ tolerance, and the uncertainty is no larger than the tolerance
 *   undecided   anything in between: rounding hides the difference, or a kink is too near
 *
 * The uncertainty is the rounding error of both numbers plus, for differences, the truncation error. The tolerance is the
 * oracle's bound on the relative error. So a tiny gradient may be undecided, but an error larger than rounding explains is
 * wrong at any size.
 */
import { errorScale, relativeError } from './bounds';

/** The result of checking a gradient. */
export type Verdict = 'right' | 'wrong' | 'undecided';

/** Why an oracle is undecided: a kink is too near, rounding hides the error, or the identity fails in a finite field. */
export type Reason = 'kink' | 'rounding' | 'field';
export const none: Readonly<Record<Reason, number>> = { kink: 0, rounding: 0, field: 0 };

/** A direction over the variables: row-major numbers by name; missing names are zero. */
export type Direction = Record<string, ArrayLike<number>>;

/** The direction of entry k of a variable. */
export function unitDirection(variable: string, size: number, k: number): Direction {
  const unit = new Float64Array(size);
  unit[k] = 1;
  return { [variable]: unit };
}

/** A slope and its uncertainty. */
export interface Estimate {
  slope: number;
  uncertainty: number;
}

/** Returns the slope of the loss along a direction; `undefined` if a kink is too near. */
export interface Slope {
  (direction: Direction): number | undefined;
  /** Its rounding error, for an oracle that can agree by chance. */
  rounding?: (direction: Direction) => number;
  /** The oracle's most accurate slope, with its uncertainty. Slower. */
  refined?: (direction: Direction) => Estimate | undefined;
  /** Computes the slopes along directions that are asked for next, if that is faster for several at once. */
  ahead?: (directions: readonly Direction[]) => void;
}

/** A slope by a computation that takes up to `lanes` directions at once. */
export function inLanes(
  lanes: number,
  slopes: (directions: readonly Direction[]) => number[],
): ((direction: Direction) => number) & Required<Pick<Slope, 'ahead'>> {
  const known = new WeakMap<Direction, number>();
  const ahead = (directions: readonly Direction[]): void => {
    for (let from = 0; from < directions.length; from += lanes) {
      const some = directions.slice(from, from + lanes);
      slopes(some).forEach((slope, lane) => known.set(some[lane], slope));
    }
  };
  return Object.assign((direction: Direction) => known.get(direction) ?? slopes([direction])[0], { ahead });
}

export interface SlopeJudgement {
  verdict: Verdict;
  /** The oracle's value; NaN at a kink. */
  numeric: number;
  /** See `relativeError`. */
  error: number;
  /** Why it is undecided. */
  reason?: Reason;
}

/** Uncertainties are measured by a few runs; an error this many times as large is not explained by rounding. */
const TRUST = 4;

/** How a derivative is judged. */
export interface Criterion {
  bound: number;
  /** The largest entry of its variable's gradient. */
  largest: number;
  /** The rounding error of the derivative itself; computed only if it matters. */
  rounding: (direction: Direction) => number;
}

/** Judges the derivative `analytic` along a direction. */
export function judge(
  analytic: number,
  direction: Direction,
  slope: Slope,
  measure: Criterion,
): SlopeJudgement {
  const { bound, largest } = measure;
  const quick = slope(direction);
  if (quick === undefined) return atKink;
  const near = relativeError(analytic, quick, largest);
  const scale = errorScale(analytic, quick, largest);
  if (near <= bound && (slope.rounding?.(direction) ?? 0) <= bound * scale)
    return { verdict: 'right', numeric: quick, error: near };

  const best = slope.refined ? slope.refined(direction) : { slope: quick, uncertainty: 0 };
  if (!best) return atKink;
  const numeric = best.slope;
  const error = relativeError(analytic, numeric, largest);
  const tolerance = bound * errorScale(analytic, numeric, largest);
  const uncertainty = best.uncertainty + measure.rounding(direction);
  // negated, so that NaN is wrong
  const within = Math.abs(analytic - numeric) <= tolerance + TRUST * uncertainty;
  if (!within) return { verdict: 'wrong', numeric, error };
  if (error <= bound && uncertainty <= tolerance) return { verdict: 'right', numeric, error };
  return { verdict: 'undecided', numeric, error, reason: 'rounding' };
}
const atKink: SlopeJudgement = { verdict: 'undecided', numeric: NaN, error: NaN, reason: 'kink' };

/** Combines the verdicts of several oracles: one `wrong` is enough to be wrong, one `right` to be decided. */
export function together(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes('wrong')) return 'wrong';
  return verdicts.includes('right') ? 'right' : 'undecided';
}
