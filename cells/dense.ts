/**
 * A dense layer, h = f(x W + b): the same at every step, without memory. It stands between, below or above recurrent layers.
 *
 * In the form of a cell: the output h is its state, which the next step does not read.
 */
import { mustBeOneOf } from '../core/check';
import { constant } from '../core/random/init';
import { activationNames, withActivations, type Activation } from './parts/activation';
import { weightInit, type Cell } from './cell';
import { cell, when, type CellEquations, type Optional } from './define';
import { checkLinearOptions, surroundings, type LinearCellOptions } from './parts/linear';

/** The tag `f` omits its text without an activation, `n` with one. */
const equations = (b: Optional, f: Optional, n: Optional): CellEquations => ({
  name: 'dense',
  shapes: `x [D]   states h [H]   parameters Wx [D, H]   ${b`b [H]`}`,
  forward: `
      z = x @ Wx${b` + b`}
      ${f`h = tanh(z)`}${n`h = z`}`,
  backward: `
      dh = dhOut + dhNext          # two paths reach h: the output at t, and a loss on the final state
      ${f`dz = dh * (1 - h * h)`}${n`dz = dh`}
      dx = dz @ Wx.T
      dhPrev = 0                   # no path leaves hPrev: there is no memory
      dWx += x.T @ dz
      ${b`db += sum(dz)`}`,
  jacobian: `
      Jh = 0 * JhPrev`,
});

/** Options of `dense`. */
export interface DenseOptions extends LinearCellOptions {
  /** f in h = f(x W + b); default tanh. */
  activation?: Activation | 'none';
}

/**
 * A dense layer, h = f(x Wx + b), at every step.
 *
 *   parameters Wx [D, H]   b [H]      state h [B, H], the output of the last step, which no step reads
 *
 * @throws RangeError for sizes below 1; TypeError for an unknown option or activation.
 * @example
 * const deep = network({
 *   layers: [gru({ input: 4, hidden: 8 }), dense({ input: 8, hidden: 5, activation: 'relu' }), gru({ input: 5, hidden: 8 })],
 *   output: 2,
 * });
 * deep.parameters.values['l1.Wx'].shape // [8, 5]
 */
export function dense(options: DenseOptions): Cell {
  checkLinearOptions(options, 'dense', ['activation']);
  const { input: D, hidden: H, bias = true, inputInit = 'glorot', activation = 'tanh' } = options;
  mustBeOneOf(activation, [...activationNames, 'none'], 'dense', 'activation');
  const linear = activation === 'none';
  const plain = equations(when(bias), when(!linear), when(linear));
  return cell(linear ? plain : withActivations(plain, { h: activation }), {
    sizes: { D, H },
    options: { input: D, hidden: H, bias, inputInit, activation, ...surroundings(options) },
    init: { Wx: weightInit(inputInit, H, 'dense'), b: constant(0) },
  });
}
