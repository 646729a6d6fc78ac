/**
 * The gated recurrent unit; z keeps the old state: h = (1 - z) * n + z * hPrev. Gates are stored in the order r z n, so
 * `arz` are the columns of a that belong to r and z, and `Whn` the columns of Wh that belong to n.
 *
 * The form that applies the reset before the product is in `cells/parts/grubefore.ts`; the two agree only if Whn is diagonal.
 * Source: Cho et al. 2014 (arXiv 1406.1078, v1 for this form); the same form as cuDNN's and PyTorch's.
 */
import { mustBeOneOf } from '../core/check';
import { constant, gates } from '../core/random/init';
import { checkCellOptions, weightInit, type Cell, type CellOptions } from './cell';
import { cell, when, type CellEquations, type Optional } from './define';
import { resetBefore } from './parts/grubefore';

export const resetAfter = (b: Optional): CellEquations => ({
  name: 'gru',
  shapes: `
      x [D]   states h [H]   gates a = r z n [H]
      parameters Wx [D, 3H]   Wh [H, 3H]   ${b`b [3H]   bhn [H]`}`,
  forward: `
      a = x @ Wx${b` + b`}
      arz += hPrev @ Whrz
      u = hPrev @ Whn${b` + bhn`}
      r = sigmoid(ar)
      z = sigmoid(az)
      n = tanh(an + r * u)
      h = (1 - z) * n + z * hPrev`,
  backward: `
      dh = dhOut + dhNext          # two paths reach h: the output at t, and the step t + 1
      dan = dh * (1 - z) * (1 - n * n)
      daz = dh * (hPrev - n) * z * (1 - z)
      dar = dan * u * r * (1 - r)
      du = dan * r
      dhPrev = dh * z + darz @ Whrz.T + du @ Whn.T   # four paths leave hPrev: kept by z, and through r, z and u
      dx = da @ Wx.T
      dWx += x.T @ da
      dWhrz += hPrev.T @ darz
      dWhn += hPrev.T @ du
      ${b`db += sum(da)`}
      ${b`dbhn += sum(du)`}`,
  jacobian: `
      Jarz = Whrz.T @ JhPrev
      Ju = Whn.T @ JhPrev
      Jr = Jar * r * (1 - r)
      Jz = Jaz * z * (1 - z)
      Jn = (Jr * u + r * Ju) * (1 - n * n)
      Jh = Jz * (hPrev - n) + (1 - z) * Jn + z * JhPrev`,
});

/** Options of `gru`. `inputInit` and `recurrentInit` fill each gate separately. */
export interface GruOptions extends CellOptions {
  /** Whether r scales hPrev Whn ('after', the default) or hPrev itself ('before'). */
  reset?: 'after' | 'before';
}

/**
 * A gated recurrent unit; gates are stored in the order r z n.
 *
 *   parameters Wx [D, 3H]   Wh [H, 3H]   b [3H]   bhn [H] (reset 'after' only)      state h [B, H]
 *
 * @throws RangeError for sizes below 1; TypeError for an unknown option.
 * @example gru({ input: 4, hidden: 5 }).parameters.Wh.shape // [5, 15]
 */
export function gru(options: GruOptions): Cell {
  checkCellOptions(options, 'gru', ['reset']);
  const { input: D, hidden: H, bias = true, reset = 'after' } = options;
  const { inputInit = 'glorot', recurrentInit = 'orthogonal' } = options;
  mustBeOneOf(reset, ['after', 'before'], 'gru', 'reset');
  const equations = (reset === 'after' ? resetAfter : resetBefore)(when(bias));
  return cell(equations, {
    sizes: { D, H },
    options: { ...options, bias, reset, inputInit, recurrentInit },
    init: {
      Wx: gates(3, weightInit(inputInit, H, 'gru')),
      Wh: gates(3, weightInit(recurrentInit, H, 'gru')),
      ...{ b: constant(0), bhn: constant(0) },
    },
  });
}
