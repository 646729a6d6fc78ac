/** One row of the gradient check's report: one variable compared with one oracle. */
import { errorBounds } from './bounds';
import { none, type SlopeJudgement, type Reason, type Verdict } from './judge';

/** A method of checking gradients; each is described at the top of `gradcheck.ts`. */
export type Oracle =
  | 'differences'
  | 'forwardMode'
  | 'doubleSum'
  | 'newton'
  | 'jacobian'
  | 'statement'
  | 'exact'
  | 'exactDoubleSum'
  | 'exactJacobian'
  | 'exactTruncated';
/** Those that work over a prime field. */
export type ExactOracle = Extract<Oracle, `exact${string}`>;

/** The result for one variable and one oracle. */
export interface GradcheckRow {
  oracle: Oracle;
  /** `l0.Wx`, `x`, an initial state `l0.h0`, a Jacobian `l0.Jh`, the states `l0.h` themselves; for a statement, its output. */
  variable: string;
  /** Largest relative error (see `relativeError`) of the decided ones; NaN if none was. For the exact oracles, 0 or 1. */
  error: number;
  /** The largest error that the oracle accepts. */
  bound: number;
  /** Position of the largest error: `[2, 3]`, or `a direction`. */
  where: string;
  /** The hand-derived gradient at that position. For `exact`, a residue; NaN if all are equal. */
  analytic: number;
  /** The oracle's value at that position. */
  numeric: number;
  /** Number of derivatives that were decided. */
  checked: number;
  /** Number of undecided ones by reason: too near a kink, hidden by rounding, or undecidable in the finite field. */
  undecided: Record<Reason, number>;
  /** `wrong` if any is wrong; `undecided` if most are undecided. */
  verdict: Verdict;
  /** Whether the verdict is `right`. */
  ok: boolean;
}

/** Collects the comparisons of one variable, and keeps the one with the largest error. */
export class RowBuilder {
  private error = -1;
  private at = { where: 'nowhere', analytic: NaN, numeric: NaN };
  private checked = 0;
  private wrong = 0;
  private readonly undecided = { ...none };

  constructor(
    private readonly oracle: Exclude<Oracle, 'statement' | ExactOracle>,
    private readonly variable: string,
  ) {}

  add(analytic: number, { verdict, numeric, error, reason }: SlopeJudgement, where: string): void {
    if (reason) {
      this.undecided[reason]++;
      return;
    }
    this.checked++;
    if (verdict === 'wrong') this.wrong++;
    if (error <= this.error) return;
    this.error = error;
    this.at = { where, analytic, numeric };
  }

  row(): GradcheckRow {
    const { oracle, variable, checked, wrong, undecided } = this;
    const most = checked > 0 && checked >= undecided.kink + undecided.rounding;
    const verdict = wrong > 0 ? 'wrong' : most ? 'right' : 'undecided';
    const error = checked > 0 ? this.error : NaN;
    const ok = verdict === 'right';
    return {
      oracle,
      variable,
      error,
      bound: errorBounds[oracle],
      ...this.at,
      checked,
      undecided,
      verdict,
      ok,
    };
  }
}

/** The largest absolute value. */
export const largestOf = (gradient: number[]): number =>
  gradient.reduce((most, g) => Math.max(most, Math.abs(g)), 0);

/** The index of the k-th number of a row-major array. */
export function indexOf(k: number, shape: number[]): number[] {
  const width = shape[shape.length - 1];
  return shape.length === 1 ? [k] : [Math.floor(k / width), k % width];
}
