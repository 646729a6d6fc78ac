/**
 * Logarithm, cosine and power from + − × ÷ and √ only, which IEEE 754 defines to the last bit. `Math.log`, `Math.cos` and
 * `**` may differ in the last bit between JavaScript engines, so that a seed would not give the same numbers everywhere.
 */

/** log x, within 2 units in the last place. */
export function log(x: number): number {
  if (!(x > 0 && x < Infinity)) return Math.log(x); // −Infinity, NaN or Infinity: the same everywhere
  let exponent = 0;
  let m = x;
  for (; m < Math.SQRT1_2; m *= 2) exponent--;
  for (; m > Math.SQRT2; m /= 2) exponent++;
  // log m = 2 artanh s, where |s| ≤ 0.172: the series ends below 2^-56
  const s = (m - 1) / (m + 1);
  const square = s * s;
  let sum = 0;
  for (let k = 21; k >= 3; k -= 2) sum = (sum + 1 / k) * square;
  return exponent * Math.LN2 + 2 * (s + s * sum);
}

/** sin 2πu. */
export const sinOfTurn = (u: number): number => cosOfTurn(u - 0.25);

/** cos 2πu, a full turn for u from 0 to 1. */
export function cosOfTurn(u: number): number {
  const turn = u - Math.floor(u);
  const quarter = Math.round(4 * turn);
  const a = 2 * Math.PI * (turn - quarter / 4); // within ±π/4
  const even = quarter % 2 === 0;
  // cos a = 1 − a²/2! + …, sin a = a (1 − a²/3! + …): both end below 2^-56
  let sum = 1;
  for (let k = even ? 16 : 17; k >= 2; k -= 2) sum = 1 - (sum * a * a) / (k * (k - 1));
  const value = even ? sum : a * sum;
  return quarter === 1 || quarter === 2 ? -value : value;
}

/** bⁿ for a whole n ≥ 0, by squaring. */
export function power(b: number, n: number): number {
  let result = 1;
  for (let square = b, rest = n; rest > 0; rest = Math.floor(rest / 2), square *= square)
    if (rest % 2 === 1) result *= square;
  return result;
}
