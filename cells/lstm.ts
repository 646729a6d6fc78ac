/**
 * Long short-term memory with forget gate and optional peepholes; gates are stored in the order i f g o.
 * Source: Hochreiter & Schmidhuber 1997; forget gate: Gers et al. 2000; peepholes: Gers et al. 2002.
 */
import { must } from '../core/check';
import { chrono, constant, gates } from '../core/random/init';
import { checkCellOptions, weightInit, type Cell, type CellOptions } from './cell';
import { cell, when, type CellEquations, type Optional } from './define';
import { normalizedEquations } from './gatenorm';
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
    dc = dcNext + dh * o * (1 - tc * tc)${p` + dao * po`}  # two paths reach c: directly, and through h
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
    ${p`dpo += sum(dao * c)`}`,
  jacobian: `
    Ja = Wh.T @ JhPrev
    Ji = (Jai${p` + JcPrev * pi`}) * i * (1 - i)
    Jf = (Jaf${p` + JcPrev * pf`}) * f * (1 - f)
    Jg = Jag * (1 - g * g)
    Jc = Jf * cPrev + f * JcPrev + Ji * g + i * Jg   # where the gates are still, this is diag(f)
    Jo = (Jao${p` + Jc * po`}) * o * (1 - o)
    Jh = Jo * tc + o * Jc * (1 - tc * tc)`,
});

/** Options of `lstm`. `inputInit` and `recurrentInit` fill each gate separately. */
export interface LstmOptions extends CellOptions {
  /** Initial bias of the forget gate; default 1, so that a new network remembers. */
  forgetBias?: number;
  /**
   * Starts the biases for dependencies of up to this many steps, a number above 2, instead of `forgetBias`: `init.chrono`; default
   * 0, which means not.
   */
  chrono?: number;
  /** Peephole connections: gates also read the cell state, with weights pi, pf, po [H]; default false. */
  peepholes?: boolean;
  /** Layer normalization inside the cell, with trained gains gx, gh [4H] and gc [H]: `gatenorm.ts`; default false. */
  gateNorm?: boolean;
  /** The number of units P that the output is projected to; default none: `cells/parts/projection.ts`. */
  projection?: number;
}

/**
 * A long short-term memory cell. With a projection, h is [B, P], Wh [P, 4H], and Wp [H, P] is one more parameter.
 *   parameters Wx [D, 4H]   Wh [H, 4H]   b [4H]   (pi, pf, po [H]   gx, gh [4H]   gc, bc [H])      states h, c [B, H]
 * @throws RangeError for sizes below 1, a forget bias without biases, or a gateNorm with peepholes or a projection; TypeError for an unknown option.
 * @example lstm({ input: 4, hidden: 5 }).parameters.Wx.shape // [4, 20]
 */
export function lstm(options: LstmOptions): Cell {
  checkCellOptions(options, 'lstm', ['projection'], ['peepholes', 'gateNorm'], ['forgetBias', 'chrono']);
  const {
    input: D,
    hidden: H,
    bias = true,
    peepholes = false,
    gateNorm = false,
    projection: P,
    chrono: longest = 0,
  } = options;
  const { inputInit = 'glorot', recurrentInit = 'orthogonal', forgetBias = bias ? 1 : 0 } = options;
  must(bias || forgetBias === 0, 'lstm', 'forgetBias must be 0 without biases', forgetBias);
  const isChrono = longest !== 0;
  must(!isChrono || bias, 'lstm', 'chrono must be 0 without biases', longest);
  must(!isChrono || longest > 2, 'lstm', 'chrono must be 0 or a number > 2', longest);
  must(
    !isChrono || options.forgetBias === undefined,
    'lstm',
    'forgetBias must be left out with chrono',
    forgetBias,
  );
  const [Wx, Wh] = [inputInit, recurrentInit].map((init) => gates(4, weightInit(init, H, 'lstm')));
  const [small, Wp] = ['uniform' as const, recurrentInit].map((init) => weightInit(init, H, 'lstm'));
  const plain = !peepholes && P === undefined;
  must(!gateNorm || plain, 'lstm', 'gateNorm must be left out with peepholes or a projection', gateNorm);
  const equations = gateNorm
    ? normalizedEquations(when(bias))
    : withProjection(lstmEquations(when(bias), when(peepholes)), P);
  const [ones, none] = [constant(1), constant(0)];
  const b = isChrono ? chrono(longest) : gates(4, [0, forgetBias, 0, 0].map(constant));
  return cell(equations, {
    sizes: { D, H, P: P ?? H },
    options: {
      ...{ ...options, bias, peepholes, gateNorm, inputInit, recurrentInit, chrono: longest },
      ...(!isChrono && { forgetBias }),
    },
    init: { Wx, Wh, b, pi: small, pf: small, po: small, Wp, gx: ones, gh: ones, gc: ones, bc: none },
  });
}
