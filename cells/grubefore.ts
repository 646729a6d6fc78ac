/**
 * The equations of the gated recurrent unit that resets the old state before it is multiplied by its weights; v is the
 * reset state.
 *
 * Source: Cho et al. 2014 (arXiv 1406.1078, v3).
 */
import { plain, type Activation } from './activation';
import type { CellEquations, Optional } from './define';

export const resetBefore = (
  b: Optional,
  [gate, content]: readonly Activation[] = ['sigmoid', 'tanh'],
  { lines, factor } = plain,
): CellEquations => ({
  name: 'gru',
  shapes: `
      x [D]   states h [H]   gates a = r z n [H]
      parameters Wx [D, 3H]   Wh [H, 3H]   ${b`b [3H]`}`,
  forward: lines(`
      a = x @ Wx${b` + b`}
      arz += hPrev @ Whrz
      r = ${gate}(ar)
      v = r * hPrev
      an += v @ Whn
      z = ${gate}(az)
      n = ${content}(an)
      h = (1 - z) * n + z * hPrev`),
  backward: `
      dh = dhOut + dhNext          # two paths reach h: the output at t, and the step t + 1
      dan = dh * (1 - z) * ${factor(content, 'n')}
      daz = dh * (hPrev - n) * ${factor(gate, 'z')}
      dhPrev = dh * z
      dv = dan @ Whn.T
      dar = dv * hPrev * ${factor(gate, 'r')}
      dhPrev += dv * r             # four paths leave hPrev: kept by z, through v, and through r and z
      dhPrev += darz @ Whrz.T
      dx = da @ Wx.T
      dWx += x.T @ da
      dWhrz += hPrev.T @ darz
      dWhn += v.T @ dan
      ${b`db += sum(da)`}`,
  jacobian: `
      Jarz = Whrz.T @ JhPrev
      Jr = Jar * ${factor(gate, 'r')}
      Jv = Jr * hPrev + r * JhPrev
      Jan = Whn.T @ Jv
      Jz = Jaz * ${factor(gate, 'z')}
      Jn = Jan * ${factor(content, 'n')}
      Jh = Jz * (hPrev - n) + (1 - z) * Jn + z * JhPrev`,
});
