/**
 * Spectrum of a linear recurrent network, h_t = W h_{t−1}, whose behavior is known exactly: h_t = Wᵗ h_0.
 *
 *   W = Q Λ Q⁻¹   ⇒   Wᵗ = Q Λᵗ Q⁻¹ = Q diag(λ_iᵗ) Q⁻¹     ρ(W)ᵗ ≤ ‖Wᵗ‖ ≤ min( ‖W‖ᵗ, κ(Q) ρ(W)ᵗ )
 *
 * The component of an eigenvalue with |λ| < 1 vanishes, with |λ| > 1 explodes; a complex pair rotates by its angle in each
 * step. If the columns of Q are orthogonal (W is normal), that is all. If they are nearly parallel, κ(Q) = ‖Q‖ ‖Q⁻¹‖ is
 * large, and Wᵗ may grow for many steps although ρ(W) < 1. A defective matrix has too few eigenvectors to form Q.
 *
 * Source: Hochreiter 1991; Pascanu, Mikolov & Bengio 2013; for matrices that are not normal: Trefethen & Embree 2005,
 * "Spectra and pseudospectra".
 */
import { EigenvalueDecomposition, inverse, Matrix } from 'ml-matrix';
import { must, mustBe, mustCount } from '../../core/check';
import { MatrixProduct, singularValues } from './singular';

/** An eigenvalue λ = re + i·im of a matrix W. */
export interface Eigenvalue {
  re: number;
  im: number;
  /** |λ|, the growth factor of its eigenvector in each step h ← W h. */
  modulus: number;
  /** arg λ in degrees, −180…180: the rotation in each step. */
  angle: number;
}

/** The eigenvalues of a matrix W, and how its powers grow and shrink. Norms are largest singular values. */
export interface Spectrum {
  /** W is n × n. */
  n: number;
  /** Largest modulus first. */
  eigenvalues: Eigenvalue[];
  /** ρ(W), the largest modulus. */
  radius: number;
  /** κ(Q) with unit eigenvectors; 1 for a normal W. */
  condition: number;
  /** No basis of eigenvectors within float64 accuracy: κ(Q) > 1/√ε, because rounding splits a double eigenvalue. */
  defective: boolean;
  /** ‖W Wᵀ − Wᵀ W‖ / ‖W‖², Frobenius norms; 0 for a normal W. */
  nonNormality: number;
  /** ‖Wᵗ‖ for t = 0…steps, by repeated products. */
  powers: number[];
  /** Where ‖Wᵗ‖ is largest. */
  peak: { t: number; norm: number };
  /** Relative difference of Q Λᵗ Q⁻¹ and t repeated products; absent for a defective matrix. */
  check?: { t: number; error: number };
}

/** How many powers of W are computed. */
export interface SpectrumOptions {
  /** Highest power whose norm is computed; default 50. */
  steps?: number;
  /** The power computed both by eigenvalues and by repeated products; default 8. */
  power?: number;
}

/**
 * The eigenvalues of a matrix, and the norms of its powers.
 *
 * @throws RangeError when W is not square or not finite; TypeError when it is not a list of rows.
 * @example
 * const W = [[0.9, 5], [0, 0.8]];
 * spectrum(W).radius; // 0.9
 * spectrum(W).peak.t; // 6
 */
export function spectrum(W: readonly (readonly number[])[], options: SpectrumOptions = {}): Spectrum {
  const { steps = 50, power = 8 } = options;
  mustCount(steps, 'spectrum', 'steps');
  mustCount(power, 'spectrum', 'power');
  const A = squareOf(W);
  const n = A.rows;
  const { eigenvalues, Q } = eigen(A);
  const [largest, smallest] = [singularValues(Q)[0], singularValues(Q)[2 * n - 1]];
  const condition = largest / smallest;
  const defective = !(condition < 1 / Math.sqrt(Number.EPSILON));

  const product = new MatrixProduct(n);
  const powers = [1];
  for (let t = 1; t <= steps; t++) {
    product.times(A);
    powers.push(product.singular()[0]);
  }
  const top = powers.reduce((best, norm, t) => (norm > powers[best] ? t : best), 0);
  return {
    n,
    eigenvalues: [...eigenvalues].sort((a, b) => b.modulus - a.modulus || b.im - a.im),
    radius: Math.max(...eigenvalues.map(({ modulus }) => modulus)),
    condition,
    defective,
    nonNormality: nonNormalityOf(A),
    powers,
    peak: { t: top, norm: powers[top] },
    ...(!defective && { check: { t: power, error: disagreement(A, eigenvalues, Q, power) } }),
  };
}

/** The relative norm of W Wᵀ − Wᵀ W; W is scaled first, so that no square overflows or underflows. */
function nonNormalityOf(A: Matrix): number {
  const largest = Math.max(A.max(), -A.min());
  if (largest === 0) return 0;
  const W = Matrix.div(A, largest);
  return Matrix.sub(W.mmul(W.transpose()), W.transpose().mmul(W)).norm() / W.norm() ** 2;
}

/**
 * ρ(W), the largest modulus of its eigenvalues.
 * @throws RangeError when W is not square or not finite.
 * @example spectralRadius([[0.6, 0.2], [0.2, 0.7]]) // 0.856
 */
export const spectralRadius = (W: readonly (readonly number[])[]): number =>
  Math.max(...eigen(squareOf(W)).eigenvalues.map(({ modulus }) => modulus));

/**
 * Eigenvalues, and the complex matrix Q of unit eigenvectors as a real one of twice the size: Q = X + iY is stored as
 * [X −Y; Y X], for which sums, products and inverses correspond to those of complex matrices.
 */
function eigen(A: Matrix): { eigenvalues: Eigenvalue[]; Q: Matrix } {
  const n = A.rows;
  const { realEigenvalues, imaginaryEigenvalues, eigenvectorMatrix: V } = new EigenvalueDecomposition(A);
  const eigenvalues = realEigenvalues.map((re, k) => eigenvalue(re, imaginaryEigenvalues[k]));
  const [X, Y] = [Matrix.zeros(n, n), Matrix.zeros(n, n)];
  eigenvalues.forEach(({ im }, k) => {
    // a complex pair shares two columns of V: the real and imaginary parts of the first eigenvector
    const first = im < 0 ? k - 1 : k;
    const re = V.getColumn(first);
    const other = im === 0 ? re.map(() => 0) : V.getColumn(first + 1).map((v) => Math.sign(im) * v);
    const length = Math.hypot(...re, ...other);
    X.setColumn(
      k,
      re.map((v) => v / length),
    );
    Y.setColumn(
      k,
      other.map((v) => v / length),
    );
  });
  return { eigenvalues, Q: complex(X, Y) };
}

const eigenvalue = (re: number, im: number): Eigenvalue => ({
  re,
  im,
  modulus: Math.hypot(re, im),
  angle: (Math.atan2(im, re) * 180) / Math.PI,
});

function complex(X: Matrix, Y: Matrix): Matrix {
  const n = X.rows;
  const both = Matrix.zeros(2 * n, 2 * n);
  both.setSubMatrix(X, 0, 0).setSubMatrix(X, n, n);
  return both.setSubMatrix(Y, n, 0).setSubMatrix(Matrix.mul(Y, -1), 0, n);
}

/** The relative difference of Q Λᵗ Q⁻¹ and t repeated products; it includes the imaginary part, which should be 0. */
function disagreement(A: Matrix, eigenvalues: readonly Eigenvalue[], Q: Matrix, t: number): number {
  const powers = eigenvalues.map(({ modulus, angle }) => {
    const turned = (t * angle * Math.PI) / 180;
    return [modulus ** t * Math.cos(turned), modulus ** t * Math.sin(turned)];
  });
  const Λ = complex(Matrix.diag(powers.map(([re]) => re)), Matrix.diag(powers.map(([, im]) => im)));
  const byEigenvalues = Q.mmul(Λ).mmul(inverse(Q));
  let repeated = Matrix.eye(A.rows);
  for (let k = 0; k < t; k++) repeated = repeated.mmul(A);
  const expected = complex(repeated, Matrix.zeros(A.rows, A.rows));
  const size = expected.norm();
  const distance = Matrix.sub(byEigenvalues, expected).norm();
  return size === 0 ? distance : distance / size;
}

function squareOf(W: readonly (readonly number[])[]): Matrix {
  const isList = Array.isArray(W) && W.length > 0 && W.every((row) => Array.isArray(row));
  mustBe(isList, 'spectrum', 'the matrix must be a list of rows', W);
  const n = W.length;
  const widths = W.map((row) => row.length);
  const ragged = widths.findIndex((width) => width !== widths[0]);
  must(
    ragged < 0,
    'spectrum',
    `every row must hold ${widths[0]} numbers`,
    `${widths[ragged]} in row ${ragged}`,
  );
  must(widths[0] === n, 'spectrum', 'the matrix must be square', [n, widths[0]]);
  W.forEach((row, r) => {
    row.forEach((v, c) =>
      must(Number.isFinite(v), 'spectrum', 'numbers must be finite', `${v} at [${r}, ${c}]`),
    );
  });
  return new Matrix(W.map((row: readonly number[]) => [...row]));
}

const turn = (degrees: number, scale: number): number[][] => {
  const [c, s] = [Math.cos, Math.sin].map((f): number => scale * f((degrees * Math.PI) / 180));
  return [
    [c, -s],
    [s, c],
  ];
};

/**
 * One example matrix for each behavior of powers.
 * @example spectralRadius(exampleMatrices.vanishing.W) < 1 // true
 */
export const exampleMatrices: Readonly<Record<string, { what: string; W: number[][] }>> = {
  vanishing: {
    what: 'all |λ| < 1, symmetric: every direction decays',
    W: [
      [0.6, 0.2],
      [0.2, 0.7],
    ],
  },
  exploding: {
    what: 'one |λ| > 1: that direction grows without end',
    W: [
      [0.9, 0.3],
      [0.2, 1],
    ],
  },
  rotating: { what: 'a complex pair: decays and turns by 30° a step', W: turn(30, 0.95) },
  defective: {
    what: 'a Jordan block: one eigenvector for two equal λ, so no Q',
    W: [
      [0.9, 1],
      [0, 0.9],
    ],
  },
  'non-normal': {
    what: 'ρ < 1, but nearly parallel eigenvectors: grows first',
    W: [
      [0.9, 5],
      [0, 0.8],
    ],
  },
};
