/**
 * The output-recurrent network (Jordan 1986): it feeds back not the hidden layer but the previous output o, or
 * p = softmax(o). The initial output is a state like any other and has a gradient.
 */
import { mustBeOneOf, mustCount } from '../core/check';
import { constant, glorot } from '../core/random/init';
import { activationNames, withActivations, type Activation } from './parts/activation';
import { checkCellOptions, weightInit, type Cell, type CellOptions } from './cell';
import { cell, when, type CellEquations } from './define';

const equations = (feedback: 'o' | 'p', bias: boolean): CellEquations => {
  const [b, p] = [when(bias), when(feedback === 'p')];
  const [fed, dfed, Jfed] = feedback === 'p' ? ['p', 'dp', 'Jp'] : ['oPrev', 'doPrev', 'JoPrev'];
  return {
    name: 'jordan',
    shapes: `
      x [D]   states o [O]
      parameters Wx [D, H]   Wf [O, H]   Wo [H, O]   ${b`b [H]   bo [O]`}`,
    forward: `
      ${p`logSum = logsumexp(oPrev, axis=1)`}
      ${p`p = exp(oPrev - logSum)`}
      z = x @ Wx + ${fed} @ Wf${b` + b`}
      h = tanh(z)
      o = h @ Wo${b` + bo`}`,
    backward: `
      do = doOut + doNext          # two paths reach o: the output at t, and what is fed back at t + 1
      dh = do @ Wo.T
      dz = dh * (1 - h * h)
      ${dfed} = dz @ Wf.T
      ${p`flow = p * dp`}
      ${p`flowSum = sum(flow, axis=1)`}
      ${p`doPrev = p * (dp - flowSum)   # each p depends on its own o, and on all o of its row by their sum`}
      dx = dz @ Wx.T
      dWx += x.T @ dz
      dWf += ${fed}.T @ dz
      dWo += h.T @ do
      ${b`db += sum(dz)`}
      ${b`dbo += sum(do)`}`,
    jacobian: `
      ${p`Jflow = p * JoPrev`}
      ${p`JflowSum = sum(Jflow)`}
      ${p`Jp = p * (JoPrev - JflowSum)   # diag(p) − p pᵀ is symmetric: the other direction has the same equations`}
      Jz = Wf.T @ ${Jfed}
      Jh = Jz * (1 - h * h)
      Jo = Wo.T @ Jh`,
  };
};

/** Options of `jordan`. `recurrentInit` fills Wf, the feedback weights. */
export interface JordanOptions extends CellOptions {
  /** O, the width of the output, which is the state that is fed back. */
  output: number;
  /** Whether o itself is fed back ('o', the default) or p = softmax(o) ('p'). */
  feedback?: 'o' | 'p';
  /** f in h = f(z); default tanh. */
  activation?: Activation;
}

/**
 * An output-recurrent cell, h = f(x Wx + fb Wf + b), o = h Wo + bo, where fb is the previous o or its softmax.
 *
 *   parameters Wx [D, H]   Wf [O, H]   b [H]   Wo [H, O]   bo [O]      state o [B, O]
 *
 * With feedback 'p' the output is still o, the logits: a softmax loss can follow without a separate output layer.
 * `recurrentInit` initializes Wf.
 *
 * Source: Jordan 1986, "Serial order: a parallel distributed processing approach".
 * @throws RangeError for sizes below 1; TypeError for an unknown option, feedback or activation.
 * @example jordan({ input: 4, hidden: 5, output: 3 }).parameters.Wf.shape // [3, 5]
 */
export function jordan(options: JordanOptions): Cell {
  checkCellOptions(options, 'jordan', ['output', 'feedback', 'activation']);
  const { input: D, hidden: H, output: O, bias = true, feedback = 'o', activation = 'tanh' } = options;
  const { inputInit = 'glorot', recurrentInit = 'orthogonal' } = options;
  mustCount(O, 'jordan', 'output');
  mustBeOneOf(feedback, ['o', 'p'], 'jordan', 'feedback');
  mustBeOneOf(activation, activationNames, 'jordan', 'activation');
  return cell(withActivations(equations(feedback, bias), { h: activation }), {
    sizes: { D, H, O },
    options: { ...options, bias, feedback, activation, inputInit, recurrentInit },
    init: {
      Wx: weightInit(inputInit, H, 'jordan'),
      Wf: weightInit(recurrentInit, H, 'jordan'),
      Wo: glorot(),
      ...{ b: constant(0), bo: constant(0) },
    },
  });
}
