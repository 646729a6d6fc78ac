/**
 * Exact arithmetic modulo a prime below 2²⁶. The product of two residues is below 2⁵², which a double represents exactly,
 * so nothing is ever rounded.
 */
import { must } from './check';

/** The largest primes p < 2²⁶ with p ≡ 3 (mod 4): −1 has no square root modulo p, so a² + 1 is never 0. */
export const primes = [67108859, 67108819, 67108763, 67108747] as const;

/** Thrown by a division by 0, which may happen by chance at one random point and not at another. */
export class NoInverse extends RangeError {}

/**
 * The residues 0…p − 1 of a prime p below 2²⁶.
 *
 * @throws RangeError for a modulus that is not a whole number in 3…2²⁶ − 1; whether it is prime is not checked.
 * @example
 * const seven = new Field(7);
 * seven.mul(3, 5); // 1
 * seven.of(0.5);   // 4, because 4 · 2 = 1
 */
export class Field {
  private readonly reciprocal: number;
  /** 2⁻ᵉ by e. */
  private readonly halves = [1];

  constructor(readonly prime: number) {
    const fits = Number.isInteger(prime) && prime > 2 && prime < 2 ** 26;
    must(fits, 'field', 'the modulus must be a prime in 3…2²⁶ − 1', prime);
    this.reciprocal = 1 / prime;
  }

  add(a: number, b: number): number {
    const sum = a + b;
    return sum >= this.prime ? sum - this.prime : sum;
  }

  sub(a: number, b: number): number {
    return a >= b ? a - b : a - b + this.prime;
  }

  neg(a: number): number {
    return a === 0 ? 0 : this.prime - a;
  }

  mul(a: number, b: number): number {
    const product = a * b;
    // the quotient is off by one at most
    const rest = product - Math.floor(product * this.reciprocal) * this.prime;
    return rest < 0 ? rest + this.prime : rest >= this.prime ? rest - this.prime : rest;
  }

  /** @throws NoInverse for a = 0. */
  div(a: number, b: number): number {
    return this.mul(a, this.inverse(b));
  }

  /** 1 / a, by Euclid's algorithm. @throws NoInverse for a = 0. */
  inverse(a: number): number {
    if (a === 0) throw new NoInverse('field: the divisor must not be 0, got 0');
    let [r, s] = [this.prime, a];
    let [u, v] = [0, 1]; // r = u a and s = v a, modulo p
    while (s !== 0) {
      const quotient = Math.floor(r / s);
      const [rest, factor] = [r - quotient * s, u - quotient * v];
      r = s;
      s = rest;
      u = v;
      v = factor;
    }
    return u < 0 ? u + this.prime : u;
  }

  /** aⁿ for a whole n ≥ 0. */
  power(a: number, n: number): number {
    let [result, square] = [1, a];
    for (let rest = n; rest > 0; rest = Math.floor(rest / 2)) {
      if (rest % 2 === 1) result = this.mul(result, square);
      square = this.mul(square, square);
    }
    return result;
  }

  /** The residue of a double, which is exact because a double is an integer times a power of 2; NaN if not finite. */
  of(x: number): number {
    if (!Number.isFinite(x)) return NaN;
    // which power of 2 makes it whole does not matter: 2²⁶ at a time
    let [whole, e] = [x, 0];
    for (; !Number.isInteger(whole); e += 26) whole *= 2 ** 26;
    const residue = whole % this.prime;
    const positive = residue < 0 ? residue + this.prime : residue === 0 ? 0 : residue; // never −0
    return e === 0 ? positive : this.mul(positive, this.half(e));
  }

  private half(e: number): number {
    const { halves } = this;
    while (halves.length <= e) halves.push(this.mul(halves[halves.length - 1], (this.prime + 1) / 2));
    return halves[e];
  }
}
