/**
 * The original long short-term memory of 1997, without a forget gate, so that its memory never decays. Gates are stored
 * in the order i g o.
 *
 * The truncated gradient is that of the paper: errors that reach the inputs of gates and cells from the recurrent connections
 * change the weights there, but go no further back; only the constant error carousel carries errors back in time.
 *
 * Source: Hochreiter & Schmidhuber 1997, truncation: their appendix A.1. Their squashing functions 4 σ(a) − 2 and 2 σ(c) − 1
 * are 2 tanh(a / 2) and tanh(c / 2): with c / 2 for c and half the weights of g, this is the same cell.
 */
import { must } from '../core/check';
import { constant, gates } from '../core/random/init';
import { checkCellOptions, weightInit, type Cell, type CellOptions } from './cell';
import { cell, when, type CellEquations } from './define';

const equations = (bias: boolean, truncated: boolean): CellEquations => {
  const [b, all, cut] = [bias, !truncated, truncated].map(when);
  return {
    name: 'lstm1997',
    shapes: `
      x [D]   states h, c [H]   gates a = i g o [H]
      parameters Wx [D, 3H]   Wh [H, 3H]   ${b`b [3H]`}`,
    forward: `
      ${cut`r = stop(hPrev)                      # held fixed: no gradient goes back from the gates
      `}a = x @ Wx + ${all`hPrev`}${cut`r`} @ Wh${b` + b`}
      i = sigmoid(ai)
      g = tanh(ag)
      o = sigmoid(ao)
      c = cPrev + i * g
      tc = tanh(c)
      h = o * tc`,
    backward: `
      dh = dhOut + dhNext                  # two paths reach h: the output at t, and the step t + 1
      dao = dh * tc * o * (1 - o)
      dc = dcNext + dh * o * (1 - tc * tc) # two paths reach c: directly from t + 1, and through h
      dcPrev = dc                          # the constant error carousel: it neither vanishes nor explodes
      dai = dc * g * i * (1 - i)
      dag = dc * i * (1 - g * g)
      dx = da @ Wx.T
      ${all`dhPrev = da @ Wh.T`}${cut`dhPrev = 0                           # cut where the paper cuts it`}
      dWx += x.T @ da
      dWh += hPrev.T @ da
      ${b`db += sum(da)`}`,
    jacobian: `
      ${all`Ja = Wh.T @ JhPrev
      Ji = Jai * i * (1 - i)
      Jg = Jag * (1 - g * g)
      Jo = Jao * o * (1 - o)
      Jc = JcPrev + Ji * g + i * Jg        # JcPrev, if i and g did not depend on hPrev
      Jh = Jo * tc + o * Jc * (1 - tc * tc)`}${cut`Jc = JcPrev                          # the gates are held fixed
      Jh = o * Jc * (1 - tc * tc)`}`,
  };
};

/** Options of `lstm1997`. `inputInit` and `recurrentInit` fill each gate separately. */
export interface Lstm1997Options extends CellOptions {
  /** Initial bias of the input gate; default 0. A negative one, as in the paper, keeps early inputs from filling the memory. */
  inputBias?: number;
  /** The truncated gradient of the paper, `true`, or the full one; default false. */
  truncated?: boolean;
}

/**
 * The long short-term memory cell of 1997, without a forget gate; gates are stored in the order i g o.
 *
 *   parameters Wx [D, 3H]   Wh [H, 3H]   b [3H]      states h, c [B, H]
 *
 * With `truncated`, no gradient goes back through Wh: `gradcheck` checks it against the derivative with hPrev held fixed there.
 * With `onlineGradients` of the method rtrl, that is the learning algorithm of 1997.
 *
 * On an endless stream, its memory grows until tanh(c) saturates: use `lstm` instead.
 *
 * @throws RangeError for sizes below 1 or an input bias without biases; TypeError for an unknown option.
 * @example lstm1997({ input: 4, hidden: 5 }).parameters.Wx.shape // [4, 15]
 */
export function lstm1997(options: Lstm1997Options): Cell {
  checkCellOptions(options, 'lstm1997', [], ['truncated'], ['inputBias']);
  const { input: D, hidden: H, bias = true, inputBias = 0, truncated = false } = options;
  const { inputInit = 'glorot', recurrentInit = 'orthogonal' } = options;
  must(bias || inputBias === 0, 'lstm1997', 'inputBias must be 0 without biases', inputBias);
  return cell(equations(bias, truncated), {
    sizes: { D, H },
    options: { ...options, bias, inputInit, recurrentInit, inputBias, truncated },
    init: {
      Wx: gates(3, weightInit(inputInit, H, 'lstm1997')),
      Wh: gates(3, weightInit(recurrentInit, H, 'lstm1997')),
      b: gates(3, [inputBias, 0, 0].map(constant)),
    },
  });
}
