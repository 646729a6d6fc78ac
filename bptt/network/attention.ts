/**
 * Attention: at every step, a decoder looks back at all that its encoder has put out, and weighs what it needs.
 *
 *   h [T·B, H] what the decoder's last layer puts out   e [S·B, M] what the encoder's does   a [T·B, H]
 *   score, weight [T·B, S]   context [T·B, M]   q [T·B, M] or [T·B, H]   keys [B·S, H]   u [T·B·S, H]
 *   Wc [M+H, H]   general: Wa [H, M]   additive: Wq [H, H]   Wk [M, H]   v [H, 1]
 *
 * Forward, for each row b of the batch (what has an index b belongs to it alone)
 *   dot        score_b = h_b e_bᵀ
 *   general    q = h Wa;  score_b = q_b e_bᵀ
 *   additive   q = h Wq;  keys_b = e_b Wk;  u = tanh(keys + q);  score = u v
 *   weight = softmax(score)              over the steps of the source that are valid; 0 at the others
 *   context_b = weight_b e_b
 *   z = context Wc[:M]
 *   z += h Wc[M:]
 *   a = tanh(z)
 *
 * Backward
 *   dz = da * (1 - a * a)
 *   dcontext = dz Wc[:M]ᵀ;  dh = dz Wc[M:]ᵀ;  dWc[:M] += contextᵀ dz;  dWc[M:] += hᵀ dz
 *   dweight_b = dcontext_b e_bᵀ;  de_b += weight_bᵀ dcontext_b
 *   dscore = weight * (dweight - Σ weight * dweight)
 *   dot        dh_b += dscore_b e_b;  de_b += dscore_bᵀ h_b
 *   general    dq_b = dscore_b e_b;  de_b += dscore_bᵀ q_b;  dWa += hᵀ dq;  dh += dq Waᵀ
 *   additive   du = dscore * v * (1 - u * u);  dv += uᵀ dscore;  dq = Σ_S du;  dkeys = Σ_T du
 *              de_b += dkeys_b Wkᵀ;  dWk += e_bᵀ dkeys_b;  dWq += hᵀ dq;  dh += dq Wqᵀ
 *
 * Source: dot and general, and where the context goes in: Luong, Pham & Manning 2015, "Effective approaches to
 * attention-based neural machine translation" (without input feeding); additive scores: Bahdanau, Cho & Bengio 2015.
 */
import ndarray from 'ndarray';
import type { Parameter } from '../../cells/cell';
import { must } from '../../core/check';
import { equations } from '../../core/equations/equations';
import { glorot } from '../../core/init';
import type { Data } from '../../core/memory';
import type { Program } from '../../core/program';
import { dtypeOf, reshape, rows, transpose, zeros, type Tensor, type Tensors } from '../../core/tensor';
import { softmax, softmaxBackward, softmaxBuffers } from './softmax';
import { signal, type Signal, type Stage } from './stage';

/**
 * How a step of the source is scored against a step of the decoder: `dot`, by the product of their outputs;
 * `general`, the same with a matrix between them; `additive`, by a layer of tanh over both.
 */
export type AttentionScore = 'dot' | 'general' | 'additive';
export const scores: AttentionScore[] = ['dot', 'general', 'additive'];

const combineForward = equations('attention, forward', 'z [N, H]   writes a [N, H]', 'a = tanh(z)');
const combineBackward = equations(
  'attention, backward',
  'a, da [N, H]   writes dz [N, H]',
  'dz = da * (1 - a * a)',
);
const additiveForward = equations(
  'attention, forward',
  'keys [S, H]   q [1, H]   writes u [S, H]',
  'u = tanh(keys + q)',
);
/** The score of a step is u v: du = dscore vᵀ; what stands within the tanh is what is wanted. */
const additiveBackward = equations(
  'attention, backward',
  'u [K, H]   dscore [K, 1]   v [1, H]   writes dkeys [K, H]',
  'dkeys = dscore * v * (1 - u * u)',
);
/** Where the source has ended there is nothing to attend to: lower than any score, so that its weight is 0. */
const maskForward = equations(
  'attention, forward',
  'valid, scoreAll [N, S]   writes score [N, S]',
  'score = select(valid, scoreAll, -1e30)',
);
const maskWeight = equations(
  'attention, forward',
  'valid, p [N, S]   writes weight [N, S]',
  'weight = select(valid, p, 0)',
);

export const attentionStatements = {
  combineForward: combineForward.statements[0],
  combineBackward: combineBackward.statements[0],
  additiveForward: additiveForward.statements[0],
  additiveBackward: additiveBackward.statements[0],
};

/** The parameters of an attention of H units over M. */
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

/** Every B-th row of a tensor of blocks of B rows, of the blocks `from`…`to`: what belongs to row b of the batch. */
function ofRow(t: Tensor, b: number, B: number, from: number, to: number): Tensor {
  const [stride, column] = t.stride;
  return ndarray<Data>(
    t.data,
    [to - from, t.shape[1]],
    [B * stride, column],
    t.offset + (from * B + b) * stride,
  );
}

/** The stage above a decoder's last layer. */
export class Attention implements Stage {
  readonly output: Signal;
  /** weight [T·B, S]: how much each step of each row attends to each step of its source. */
  readonly weight: Tensor;
  /** 1 at [t·B + b, s] where step s of row b is one of its source; absent when all are. */
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

  /** Marks the steps of the source that count, from valid [S·B, 1]. */
  fill({ data }: Tensor): void {
    const { B, S, valid } = this;
    if (valid)
      for (let k = 0; k < valid.data.length; k++) valid.data[k] = data[(k % S) * B + (Math.floor(k / S) % B)];
  }

  /** Records what depends on the source alone. */
  encode(program: Program): void {
    if (this.score !== 'additive') return;
    const { e, B, S, tensors } = this;
    for (let b = 0; b < B; b++)
      program.matmul(ofRow(e.value, b, B, 0, S), this.parameters.Wk, rows(tensors.keys, b * S, (b + 1) * S));
  }

  forward(program: Program, from: number, to: number): void {
    const { B, S, e, parameters } = this;
    const v = this.at(from, to);
    const eachRow = (act: (own: (t: Tensor) => Tensor, E: Tensor, b: number) => void): void => {
      for (let b = 0; b < B; b++) act((t) => ofRow(t, b, B, 0, to - from), ofRow(e.value, b, B, 0, S), b);
    };
    if (this.score === 'general') program.matmul(v.h, parameters.Wa, v.q);
    if (this.score === 'additive') {
      program.matmul(v.h, parameters.Wq, v.q);
      for (let k = 0; k < (to - from) * B; k++) {
        const keys = rows(this.tensors.keys, (k % B) * S, ((k % B) + 1) * S);
        additiveForward.record(program, {
          keys,
          q: rows(v.q, k, k + 1),
          u: rows(v.u, k * S, (k + 1) * S),
        });
      }
      program.matmul(v.u, parameters.v, v.scoreColumn);
    } else {
      const query = this.score === 'dot' ? v.h : v.q;
      eachRow((own, E) => program.matmul(own(query), transpose(E), own(v.score)));
    }
    if (v.valid) maskForward.record(program, { valid: v.valid, scoreAll: v.score, score: v.score });
    softmax.record(program, { ...v, y: v.score, p: v.weight });
    if (v.valid) maskWeight.record(program, { valid: v.valid, p: v.weight, weight: v.weight });
    eachRow((own, E) => program.matmul(own(v.weight), E, own(v.context)));
    program.matmul(v.context, v.WcContext, v.z);
    program.matmul(v.h, v.WcOwn, v.z, { accumulate: true });
    combineForward.record(program, v);
  }

  backward(program: Program, from: number, to: number): void {
    const { B, S, T, e, parameters, gradients, score } = this;
    const v = this.at(from, to);
    const more = { accumulate: true };
    // the last steps come first: they begin the sums over all steps
    const later = { accumulate: to < T };
    const eachRow = (act: (own: (t: Tensor) => Tensor, E: Tensor, dE: Tensor) => void): void => {
      for (let b = 0; b < B; b++) {
        const [E, dE] = [e.value, e.gradient].map((t) => ofRow(t, b, B, 0, S));
        act((t) => ofRow(t, b, B, 0, to - from), E, dE);
      }
    };
    combineBackward.record(program, v);
    program.matmul(v.dz, transpose(v.WcContext), v.dcontext);
    program.matmul(v.dz, transpose(v.WcOwn), v.dh);
    program.matmul(transpose(v.context), v.dz, v.dWcContext, more);
    program.matmul(transpose(v.h), v.dz, v.dWcOwn, more);
    // three paths reach e: it is what is weighed, what is scored, and the final state that crosses the bridge
    eachRow((own, E, dE) => {
      program.matmul(own(v.dcontext), transpose(E), own(v.dweight));
      program.matmul(transpose(own(v.weight)), own(v.dcontext), dE, later);
    });
    softmaxBackward.record(program, { ...v, p: v.weight, dp: v.dweight, dy: v.dscore });
    if (score === 'dot') {
      eachRow((own, E, dE) => {
        program.matmul(own(v.dscore), E, own(v.dh), more);
        program.matmul(transpose(own(v.dscore)), own(v.h), dE, more);
      });
    } else if (score === 'general') {
      eachRow((own, E, dE) => {
        program.matmul(own(v.dscore), E, own(v.dq));
        program.matmul(transpose(own(v.dscore)), own(v.q), dE, more);
      });
      program.matmul(transpose(v.h), v.dq, gradients.Wa, more);
      program.matmul(v.dq, transpose(parameters.Wa), v.dh, more);
    } else {
      additiveBackward.record(program, {
        ...v,
        dscore: v.dscoreColumn,
        v: transpose(parameters.v),
        dkeys: v.du,
      });
      program.matmul(transpose(v.u), v.dscoreColumn, gradients.v, more);
      for (let k = 0; k < (to - from) * B; k++) program.sumRows(rows(v.du, k * S, (k + 1) * S), v.dq.pick(k));
      program.matmul(transpose(v.h), v.dq, gradients.Wq, more);
      program.matmul(v.dq, transpose(parameters.Wq), v.dh, more);
      this.keysBackward(program, v, to - from, later, from === 0);
    }
  }

  /** What comes back to the keys of all steps, and, once it is complete, from them to the source. */
  private keysBackward(
    program: Program,
    v: Tensors,
    steps: number,
    later: { accumulate: boolean },
    last: boolean,
  ): void {
    const { B, S, e, tensors, parameters, gradients } = this;
    const more = { accumulate: true };
    const wide = reshape(v.du, [steps * B, S * v.du.shape[1]]);
    for (let b = 0; b < B; b++) {
      const dkeys = rows(tensors.dkeys, b * S, (b + 1) * S);
      program.sumRows(ofRow(wide, b, B, 0, steps), reshape(dkeys, [S * v.du.shape[1]]), later);
      if (!last) continue;
      program.matmul(dkeys, transpose(parameters.Wk), ofRow(e.gradient, b, B, 0, S), more);
      program.matmul(transpose(ofRow(e.value, b, B, 0, S)), dkeys, gradients.Wk, more);
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
