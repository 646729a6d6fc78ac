/**
 * Computes the degree of a problem's gradients as rational functions of its variables and free elements, by running the
 * programs on degrees instead of numbers. The degree bounds how likely the exact oracle is to miss a mistake.
 */
import { primes } from '../../../core/field';
import { Point } from '../../../core/residues';

/** The degree of a product is the sum of degrees, that of a sum the maximum. A constant counts as 1; 0 is the number 0. */
export class Degrees extends Point {
  /** Sum of the degrees of all divisors: the degree of a common denominator. */
  divisors = 0;
  /** Largest degree of an argument of a function or kink. */
  arguments = 0;
  /** Largest degree of a product. */
  products = 0;

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
    const degree = a === 0 || b === 0 ? 0 : a + b;
    this.products = Math.max(this.products, degree);
    return degree;
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
