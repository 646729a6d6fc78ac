/**
 * The minimal gated recurrent unit: a GRU whose gate and candidate see the input alone, without reset gate and tanh.
 *
 * Source: Feng et al. 2024, "Were RNNs all we needed?" (arXiv 2410.01201), section 3.1, without their form in logarithms.
 * z blends in the candidate there; this is the complement of the z of `gru.ts`, which keeps the old state.
 */
import type { Cell } from './cell';
import { when, type CellEquations, type Optional } from './define';
import { checkLinearOptions, linearCell, type LinearCellOptions } from './parts/linear';

const equations = (b: Optional): CellEquations => ({
  name: 'mingru',
  shapes: `
    x [D]   states h [H]   gates a = z n [H]
    parameters Wx [D, 2H]   ${b`b [2H]`}`,
  forward: `
    a = x @ Wx${b` + b`}
    z = sigmoid(az)
    n = an                       # the candidate, without activation
    h = (1 - z) * hPrev + z * n`,
  backward: `
    dh = dhOut + dhNext          # two paths reach h: the output at t, and the step t + 1
    daz = dh * (n - hPrev) * z * (1 - z)
    dan = dh * z
    dhPrev = dh * (1 - z)        # one path leaves hPrev: the gate does not see it
    dx = da @ Wx.T
    dWx += x.T @ da
    ${b`db += sum(da)`}`,
  jacobian: `
    Jh = (1 - z) * JhPrev        # diagonal, and known before the states`,
});

/**
 * A minimal gated recurrent unit; gates are stored in the order z n, the candidate n without activation.
 *
 *   parameters Wx [D, 2H]   b [2H]      state h [B, H]
 *
 * Source: Feng et al. 2024, "Were RNNs all we needed?".
 * @throws RangeError for sizes below 1; TypeError for an unknown option, such as `recurrentInit`.
 * @example mingru({ input: 4, hidden: 5 }).parameters.Wx.shape // [4, 10]
 */
export function mingru(options: LinearCellOptions): Cell {
  checkLinearOptions(options, 'mingru');
  return linearCell(equations(when(options.bias ?? true)), 2, options);
}
