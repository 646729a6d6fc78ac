/**
 * The equations of the gated recurrent unit that applies the reset gate to the old state before the product with its
 * weights; v is the reset state.
 *
 * Source: Cho et al. 2014 (arXiv 1406.1078, v3).
 */
import type { CellEquations, Optional } from '../define';

export const resetBefore = (b: Optional): CellEquations => ({
  name: 'gru',
  shapes: `
      x [D]   states h [H]   gates a = r z n [H]
      parameters Wx [D, 3H]   Wh [H, 3H]   ${b`b [3H]`}`,
  forward: `
      a = x @ Wx${b` + b`}
      arz += hPrev @ Whrz
      r = sigmoid(ar)
      v = r * hPrev
      an += v @ Whn
      z = sigmoid(az)
      n = tanh(an)
      h = (1 - z) * n + z * hPrev`,
  backward: `
      dh = dhOut + dhNext          # two paths reach h: the output at t, and the step t + 1
      dan = dh * (1 - z) * (1 - n * n)
      daz = dh * (hPrev - n) * z * (1 - z)
      dhPrev = dh * z
      dv = dan @ Whn.T
      dar = dv * hPrev * r * (1 - r)
      dhPrev += dv * r             # four paths leave hPrev: kept by z, through v, and through r and z
      dhPrev += darz @ Whrz.T
      dx = da @ Wx.T
      dWx += x.T @ da
      dWhrz += hPrev.T @ darz
      dWhn += v.T @ dan
      ${b`db += sum(da)`}`,
  jacobian: `
      Jarz = Whrz.T @ JhPrev
      Jr = Jar * r * (1 - r)
      Jv = Jr * hPrev + r * JhPrev
      Jan = Whn.T @ Jv
      Jz = Jaz * z * (1 - z)
      Jn = Jan * (1 - n * n)
      Jh = Jz * (hPrev - n) + (1 - z) * Jn + z * JhPrev`,
});
