/** Initialisers: how a weight matrix [rows, columns] starts. */
import { must } from './check';
import type { Random } from './random';
import type { Tensor } from './tensor';

/** Fills a tensor; matrices of G gate blocks are filled block by block (`gates`). */
export type Initializer = (t: Tensor, random: Random) => void;

const each = (t: Tensor, value: (r: number, c: number) => number): void => {
  if (t.shape.length === 1) for (let c = 0; c < t.shape[0]; c++) t.set(c, value(0, c));
  else for (let r = 0; r < t.shape[0]; r++) for (let c = 0; c < t.shape[1]; c++) t.set(r, c, value(r, c));
};

/** All entries `value`. */
export const constant =
  (value: number): Initializer =>
  (t) =>
    each(t, () => value);

/** Uniform in [−limit, limit). */
export const uniform =
  (limit: number): Initializer =>
  (t, random) =>
    each(t, () => random.uniform(-limit, limit));

/** Normal with mean 0. */
export const normal =
  (deviation: number): Initializer =>
  (t, random) =>
    each(t, () => random.normal(0, deviation));

/** Uniform in ±√(6 / (rows + columns)), which keeps variances level both ways (Glorot & Bengio 2010). */
export const glorot = (): Initializer => (t, random) => {
  const limit = Math.sqrt(6 / t.shape.reduce((sum, n) => sum + n, 0));
  uniform(limit)(t, random);
};

/** The identity times `scale`; with relu it lets gradients pass unchanged (Le, Jaitly & Hinton 2015). */
export const identity =
  (scale = 1): Initializer =>
  (t) =>
    each(t, (r, c) => (r === c ? scale : 0));

/**
 * Rows (or columns, if fewer) that are orthonormal, times `gain`: all singular values are `gain`, so products of many
 * such matrices neither vanish nor explode (Saxe, McClelland & Ganguli 2014).
 */
export const orthogonal =
  (gain = 1): Initializer =>
  (t, random) => {
    must(t.shape.length === 2, 'orthogonal', 'the tensor must be a matrix', `[${t.shape.join(', ')}]`);
    const wide = t.shape[0] <= t.shape[1];
    const [n, length] = wide ? t.shape : [t.shape[1], t.shape[0]];
    const basis: Float64Array[] = [];
    while (basis.length < n) {
      const v = Float64Array.from({ length }, () => random.normal());
      // twice is enough: the second pass removes what rounding left of the first (Kahan & Parlett)
      for (let pass = 0; pass < 2; pass++) {
        for (const q of basis) {
          let dot = 0;
          for (let k = 0; k < length; k++) dot += q[k] * v[k];
          for (let k = 0; k < length; k++) v[k] -= dot * q[k];
        }
      }
      let square = 0;
      for (let k = 0; k < length; k++) square += v[k] * v[k];
      if (square > 1e-20) basis.push(v.map((x) => x / Math.sqrt(square)));
    }
    each(t, (r, c) => gain * (wide ? basis[r][c] : basis[c][r]));
  };

/** Applies an initialiser, or one for each, to `count` equal column blocks, one gate after the other. */
export const gates =
  (count: number, each: Initializer | readonly Initializer[]): Initializer =>
  (t, random) => {
    const own = typeof each === 'function' ? Array<Initializer>(count).fill(each) : each;
    must(own.length === count, 'gates', `there must be ${count} initialisers`, own.length);
    const width = t.shape[t.shape.length - 1] / count;
    must(Number.isInteger(width), 'gates', `the last size must be a multiple of ${count}`, t.shape);
    for (let k = 0; k < count; k++) {
      const rest = t.shape.slice(0, -1);
      own[k](t.lo(...rest.map(() => 0), k * width).hi(...rest, width), random);
    }
  };
