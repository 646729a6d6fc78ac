/**
 * The original long short-term memory of 1997, without a forget gate, so that its memory never decays. Gates are stored
 * in the order i g o.
 *
 * Source: Hochreiter & Schmidhuber 1997, with tanh for their squashing functions g in (−2, 2) and h in (−1, 1), and with
 * the full gradient, which they truncate where it leaves the memory cell.
 */
import { must } from '../core/check';
import { constant, gates } from '../core/init';
import { checkCellOptions, weightInit, type Cell, type CellOptions } from './cell';
import { cell, when, type CellEquations } from './define';

const equations = (bias: boolean): CellEquations => {
  const b = when(bias);
  return {
    name: 'lstm1997',
    shapes: `
      x [D]   states h, c [H]   gates a = i g o [H]
      parameters Wx [D, 3H]   Wh [H, 3H]   ${b`b [3H]`}`,
    forward: `
      a = x @ Wx + hPrev @ Wh${b` + b`}
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
      dhPrev = da @ Wh.T
      dWx += x.T @ da
      dWh += hPrev.T @ da
      ${b`db += sum(da)`}`,
    jacobian: `
      Ja = Wh.T @ JhPrev
      Ji = Jai * i * (1 - i)
      Jg = Jag * (1 - g * g)
      Jo = Jao * o * (1 - o)
      Jc = JcPrev + Ji * g + i * Jg        # where the gates are still, this is the identity
      Jh = Jo * tc + o * Jc * (1 - tc * tc)`,
  };
};

/** Options of `lstm1997`. `inputInit` and `recurrentInit` fill each gate separately. */
export interface Lstm1997Options extends CellOptions {
  /** Initial bias of the input gate; default 0. A negative one, as in the paper, keeps early inputs from filling the memory. */
  inputBias?: number;
}

/**
 * The long short-term memory cell of 1997, without a forget gate; gates are stored in the order i g o.
 *
 *   parameters Wx [D, 3H]   Wh [H, 3H]   b [3H]      states h, c [B, H]
 *
 * On an endless stream, its memory grows until tanh(c) saturates: use `lstm` instead.
 *
 * @throws RangeError for sizes below 1 or an input bias without biases; TypeError for an unknown option.
 * @example lstm1997({ input: 4, hidden: 5 }).parameters.Wx.shape // [4, 15]
 */
export function lstm1997(options: Lstm1997Options): Cell {
  checkCellOptions(options, 'lstm1997', [], [], ['inputBias']);
  const { input: D, hidden: H, bias = true, inputBias = 0 } = options;
  const { inputInit = 'glorot', recurrentInit = 'orthogonal' } = options;
  must(bias || inputBias === 0, 'lstm1997', 'inputBias must be 0 without biases', inputBias);
  return cell(equations(bias), {
    sizes: { D, H },
    options: { ...options, bias, inputInit, recurrentInit, inputBias },
    init: {
      Wx: gates(3, weightInit(inputInit, H, 'lstm1997')),
      Wh: gates(3, weightInit(recurrentInit, H, 'lstm1997')),
      b: gates(3, [inputBias, 0, 0].map(constant)),
    },
  });
}
