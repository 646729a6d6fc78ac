/**
 * The vanilla recurrent network: a hidden state that is fed back to itself, h_t = tanh(x_t Wx + h_{t−1} Wh + b).
 *
 * Source: Elman 1990, "Finding structure in time".
 */
import { mustBeOneOf } from '../core/check';
import { constant } from '../core/random/init';
import { activationNames, withActivations, type Activation } from './parts/activation';
import { checkCellOptions, weightInit, type Cell, type CellOptions } from './cell';
import { cell, when, type CellEquations, type Optional } from './define';

/**
 * The equations of one step, in the notation of NumPy: of a value v, `dv` is dL/dv, and a row of x, h and z is one sequence of the
 * batch. `define.ts` defines the notation, and the Jacobian, ∂h_t/∂h_{t−1}. The tag `b` omits its text in a layer without
 * biases. The slope of tanh is written in terms of h, which forward saved: tanh'(z) = 1 - h * h.
 */
export const elmanEquations = (b: Optional): CellEquations => ({
  name: 'elman',
  shapes: `x [D]   states h [H]   parameters Wx [D, H]   Wh [H, H]   ${b`b [H]`}`,
  forward: `
      z = x @ Wx + hPrev @ Wh${b` + b`}
      h = tanh(z)`,
  backward: `
      dh = dhOut + dhNext          # two paths reach h: the output at t, and the step t + 1
      dz = dh * (1 - h * h)
      dx = dz @ Wx.T
      dhPrev = dz @ Wh.T
      dWx += x.T @ dz
      dWh += hPrev.T @ dz
      ${b`db += sum(dz)`}`,
  jacobian: `
      Jz = Wh.T @ JhPrev
      Jh = Jz * (1 - h * h)        # in matrices: diag(f'(z)) Wh.T JhPrev`,
});

/** Options of `elman`. */
export interface ElmanOptions extends CellOptions {
  /** f in h = f(z); default tanh. */
  activation?: Activation;
}

/**
 * A vanilla recurrent cell, h = f(x Wx + hPrev Wh + b).
 *
 *   parameters Wx [D, H]   Wh [H, H]   b [H]      state h [B, H]
 *
 * Source: Elman 1990, "Finding structure in time".
 * @throws RangeError for sizes below 1; TypeError for an unknown option or activation.
 * @example elman({ input: 4, hidden: 5, activation: 'tanh' }).parameters.Wh.shape // [5, 5]
 */
export function elman(options: ElmanOptions): Cell {
  checkCellOptions(options, 'elman', ['activation']);
  const { input: D, hidden: H, bias = true, activation = 'tanh' } = options;
  const { inputInit = 'glorot', recurrentInit = 'orthogonal' } = options;
  mustBeOneOf(activation, activationNames, 'elman', 'activation');
  return cell(withActivations(elmanEquations(when(bias)), { h: activation }), {
    sizes: { D, H },
    options: { ...options, bias, activation, inputInit, recurrentInit },
    init: {
      Wx: weightInit(inputInit, H, 'elman'),
      Wh: weightInit(recurrentInit, H, 'elman'),
      b: constant(0),
    },
  });
}
