/**
 * Of what degree the gradients of a problem are as rational functions of its variables and free elements: the programs
 * are run on degrees instead of numbers. From that follows how likely the exact oracle is to miss a mistake.
 */
import { primes } from '../../core/field';
import { Point } from '../../core/residues';

/** Degrees add up in a product, and the larger one is that of a sum. A constant counts as 1, and 0 is the number 0. */
export class Degrees extends Point {
  /** Of all divisors together, which a common denominator has. */
  divisors = 0;
  /** The most of any argument of a function or kink. */
  arguments = 0;

  constructor() {
    super(primes[0], 0);
  }

  override draw(): number {
    return 1;
  }
  override constant(x: number): number {
    return x === 0 ? 0 : 1;
  }
  override add(a: number, b: number): number {
    return Math.max(a, b);
  }
  override sub(a: number, b: number): number {
    return Math.max(a, b);
  }
  override neg(a: number): number {
    return a;
  }
  override mul(a: number, b: number): number {
    return a === 0 || b === 0 ? 0 : a + b;
  }
  override div(a: number, b: number): number {
    this.divisors += b;
    return a;
  }
  override inverse(b: number): number {
    return this.div(1, b);
  }
  override exp(a: number): number {
    return this.free(a);
  }
  override log(a: number): number {
    return this.free(a);
  }
  override sqrt(a: number): number {
    return this.free(a);
  }
  override side(a: number): number {
    this.free(a);
    return Math.sign(a);
  }
  override positive(a: number): number {
    return a;
  }

  /** A function's value is a free element, whatever its argument is. */
  private free(a: number): number {
    this.arguments = Math.max(this.arguments, a);
    return 1;
  }
}
