/**
 * The gated recurrent unit that resets the old state before it is multiplied by its weights.
 *
 *   shapes as in `gru.ts`; v [B, H] is the reset state
 *
 * Forward, reset 'before' the product
 *   a = x Wx + b
 *   arz += hPrev Whrz
 *   r = sigmoid(ar)
 *   v = r * hPrev
 *   an += v Whn
 *   z = sigmoid(az)
 *   n = tanh(an)
 *   h = (1 - z) * n + z * hPrev
 *
 * Backward
 *   dh = dhOut + dhNext
 *   dan = dh * (1 - z) * (1 - n * n)
 *   daz = dh * (hPrev - n) * z * (1 - z)
 *   dhPrev = dh * z
 *   dv = dan Whnᵀ
 *   dar = dv * hPrev * r * (1 - r)
 *   dhPrev = dhPrevKept + dv * r
 *   dhPrev += darz Whrzᵀ
 *   dx = da Wxᵀ
 *   dWx += xᵀ da
 *   dWhrz += hPrevᵀ darz
 *   dWhn += vᵀ dan
 *   db += Σ da
 *
 * Jacobian
 *   Jarz = Whrzᵀ JhPrev
 *   Jr = Jar * r * (1 - r)
 *   Jv = Jr * hPrev + r * JhPrev
 *   Jan = Whnᵀ Jv
 *   Jz = Jaz * z * (1 - z)
 *   Jn = Jan * (1 - n * n)
 *   Jh = Jz * (hPrev - n) + (1 - z) * Jn + z * JhPrev
 *
 * Source: Cho et al. 2014 (arXiv 1406.1078, v3).
 */
import type { Program } from '../core/program';
import { add, mul, named, sigmoid, sub, tanh } from '../core/scalar';
import { statement } from '../core/statement';
import { transpose, type Tensors } from '../core/tensor';
import type { Cell } from './cell';

/** The reset gate comes first: the candidate's product needs what it let through. */
export const resetForward = statement(({ ar, hPrev }) => {
  const r = sigmoid(ar);
  return { r, v: mul(r, hPrev) };
});

export const blendForward = statement(({ az, an, hPrev }) => {
  const z = sigmoid(az);
  const n = tanh(an);
  return { z, n, h: add(mul(sub(1, z), n), mul(z, hPrev)) };
});

export const blendBackward = statement(({ z, n, hPrev, dhOut, dhNext }) => {
  // two paths reach h: the output at t, and the step at t+1
  const dh = named('dh', add(dhOut, dhNext));
  const dan = mul(mul(dh, sub(1, z)), sub(1, mul(n, n)));
  const daz = mul(mul(mul(dh, sub(hPrev, n)), z), sub(1, z));
  return { dan, daz, dhPrev: mul(dh, z) };
});

export const resetBackward = statement(({ r, hPrev, dv, dhPrevKept }) => {
  const dar = mul(mul(mul(dv, hPrev), r), sub(1, r));
  // four paths leave hPrev: kept by z, through v = r * hPrev here; through r and z in the products that follow
  return { dar, dhPrev: add(dhPrevKept, mul(dv, r)) };
});

export const resetJacobian = statement(({ r, hPrev, Jar, JhPrev }) => {
  const Jr = named('Jr', mul(mul(Jar, r), sub(1, r)));
  return { Jv: add(mul(Jr, hPrev), mul(r, JhPrev)) };
});

export const blendJacobian = statement(({ z, n, hPrev, Jaz, Jan, JhPrev }) => {
  const Jz = named('Jz', mul(mul(Jaz, z), sub(1, z)));
  const Jn = named('Jn', mul(Jan, sub(1, mul(n, n))));
  return { Jh: add(add(mul(Jz, sub(hPrev, n)), mul(sub(1, z), Jn)), mul(z, JhPrev)) };
});

/** What the two forms of the cell differ in. */
export type ResetForm = Pick<Cell, 'statements' | 'step' | 'stepBackward' | 'jacobian'>;

export const resetBefore = (bias: boolean): ResetForm => ({
  statements: [
    { forward: blendForward, backward: blendBackward, jacobian: blendJacobian },
    { forward: resetForward, backward: resetBackward, jacobian: resetJacobian },
  ],

  step(program: Program, v: Tensors) {
    program.matmul(v.x, v.Wx, v.a, { bias: v.b });
    program.matmul(v.hPrev, v.Whrz, v.arz, { accumulate: true });
    program.pointwise(resetForward, v);
    program.matmul(v.v, v.Whn, v.an, { accumulate: true });
    program.pointwise(blendForward, v);
  },

  stepBackward(program: Program, v: Tensors) {
    program.pointwise(blendBackward, v);
    program.matmul(v.dan, transpose(v.Whn), v.dv);
    program.pointwise(resetBackward, { ...v, dhPrevKept: v.dhPrev });
    program.matmul(v.darz, transpose(v.Whrz), v.dhPrev, { accumulate: true });
    program.matmul(v.da, transpose(v.Wx), v.dx);
    program.matmul(transpose(v.x), v.da, v.dWx, { accumulate: true });
    program.matmul(transpose(v.hPrev), v.darz, v.dWhrz, { accumulate: true });
    program.matmul(transpose(v.v), v.dan, v.dWhn, { accumulate: true });
    if (bias) program.sumRows(v.da, v.db, { accumulate: true });
  },

  jacobian(program: Program, v: Tensors) {
    program.matmul(transpose(v.Whrz), v.JhPrev, v.Jarz);
    program.pointwise(resetJacobian, v);
    program.matmul(transpose(v.Whn), v.Jv, v.Jan);
    program.pointwise(blendJacobian, v);
  },
});
