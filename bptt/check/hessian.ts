/**
 * Hessian-vector products, and the largest eigenvalue of the Hessian.
 *
 * The forward and backward programs run on dual numbers whose tangents are the direction v of the weights. The dual parts
 * of the gradients are then ∂(∇L)/∂θ v = H v, exact up to rounding, at the cost of two training steps on plain loops. The
 * Hessian is never formed.
 *
 * Source: Pearlmutter 1994, "Fast exact multiplication by the Hessian".
 */
import { must } from '../../core/check';
import { engineMemory } from '../../core/memory';
import { Random } from '../../core/random/random';
import { sizeOf, toFlat, type Numbers } from '../../core/tensor';
import type { Batch } from '../network/batch/batch';
import { fitted, flatten, type FlatNumbers } from '../network/batch/numbers';
import { copyNetwork, mustBeNetwork, type Network } from '../network/network';
import type { Direction } from './judge';
import { fillTensor, problemOfNetwork, type Problem } from './problem';
import { DualExecutor } from './rtrl';

/** H v, row-major by variable; variables missing in v are held fixed. */
export type HessianProduct = (v: Direction) => Record<string, number[]>;

/** Multiplies the Hessian of a problem's loss, in all its variables, by a direction. Overwrites the gradients. */
export function hessianOf({ variables, forward, backward }: Problem): HessianProduct {
  const duals = new DualExecutor();
  const [there, back] = [forward.bind(duals), backward.bind(duals)];
  return (v) => {
    duals.move(variables, v);
    there();
    for (const { gradient } of Object.values(variables)) {
      fillTensor(gradient, () => 0);
      fillTensor(duals.tangentOf(gradient), () => 0);
    }
    back();
    return Object.fromEntries(
      Object.entries(variables).map(([name, { gradient }]) => [name, toFlat(duals.tangentOf(gradient))]),
    );
  };
}

/**
 * H v: the Hessian of a batch's loss with respect to the parameters, times a direction.
 *
 *   v and the result by parameter, row-major; parameters missing in v are held fixed
 *
 * Works on a float64 copy without dropout: the network, its gradients and its last pass do not change.
 * @throws RangeError for a network without a loss or with a cut gradient, an unknown parameter, or values that do not fit.
 * @example
 * const line = network({ layers: [elman({ input: 1, hidden: 1 })], output: 1, loss: 'squared' });
 * const products = hessianVector(line, { x: [[[1]]], targets: [[[0]]] }, { 'head.by': [1] });
 * products['head.by'][0] // 2
 */
export function hessianVector(
  net: Network,
  batch: Batch,
  v: Readonly<Record<string, Numbers | FlatNumbers>>,
): Record<string, Float64Array> {
  return engineMemory().borrow(() => {
    const { parameters, product } = second(net, batch, 'hessianVector');
    const direction: Record<string, Float64Array> = {};
    for (const [name, given] of Object.entries(v)) {
      const known = Object.keys(parameters).join(', ');
      must(Object.hasOwn(parameters, name), 'hessianVector', `v must hold parameters (${known})`, name);
      const values = flatten(given, 'hessianVector', `v of ${name}`);
      direction[name] = Float64Array.from(
        fitted(values, parameters[name].shape, 'hessianVector', `v of ${name}`),
      );
    }
    return product(direction);
  });
}

/** The result of a search for the largest curvature. */
export interface Curvature {
  /** The eigenvalue λ of the Hessian with the largest absolute value; negative where the loss curves downwards. */
  value: number;
  /** ‖H v − λ v‖ / |λ| for the unit vector v that was found: an eigenvalue lies within this relative distance of λ. */
  residual: number;
  /** Number of Hessian-vector products used. */
  products: number;
  /** v, a unit vector, by parameter. */
  direction: Record<string, Float64Array>;
}

/** Options of `leadingCurvature`. */
export interface CurvatureOptions {
  /** Maximum number of products; default 30. */
  products?: number;
  /** The search stops at this residual; default 1e-3. */
  residual?: number;
  /** Seed of the first direction; default 0. */
  seed?: number;
}

/**
 * The largest curvature of a batch's loss: the leading eigenvalue of the Hessian with respect to the parameters, by the
 * Lanczos method. Gradient descent diverges from a minimum at learning rates above 2 / λ.
 *
 * Source: Lanczos 1950, "An iteration method for the solution of the eigenvalue problem".
 * @throws RangeError for a network without a loss or with a cut gradient, or a curvature of zero.
 * @example leadingCurvature(net, batch).value > 0 // true
 */
export function leadingCurvature(net: Network, batch: Batch, options: CurvatureOptions = {}): Curvature {
  const { products = 30, residual: enough = 1e-3, seed = 0 } = options;
  return engineMemory().borrow(() => {
    const { parameters, product } = second(net, batch, 'leadingCurvature');
    const random = new Random(seed);
    // in an orthonormal basis of directions, H becomes a small tridiagonal matrix
    const basis: Vectors[] = [];
    const [diagonal, beside]: number[][] = [[], []];
    let next = each(parameters, ({ shape }) =>
      Float64Array.from({ length: sizeOf(shape) }, () => random.normal()),
    );
    for (let length = Math.sqrt(dot(next, next)); ;) {
      scale(next, 1 / length);
      basis.push(next);
      next = product(next);
      diagonal.push(dot(next, basis[basis.length - 1]));
      // orthogonalize twice, because rounding leaves small components along the others
      for (const one of [...basis, ...basis]) subtract(next, dot(next, one), one);
      length = Math.sqrt(dot(next, next));
      const [up, down] = [extreme(diagonal, beside, 1), extreme(diagonal, beside, -1)];
      const { value, vector } = Math.abs(down.value) > Math.abs(up.value) ? down : up;
      must(value !== 0 || length > 0, 'leadingCurvature', 'the loss must have a curvature', 0);
      const residual = (length * Math.abs(vector[vector.length - 1])) / Math.abs(value);
      if (residual <= enough || basis.length >= products) {
        const direction = each(parameters, ({ shape }) => new Float64Array(sizeOf(shape)));
        basis.forEach((one, k) => subtract(direction, -vector[k], one));
        return { value, residual, products: basis.length, direction };
      }
      beside.push(length);
    }
  });
}

/** Iterations of the power method on the small tridiagonal matrix; their cost is negligible beside one product. */
const TURNS = 3000;

/** The greatest (sign 1) or least (−1) eigenvalue of a symmetric tridiagonal matrix, and its unit eigenvector. */
function extreme(
  diagonal: readonly number[],
  beside: readonly number[],
  sign: 1 | -1,
): { value: number; vector: number[] } {
  const n = diagonal.length;
  const times = (v: readonly number[]): number[] =>
    v.map(
      (x, k) => diagonal[k] * x + (beside[k - 1] ?? 0) * (v[k - 1] ?? 0) + (beside[k] ?? 0) * (v[k + 1] ?? 0),
    );
  // Gershgorin: no eigenvalue exceeds the largest row sum; after a shift by it, the wanted one is the largest
  const shift = Math.max(
    ...diagonal.map((d, k) => Math.abs(d) + Math.abs(beside[k - 1] ?? 0) + Math.abs(beside[k] ?? 0)),
  );
  let vector = Array.from({ length: n }, (_, k) => 1 / (k + 1));
  for (let turn = 0; turn < TURNS; turn++) {
    const moved = times(vector).map((x, k) => sign * x + shift * vector[k]);
    const size = Math.hypot(...moved);
    if (size === 0) break;
    vector = moved.map((x) => x / size);
  }
  return { value: times(vector).reduce((sum, x, k) => sum + x * vector[k], 0), vector };
}

/** The parameters of a float64 copy, and the product of their Hessian with a direction. */
function second(net: Network, batch: Batch, where: string) {
  mustBeNetwork(net, where);
  must(net.architecture.loss !== undefined, where, 'the network must have a loss', 'none');
  const copy = copyNetwork(net, { dropout: 0 });
  const parameters = copy.parameters.values;
  const problem = problemOfNetwork(copy, batch);
  const isCut = problem.forward.operations.some(
    (one) => one.kind === 'pointwise' && one.graph.nodes.some(({ op }) => op === 'stop'),
  );
  const why = 'a cut gradient is not that of a loss: it has no Hessian';
  must(!isCut, where, 'the equations must not cut the gradient', 'stop', why);
  const product = hessianOf(problem);
  return {
    parameters,
    product: (v: Direction) => {
      const all = product(v);
      return each(parameters, (_, name) => Float64Array.from(all[name]));
    },
  };
}

const each = <A, B>(
  of: Readonly<Record<string, A>>,
  make: (value: A, name: string) => B,
): Record<string, B> =>
  Object.fromEntries(Object.entries(of).map(([name, value]) => [name, make(value, name)]));

type Vectors = Record<string, Float64Array>;
const dot = (a: Vectors, b: Vectors): number =>
  Object.keys(a).reduce(
    (sum, name) => sum + a[name].reduce((part, value, k) => part + value * b[name][k], 0),
    0,
  );
function subtract(v: Vectors, factor: number, other: Vectors): void {
  for (const [name, values] of Object.entries(v))
    values.forEach((value, k) => (values[k] = value - factor * other[name][k]));
}
function scale(v: Vectors, factor: number): void {
  for (const values of Object.values(v)) values.forEach((value, k) => (values[k] = factor * value));
}
