/**
 * The reservoir of an echo state network: leaky tanh units whose weights are drawn at random and never trained. Only an
 * output layer learns, by `fitReadout`.
 *
 * Source: Jaeger 2001, "The echo state approach to analysing and training recurrent neural networks" (GMD report 148). Its
 * recurrent matrix is sparse; here it is orthogonal times the spectral radius, so that all eigenvalues are on one circle.
 */
import { must, mustBeSwitch, mustCount, mustKnowKeys } from '../core/check';
import { constant, orthogonal, uniform } from '../core/random/init';
import type { Cell, CellOptions } from './cell';
import { cell, when, type CellEquations, type Optional } from './define';

const equations = (b: Optional): CellEquations => ({
  name: 'reservoir',
  shapes: `x [D]   states h [H]   parameters Wx [D, H]   Wh [H, H]   leak [1]   ${b`b [H]`}`,
  forward: `
    z = x @ Wx + hPrev @ Wh${b` + b`}
    g = tanh(z)
    h = hPrev + leak * (g - hPrev)       # leak = 1: nothing of the old state but what Wh brings`,
  backward: `
    dh = dhOut + dhNext                  # two paths reach h: the output at t, and the step t + 1
    dz = leak * dh * (1 - g * g)
    dx = dz @ Wx.T
    dhPrev = dh - leak * dh + dz @ Wh.T  # two paths leave hPrev: what stays, and through Wh
    dWx += x.T @ dz                      # checked as in other cells, but no parameter is trained
    dWh += hPrev.T @ dz
    ${b`db += sum(dz)`}
    each = sum(dh * (g - hPrev), axis=1)
    dleak += sum(each)`,
  jacobian: `
    Jz = Wh.T @ JhPrev
    Jh = JhPrev + leak * (Jz * (1 - g * g) - JhPrev)`,
});

/** Options of `reservoir`. */
export interface ReservoirOptions extends Pick<CellOptions, 'input' | 'hidden' | 'bias'> {
  /** Modulus of all eigenvalues of Wh; default 0.95. Below 1, the reservoir forgets its first state. */
  spectralRadius?: number;
  /** Share of the new value in each step, above 0 and at most 1; default 1. A small one makes slow units. */
  leak?: number;
  /** Weights of the input are uniform in ± this; default 1. */
  inputScale?: number;
  /** Biases are uniform in ± this; default 0.2. */
  biasScale?: number;
}

/**
 * A reservoir of leaky tanh units, whose parameters are fixed.
 *
 *   fixed Wx [D, H]   Wh [H, H]   leak [1]   b [H]      state h [B, H]
 *
 * Source: Jaeger 2001, with an orthogonal matrix.
 * @throws RangeError for sizes below 1, a leak outside (0, 1], a negative or infinite scale or radius; TypeError for an
 *   unknown option.
 * @example
 * const net = network({ layers: [reservoir({ input: 1, hidden: 50 })], output: 1 });
 * net.parameters.trained // ['head.Wy', 'head.by']
 */
export function reservoir(options: ReservoirOptions): Cell {
  const where = 'reservoir';
  const own = ['spectralRadius', 'leak', 'inputScale', 'biasScale'];
  mustKnowKeys(options, ['input', 'hidden', 'bias', ...own], where);
  mustCount(options.input, where, 'input');
  mustCount(options.hidden, where, 'hidden');
  mustBeSwitch(options, 'bias', where);
  const { input: D, hidden: H, bias = true } = options;
  const { spectralRadius = 0.95, leak = 1, inputScale = 1, biasScale = bias ? 0.2 : 0 } = options;
  const scales = { spectralRadius, inputScale, biasScale };
  for (const [name, value] of Object.entries(scales))
    must(Number.isFinite(value) && value >= 0, where, `${name} must be a number >= 0`, value);
  must(bias || biasScale === 0, where, 'biasScale must be 0 without biases', biasScale);
  must(Number.isFinite(leak) && leak > 0 && leak <= 1, where, 'leak must be above 0 and at most 1', leak);
  return cell(equations(when(bias)), {
    sizes: { D, H },
    options: { input: D, hidden: H, bias, ...scales, leak },
    init: {
      ...{ Wx: uniform(inputScale), Wh: orthogonal(spectralRadius), b: uniform(biasScale) },
      leak: constant(leak),
    },
    fixed: ['Wx', 'Wh', 'leak', 'b'],
  });
}
