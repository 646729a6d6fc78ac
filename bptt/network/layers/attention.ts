/**
 * Attention: at every step, a decoder computes a weighted mean of all outputs of its encoder.
 *
 *   h [T·B, H] output of the decoder's last layer   e [S·B, M] output of the encoder's last layer   a [T·B, H]
 *   score, weight [T·B, S]   context [T·B, M]   q [T·B, M] or [T·B, H]   keys [B·S, H]   u [T·B·S, H]
 *   Wc [M+H, H]   general: Wa [H, M]   additive: Wq [H, H]   Wk [M, H]   v [H, 1]
 *
 * Each row of the batch attends to its own source: in the equations of scores and weights, h, q, score, weight and context
 * denote every B-th row of these tensors [T, ·], and e that of the source [S, ·].
 *
 * Source: dot and general scores, and the use of the context: Luong, Pham & Manning 2015, "Effective approaches to
 * attention-based neural machine translation" (without input feeding); additive scores: Bahdanau, Cho & Bengio 2015.
 */
import ndarray from 'ndarray';
import type { Parameter } from '../../../cells/cell';
import { must } from '../../../core/check';
import { lazyEquations } from '../../../core/equations/equations';
import { glorot } from '../../../core/random/init';
import type { Data } from '../../../core/memory';
import type { Program } from '../../../core/programs/program';
import { dtypeOf, reshape, rows, transpose, zeros, type Tensor, type Tensors } from '../../../core/tensor';
import { softmaxBackward, softmaxBuffers, softmaxForward } from '../../../core/softmax';
import { signal, type Signal, type Stage } from './stage';

/**
 * The score of a step of the source for a step of the decoder: `dot`, the inner product of their outputs; `general`, the
 * same with a matrix in between; `additive`, a tanh layer over both.
 */
export type AttentionScore = 'dot' | 'general' | 'additive';
export const attentionScores: AttentionScore[] = ['dot', 'general', 'additive'];

const [forwardOf, backwardOf] = ['attention, forward', 'attention, backward'];

/** W is Wa of `general`, or Wq of `additive`. */
const queryForward = lazyEquations(forwardOf, 'h [N, H]   W [H, Q]   writes q [N, Q]', 'q = h @ W');
const queryBackward = lazyEquations(
  backwardOf,
  'h [N, H]   W [H, Q]   dq [N, Q]   adds dh [N, H]   dW [H, Q]',
  `dW += h.T @ dq
   dh += dq @ W.T`,
);
const scoreForward = lazyEquations(forwardOf, 'q [T, M]   e [S, M]   writes score [T, S]', 'score = q @ e.T');
/** The query of `dot` is h itself, which also gets gradient on other paths. */
const dotBackward = lazyEquations(
  backwardOf,
  'q [T, M]   e [S, M]   dscore [T, S]   adds dq [T, M]   de [S, M]',
  `dq += dscore @ e
   de += dscore.T @ q`,
);
const generalBackward = lazyEquations(
  backwardOf,
  'q [T, M]   e [S, M]   dscore [T, S]   writes dq [T, M]   adds de [S, M]',
  `dq = dscore @ e
   de += dscore.T @ q`,
);
const keysForward = lazyEquations(forwardOf, 'e [S, M]   Wk [M, H]   writes keys [S, H]', 'keys = e @ Wk');
const keysBackward = lazyEquations(
  backwardOf,
  'e [S, M]   Wk [M, H]   dkeys [S, H]   adds de [S, M]   dWk [M, H]',
  `de += dkeys @ Wk.T
   dWk += e.T @ dkeys`,
);
const additiveForward = lazyEquations(
  forwardOf,
  'keys [S, H]   q [1, H]   writes u [S, H]',
  'u = tanh(keys + q)',
);
const additiveScore = lazyEquations(forwardOf, 'u [K, H]   v [H, 1]   writes score [K, 1]', 'score = u @ v');
/** The score of a step is u v, so du = dscore vᵀ; this is the gradient of the argument of tanh. */
const additiveBackward = lazyEquations(
  backwardOf,
  'u [K, H]   dscore [K, 1]   v [1, H]   writes dkeys [K, H]',
  'dkeys = dscore * v * (1 - u * u)',
);
const additiveScoreBackward = lazyEquations(
  backwardOf,
  'u [K, H]   dscore [K, 1]   adds dv [H, 1]',
  'dv += u.T @ dscore',
);
/** All steps of the source share the query, and all steps of the decoder share the keys: their gradients are sums. */
const spreadBackward = lazyEquations(backwardOf, 'du [S, H]   writes dq [H]', 'dq = sum(du)');
const gatherBackward = lazyEquations(backwardOf, 'du [T, W]   writes dkeys [W]', 'dkeys = sum(du)');
const gatherMoreBackward = lazyEquations(backwardOf, 'du [T, W]   adds dkeys [W]', 'dkeys += sum(du)');

const weighForward = lazyEquations(
  forwardOf,
  'weight [T, S]   e [S, M]   writes context [T, M]',
  'context = weight @ e',
);
/** Three paths reach e: the weighted mean, the scores, and the final state that crosses the bridge. */
const weighBackward = lazyEquations(
  backwardOf,
  'weight [T, S]   e [S, M]   dcontext [T, M]   writes dweight [T, S]   de [S, M]',
  `dweight = dcontext @ e.T
   de = weight.T @ dcontext`,
);
const weighMoreBackward = lazyEquations(
  backwardOf,
  'weight [T, S]   e [S, M]   dcontext [T, M]   writes dweight [T, S]   adds de [S, M]',
  `dweight = dcontext @ e.T
   de += weight.T @ dcontext`,
);

const combineForward = lazyEquations(
  forwardOf,
  'context [N, M]   h [N, H]   WcContext [M, H]   WcOwn [H, H]   writes z, a [N, H]',
  `z = context @ WcContext + h @ WcOwn
   a = tanh(z)`,
);
const combineBackward = lazyEquations(
  backwardOf,
  `a, da [N, H]   context [N, M]   h [N, H]   WcContext [M, H]   WcOwn [H, H]
   writes dz [N, H]   dcontext [N, M]   dh [N, H]   adds dWcContext [M, H]   dWcOwn [H, H]`,
  `dz = da * (1 - a * a)
   dcontext = dz @ WcContext.T
   dh = dz @ WcOwn.T
   dWcContext += context.T @ dz
   dWcOwn += h.T @ dz`,
);
/** The score of padding in the source: lower than any real score, so that its attention weight is 0. */
const maskForward = lazyEquations(
  forwardOf,
  'valid, scoreAll [N, S]   writes score [N, S]',
  'score = select(valid, scoreAll, -1e30)',
);
const maskWeight = lazyEquations(
  forwardOf,
  'valid, p [N, S]   writes weight [N, S]',
  'weight = select(valid, p, 0)',
);

/** The elementwise statements with a derivative, and their derivatives. */
export const attentionStatements = () => ({
  combineForward: combineForward.statements[0],
  combineBackward: combineBackward.statements[0],
  additiveForward: additiveForward.statements[0],
  additiveBackward: additiveBackward.statements[0],
});

/** The parameters of an attention from H decoder units to M encoder units. */
export function attentionParameters(score: AttentionScore, H: number, M: number): Record<string, Parameter> {
  const matrix = (shape: number[]): Parameter => ({ shape, init: glorot() });
  const why = `the widths of the last layers; 'general' and 'additive' let them differ`;
  if (score === 'dot') must(M === H, 'network', `attention 'dot' needs an encoder output ${H} wide`, M, why);
  return {
    Wc: matrix([M + H, H]),
    ...(score === 'general' && { Wa: matrix([H, M]) }),
    ...(score === 'additive' && { Wq: matrix([H, H]), Wk: matrix([M, H]), v: matrix([H, 1]) }),
  };
}

/** The rows of a tensor that belong to row b of the batch: every B-th row of the blocks `from`…`to`. */
function ofRow(t: Tensor, b: number, B: number, from: number, to: number): Tensor {
  const [stride, column] = t.stride;
  return ndarray<Data>(
    t.data,
    [to - from, t.shape[1]],
    [B * stride, column],
    t.offset + (from * B + b) * stride,
  );
}

/** Attention as a stage above the decoder's last layer. */
export class Attention implements Stage {
  readonly output: Signal;
  /** Attention weights [T·B, S] of each step of each row over the steps of its source. */
  readonly weight: Tensor;
  /** 1 at [t·B + b, s] if step s of row b's source is valid; absent if all are. */
  readonly valid: Tensor | undefined;
  private readonly T: number;
  private readonly S: number;
  private readonly tensors: Tensors;

  constructor(
    private readonly score: AttentionScore,
    private readonly h: Signal,
    private readonly e: Signal,
    private readonly B: number,
    masked: boolean,
    private readonly parameters: Tensors,
    private readonly gradients: Tensors,
  ) {
    const [N, H] = h.value.shape;
    const [K, M] = e.value.shape;
    const dtype = dtypeOf(h.value);
    const [T, S] = [(this.T = N / B), (this.S = K / B)];
    const make = (n: number, width: number): Tensor => zeros([n, width], dtype);
    this.output = signal(N, H, h);
    this.weight = make(N, S);
    if (masked) this.valid = make(N, S);
    const Q = score === 'general' ? M : H;
    this.tensors = {
      ...{ score: make(N, S), dweight: make(N, S), dscore: make(N, S) },
      ...{ context: make(N, M), dcontext: make(N, M), z: make(N, H), dz: make(N, H) },
      ...(score !== 'dot' && { q: make(N, Q), dq: make(N, Q) }),
      ...(score === 'additive' && { keys: make(B * S, H), dkeys: make(B * S, H) }),
      ...(score === 'additive' && { u: make(T * B * S, H), du: make(T * B * S, H) }),
    };
    Object.assign(this.tensors, softmaxBuffers(this.weight));
  }

  /** Marks the valid steps of the source, from valid [S·B, 1]. */
  fill({ data }: Tensor): void {
    const { B, S, valid } = this;
    if (valid)
      for (let k = 0; k < valid.data.length; k++) valid.data[k] = data[(k % S) * B + (Math.floor(k / S) % B)];
  }

  /** Records the operations that depend only on the source. */
  encode(program: Program): void {
    if (this.score !== 'additive') return;
    const { e, B, S, tensors } = this;
    for (let b = 0; b < B; b++)
      keysForward.record(program, {
        e: ofRow(e.value, b, B, 0, S),
        Wk: this.parameters.Wk,
        keys: rows(tensors.keys, b * S, (b + 1) * S),
      });
  }

  forward(program: Program, from: number, to: number): void {
    const { B, S, e, parameters } = this;
    const v = this.at(from, to);
    const eachRow = (act: (own: (t: Tensor) => Tensor, e: Tensor) => void): void => {
      for (let b = 0; b < B; b++) act((t) => ofRow(t, b, B, 0, to - from), ofRow(e.value, b, B, 0, S));
    };
    if (this.score === 'general') queryForward.record(program, { ...v, W: parameters.Wa });
    if (this.score === 'additive') {
      queryForward.record(program, { ...v, W: parameters.Wq });
      for (let b = 0; b < B; b++) {
        const keys = rows(this.tensors.keys, b * S, (b + 1) * S);
        program.repeat(to - from, (each, t) => {
          const k = t * B + b;
          additiveForward.record(each, { keys, q: rows(v.q, k, k + 1), u: rows(v.u, k * S, (k + 1) * S) });
        });
      }
      additiveScore.record(program, { u: v.u, v: parameters.v, score: v.scoreColumn });
    } else {
      const query = this.score === 'dot' ? v.h : v.q;
      eachRow((own, e) => scoreForward.record(program, { q: own(query), e, score: own(v.score) }));
    }
    if (v.valid) maskForward.record(program, { valid: v.valid, scoreAll: v.score, score: v.score });
    softmaxForward.record(program, { ...v, y: v.score, p: v.weight });
    if (v.valid) maskWeight.record(program, { valid: v.valid, p: v.weight, weight: v.weight });
    eachRow((own, e) => weighForward.record(program, { weight: own(v.weight), e, context: own(v.context) }));
    combineForward.record(program, v);
  }

  backward(program: Program, from: number, to: number): void {
    const { B, S, T, e, parameters, gradients, score } = this;
    const v = this.at(from, to);
    const eachRow = (act: (own: (t: Tensor) => Tensor, source: { e: Tensor; de: Tensor }) => void): void => {
      for (let b = 0; b < B; b++) {
        const [E, dE] = [e.value, e.gradient].map((t) => ofRow(t, b, B, 0, S));
        act((t) => ofRow(t, b, B, 0, to - from), { e: E, de: dE });
      }
    };
    combineBackward.record(program, v);
    // the last steps run first, so they initialize the sums over all steps
    const weigh = to < T ? weighMoreBackward : weighBackward;
    eachRow((own, source) =>
      weigh.record(program, {
        ...{ ...source, weight: own(v.weight) },
        ...{ dcontext: own(v.dcontext), dweight: own(v.dweight) },
      }),
    );
    softmaxBackward.record(program, { ...v, p: v.weight, dp: v.dweight, dy: v.dscore });
    if (score === 'dot') {
      eachRow((own, source) =>
        dotBackward.record(program, { ...source, q: own(v.h), dq: own(v.dh), dscore: own(v.dscore) }),
      );
    } else if (score === 'general') {
      eachRow((own, source) =>
        generalBackward.record(program, { ...source, q: own(v.q), dq: own(v.dq), dscore: own(v.dscore) }),
      );
      queryBackward.record(program, { ...v, W: parameters.Wa, dW: gradients.Wa });
    } else {
      const { u, dscoreColumn: dscore } = v;
      additiveBackward.record(program, { u, dscore, v: transpose(parameters.v), dkeys: v.du });
      additiveScoreBackward.record(program, { u, dscore, dv: gradients.v });
      program.repeat((to - from) * B, (each, k) =>
        spreadBackward.record(each, { du: rows(v.du, k * S, (k + 1) * S), dq: v.dq.pick(k) }),
      );
      queryBackward.record(program, { ...v, W: parameters.Wq, dW: gradients.Wq });
      this.keysBackward(program, v, from, to);
    }
  }

  /** Adds up the gradient of the keys over all steps and, once it is complete, passes it on to the source. */
  private keysBackward(program: Program, v: Tensors, from: number, to: number): void {
    const { B, S, T, e, tensors, parameters, gradients } = this;
    const gather = to < T ? gatherMoreBackward : gatherBackward;
    const wide = reshape(v.du, [(to - from) * B, S * v.du.shape[1]]);
    for (let b = 0; b < B; b++) {
      const dkeys = rows(tensors.dkeys, b * S, (b + 1) * S);
      const flat = reshape(dkeys, [S * v.du.shape[1]]);
      gather.record(program, { du: ofRow(wide, b, B, 0, to - from), dkeys: flat });
      if (from > 0) continue;
      const [E, dE] = [e.value, e.gradient].map((t) => ofRow(t, b, B, 0, S));
      keysBackward.record(program, { e: E, de: dE, Wk: parameters.Wk, dWk: gradients.Wk, dkeys });
    }
  }

  /** The tensors of the steps `from`…`to` by the names of the equations. */
  private at(from: number, to: number): Tensors {
    const { B, S, h, output, weight, valid, parameters, gradients, tensors } = this;
    const block = (t: Tensor, each = 1): Tensor => rows(t, from * B * each, to * B * each);
    const v: Tensors = {
      ...{ h: block(h.value), dh: block(h.gradient) },
      ...{ a: block(output.value), da: block(output.gradient), weight: block(weight) },
      ...(valid && { valid: block(valid) }),
    };
    for (const [name, t] of Object.entries(tensors))
      if (!name.endsWith('keys')) v[name] = block(t, name.endsWith('u') ? S : 1);
    const M = v.context.shape[1];
    const all = parameters.Wc.shape[0];
    [v.WcContext, v.WcOwn] = [rows(parameters.Wc, 0, M), rows(parameters.Wc, M, all)];
    [v.dWcContext, v.dWcOwn] = [rows(gradients.Wc, 0, M), rows(gradients.Wc, M, all)];
    const n = (to - from) * B * S;
    [v.scoreColumn, v.dscoreColumn] = [reshape(v.score, [n, 1]), reshape(v.dscore, [n, 1])];
    return v;
  }
}
