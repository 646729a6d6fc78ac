/**
 * The three rules that compute weights from patterns; all give symmetric weights with a zero diagonal.
 *
 *   ξ [P, N]   W [N, N]   off [N, N]: 1 everywhere but on the diagonal
 *
 * Hebbian (Hopfield 1982)
 *   W = 1/N Σ ξ ξᵀ
 * Storkey (1997), one pattern at a time
 *   w_ij += 1/N (ξ_i ξ_j − ξ_i h_ji − h_ij ξ_j), where h_ij is the field of unit i without the term of j
 * Pseudo-inverse (Personnaz, Guyon & Dreyfus 1985)
 *   W = Ξ⁺ Ξ, the projection onto the span of the patterns: Σ q qᵀ over an orthonormal basis of it
 */
import { must } from '../core/check';
import { bound, lazyEquations } from '../core/equations/equations';
import { executorOf } from '../core/programs/executor';
import { plain } from '../core/programs/plain';
import { reshape, tensor, zeros, type Tensor } from '../core/tensor';

const outer = lazyEquations(
  'hopfield, storage',
  'x [P, N]   scale [1]   off [N, N]   writes products, W [N, N]',
  `products = x.T @ x
   W = scale * products * off`,
);

/** x and xUp are the same pattern as a row and as a column; h and hUp are likewise equal, because W is symmetric. */
const storkeyRule = lazyEquations(
  'hopfield, Storkey rule',
  `x [1, N]   xUp [N, 1]   units [1]   off, WPrev [N, N]
   writes h [1, N]   hUp [N, 1]   W [N, N]`,
  `h = x @ WPrev.T
   hUp = WPrev @ x.T
   hij = hUp - WPrev * x        # the field of i without the term of j
   hji = h - WPrev * xUp        # the field of j without the term of i
   W = WPrev + off * (xUp * x - (xUp * hji + hij * x)) / units`,
);

/** A Gram–Schmidt step: subtracts from q its component along the unit vector b. */
const takeAway = lazyEquations(
  'hopfield, pseudo-inverse',
  'qPrev, b [1, N]   writes along [1, 1]   q [1, N]',
  `along = qPrev @ b.T
   q = qPrev - along * b`,
);

const normalize = lazyEquations(
  'hopfield, pseudo-inverse',
  'q [1, N]   writes square, length [1, 1]   unit [1, N]',
  `square = q @ q.T
   length = sqrt(square)
   unit = q / length`,
);

/** The rule that stores patterns. The last two have a higher capacity. */
export type StorageRule = 'hebbian' | 'storkey' | 'pseudo-inverse';
export const rules: Record<StorageRule, (patterns: Tensor) => Tensor> = {
  hebbian,
  storkey,
  'pseudo-inverse': pseudoInverse,
};
export const ruleNames = Object.keys(rules) as StorageRule[];

/** A pattern is linearly dependent if its component orthogonal to the others is below this times √N; far above rounding. */
const DEPENDENT = 1e-9;

function hebbian(patterns: Tensor): Tensor {
  const N = patterns.shape[1];
  return outerProducts(patterns, 1 / N);
}

function storkey(patterns: Tensor): Tensor {
  const [P, N] = patterns.shape;
  const W = zeros([N, N]);
  const [x, h, hUp] = [zeros([1, N]), zeros([1, N]), zeros([N, 1])];
  const learn = bound(storkeyRule, plain, {
    ...{ x, xUp: reshape(x, [N, 1]), units: tensor([N]), off: offDiagonal(N) },
    ...{ h, hUp, WPrev: W, W },
  });
  for (let p = 0; p < P; p++) {
    x.data.set(patterns.data.subarray(p * N, (p + 1) * N));
    learn();
  }
  return W;
}

function pseudoInverse(patterns: Tensor): Tensor {
  return outerProducts(orthonormal(patterns), 1);
}

/** W = scale Σ x xᵀ over the rows x, without the diagonal. */
function outerProducts(x: Tensor, scale: number): Tensor {
  const N = x.shape[1];
  const [products, W] = [zeros([N, N]), zeros([N, N])];
  bound(outer, executorOf(), { x, scale: tensor([scale]), off: offDiagonal(N), products, W })();
  return W;
}

function offDiagonal(N: number): Tensor {
  const off = zeros([N, N]);
  off.data.fill(1);
  for (let i = 0; i < N; i++) off.set(i, i, 0);
  return off;
}

/**
 * An orthonormal basis of the span of the patterns, by Gram–Schmidt with a second pass against rounding errors.
 * @throws RangeError for a pattern that is a linear combination of previous ones.
 */
function orthonormal(patterns: Tensor): Tensor {
  const [P, N] = patterns.shape;
  const basis = tensor(patterns);
  const row = (p: number) => basis.data.subarray(p * N, (p + 1) * N);
  const [q, b] = [zeros([1, N]), zeros([1, N])];
  const [along, square, length] = [1, 2, 3].map(() => zeros([1, 1]));
  const without = bound(takeAway, plain, { qPrev: q, b, along, q });
  const shorten = bound(normalize, plain, { q, square, length, unit: q });
  for (let p = 0; p < P; p++) {
    q.data.set(row(p));
    for (let pass = 0; pass < 2; pass++)
      for (let before = 0; before < p; before++) {
        b.data.set(row(before));
        without();
      }
    shorten();
    const why =
      P > N ? `${P} patterns of ${N} units are always dependent` : 'a linear combination of those before it';
    const independent = length.data[0] > DEPENDENT * Math.sqrt(N);
    must(
      independent,
      'hopfield',
      'patterns must be linearly independent',
      `pattern ${p}, which depends on others`,
      why,
    );
    row(p).set(q.data);
  }
  return basis;
}
