/**
 * exp, log, log1p, sigmoid and tanh on vectors, as straight-line code: the same algorithm for both precisions, with
 * different constants.
 *
 * Largest errors found, in units in the last place of the true value, over the whole range including subnormal arguments
 * and results; float32 at all 2³² arguments, float64 at some 20 million each:
 *
 *               exp    log    log1p  sigmoid  tanh
 *     float32   1.06   0.84   1.40   2.00     2.04
 *     float64   1.02   0.87   1.42   2.00     2.15
 *
 * NaN, infinities and signed zeros give the same results as Math. sigmoid keeps its relative accuracy even where a direct
 * evaluation of 1 / (1 + e⁻ˣ) would overflow and give 0. tanh keeps it near 0, because it is not computed from a sigmoid.
 *
 * Source of the reductions: Cody & Waite 1980 (exp); the series of log in s = f / (2 + f) and its arrangement:
 * Tang 1990, as in FDLIBM. The polynomials are minimax fits (Remez) made for this file.
 */
import type { Dtype } from '../memory';
import { v128 } from './opcodes';
import type { Vector, VectorCode, VectorExpression } from './vector-code';

interface Format {
  mantissaBits: number;
  bias: number;
  /** The smallest normal number. */
  smallestNormal: number;
  /** ln 2 in two parts; the first has so few bits that its product with any exponent is exact. */
  ln2: [high: number, low: number];
  /** (eʳ − 1 − r) / r² on |r| ≤ ½ ln 2; fitted for the relative error of eʳ − 1. */
  exp: number[];
  /** (2 atanh s − 2s) / s³ as a polynomial in s², |s| ≤ (√2 − 1) / (√2 + 1). */
  log: number[];
  /** The bits of √½, or nearly so, as an integer that a number can hold. */
  rootHalfBits: number;
  /** Beyond these arguments, exp is 0 or Inf, and sigmoid and tanh (of |x|) are 1. */
  expRange: [number, number];
  sigmoidMost: number;
  tanhMost: number;
}

const formats: Record<Dtype, Format> = {
  float32: {
    mantissaBits: 23,
    bias: 127,
    smallestNormal: 2 ** -126,
    ln2: [0.693145751953125, 1.4286068203094173e-6],
    exp: [0.5, 0.16666541993618011, 0.041666280478239059, 0.0083666294813156128, 0.0013946531107649207],
    log: [0.66666775941848755, 0.39977607131004333, 0.29870516061782837],
    rootHalfBits: 0x3f3504f3,
    expRange: [-104, 89],
    sigmoidMost: 18,
    tanhMost: 9.1,
  },
  float64: {
    mantissaBits: 52,
    bias: 1023,
    smallestNormal: 2 ** -1022,
    ln2: [0.6931471805601177, -1.7239444525614835e-13],
    exp: [
      0.50000000000000056, 0.16666666666666685, 0.041666666666573454, 0.008333333333314541,
      0.0013888888932483416, 0.00019841269903191351, 2.480150428032693e-5, 2.7557227772692007e-6,
      2.7626404410564064e-7, 2.5114540353999642e-8,
    ],
    log: [
      0.66666666666667307, 0.39999999999433522, 0.28571428739001836, 0.22222198863700385, 0.18183551444383006,
      0.15314335204570859, 0.14793471952757586,
    ],
    rootHalfBits: 0x3fe6a09e * 2 ** 32,
    expRange: [-746, 710],
    sigmoidMost: 37,
    tanhMost: 19.1,
  },
};

/** Adding this to |x| < 2^(mantissa − 2) rounds x to an integer, which is in the low bits of the sum. */
const rounder = ({ mantissaBits }: Format): number => 1.5 * 2 ** mantissaBits;

/** c0 + c1 x + c2 x² + …, with even and odd powers separate: two dependency chains of half the length. */
function polynomial(v: VectorCode, x: Vector, x2: Vector, coefficients: number[]): VectorExpression {
  const { lanes } = v;
  const horner = (cs: number[]): VectorExpression =>
    cs.reduceRight<VectorExpression | undefined>(
      (sum, c) => (sum ? lanes.add(lanes.mul(sum, x2), v.constant(c)) : v.constant(c)),
      undefined,
    ) as VectorExpression;
  const even = v.let(horner(coefficients.filter((_, k) => k % 2 === 0)));
  return lanes.add(even, lanes.mul(horner(coefficients.filter((_, k) => k % 2 === 1)), x));
}

/**
 * Splits x = n ln 2 + r and returns eʳ − 1 for |r| ≤ ½ ln 2, and the sum whose low bits hold n + offset.
 * x must be small enough that n fits; NaN gives NaN.
 */
function reduced(v: VectorCode, x: Vector, offset: number): { bits: Vector; expm1: Vector } {
  const { lanes } = v;
  const format = formats[v.dtype];
  const magic = v.constant(rounder(format) + offset);
  const bits = v.let(lanes.add(lanes.mul(x, v.constant(Math.LOG2E)), magic));
  const n = v.let(lanes.sub(bits, magic));
  const [high, low] = format.ln2;
  const coarse = lanes.sub(x, lanes.mul(n, v.constant(high)));
  const r = v.let(lanes.sub(coarse, lanes.mul(n, v.constant(low))));
  const r2 = v.let(lanes.mul(r, r));
  return { bits, expm1: v.let(lanes.add(r, lanes.mul(r2, polynomial(v, r, r2, format.exp)))) };
}

/** 2^k, where k + bias is in the low bits of `bits`. */
const powerOfTwo = (v: VectorCode, bits: VectorExpression): VectorExpression =>
  v.bits.shl(bits, formats[v.dtype].mantissaBits);

/**
 * −x, by flipping the sign bit: V8 13 joins two float64 negation instructions to one that corrupts its operand (which the
 * self-test detects).
 */
export const neg = (v: VectorCode, x: VectorExpression): VectorExpression => v128.xor(x, v.constant(-0));

/** eˣ = 2ⁿ eʳ; the power of two is applied as two factors, because n may exceed the exponents of normal numbers. */
export function exp(v: VectorCode, x: Vector): VectorExpression {
  const { lanes } = v;
  const { bias, expRange } = formats[v.dtype];
  // x is the first operand of pmin and pmax, so that NaN propagates
  const clamped = v.let(lanes.pmax(lanes.pmin(x, v.constant(expRange[1])), v.constant(expRange[0])));
  const { bits, expm1 } = reduced(v, clamped, 2 * bias);
  const half = v.let(v.bits.shrU(bits, 1));
  const otherHalf = v.bits.sub(bits, half);
  const mantissa = lanes.add(expm1, v.constant(1));
  return lanes.mul(lanes.mul(mantissa, powerOfTwo(v, half)), powerOfTwo(v, otherHalf));
}

/**
 * 1 / (1 + e⁻ˣ) with e⁻ˣ = p + p E, where p = 2ⁿ is exact and E = eʳ − 1. The sum is computed as (1 + p E) + p, which
 * avoids the rounding of 1 + E. Numerator and denominator are scaled by the same factor, so that the denominator stays
 * finite if the result is subnormal.
 */
export function sigmoid(v: VectorCode, x: Vector): VectorExpression {
  const { lanes } = v;
  const { bias, expRange, sigmoidMost, mantissaBits } = formats[v.dtype];
  const scale = v.constant(2 ** -(mantissaBits + 1));
  const clamped = lanes.pmax(lanes.pmin(x, v.constant(sigmoidMost)), v.constant(expRange[0]));
  const { bits, expm1 } = reduced(v, v.let(neg(v, clamped)), bias - mantissaBits - 1);
  const p = v.let(powerOfTwo(v, bits));
  return lanes.div(scale, lanes.add(lanes.add(scale, lanes.mul(p, expm1)), p));
}

/**
 * (1 − e⁻²ˣ) / (1 + e⁻²ˣ) of |x|, with the sign of x; e⁻²ˣ = p + p E as above. Near 0, where p = 1, the numerator is
 * −E with its full relative accuracy, so one formula serves all x.
 */
export function tanh(v: VectorCode, x: Vector): VectorExpression {
  const { lanes } = v;
  const { bias, tanhMost } = formats[v.dtype];
  const signBit = v.constant(-0);
  const clamped = v.let(lanes.pmax(v128.or(x, signBit), v.constant(-tanhMost))); // −|x|
  const { bits, expm1 } = reduced(v, v.let(lanes.add(clamped, clamped)), bias);
  const p = v.let(powerOfTwo(v, bits));
  const pE = v.let(lanes.mul(p, expm1));
  const one = v.constant(1);
  const quotient = lanes.div(lanes.sub(lanes.sub(one, p), pE), lanes.add(pE, lanes.add(one, p)));
  return v128.or(quotient, v128.and(x, signBit));
}

/** log x = k ln 2 + log(1 + f), where x = 2ᵏ(1 + f) with √½ ≤ 1 + f < √2. */
export function log(v: VectorCode, x: Vector): VectorExpression {
  const { lanes } = v;
  const { mantissaBits, smallestNormal } = formats[v.dtype];
  // subnormal numbers are scaled to the normal range, and the exponent is corrected
  const lift = mantissaBits + 1;
  const small = v.let(lanes.lt(x, v.constant(smallestNormal)));
  const lifted = v.let(v128.bitselect(lanes.mul(x, v.constant(2 ** lift)), x, small));
  const { k, m } = splitExponent(v, lifted);
  const exponent = v.let(lanes.sub(k, v128.and(small, v.constant(lift))));
  const f = v.let(lanes.sub(m, v.constant(1)));
  return logOfSpecials(v, x, logOfParts(v, exponent, f));
}

/**
 * log(1 + x) as log u with u = 1 + x rounded; the rounding error of u is added back to f. For small x, it is all of x.
 */
export function log1p(v: VectorCode, x: Vector): VectorExpression {
  const { lanes, bits } = v;
  const { bias, mantissaBits } = formats[v.dtype];
  const one = v.constant(1);
  const u = v.let(lanes.add(one, x));
  // Knuth's two-sum: 1 + x = u + lost, exactly
  const xInU = v.let(lanes.sub(u, one));
  const lost = v.let(lanes.add(lanes.sub(one, lanes.sub(u, xInU)), lanes.sub(x, xInU)));
  const { k, m, exponentBits } = splitExponent(v, u);
  // 2⁻ᵏ; for the largest k, the difference of the bits is negative and represents −Inf: it is replaced by 0
  const unit = lanes.pmax(bits.sub(v.pattern(2 * bias * 2 ** mantissaBits), exponentBits), v.constant(0));
  const f = v.let(lanes.add(lanes.sub(m, one), lanes.mul(lost, unit)));
  // log1p(x) has the sign of x: this keeps −0
  return v128.or(logOfSpecials(v, u, logOfParts(v, k, f)), v128.and(x, v.constant(-0)));
}

/** x = 2ᵏ m with √½ ≤ m < √2, for positive normal x; `exponentBits` is k + bias in the exponent field. */
function splitExponent(v: VectorCode, x: Vector): { k: Vector; m: Vector; exponentBits: Vector } {
  const { lanes, bits } = v;
  const { mantissaBits, bias, rootHalfBits } = formats[v.dtype];
  const one = 2 ** mantissaBits;
  const moved = v.let(bits.add(x, v.pattern(bias * one - rootHalfBits)));
  const m = v.let(bits.add(v128.and(moved, v.pattern(one - 1)), v.pattern(rootHalfBits)));
  // an integer in the low bits of 2^mantissaBits adds its value
  const biased = v128.or(bits.shrU(moved, mantissaBits), v.constant(one));
  const k = v.let(lanes.sub(biased, v.constant(one + bias)));
  return { k, m, exponentBits: v.let(v128.andnot(moved, v.pattern(one - 1))) };
}

/** k ln 2 + log(1 + f), by log(1 + f) = f − (f²/2 − s (f²/2 + R)), s = f / (2 + f), R the rest of its series. */
function logOfParts(v: VectorCode, k: Vector, f: Vector): VectorExpression {
  const { lanes } = v;
  const format = formats[v.dtype];
  const [high, low] = format.ln2;
  const s = v.let(lanes.div(f, lanes.add(f, v.constant(2))));
  const z = v.let(lanes.mul(s, s));
  const z2 = v.let(lanes.mul(z, z));
  const R = v.let(lanes.mul(z, polynomial(v, z, z2, format.log)));
  const half = v.let(lanes.mul(v.constant(0.5), lanes.mul(f, f)));
  const tail = lanes.add(lanes.mul(s, lanes.add(half, R)), lanes.mul(k, v.constant(low)));
  return lanes.sub(lanes.mul(k, v.constant(high)), lanes.sub(lanes.sub(half, tail), f));
}

/** `value` for 0 < x < Inf; −Inf at 0, Inf at Inf, NaN below 0 and at NaN. */
function logOfSpecials(v: VectorCode, x: Vector, value: VectorExpression): VectorExpression {
  const { lanes } = v;
  const zero = v.constant(0);
  const upper = v.let(v128.bitselect(value, x, lanes.lt(x, v.constant(Infinity))));
  const withNaN = v.let(v128.or(upper, lanes.lt(x, zero))); // all bits set is a NaN
  return v128.bitselect(v.constant(-Infinity), withNaN, lanes.eq(x, zero));
}
