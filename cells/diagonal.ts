/**
 * The diagonal linear unit: each state is multiplied by an eigenvalue p that the input chooses, in (0, 1) or in (−1, 1).
 * Without negative eigenvalues, it cannot compute a parity.
 *
 * Source: Grazzi et al. 2024, "Unlocking state-tracking in linear RNNs through negative eigenvalues" (arXiv 2411.12537):
 * the diagonal linear recurrence of their equation 1, with the range of its eigenvalues extended by 2 s − 1.
 */
import { mustBeOneOf } from '../core/check';
import type { Cell } from './cell';
import { when, type CellEquations } from './define';
import { checkLinearOptions, linearCell, type LinearCellOptions } from './parts/linear';

const equations = (bias: boolean, signed: boolean): CellEquations => {
  const [b, two] = [when(bias), when(signed)];
  const s = signed ? 's' : 'p'; // in (0, 1), the eigenvalue is the squashed gate itself
  return {
    name: 'diagonal',
    shapes: `
      x [D]   states h [H]   gates a = s q [H]
      parameters Wx [D, 2H]   ${b`b [2H]`}`,
    forward: `
      a = x @ Wx${b` + b`}
      ${s} = sigmoid(as)
      ${two`p = 2 * s - 1`}
      h = p * hPrev + aq`,
    backward: `
      dh = dhOut + dhNext          # two paths reach h: the output at t, and the step t + 1
      das = ${two`2 * `}dh * hPrev * ${s} * (1 - ${s})
      daq = dh
      dhPrev = dh * p              # one path leaves hPrev: the eigenvalues do not depend on it
      dx = da @ Wx.T
      dWx += x.T @ da
      ${b`db += sum(da)`}`,
    jacobian: `
      Jh = p * JhPrev              # diagonal, and known before the states`,
  };
};

/** Options of `diagonal`. */
export interface DiagonalOptions extends LinearCellOptions {
  /** Range of the eigenvalues: 'positive' (0, 1), the default, or 'signed' (−1, 1). */
  eigenvalues?: 'positive' | 'signed';
}

/**
 * A diagonal linear unit, h = p ⊙ hPrev + q, where p and q depend on the input; gates are stored in the order s q.
 *
 *   parameters Wx [D, 2H]   b [2H]      state h [B, H]
 *
 * Source: Grazzi et al. 2024, "Unlocking state-tracking in linear RNNs through negative eigenvalues".
 * @throws RangeError for sizes below 1; TypeError for an unknown option, such as `recurrentInit`, or range.
 * @example diagonal({ input: 4, hidden: 5, eigenvalues: 'signed' }).parameters.Wx.shape // [4, 10]
 */
export function diagonal(options: DiagonalOptions): Cell {
  checkLinearOptions(options, 'diagonal', ['eigenvalues']);
  const { bias = true, eigenvalues = 'positive' } = options;
  mustBeOneOf(eigenvalues, ['positive', 'signed'], 'diagonal', 'eigenvalues');
  return linearCell(equations(bias, eigenvalues === 'signed'), 2, options, { eigenvalues });
}
