/** Initializers of parameters, such as weight matrices [rows, columns]. */
import { must } from '../check';
import { orthonormalRows } from './orthonormal';
import { log } from './portable';
import type { Random } from './random';
import { dtypeOf, type Tensor } from '../tensor';

/** Fills a tensor; matrices of G gate blocks are filled block by block (`gates`). */
export type Initializer = (t: Tensor, random: Random) => void;

const each = (t: Tensor, value: (r: number, c: number) => number): void => {
  if (t.shape.length === 1) for (let c = 0; c < t.shape[0]; c++) t.set(c, value(0, c));
  else for (let r = 0; r < t.shape[0]; r++) for (let c = 0; c < t.shape[1]; c++) t.set(r, c, value(r, c));
};

/**
 * All entries `value`.
 * @example
 * const b = zeros([2]);
 * init.constant(0.5)(b, new Random(1));
 * toFlat(b); // [0.5, 0.5]
 */
export const constant =
  (value: number): Initializer =>
  (t) =>
    each(t, () => value);

/**
 * Uniform in [−limit, limit).
 * @example
 * const W = zeros([20, 30]);
 * init.uniform(0.1)(W, new Random(1));
 * toFlat(W).every((w) => -0.1 <= w && w < 0.1); // true
 */
export const uniform =
  (limit: number): Initializer =>
  (t, random) =>
    each(t, () => random.uniform(-limit, limit));

/**
 * Normal with mean 0.
 * @example
 * const W = zeros([100, 100]);
 * init.normal(0.1)(W, new Random(1));
 * const squares = toFlat(W).map((w) => w * w);
 * Math.sqrt(squares.reduce((sum, s) => sum + s) / squares.length); // 0.10
 */
export const normal =
  (deviation: number): Initializer =>
  (t, random) =>
    each(t, () => random.normal(0, deviation));

/**
 * Uniform in ±√(6 / (rows + columns)), which keeps variances constant forward and backward (Glorot & Bengio 2010).
 * @example
 * const W = zeros([20, 30]);
 * init.glorot()(W, new Random(1));
 * const limit = Math.sqrt(6 / (20 + 30));
 * toFlat(W).every((w) => Math.abs(w) <= limit); // true
 */
export const glorot = (): Initializer => (t, random) => {
  const limit = Math.sqrt(6 / t.shape.reduce((sum, n) => sum + n, 0));
  uniform(limit)(t, random);
};

/**
 * The identity times `scale`; with relu, gradients pass unchanged (Le, Jaitly & Hinton 2015).
 * @example
 * const W = zeros([2, 2]);
 * init.identity(0.5)(W, new Random(1));
 * toNested(W); // [[0.5, 0], [0, 0.5]]
 */
export const identity =
  (scale = 1): Initializer =>
  (t) =>
    each(t, (r, c) => (r === c ? scale : 0));

/**
 * Random orthonormal rows (or columns, if there are fewer), times `gain`: all singular values are `gain`, so with gain 1
 * products of many such matrices neither vanish nor explode (Saxe, McClelland & Ganguli 2014).
 * @example
 * const W = zeros([2, 2]);
 * init.orthogonal()(W, new Random(1));
 * const [[a, b], [c, d]] = toNested(W) as number[][];
 * a * a + b * b; // 1
 * a * c + b * d; // 0
 */
export const orthogonal =
  (gain = 1): Initializer =>
  (t, random) => {
    must(t.shape.length === 2, 'orthogonal', 'the tensor must be a matrix', `[${t.shape.join(', ')}]`);
    const wide = t.shape[0] <= t.shape[1];
    const [n, length] = wide ? t.shape : [t.shape[1], t.shape[0]];
    const V = orthonormalRows(n, length, dtypeOf(t), random);
    each(t, (r, c) => gain * (wide ? V[r][c] : V[c][r]));
  };

/**
 * Applies an initializer, or one for each block, to `count` equal column blocks in turn.
 * @example
 * const b = zeros([4]);
 * init.gates(2, [init.constant(0), init.constant(1)])(b, new Random(1));
 * toFlat(b); // [0, 0, 1, 1]
 */
export const gates =
  (count: number, each: Initializer | readonly Initializer[]): Initializer =>
  (t, random) => {
    const own = typeof each === 'function' ? Array<Initializer>(count).fill(each) : each;
    must(own.length === count, 'gates', `there must be ${count} initializers`, own.length);
    const width = t.shape[t.shape.length - 1] / count;
    must(Number.isInteger(width), 'gates', `the last size must be a multiple of ${count}`, t.shape);
    for (let k = 0; k < count; k++) {
      const rest = t.shape.slice(0, -1);
      own[k](t.lo(...rest.map(() => 0), k * width).hi(...rest, width), random);
    }
  };

/**
 * The biases [4H] of an LSTM, gates i f g o, for dependencies of up to `longest` steps: with u uniform in 1 … longest − 1, the forget gate
 * of a unit starts with the bias log u and its input gate with −log u, so that it forgets over u + 1 steps. The others are 0.
 *
 * Source: Tallec & Ollivier 2018, "Can recurrent neural networks warp time?".
 * @throws RangeError unless longest is a number above 2.
 * @example
 * const biases = zeros([8]);
 * init.chrono(100)(biases, new Random(1));
 * biases.get(0) + biases.get(2) // 0
 */
export const chrono = (longest: number): Initializer => {
  must(Number.isFinite(longest) && longest > 2, 'chrono', 'longest must be a number > 2', longest);
  return (t, random) => {
    const H = t.shape[0] / 4;
    must(t.shape.length === 1 && Number.isInteger(H), 'chrono', 'the biases must be [4H]', t.shape);
    for (let k = 0; k < H; k++) {
      const bias = log(1 + (longest - 2) * random.uniform());
      t.set(k, -bias);
      t.set(H + k, bias);
      t.set(2 * H + k, 0);
      t.set(3 * H + k, 0);
    }
  };
};
