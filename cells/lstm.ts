/**
 * Long short-term memory with forget gate and optional peepholes.
 *
 *   x [B, D]   h, c, and all gates [B, H]   a = [ai af ag ao] [B, 4H]   Wx [D, 4H]   Wh [H, 4H]   b [4H]   pi pf po [H]
 *
 * Forward
 *   a = x Wx + b
 *   a += hPrev Wh
 *   i = sigmoid(ai)                      (with peepholes: sigmoid(ai + cPrev * pi))
 *   f = sigmoid(af)                      (with peepholes: sigmoid(af + cPrev * pf))
 *   g = tanh(ag)
 *   o = sigmoid(ao)                      (with peepholes: sigmoid(ao + c * po), after c)
 *   c = f * cPrev + i * g
 *   tc = tanh(c)
 *   h = o * tc
 *
 * Backward
 *   dh = dhOut + dhNext
 *   dao = dh * tc * o * (1 - o)
 *   dc = dcNext + dh * o * (1 - tc * tc) (with peepholes: … + dao * po)
 *   dai = dc * g * i * (1 - i)
 *   daf = dc * cPrev * f * (1 - f)
 *   dag = dc * i * (1 - g * g)
 *   dcPrev = dc * f                      (with peepholes: dc * f + dai * pi + daf * pf)
 *   dx = da Wxᵀ
 *   dhPrev = da Whᵀ
 *   dWx += xᵀ da
 *   dWh += hPrevᵀ da
 *   db += Σ da
 *
 * Jacobian
 *   Ja = Whᵀ JhPrev
 *   Ji = Jai * i * (1 - i)               (with peepholes: (Jai + JcPrev * pi) * i * (1 - i))
 *   Jf = Jaf * f * (1 - f)               (with peepholes: (Jaf + JcPrev * pf) * f * (1 - f))
 *   Jg = Jag * (1 - g * g)
 *   Jo = Jao * o * (1 - o)               (with peepholes: (Jao + Jc * po) * o * (1 - o), after Jc)
 *   Jc = Jf * cPrev + f * JcPrev + Ji * g + i * Jg
 *   Jh = Jo * tc + o * Jc * (1 - tc * tc)
 *
 * Source: Hochreiter & Schmidhuber 1997; forget gate: Gers, Schmidhuber & Cummins 2000; peepholes: Gers,
 * Schraudolph & Schmidhuber 2002.
 */
import { must } from '../core/check';
import { constant, gates, type Initializer } from '../core/init';
import type { Program } from '../core/program';
import { add, mul, named, sigmoid, sub, tanh } from '../core/scalar';
import { statement } from '../core/statement';
import { columns, transpose, type Tensors } from '../core/tensor';
import { checkCellOptions, split, weightInit, type Cell, type CellOptions } from './cell';
import { peepholeBackward, peepholeForward, peepholeGradients, peepholeJacobian } from './peephole';

export const lstmForward = statement(({ ai, af, ag, ao, cPrev }) => {
  const i = sigmoid(ai);
  const f = sigmoid(af);
  const g = tanh(ag);
  const o = sigmoid(ao);
  const c = add(mul(f, cPrev), mul(i, g));
  const tc = tanh(c);
  return { i, f, g, o, c, tc, h: mul(o, tc) };
});

export const lstmBackward = statement(({ i, f, g, o, tc, cPrev, dhOut, dhNext, dcNext }) => {
  // two paths reach h: the output at t, and the step at t+1
  const dh = named('dh', add(dhOut, dhNext));
  const dao = mul(mul(mul(dh, tc), o), sub(1, o));
  // two paths reach c: directly from t+1, and through h
  const dc = named('dc', add(dcNext, mul(mul(dh, o), sub(1, mul(tc, tc)))));
  const dai = mul(mul(mul(dc, g), i), sub(1, i));
  const daf = mul(mul(mul(dc, cPrev), f), sub(1, f));
  const dag = mul(mul(dc, i), sub(1, mul(g, g)));
  return { dai, daf, dag, dao, dcPrev: mul(dc, f) };
});

export const lstmJacobian = statement(({ i, f, g, o, tc, cPrev, Jai, Jaf, Jag, Jao, JcPrev }) => {
  const Ji = named('Ji', mul(mul(Jai, i), sub(1, i)));
  const Jf = named('Jf', mul(mul(Jaf, f), sub(1, f)));
  const Jg = named('Jg', mul(Jag, sub(1, mul(g, g))));
  const Jo = named('Jo', mul(mul(Jao, o), sub(1, o)));
  // the memory itself is the second term: where the gates are still, ∂c/∂cPrev = diag(f)
  const Jc = add(add(add(mul(Jf, cPrev), mul(f, JcPrev)), mul(Ji, g)), mul(i, Jg));
  return { Jc, Jh: add(mul(Jo, tc), mul(mul(o, Jc), sub(1, mul(tc, tc)))) };
});

/** What `lstm` is built from. `inputInit` and `recurrentInit` fill each gate by itself. */
export interface LstmOptions extends CellOptions {
  /** Start of the forget gate's bias; default 1, so that a new network remembers. */
  forgetBias?: number;
  /** Lets the gates see the cell state through the weights pi, pf, po [H]; default false. */
  peepholes?: boolean;
}

/**
 * A long short-term memory cell; gates are stored in the order i f g o.
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
  const forward = peepholes ? peepholeForward : lstmForward;
  const backward = peepholes ? peepholeBackward : lstmBackward;
  const jacobian = peepholes ? peepholeJacobian : lstmJacobian;
  const forgetful: Initializer = (t, random) => {
    constant(0)(t, random);
    constant(forgetBias)(columns(t, H, 2 * H), random);
  };
  const small = weightInit('uniform', H, 'lstm');

  return {
    name: 'lstm',
    input: D,
    hidden: H,
    options: { ...options, bias, peepholes, inputInit, recurrentInit, forgetBias },
    parameters: {
      Wx: { shape: [D, 4 * H], init: gates(4, weightInit(inputInit, H, 'lstm')) },
      Wh: { shape: [H, 4 * H], init: gates(4, weightInit(recurrentInit, H, 'lstm')) },
      ...(bias && { b: { shape: [4 * H], init: forgetful } }),
      ...(peepholes && {
        pi: { shape: [H], init: small },
        pf: { shape: [H], init: small },
        po: { shape: [H], init: small },
      }),
    },
    states: { h: H, c: H },
    buffers: { a: 4 * H, tc: H, da: 4 * H, ...(peepholes && { dpiRow: H, dpfRow: H, dpoRow: H }) },
    parts: {
      ...split('a', H, 'ai af ag ao'),
      ...split('a', H, 'i f g o'), // the gates replace their pre-activations in place
      ...split('da', H, 'dai daf dag dao'),
    },

    statements: [{ forward, backward, jacobian }],

    step(program: Program, v: Tensors) {
      program.matmul(v.x, v.Wx, v.a, { bias: v.b });
      program.matmul(v.hPrev, v.Wh, v.a, { accumulate: true });
      program.pointwise(forward, v);
    },

    stepBackward(program: Program, v: Tensors) {
      program.pointwise(backward, v);
      program.matmul(v.da, transpose(v.Wx), v.dx);
      program.matmul(v.da, transpose(v.Wh), v.dhPrev);
      program.matmul(transpose(v.x), v.da, v.dWx, { accumulate: true });
      program.matmul(transpose(v.hPrev), v.da, v.dWh, { accumulate: true });
      if (bias) program.sumRows(v.da, v.db, { accumulate: true });
      if (peepholes) peepholeGradients(program, v);
    },

    jacobian(program: Program, v: Tensors) {
      program.matmul(transpose(v.Wh), v.JhPrev, v.Ja);
      program.pointwise(jacobian, v);
    },
  };
}
