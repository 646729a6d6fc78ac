/**
 * Long short-term memory with forget gate, optional peepholes and an optional projection of its output; gates are stored
 * in the order i f g o.
 * Source: Hochreiter & Schmidhuber 1997; forget gate: Gers et al. 2000; peepholes: Gers et al. 2002; projection: Sak,
 * Senior & Beaufays 2014.
 */
import { must, mustCount } from '../core/check';
import { constant, gates } from '../core/init';
import { checkCellOptions, weightInit, type Cell, type CellOptions } from './cell';
import { cell, when, type CellEquations, type Optional } from './define';

/**
 * The tags `b`, `p` and `r` omit their text without biases, peepholes or a projection; `ai`, `dai`, `Jai` are the columns
 * of gate i. `m` is the name of what the output gate lets through, and P the width of h: without a projection, h and H.
 */
export const lstmEquations = (
  b: Optional,
  p: Optional,
  r: Optional = when(false),
  [m, P] = [r`m` || 'h', r`P` || 'H'],
): CellEquations => ({
  name: 'lstm',
  shapes: `
    x [D]   states h${r` [P]` || `,`} c [H]   gates a = i f g o [H]
    parameters Wx [D, 4H]   Wh [${P}, 4H]   ${b`b [4H]`}   ${p`pi, pf, po [H]`}   ${r`Wp [H, P]`}`,
  forward: `
    a = x @ Wx + hPrev @ Wh${b` + b`}
    i = sigmoid(ai${p` + cPrev * pi`})
    f = sigmoid(af${p` + cPrev * pf`})
    g = tanh(ag)
    c = f * cPrev + i * g
    o = sigmoid(ao${p` + c * po`})
    tc = tanh(c)
    ${m} = o * tc
    ${r`h = m @ Wp`}`,
  backward: `
    dh = dhOut + dhNext                   # two paths reach h: the output at t, and the step t + 1
    ${r`dm = dh @ Wp.T`}
    dao = d${m} * tc * o * (1 - o)
    dc = dcNext + d${m} * o * (1 - tc * tc)${p` + dao * po`}  # two paths reach c: directly, and through h
    dai = dc * g * i * (1 - i)
    daf = dc * cPrev * f * (1 - f)
    dag = dc * i * (1 - g * g)
    dcPrev = dc * f${p` + dai * pi + daf * pf`}
    dx = da @ Wx.T
    dhPrev = da @ Wh.T
    dWx += x.T @ da
    dWh += hPrev.T @ da
    ${b`db += sum(da)`}
    ${p`dpi += sum(dai * cPrev)`}
    ${p`dpf += sum(daf * cPrev)`}
    ${p`dpo += sum(dao * c)`}
    ${r`dWp += m.T @ dh`}`,
  jacobian: `
    Ja = Wh.T @ JhPrev
    Ji = (Jai${p` + JcPrev * pi`}) * i * (1 - i)
    Jf = (Jaf${p` + JcPrev * pf`}) * f * (1 - f)
    Jg = Jag * (1 - g * g)
    Jc = Jf * cPrev + f * JcPrev + Ji * g + i * Jg   # where the gates are still, this is diag(f)
    Jo = (Jao${p` + Jc * po`}) * o * (1 - o)
    J${m} = Jo * tc + o * Jc * (1 - tc * tc)
    ${r`Jh = Wp.T @ Jm`}`,
});

/** Options of `lstm`. `inputInit` and `recurrentInit` fill each gate separately. */
export interface LstmOptions extends CellOptions {
  /** Initial bias of the forget gate; default 1, so that a new network remembers. */
  forgetBias?: number;
  /** Peephole connections: gates also read the cell state, with weights pi, pf, po [H]; default false. */
  peepholes?: boolean;
  /** P, the width of h, a projection m @ Wp of what the output gate lets through; default none: h has H units. */
  projection?: number;
}

/**
 * A long short-term memory cell.
 *
 *   parameters Wx [D, 4H]   Wh [H, 4H]   b [4H]   (pi, pf, po [H])      states h, c [B, H]
 *
 * With a projection to P units, h is [B, P], Wh [P, 4H], and there is one more parameter, Wp [H, P], which is initialized
 * as Wh is: as `proj_size` of PyTorch, but P may be H or more.
 *
 * @throws RangeError for sizes below 1, or a forget bias without biases; TypeError for an unknown option.
 * @example lstm({ input: 4, hidden: 5 }).parameters.Wx.shape // [4, 20]
 */
export function lstm(options: LstmOptions): Cell {
  checkCellOptions(options, 'lstm', ['forgetBias', 'projection'], ['peepholes']);
  const { input: D, hidden: H, bias = true, peepholes = false, projection: P } = options;
  const { inputInit = 'glorot', recurrentInit = 'orthogonal', forgetBias = bias ? 1 : 0 } = options;
  must(Number.isFinite(forgetBias), 'lstm', 'forgetBias must be a finite number', forgetBias);
  must(bias || forgetBias === 0, 'lstm', 'forgetBias must be 0 without biases', forgetBias);
  if (P !== undefined) mustCount(P, 'lstm', 'projection');
  const [Wx, Wh] = [inputInit, recurrentInit].map((init) => gates(4, weightInit(init, H, 'lstm')));
  const small = weightInit('uniform', H, 'lstm');
  const b = gates(4, [0, forgetBias, 0, 0].map(constant));
  return cell(lstmEquations(when(bias), when(peepholes), when(P !== undefined)), {
    sizes: { D, H, ...(P !== undefined && { P }) },
    options: { ...options, bias, peepholes, inputInit, recurrentInit, forgetBias },
    init: { Wx, Wh, b, pi: small, pf: small, po: small, Wp: weightInit(recurrentInit, H, 'lstm') },
  });
}
