/**
 * Long short-term memory with forget gate and optional peepholes; gates are stored in the order i f g o.
 *
 * Source: Hochreiter & Schmidhuber 1997; forget gate: Gers et al. 2000; peepholes: Gers et al. 2002.
 */
import { must } from '../core/check';
import { constant, gates } from '../core/init';
import { plain, type Activation } from './activation';
import { checkCellOptions, weightInit, type Cell, type CellOptions } from './cell';
import { cell, when, type CellEquations, type Optional } from './define';

/**
 * With biases and peepholes or without: `b` and `p` keep a piece of text or leave it out. The gates, the new content and the
 * output each have their activation; `factor` writes its slope in terms of what forward saved: `i * (1 - i)` for a sigmoid,
 * `(1 - g * g)` for tanh. So by default `dai = dc * g * i * (1 - i)` and `dag = dc * i * (1 - g * g)`. `lines` changes
 * nothing here; other frameworks' layers clip there.
 *
 * `gates a = i f g o` names columns: `ai` is the first quarter of `a`, the pre-activation of i. Gradients and Jacobians
 * likewise: `dai` is a part of `da`, `Jai` of `Ja`.
 */
export const lstmEquations = (
  b: Optional,
  p: Optional,
  [gate, content, output]: readonly Activation[] = ['sigmoid', 'tanh', 'tanh'],
  { lines, factor } = plain,
): CellEquations => ({
  name: 'lstm',
  shapes: `
    x [D]   states h, c [H]   gates a = i f g o [H]
    parameters Wx [D, 4H]   Wh [H, 4H]   ${b`b [4H]`}   ${p`pi, pf, po [H]`}`,
  forward: lines(`
    a = x @ Wx + hPrev @ Wh${b` + b`}
    i = ${gate}(ai${p` + cPrev * pi`})
    f = ${gate}(af${p` + cPrev * pf`})
    g = ${content}(ag)
    c = f * cPrev + i * g
    o = ${gate}(ao${p` + c * po`})
    tc = ${output}(c)
    h = o * tc`),
  backward: `
    dh = dhOut + dhNext                   # two paths reach h: the output at t, and the step t + 1
    dao = dh * tc * ${factor(gate, 'o')}
    dc = dcNext + dh * o * ${factor(output, 'tc')}${p` + dao * po`}  # two paths reach c: directly, and through h
    dai = dc * g * ${factor(gate, 'i')}
    daf = dc * cPrev * ${factor(gate, 'f')}
    dag = dc * i * ${factor(content, 'g')}
    dcPrev = dc * f${p` + dai * pi + daf * pf`}
    dx = da @ Wx.T
    dhPrev = da @ Wh.T
    dWx += x.T @ da
    dWh += hPrev.T @ da
    ${b`db += sum(da)`}
    ${p`dpi += sum(dai * cPrev)`}
    ${p`dpf += sum(daf * cPrev)`}
    ${p`dpo += sum(dao * c)`}`,
  jacobian: `
    Ja = Wh.T @ JhPrev
    Ji = (Jai${p` + JcPrev * pi`}) * ${factor(gate, 'i')}
    Jf = (Jaf${p` + JcPrev * pf`}) * ${factor(gate, 'f')}
    Jg = Jag * ${factor(content, 'g')}
    Jc = Jf * cPrev + f * JcPrev + Ji * g + i * Jg   # where the gates are still, this is diag(f)
    Jo = (Jao${p` + Jc * po`}) * ${factor(gate, 'o')}
    Jh = Jo * tc + o * Jc * ${factor(output, 'tc')}`,
});

/** What `lstm` is built from. `inputInit` and `recurrentInit` fill each gate separately. */
export interface LstmOptions extends CellOptions {
  /** Start of the forget gate's bias; default 1, so that a new network remembers. */
  forgetBias?: number;
  /** Lets the gates see the cell state through the weights pi, pf, po [H]; default false. */
  peepholes?: boolean;
}

/**
 * A long short-term memory cell.
 *
 *   parameters Wx [D, 4H]   Wh [H, 4H]   b [4H]   (pi, pf, po [H])      states h, c [B, H]
 *
 * @throws RangeError for sizes below 1 or a forget bias without biases; TypeError for an unknown option.
 * @example lstm({ input: 4, hidden: 5 }).parameters.Wx.shape // [4, 20]
 */
export function lstm(options: LstmOptions): Cell {
  checkCellOptions(options, 'lstm', ['forgetBias', 'peepholes']);
  const { input: D, hidden: H, bias = true, peepholes = false } = options;
  const { inputInit = 'glorot', recurrentInit = 'orthogonal', forgetBias = bias ? 1 : 0 } = options;
  must(Number.isFinite(forgetBias), 'lstm', 'forgetBias must be a finite number', forgetBias);
  must(bias || forgetBias === 0, 'lstm', 'forgetBias must be 0 without biases', forgetBias);
  const [Wx, Wh] = [inputInit, recurrentInit].map((init) => gates(4, weightInit(init, H, 'lstm')));
  const small = weightInit('uniform', H, 'lstm');
  return cell(lstmEquations(when(bias), when(peepholes)), {
    sizes: { D, H },
    options: { ...options, bias, peepholes, inputInit, recurrentInit, forgetBias },
    init: { Wx, Wh, b: gates(4, [0, forgetBias, 0, 0].map(constant)), pi: small, pf: small, po: small },
  });
}
