/**
 * The gated recurrent unit; z keeps the old state: h = (1 - z) * n + z * hPrev.
 *
 *   x [B, D]   h, r, z, n, u [B, H]   a = [ar az an] [B, 3H]   Wx [D, 3H]   Wh [H, 3H]   b [3H]   bhn [H]
 *   Whrz, Whn: the columns of Wh that belong to [r z] and to n; arz, darz: the columns of a, da that do
 *
 * Forward, reset 'after' the product
 *   a = x Wx + b
 *   arz += hPrev Whrz
 *   u = hPrev Whn + bhn
 *   r = sigmoid(ar)
 *   z = sigmoid(az)
 *   n = tanh(an + r * u)
 *   h = (1 - z) * n + z * hPrev
 *
 * Backward
 *   dh = dhOut + dhNext
 *   dan = dh * (1 - z) * (1 - n * n)
 *   daz = dh * (hPrev - n) * z * (1 - z)
 *   dar = dan * u * r * (1 - r)
 *   du = dan * r
 *   dhPrev = dh * z
 *   dhPrev += darz Whrzᵀ
 *   dhPrev += du Whnᵀ
 *   dx = da Wxᵀ
 *   dWx += xᵀ da
 *   dWhrz += hPrevᵀ darz
 *   dWhn += hPrevᵀ du
 *   db += Σ da
 *   dbhn += Σ du
 *
 * Jacobian
 *   Jarz = Whrzᵀ JhPrev
 *   Ju = Whnᵀ JhPrev
 *   Jr = Jar * r * (1 - r)
 *   Jz = Jaz * z * (1 - z)
 *   Jn = (Jr * u + r * Ju) * (1 - n * n)
 *   Jh = Jz * (hPrev - n) + (1 - z) * Jn + z * JhPrev
 *
 * The form that resets before the product stands in `grubefore.ts`; the two agree only where Whn is diagonal.
 * Source: Cho et al. 2014 (arXiv 1406.1078, v1 for this form); the same form as cuDNN's and PyTorch's.
 */
import { mustBeOneOf } from '../core/check';
import { constant, gates } from '../core/init';
import type { Program } from '../core/program';
import { add, mul, named, sigmoid, sub, tanh } from '../core/scalar';
import { statement } from '../core/statement';
import { transpose, type Tensors } from '../core/tensor';
import { checkCellOptions, split, weightInit, type Cell, type CellOptions } from './cell';
import { resetBefore, type ResetForm } from './grubefore';

export const gruForward = statement(({ ar, az, an, u, hPrev }) => {
  const r = sigmoid(ar);
  const z = sigmoid(az);
  const n = tanh(add(an, mul(r, u)));
  return { r, z, n, h: add(mul(sub(1, z), n), mul(z, hPrev)) };
});

export const gruBackward = statement(({ r, z, n, u, hPrev, dhOut, dhNext }) => {
  // two paths reach h: the output at t, and the step at t+1
  const dh = named('dh', add(dhOut, dhNext));
  const dan = mul(mul(dh, sub(1, z)), sub(1, mul(n, n)));
  const daz = mul(mul(mul(dh, sub(hPrev, n)), z), sub(1, z));
  const dar = mul(mul(mul(dan, u), r), sub(1, r));
  // four paths leave hPrev: kept by z here; through r, z and u in the products that follow
  return { dan, daz, dar, du: mul(dan, r), dhPrev: mul(dh, z) };
});

export const gruJacobian = statement(({ r, z, n, u, hPrev, Jar, Jaz, Ju, JhPrev }) => {
  const Jr = named('Jr', mul(mul(Jar, r), sub(1, r)));
  const Jz = named('Jz', mul(mul(Jaz, z), sub(1, z)));
  const Jn = named('Jn', mul(add(mul(Jr, u), mul(r, Ju)), sub(1, mul(n, n))));
  return { Jh: add(add(mul(Jz, sub(hPrev, n)), mul(sub(1, z), Jn)), mul(z, JhPrev)) };
});

/** What `gru` is built from. `inputInit` and `recurrentInit` fill each gate by itself. */
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
  const after = reset === 'after';

  return {
    name: 'gru',
    input: D,
    hidden: H,
    options: { ...options, bias, reset, inputInit, recurrentInit },
    parameters: {
      Wx: { shape: [D, 3 * H], init: gates(3, weightInit(inputInit, H, 'gru')) },
      Wh: { shape: [H, 3 * H], init: gates(3, weightInit(recurrentInit, H, 'gru')) },
      ...(bias && { b: { shape: [3 * H], init: constant(0) } }),
      ...(bias && after && { bhn: { shape: [H], init: constant(0) } }),
    },
    states: { h: H },
    buffers: { a: 3 * H, da: 3 * H, ...(after ? { u: H, du: H } : { v: H, dv: H }) },
    parts: {
      ...split('a', H, 'ar az an'),
      ...split('a', H, 'r z n'), // the gates replace their pre-activations in place
      ...split('da', H, 'dar daz dan'),
      arz: { of: 'a', from: 0, to: 2 * H },
      darz: { of: 'da', from: 0, to: 2 * H },
      Whrz: { of: 'Wh', from: 0, to: 2 * H },
      Whn: { of: 'Wh', from: 2 * H, to: 3 * H },
      dWhrz: { of: 'dWh', from: 0, to: 2 * H },
      dWhn: { of: 'dWh', from: 2 * H, to: 3 * H },
    },
    ...(after ? resetAfter(bias) : resetBefore(bias)),
  };
}

const resetAfter = (bias: boolean): ResetForm => ({
  statements: [{ forward: gruForward, backward: gruBackward, jacobian: gruJacobian }],

  step(program: Program, v: Tensors) {
    program.matmul(v.x, v.Wx, v.a, { bias: v.b });
    program.matmul(v.hPrev, v.Whrz, v.arz, { accumulate: true });
    program.matmul(v.hPrev, v.Whn, v.u, { bias: v.bhn });
    program.pointwise(gruForward, v);
  },

  stepBackward(program: Program, v: Tensors) {
    program.pointwise(gruBackward, v);
    program.matmul(v.darz, transpose(v.Whrz), v.dhPrev, { accumulate: true });
    program.matmul(v.du, transpose(v.Whn), v.dhPrev, { accumulate: true });
    program.matmul(v.da, transpose(v.Wx), v.dx);
    program.matmul(transpose(v.x), v.da, v.dWx, { accumulate: true });
    program.matmul(transpose(v.hPrev), v.darz, v.dWhrz, { accumulate: true });
    program.matmul(transpose(v.hPrev), v.du, v.dWhn, { accumulate: true });
    if (bias) program.sumRows(v.da, v.db, { accumulate: true });
    if (bias) program.sumRows(v.du, v.dbhn, { accumulate: true });
  },

  jacobian(program: Program, v: Tensors) {
    program.matmul(transpose(v.Whrz), v.JhPrev, v.Jarz);
    program.matmul(transpose(v.Whn), v.JhPrev, v.Ju);
    program.pointwise(gruJacobian, v);
  },
});
