/**
 * Long short-term memory as it was first: without a forget gate, so that nothing the memory holds is ever lost.
 *
 *   x [B, D]   h, c, and all gates [B, H]   a = [ai ag ao] [B, 3H]   Wx [D, 3H]   Wh [H, 3H]   b [3H]
 *
 * Forward
 *   a = x Wx + b
 *   a += hPrev Wh
 *   i = sigmoid(ai)
 *   g = tanh(ag)
 *   o = sigmoid(ao)
 *   c = cPrev + i * g
 *   tc = tanh(c)
 *   h = o * tc
 *
 * Backward
 *   dh = dhOut + dhNext
 *   dao = dh * tc * o * (1 - o)
 *   dc = dcNext + dh * o * (1 - tc * tc)
 *   dcPrev = dc
 *   dai = dc * g * i * (1 - i)
 *   dag = dc * i * (1 - g * g)
 *   dx = da Wxᵀ
 *   dhPrev = da Whᵀ
 *   dWx += xᵀ da
 *   dWh += hPrevᵀ da
 *   db += Σ da
 *
 * Jacobian
 *   Ja = Whᵀ JhPrev
 *   Ji = Jai * i * (1 - i)
 *   Jg = Jag * (1 - g * g)
 *   Jo = Jao * o * (1 - o)
 *   Jc = JcPrev + Ji * g + i * Jg
 *   Jh = Jo * tc + o * Jc * (1 - tc * tc)
 *
 * dcPrev = dc is the constant error carousel: along the memory the error neither vanishes nor explodes.
 *
 * Source: Hochreiter & Schmidhuber 1997, with tanh for their squashing functions g in (−2, 2) and h in (−1, 1), and with
 * the whole gradient, which they cut where it leaves the memory.
 */
import { must } from '../core/check';
import { constant, gates, type Initializer } from '../core/init';
import type { Program } from '../core/program';
import { add, mul, named, sigmoid, sub, tanh } from '../core/scalar';
import { statement } from '../core/statement';
import { columns, transpose, type Tensors } from '../core/tensor';
import { checkCellOptions, split, weightInit, type Cell, type CellOptions } from './cell';

export const lstm1997Forward = statement(({ ai, ag, ao, cPrev }) => {
  const i = sigmoid(ai);
  const g = tanh(ag);
  const o = sigmoid(ao);
  const c = add(cPrev, mul(i, g));
  const tc = tanh(c);
  return { i, g, o, c, tc, h: mul(o, tc) };
});

export const lstm1997Backward = statement(({ i, g, o, tc, dhOut, dhNext, dcNext }) => {
  // two paths reach h: the output at t, and the step at t+1
  const dh = named('dh', add(dhOut, dhNext));
  const dao = mul(mul(mul(dh, tc), o), sub(1, o));
  // two paths reach c: directly from t+1, and through h
  const dc = named('dc', add(dcNext, mul(mul(dh, o), sub(1, mul(tc, tc)))));
  const dai = mul(mul(mul(dc, g), i), sub(1, i));
  const dag = mul(mul(dc, i), sub(1, mul(g, g)));
  return { dai, dag, dao, dcPrev: dc };
});

export const lstm1997Jacobian = statement(({ i, g, o, tc, Jai, Jag, Jao, JcPrev }) => {
  const Ji = named('Ji', mul(mul(Jai, i), sub(1, i)));
  const Jg = named('Jg', mul(Jag, sub(1, mul(g, g))));
  const Jo = named('Jo', mul(mul(Jao, o), sub(1, o)));
  // the first term is the memory itself: where the gates are still, ∂c/∂cPrev is the identity
  const Jc = add(add(JcPrev, mul(Ji, g)), mul(i, Jg));
  return { Jc, Jh: add(mul(Jo, tc), mul(mul(o, Jc), sub(1, mul(tc, tc)))) };
});

/** What `lstm1997` is built from. `inputInit` and `recurrentInit` fill each gate by itself. */
export interface Lstm1997Options extends CellOptions {
  /** Start of the input gate's bias; default 0. Below it, as in the paper, what comes first does not fill the memory. */
  inputBias?: number;
}

/**
 * The long short-term memory cell of 1997, without a forget gate; gates are stored in the order i g o.
 *
 *   parameters Wx [D, 3H]   Wh [H, 3H]   b [3H]      states h, c [B, H]
 *
 * On a stream without ends its memory grows until tanh(c) is flat: then use `lstm`.
 *
 * @throws RangeError for sizes below 1 or an input bias without biases; TypeError for an unknown option.
 * @example lstm1997({ input: 4, hidden: 5 }).parameters.Wx.shape // [4, 15]
 */
export function lstm1997(options: Lstm1997Options): Cell {
  checkCellOptions(options, 'lstm1997', ['inputBias']);
  const { input: D, hidden: H, bias = true, inputBias = 0 } = options;
  const { inputInit = 'glorot', recurrentInit = 'orthogonal' } = options;
  must(Number.isFinite(inputBias), 'lstm1997', 'inputBias must be a finite number', inputBias);
  must(bias || inputBias === 0, 'lstm1997', 'inputBias must be 0 without biases', inputBias);
  const reluctant: Initializer = (t, random) => {
    constant(0)(t, random);
    constant(inputBias)(columns(t, 0, H), random);
  };
  return {
    name: 'lstm1997',
    input: D,
    hidden: H,
    options: { ...options, bias, inputInit, recurrentInit, inputBias },
    parameters: {
      Wx: { shape: [D, 3 * H], init: gates(3, weightInit(inputInit, H, 'lstm1997')) },
      Wh: { shape: [H, 3 * H], init: gates(3, weightInit(recurrentInit, H, 'lstm1997')) },
      ...(bias && { b: { shape: [3 * H], init: reluctant } }),
    },
    states: { h: H, c: H },
    buffers: { a: 3 * H, tc: H, da: 3 * H },
    parts: {
      ...split('a', H, 'ai ag ao'),
      ...split('a', H, 'i g o'), // the gates replace their pre-activations in place
      ...split('da', H, 'dai dag dao'),
    },

    statements: [{ forward: lstm1997Forward, backward: lstm1997Backward, jacobian: lstm1997Jacobian }],

    step(program: Program, v: Tensors) {
      program.matmul(v.x, v.Wx, v.a, { bias: v.b });
      program.matmul(v.hPrev, v.Wh, v.a, { accumulate: true });
      program.pointwise(lstm1997Forward, v);
    },

    stepBackward(program: Program, v: Tensors) {
      program.pointwise(lstm1997Backward, v);
      program.matmul(v.da, transpose(v.Wx), v.dx);
      program.matmul(v.da, transpose(v.Wh), v.dhPrev);
      program.matmul(transpose(v.x), v.da, v.dWx, { accumulate: true });
      program.matmul(transpose(v.hPrev), v.da, v.dWh, { accumulate: true });
      if (bias) program.sumRows(v.da, v.db, { accumulate: true });
    },

    jacobian(program: Program, v: Tensors) {
      program.matmul(transpose(v.Wh), v.JhPrev, v.Ja);
      program.pointwise(lstm1997Jacobian, v);
    },
  };
}
