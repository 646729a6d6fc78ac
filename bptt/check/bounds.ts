/** The error bounds of all gradient checks in one table, each with its reason, and the relative error they apply to. */

/**
 * The largest relative error that each check allows.
 * @example errorBounds.differences // 1e-6
 */
export const errorBounds = {
  /** Residues are either equal or not. */
  exact: 0,
  exactDoubleSum: 0,
  exactJacobian: 0,
  exactTruncated: 0,
  /** Duals are exact: only the rounding of a few dozen operations remains. */
  statement: 1e-12,
  /** ⟨Ax, y⟩ = ⟨x, Aᵀy⟩ holds to rounding. */
  adjoint: 1e-12,
  /** Forward mode is exact too, but rounds in another order over the whole network. */
  forwardMode: 1e-11,
  /** The explicit double sum adds the same products in another order, for T ≤ 6; its ∂⁺ are forward mode's. */
  doubleSum: 1e-11,
  /** The states and gradients of Newton's method round in another order; near the solution each iteration squares the error. */
  newton: 1e-11,
  /** A step's Jacobian is a few products and statements, whichever way it is computed. */
  jacobian: 1e-11,
  /** Central differences, extrapolated: truncation ~ h⁴ and rounding ~ ε/h with h = 3e-3, on gradients down to the floor. */
  differences: 1e-6,
  /** PyTorch adds in another order, over whole sequences, in float64. */
  vectors: 1e-10,
} as const;

/** Lower bound of the denominator, as a fraction of the largest gradient entry of the same tensor. */
const FLOOR = 1e-4;

/**
 * |a − n| / max(|a| + |n|, 1e-4 · largest), where `largest` is the largest entry of that parameter's gradient:
 * no 0/0, and no pass for being small in absolute terms. Non-finite values give an error of Infinity.
 * @example relativeError(1.001, 1, 1) // 0.0005
 */
export function relativeError(a: number, n: number, largest: number): number {
  if (a === n) return 0;
  const error = Math.abs(a - n) / errorScale(a, n, largest);
  return Number.isFinite(error) ? error : Infinity;
}

/** The denominator of `relativeError`. */
export const errorScale = (a: number, n: number, largest: number): number =>
  Math.max(Math.abs(a) + Math.abs(n), FLOOR * largest);
