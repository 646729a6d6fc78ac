/**
 * Long short-term memory with forget gate and optional peepholes; gates are stored in the order i f g o.
 * Source: Hochreiter & Schmidhuber 1997; forget gate: Gers et al. 2000; peepholes: Gers et al. 2002.
 */
import { must } from '../core/check';
import { constant, gates } from '../core/random/init';
import { checkCellOptions, weightInit, type Cell, type CellOptions } from './cell';
import { cell, when, type CellEquations, type Optional } from './define';
import { normalizedEquations } from './parts/gatenorm';
import { mustNormalize } from './parts/layernorm';
import { lstmBias, type LstmBiasOptions } from './parts/lstmbias';
import { withProjection } from './parts/projection';

/** The tags `b` and `p` omit their text without biases or peepholes; `ai`, `dai`, `Jai` are the columns of gate i. */
export const lstmEquations = (b: Optional, p: Optional): CellEquations => ({
  name: 'lstm',
  shapes: `
    x [D]   states h, c [H]   gates a = i f g o [H]
    parameters Wx [D, 4H]   Wh [H, 4H]   ${b`b [4H]`}   ${p`pi, pf, po [H]`}`,
  forward: `
    a = x @ Wx + hPrev @ Wh${b` + b`}
    i = sigmoid(ai${p` + cPrev * pi`})
    f = sigmoid(af${p` + cPrev * pf`})
    g = tanh(ag)
    c = f * cPrev + i * g
    o = sigmoid(ao${p` + c * po`})
    tc = tanh(c)
    h = o * tc`,
  backward: `
    dh = dhOut + dhNext                   # two paths reach h: the output at t, and the step t + 1
    dao = dh * tc * o * (1 - o)
    dc = dcNext + dh * o * (1 - tc * tc)${p` + dao * po`}  # paths that reach c: the step t + 1, h${p`, the gate o`}
    dai = dc * g * i * (1 - i)
    daf = dc * cPrev * f * (1 - f)
    dag = dc * i * (1 - g * g)
    dcPrev = dc * f${p` + dai * pi + daf * pf   # paths that leave cPrev: c, the gates i and f`}
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
    Ji = (Jai${p` + JcPrev * pi`}) * i * (1 - i)
    Jf = (Jaf${p` + JcPrev * pf`}) * f * (1 - f)
    Jg = Jag * (1 - g * g)
    Jc = Jf * cPrev + f * JcPrev + Ji * g + i * Jg   # diag(f) JcPrev, if i, f and g did not depend on hPrev
    Jo = (Jao${p` + Jc * po`}) * o * (1 - o)
    Jh = Jo * tc + o * Jc * (1 - tc * tc)`,
});

/** Options of `lstm`. `inputInit` and `recurrentInit` fill each gate separately. */
export interface LstmOptions extends CellOptions, LstmBiasOptions {
  /** Peephole connections: gates also read the cell state, with weights pi, pf, po [H]; default false. */
  peepholes?: boolean;
  /** Layer normalization inside the cell, with trained gains gx, gh [4H] and gc [H]: `gatenorm.ts`; default false. */
  gateNorm?: boolean;
  /** The number of units P that the output is projected to; default none: `projection.ts`. */
  projection?: number;
}

/**
 * A long short-term memory cell. With a projection, h is [B, P], Wh [P, 4H], and Wp [H, P] is one more parameter.
 *   parameters Wx [D, 4H]   Wh [H, 4H]   b [4H]   (pi, pf, po [H]   gx, gh [4H]   gc, bc [H])      states h, c [B, H]
 * @throws RangeError for sizes below 1, biases set without biases, or a gateNorm with peepholes, a projection or a single unit; TypeError
 *   for an unknown option.
 * @example lstm({ input: 4, hidden: 5 }).parameters.Wx.shape // [4, 20]
 */
export function lstm(options: LstmOptions): Cell {
  checkCellOptions(options, 'lstm', ['projection'], ['peepholes', 'gateNorm'], ['forgetBias', 'chrono']);
  const { input: D, hidden: H, bias = true, peepholes = false, gateNorm = false, projection: P } = options;
  const { inputInit = 'glorot', recurrentInit = 'orthogonal' } = options;
  const [Wx, Wh] = [inputInit, recurrentInit].map((init) => gates(4, weightInit(init, H, 'lstm')));
  const [small, Wp] = ['uniform' as const, recurrentInit].map((init) => weightInit(init, H, 'lstm'));
  const [gain, bc] = [constant(1), constant(0)];
  const biases = lstmBias(options, bias);
  const plain = !peepholes && P === undefined;
  must(!gateNorm || plain, 'lstm', 'gateNorm must be left out with peepholes or a projection', gateNorm);
  if (gateNorm) mustNormalize(H, 'lstm', 'hidden must be >= 2 with gateNorm');
  const equations = gateNorm
    ? normalizedEquations(when(bias))
    : withProjection(lstmEquations(when(bias), when(peepholes)), P);
  return cell(equations, {
    sizes: { D, H, P: P ?? H },
    options: { ...options, bias, peepholes, gateNorm, inputInit, recurrentInit, ...biases.options },
    init: { Wx, Wh, b: biases.init, pi: small, pf: small, po: small, Wp, gx: gain, gh: gain, gc: gain, bc },
  });
}
