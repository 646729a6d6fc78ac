/** Singular values of matrices, and of long matrix products whose entries may exceed the range of float64. */
import { Matrix, SingularValueDecomposition } from 'ml-matrix';

/** The singular values of a matrix, largest first. */
export const singularValues = (A: Matrix): number[] =>
  new SingularValueDecomposition(A, {
    computeLeftSingularVectors: false,
    computeRightSingularVectors: false,
    autoTranspose: true,
  }).diagonal;

/** A product with entries above this, or below its reciprocal, is rescaled, before their squares overflow or underflow. */
const FAR = 2 ** 200;

/** A product of square matrices, extended on the right, stored as `matrix` · 2^`exponent`. */
export class MatrixProduct {
  matrix: Matrix;
  private exponent = 0;

  constructor(n: number) {
    this.matrix = Matrix.eye(n);
  }

  /** Multiplies by a factor on the right; rescaling by powers of two is exact. */
  times(factor: Matrix): void {
    this.matrix = this.matrix.mmul(factor);
    const largest = Math.max(this.matrix.max(), -this.matrix.min());
    if (largest === 0 || (largest < FAR && largest > 1 / FAR)) return;
    const power = Math.floor(Math.log2(largest));
    this.matrix.mul(2 ** -power);
    this.exponent += power;
  }

  /** The singular values of the product, or of its diagonal block `from`…`to` (exclusive). */
  singular(from = 0, to = this.matrix.rows): number[] {
    const block = this.matrix.subMatrix(from, to - 1, from, to - 1);
    return singularValues(block).map((value) => value * 2 ** this.exponent);
  }
}
