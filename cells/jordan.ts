/**
 * The output-recurrent network (Jordan 1986): what is fed back is not the hidden layer but the previous output.
 *
 *   x [B, D]   h, z [B, H]   o, oPrev, fb [B, O]   logSum, flowSum [B, 1]
 *   Wx [D, H]   Wf [O, H]   b [H]   Wo [H, O]   bo [O]      with feedback 'o', fb is oPrev, dfb is doPrev, Jfb is JoPrev
 *
 * Forward
 *   logSum = logSumExp(oPrev)            (with feedback 'p' only)
 *   fb = exp(oPrev - logSum)             (with feedback 'p' only)
 *   z = x Wx + b
 *   z += fb Wf
 *   h = tanh(z)                          (or sigmoid(z), or relu(z))
 *   o = h Wo + bo
 *
 * Backward
 *   do = doOut + doNext
 *   dh = do Woᵀ
 *   dz = dh * (1 - h * h)                (or dh * (h * (1 - h)), or dh * step(h))
 *   dfb = dz Wfᵀ
 *   flow = fb * dfb                      (with feedback 'p' only)
 *   flowSum = sumColumns(flow)           (with feedback 'p' only)
 *   doPrev = fb * (dfb - flowSum)        (with feedback 'p' only)
 *   dx = dz Wxᵀ
 *   dWx += xᵀ dz
 *   dWf += fbᵀ dz
 *   dWo += hᵀ do
 *   db += Σ dz
 *   dbo += Σ do
 *
 * Jacobian
 *   Jflow = fb * JoPrev                  (with feedback 'p' only)
 *   JflowSum = Σ Jflow                   (with feedback 'p' only)
 *   Jfb = fb * (JoPrev - JflowSum)       (with feedback 'p' only)
 *   Jz = Wfᵀ Jfb
 *   Jh = Jz * (1 - h * h)                (or Jz * (h * (1 - h)), or Jz * step(h))
 *   Jo = Woᵀ Jh
 *
 * The initial output is a state like any other and has a gradient.
 */
import { mustBeOneOf, mustCount } from '../core/check';
import { constant, glorot } from '../core/init';
import type { Program } from '../core/program';
import { add, exp, mul, sub } from '../core/scalar';
import { statement } from '../core/statement';
import { transpose, type Tensors } from '../core/tensor';
import { checkCellOptions, split, weightInit, type Cell, type CellOptions } from './cell';
import { activationNames, activations, type Activation } from './elman';

/** h = f(z); the slope is written in terms of h, as in the elman cell. */
const squash = (activation: Activation) => {
  const { f, slope } = activations[activation];
  const forward = statement(({ z }) => ({ h: f(z) }));
  const backward = statement(({ h, dh }) => ({ dz: mul(dh, slope(h)) }));
  const jacobian = statement(({ h, Jz }) => ({ Jh: mul(Jz, slope(h)) }));
  return { forward, backward, jacobian };
};

export const jordanStatements = {
  tanh: squash('tanh'),
  sigmoid: squash('sigmoid'),
  relu: squash('relu'),
};

/** fb = softmax(oPrev), row by row. */
export const softmaxForward = statement(({ oPrev, logSum }) => ({ fb: exp(sub(oPrev, logSum)) }));
/** Each fb depends on every oPrev of its row: directly, and through the sum that it is divided by. */
export const flowBackward = statement(({ fb, dfb }) => ({ flow: mul(fb, dfb) }));
export const softmaxBackward = statement(({ fb, dfb, flowSum }) => ({ doPrev: mul(fb, sub(dfb, flowSum)) }));

/** diag(fb) − fb fbᵀ, the Jacobian of a softmax, is symmetric: the other direction has the same equations. */
export const flowJacobian = statement(({ fb, JoPrev }) => ({ Jflow: mul(fb, JoPrev) }));
export const softmaxJacobian = statement(({ fb, JoPrev, JflowSum }) => ({
  Jfb: mul(fb, sub(JoPrev, JflowSum)),
}));

/** Two paths reach o: the output at t, and what it was fed back to at t+1. */
export const outputBackward = statement(({ doOut, doNext }) => ({ do: add(doOut, doNext) }));

/** What `jordan` is built from. `recurrentInit` fills Wf, the weights of what is fed back. */
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
 * With feedback 'p' the output is still o, the logits: a softmax loss follows without an output layer of its own.
 * `recurrentInit` is the start of Wf.
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
  const { forward, backward, jacobian } = jordanStatements[activation];
  const softmaxed = feedback === 'p';

  return {
    name: 'jordan',
    input: D,
    hidden: H,
    options: { ...options, bias, feedback, activation, inputInit, recurrentInit },
    parameters: {
      Wx: { shape: [D, H], init: weightInit(inputInit, H, 'jordan') },
      Wf: { shape: [O, H], init: weightInit(recurrentInit, H, 'jordan') },
      Wo: { shape: [H, O], init: glorot() },
      ...(bias && { b: { shape: [H], init: constant(0) }, bo: { shape: [O], init: constant(0) } }),
    },
    states: { o: O },
    buffers: {
      ...{ z: H, h: H, do: O, dh: H, dz: H },
      ...(softmaxed && { logSum: 1, fb: O, dfb: O, flow: O, flowSum: 1 }),
    },
    parts: softmaxed ? {} : { ...split('oPrev', O, 'fb'), ...split('doPrev', O, 'dfb') },

    statements: [jordanStatements[activation]],

    step(program: Program, v: Tensors) {
      if (softmaxed) {
        program.logSumExp(v.oPrev, v.logSum);
        program.pointwise(softmaxForward, v);
      }
      program.matmul(v.x, v.Wx, v.z, { bias: v.b });
      program.matmul(v.fb, v.Wf, v.z, { accumulate: true });
      program.pointwise(forward, v);
      program.matmul(v.h, v.Wo, v.o, { bias: v.bo });
    },

    stepBackward(program: Program, v: Tensors) {
      program.pointwise(outputBackward, v);
      program.matmul(v.do, transpose(v.Wo), v.dh);
      program.pointwise(backward, v);
      program.matmul(v.dz, transpose(v.Wf), v.dfb);
      if (softmaxed) {
        program.pointwise(flowBackward, v);
        program.sumColumns(v.flow, v.flowSum);
        program.pointwise(softmaxBackward, v);
      }
      program.matmul(v.dz, transpose(v.Wx), v.dx);
      program.matmul(transpose(v.x), v.dz, v.dWx, { accumulate: true });
      program.matmul(transpose(v.fb), v.dz, v.dWf, { accumulate: true });
      program.matmul(transpose(v.h), v.do, v.dWo, { accumulate: true });
      if (bias) program.sumRows(v.dz, v.db, { accumulate: true });
      if (bias) program.sumRows(v.do, v.dbo, { accumulate: true });
    },

    jacobian(program: Program, v: Tensors) {
      if (softmaxed) {
        program.pointwise(flowJacobian, v);
        program.sumRows(v.Jflow, v.JflowSum.pick(0));
        program.pointwise(softmaxJacobian, v);
      }
      program.matmul(transpose(v.Wf), v.Jfb, v.Jz);
      program.pointwise(jacobian, v);
      program.matmul(transpose(v.Wo), v.Jh, v.Jo);
    },
  };
}
