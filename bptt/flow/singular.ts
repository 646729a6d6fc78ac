/** Singular values, and those of long products, whose entries may leave the range of float64. */
import { Matrix, SingularValueDecomposition } from 'ml-matrix';

/** The singular values of a matrix, largest first. */
export const singularValues = (A: Matrix): number[] =>
  new SingularValueDecomposition(A, {
    computeLeftSingularVectors: false,
    computeRightSingularVectors: false,
    autoTranspose: true,
  }).diagonal;

/** Beyond this, or below one over it, a product is scaled before the squares of its entries leave float64. */
const FAR = 2 ** 200;

/** A product of square matrices that grows to the right, kept as `matrix` · 2^`exponent`. */
export class Product {
  matrix: Matrix;
  private exponent = 0;

  constructor(n: number) {
    this.matrix = Matrix.eye(n);
  }

  /** Appends a factor; powers of two are taken out exactly. */
  times(factor: Matrix): void {
    this.matrix = this.matrix.mmul(factor);
    const largest = Math.max(this.matrix.max(), -this.matrix.min());
    if (largest === 0 || (largest < FAR && largest > 1 / FAR)) return;
    const power = Math.floor(Math.log2(largest));
    this.matrix.mul(2 ** -power);
    this.exponent += power;
  }

  /** The singular values of the product, or of the rows and columns `from`…`to` (not included) of it. */
  singular(from = 0, to = this.matrix.rows): number[] {
    const block = this.matrix.subMatrix(from, to - 1, from, to - 1);
    return singularValues(block).map((value) => value * 2 ** this.exponent);
  }
}
