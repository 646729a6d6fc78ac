/**
 * The Legendre memory unit: a nonlinear layer h beside a linear memory m of the window of the last theta steps. The
 * memory's matrices follow from a theory of continuous time and are not trained; the rest is.
 *
 * Source: Voelker, Kajić & Eliasmith 2019, "Legendre memory units: Continuous-time representation in recurrent neural
 * networks" (NeurIPS), equations 6 to 8, with a bias, as in the authors' code. The weights ex, eh and em, which write into
 * the memory, are columns; Am and Bm are the matrices of `cells/parts/legendre.ts` for rows.
 */
import { must, mustCount } from '../core/check';
import { constant, glorot, uniform, type Initializer } from '../core/random/init';
import { checkCellOptions, weightInit, type Cell, type CellOptions } from './cell';
import { cell, when, type CellEquations, type Optional } from './define';
import { legendreMemory } from './parts/legendre';

const equations = (b: Optional): CellEquations => ({
  name: 'lmu',
  shapes: `
    x [D]   states h [H] m [M]
    parameters ex [D, 1]   eh [H, 1]   em [M, 1]   Wx [D, H]   Wh [H, H]   Wm [M, H]   ${b`b [H]`}
    Am [M, M]   Bm [1, M]`,
  forward: `
    u = x @ ex + hPrev @ eh + mPrev @ em    # one number for each row: what the memory keeps
    m = mPrev @ Am + u @ Bm                 # linear: the window of the last theta values of u, as Legendre coefficients
    z = x @ Wx + hPrev @ Wh + m @ Wm${b` + b`}
    h = tanh(z)`,
  backward: `
    dh = dhOut + dhNext                     # two paths reach h: the output at t, and the step t + 1
    dz = dh * (1 - h * h)
    dm = dmNext + dz @ Wm.T                 # two paths reach m: directly from t + 1, and through h
    du = dm @ Bm.T
    dx = dz @ Wx.T + du @ ex.T              # two paths leave each of x, hPrev and mPrev
    dhPrev = dz @ Wh.T + du @ eh.T
    dmPrev = dm @ Am.T + du @ em.T
    dex += x.T @ du
    deh += hPrev.T @ du
    dem += mPrev.T @ du
    dWx += x.T @ dz
    dWh += hPrev.T @ dz
    dWm += m.T @ dz
    ${b`db += sum(dz)`}
    dAm += mPrev.T @ dm                     # checked as the others, but Am and Bm are not trained
    dBm += u.T @ dm`,
  jacobian: `
    Ju = eh.T @ JhPrev + em.T @ JmPrev
    Jm = Am.T @ JmPrev + Bm.T @ Ju
    Jz = Wh.T @ JhPrev + Wm.T @ Jm
    Jh = Jz * (1 - h * h)`,
});

/** Options of `lmu`. */
export interface LmuOptions extends CellOptions {
  /** M, the numbers of the memory; default 16. */
  order?: number;
  /** The length of its window in steps; default 64. */
  theta?: number;
}

/**
 * A Legendre memory unit.
 *
 *   parameters ex [D, 1]   eh [H, 1]   em [M, 1]   Wx [D, H]   Wh [H, H]   Wm [M, H]   b [H]      fixed Am [M, M]   Bm [1, M]
 *   states h [B, H]   m [B, M]
 *
 * ex and eh are uniform in ±√(3/D) and ±√(3/H), em starts as 0, Wm as glorot.
 *
 * @throws RangeError for sizes or an order below 1, or theta < 1; TypeError for an unknown option.
 * @example lmu({ input: 4, hidden: 5, order: 6, theta: 100 }).states // { h: 5, m: 6 }
 */
export function lmu(options: LmuOptions): Cell {
  checkCellOptions(options, 'lmu', ['order', 'theta']);
  const { input: D, hidden: H, bias = true, order: M = 16, theta = 64 } = options;
  const { inputInit = 'glorot', recurrentInit = 'orthogonal' } = options;
  mustCount(M, 'lmu', 'order');
  must(Number.isFinite(theta) && theta >= 1, 'lmu', 'theta must be a number >= 1', theta);
  /** Computed when a network needs them: not for a network whose weights come from elsewhere. */
  const memory =
    (pick: (m: ReturnType<typeof legendreMemory>, r: number, c: number) => number): Initializer =>
    (t) => {
      const made = legendreMemory(M, theta);
      for (let r = 0; r < t.shape[0]; r++) for (let c = 0; c < M; c++) t.set(r, c, pick(made, r, c));
    };
  return cell(equations(when(bias)), {
    sizes: { D, H, M },
    options: { ...options, bias, inputInit, recurrentInit, order: M, theta },
    init: {
      ...{ Wx: weightInit(inputInit, H, 'lmu'), Wh: weightInit(recurrentInit, H, 'lmu'), Wm: glorot() },
      ...{ ex: uniform(Math.sqrt(3 / D)), eh: uniform(Math.sqrt(3 / H)), em: constant(0), b: constant(0) },
      Am: memory(({ A }, r, c) => A[c][r]),
      Bm: memory(({ B }, _, c) => B[c]),
    },
    fixed: ['Am', 'Bm'],
  });
}
