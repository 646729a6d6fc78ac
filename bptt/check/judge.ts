/**
 * What an oracle says of one derivative: right, wrong, or that it cannot tell.
 *
 *   wrong       |a − n| > tolerance + TRUST · uncertainty
 *   right       |a − n| ≤ tolerance, and the uncertainty is no larger than the tolerance
 *   undecided   all between: rounding hides the difference, or a kink lies where the oracle has to look
 *
 * The uncertainty is what rounding makes of both numbers, and of differences also what curvature does. The tolerance is
 * the oracle's bound on the relative error. So a gradient of almost nothing can be undecided, but one that is off by
 * more than rounding explains is wrong at any size.
 */
import { errorScale, relativeError } from './bounds';

/** What a check says of a gradient. */
export type Verdict = 'right' | 'wrong' | 'undecided';

/** Why an oracle cannot tell: a kink is too near, rounding hides it, or a field lacks what the numbers have. */
export type Reason = 'kink' | 'rounding' | 'field';
export const none: Readonly<Record<Reason, number>> = { kink: 0, rounding: 0, field: 0 };

/** A direction over the variables: row-major numbers by name, zeros where a name is missing. */
export type Direction = Record<string, ArrayLike<number>>;

/** A slope, and how far off it may be. */
export interface Estimate {
  slope: number;
  uncertainty: number;
}

/** Gives the slope of the loss along a direction; `undefined` where a kink is too near. */
export interface Slope {
  (direction: Direction): number | undefined;
  /** What rounding may make of it, for an oracle that can agree by chance. */
  rounding?: (direction: Direction) => number;
  /** The slope as exactly as the oracle can tell it, and how far off it may still be. Slower. */
  refined?: (direction: Direction) => Estimate | undefined;
}

export interface Judgement {
  verdict: Verdict;
  /** What the oracle says; NaN at a kink. */
  numeric: number;
  /** See `relativeError`. */
  error: number;
  /** Of an undecided one. */
  reason?: Reason;
}

/** Uncertainties are measured by a few runs: what is this many times as far off is not explained by them. */
const TRUST = 4;

/** What a derivative is held against. */
export interface Measure {
  bound: number;
  /** The largest entry of its variable's gradient. */
  largest: number;
  /** What rounding may make of the derivative itself; asked only where it matters. */
  rounding: (direction: Direction) => number;
}

/** Judges the derivative `analytic` along a direction. */
export function judge(analytic: number, direction: Direction, slope: Slope, measure: Measure): Judgement {
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
  // also where one of them is not a number
  const within = Math.abs(analytic - numeric) <= tolerance + TRUST * uncertainty;
  if (!within) return { verdict: 'wrong', numeric, error };
  if (error <= bound && uncertainty <= tolerance) return { verdict: 'right', numeric, error };
  return { verdict: 'undecided', numeric, error, reason: 'rounding' };
}
const atKink: Judgement = { verdict: 'undecided', numeric: NaN, error: NaN, reason: 'kink' };

/** What several verdicts on one thing come to: a mistake that one oracle sees is one, and one that can tell is enough. */
export function together(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes('wrong')) return 'wrong';
  return verdicts.includes('right') ? 'right' : 'undecided';
}
