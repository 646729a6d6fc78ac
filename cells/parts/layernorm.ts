/**
 * Layer normalization of a layer's input: each row is shifted and scaled to mean 0 and variance 1, then by a trained gain and
 * shift. What the cell calls x becomes xn.
 *
 * The mean and the deviation depend on all D numbers of a row, so the gradient of each reaches all: with x̂ the normalized row
 * and s the inverse of its deviation, dx = s (dx̂ − mean(dx̂) − x̂ mean(dx̂ x̂)).
 *
 * Source: Ba, Kiros & Hinton 2016, "Layer normalization", with the epsilon of PyTorch; before each layer, as Xiong et al. 2020.
 */
import { must } from '../../core/check';
import type { CellEquations } from '../cell';

/** @throws RangeError for a single number, which less its mean is 0. */
export const mustNormalize = (count: number, where: string, what: string): void =>
  must(count > 1, where, what, count, 'a single number, normalized, is always 0');

/** The names that stand for the input and its gradient, in the text of a cell. */
const input = /(?<!\w)x(?!\w)/g;
const inputGradient = /(?<!\w)dx(?!\w)/g;

/**
 * The equations of a cell, with its input of D numbers normalized.
 *
 *   parameters of the cell, gain [D]   shift [D]
 *
 * @throws RangeError for D = 1.
 * @example withLayerNorm(gru({ input: 2, hidden: 3 }).equations!, 2).forward.includes('a = xn @ Wx + b') // true
 */
export function withLayerNorm(equations: CellEquations, D: number): CellEquations {
  const { name, shapes, forward, backward, jacobian } = equations;
  mustNormalize(D, name, 'input must be >= 2 with layerNorm');
  return {
    ...equations,
    shapes: `${shapes}
      parameters gain [D]   shift [D]`,
    forward: `
      xc = x - sum(x, axis=1) / D
      xs = 1 / sqrt(sum(xc * xc, axis=1) / D + 1e-5)
      xh = xc * xs
      xn = gain * xh + shift
${forward.replace(input, 'xn')}`,
    backward: `${backward.replace(input, 'xn').replace(inputGradient, 'dxn')}
      dxh = dxn * gain
      dx = xs * (dxh - sum(dxh, axis=1) / D - xh * (sum(dxh * xh, axis=1) / D))   # three paths: xh, mean, deviation
      dgain += sum(dxn * xh)
      dshift += sum(dxn)`,
    ...(jacobian !== undefined && { jacobian: jacobian.replace(input, 'xn') }),
  };
}
