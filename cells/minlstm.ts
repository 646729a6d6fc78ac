/**
 * The minimal long short-term memory: gates that see the input alone and are divided by their sum, no output gate, and
 * no tanh, so that the memory is the output.
 *
 * Source: Feng et al. 2024, "Were RNNs all we needed?" (arXiv 2410.01201), section 3.2, without their form in logarithms.
 */
import type { Cell } from './cell';
import { when, type CellEquations, type Optional } from './define';
import { checkLinearOptions, linearCell, type LinearCellOptions } from './parts/linear';

const equations = (b: Optional): CellEquations => ({
  name: 'minlstm',
  shapes: `
    x [D]   states h [H]   gates a = i f n [H]
    parameters Wx [D, 3H]   ${b`b [3H]`}`,
  forward: `
    a = x @ Wx${b` + b`}
    i = sigmoid(ai)
    f = sigmoid(af)
    n = an                       # the candidate, without activation
    p = f / (f + i)              # the share that is kept
    q = i / (f + i)              # the share that is new: p + q = 1
    h = p * hPrev + q * n`,
  backward: `
    dh = dhOut + dhNext          # two paths reach h: the output at t, and the step t + 1
    dp = dh * (hPrev - n)       # two paths reach h from p: kept, and through q = 1 - p
    daf = dp * p * q * (1 - f)   # dp/df = i / (f + i)^2 = p * q / f
    dai = -dp * p * q * (1 - i)  # dp/di = -f / (f + i)^2 = -p * q / i
    dan = dh * q
    dhPrev = dh * p              # one path leaves hPrev: the gates do not see it
    dx = da @ Wx.T
    dWx += x.T @ da
    ${b`db += sum(da)`}`,
  jacobian: `
    Jh = p * JhPrev              # diagonal, and known before the states`,
});

/**
 * A minimal long short-term memory cell; gates are stored in the order i f n, the candidate n without activation.
 *
 *   parameters Wx [D, 3H]   b [3H]      state h [B, H]
 *
 * Source: Feng et al. 2024, "Were RNNs all we needed?".
 * @throws RangeError for sizes below 1; TypeError for an unknown option, such as `recurrentInit`.
 * @example minlstm({ input: 4, hidden: 5 }).parameters.Wx.shape // [4, 15]
 */
export function minlstm(options: LinearCellOptions): Cell {
  checkLinearOptions(options, 'minlstm');
  return linearCell(equations(when(options.bias ?? true)), 3, options);
}
