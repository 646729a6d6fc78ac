/** Computes each kind of test vector with this engine. */
import type { Cell } from '../cells/cell';
import { diagonal, type DiagonalOptions } from '../cells/diagonal';
import { elman } from '../cells/elman';
import { gru } from '../cells/gru';
import { lmu } from '../cells/lmu';
import { lstm } from '../cells/lstm';
import { lstm1997 } from '../cells/lstm1997';
import { mingru } from '../cells/mingru';
import { minlstm } from '../cells/minlstm';
import { reservoir } from '../cells/reservoir';
import { clipGlobalNorm } from '../bptt/train/clip';
import { bidirectional, type Layer } from '../bptt/network/layers/layer';
import { optimizer } from '../bptt/train/optimizers';
import { Parameters } from '../bptt/network/parameters';
import { must, mustCount, mustShape } from '../core/check';
import { constant } from '../core/random/init';
import { Random } from '../core/random/random';
import { toFlat } from '../core/tensor';
import { clockworkVector } from './clockwork';
import { vectorCrossEntropy, namedLoss } from './crossentropy';
import { jordanVector } from './jordan';
import { flatLayout, layeredTorchLayout } from './layouts';
import { linearSizesOf, recurrent, rename, vectorSizes, tensorOf } from './recurrent';
import { seq2seqVector } from './seq2seq';
import { torchOptimizer } from '../io/torch/optimizers';
import type { Computed, TestVector, VectorTensor } from './vectors';

type Kind = (vector: TestVector) => Computed;

const torchRnn =
  (cell: (sizes: { input: number; hidden: number; bias: boolean }) => Cell): Kind =>
  (vector) =>
    recurrent(vector, stackOf(vector, cell), layeredTorchLayout);

export const vectorKinds: Record<string, Kind> = {
  RNN_TANH: torchRnn(elman),
  RNN_RELU: torchRnn((sizes) => elman({ ...sizes, activation: 'relu' })),
  LSTM: torchRnn(lstm0),
  GRU: torchRnn(gru),
  LSTM_PACKED: torchRnn(lstm0),
  GRU_PACKED: torchRnn(gru),
  LSTM_TBPTT: torchRnn(lstm0),
  RNN_TANH_TBPTT: torchRnn(elman),
  LSTM_MANY_TO_ONE: torchRnn(lstm0),
  LSTM_CLASSES: torchRnn(lstm0),
  GRU_CLASSES: torchRnn(gru),
  CLIP_GLOBAL_NORM: clipped,
  CLOCKWORK: clockworkVector,
  JORDAN: jordanVector,
  ELMAN: (vector) => recurrent(vector, [elman(vectorSizes(vector))], flatLayout.elman),
  GRU_RESET_BEFORE: (vector) =>
    recurrent(vector, [gru({ ...vectorSizes(vector), reset: 'before' })], flatLayout.resetBefore),
  LSTM_PEEPHOLE: (vector) =>
    recurrent(vector, [lstm({ ...vectorSizes(vector), peepholes: true })], flatLayout.peephole),
  MINGRU: (vector) => recurrent(vector, [mingru(linearSizesOf(vector))], flatLayout.linear),
  MINLSTM: (vector) => recurrent(vector, [minlstm(linearSizesOf(vector))], flatLayout.linear),
  LMU: (vector) => {
    const { M: order } = vector.sizes as { M?: unknown };
    mustCount(order, 'verify', 'sizes.M');
    const { A } = vector.params;
    must(order === A.shape[0], 'verify', `sizes.M must be ${A.shape[0]}, as params.A says`, order);
    return recurrent(vector, [lmu({ ...vectorSizes(vector), order })], flatLayout.lmu);
  },
  RESERVOIR: (vector) => {
    const { input, hidden } = vectorSizes(vector);
    return recurrent(vector, [reservoir({ input, hidden })], flatLayout.reservoir);
  },
  LSTM1997: (vector) => recurrent(vector, [lstm1997(vectorSizes(vector))], flatLayout.single),
  DIAGONAL: (vector) => {
    const { eigenvalues } = vector.hyper as Pick<DiagonalOptions, 'eigenvalues'>;
    return recurrent(vector, [diagonal({ ...linearSizesOf(vector), eigenvalues })], flatLayout.linear);
  },
  SEQ2SEQ_GRU: seq2seqVector,
  SEQ2SEQ_ATTENTION: seq2seqVector,
  SOFTMAX_CE: softmaxCrossEntropy,
  LOSS: lossAlone,
  OPTIMIZER: optimized,
};

/** An LSTM whose forget bias is taken from the vector. */
function lstm0(sizes: { input: number; hidden: number; bias: boolean; projection?: number }): Cell {
  return lstm({ ...sizes, ...(sizes.bias && { forgetBias: 0 }) });
}

function clipped(vector: TestVector): Computed {
  const { clip } = vector;
  must(clip !== undefined, 'verify', 'the vector must have a clip', 'none');
  const { values, gradients } = vectorKinds.LSTM(vector);
  // PyTorch keeps two biases, and both count in its gradient norm
  const names = Object.keys(clip.grads_after);
  const stranger = names.find((name) => !Object.hasOwn(gradients, `grads.${name}`));
  must(stranger === undefined, 'verify', 'clip.grads_after must hold gradients of this kind', stranger);
  const parameters = parametersLike(clip.grads_after);
  for (const name of names)
    parameters.gradients[name].data.set(
      Array.from(gradients[`grads.${name}`]),
      parameters.gradients[name].offset,
    );
  const { norm, coefficient } = clipGlobalNorm(parameters, clip.max_norm, { epsilon: 1e-6 });
  Object.assign(values, { 'clip.total_norm': [norm], 'clip.coef': [coefficient] });
  for (const name of names) gradients[`clip.grads_after.${name}`] = toFlat(parameters.gradients[name]);
  return { values, gradients };
}

function softmaxCrossEntropy(vector: TestVector): Computed {
  const { shape, data } = tensorOf(vector.inputs, 'logits_in', 'inputs');
  const { loss, probs, logProbs, dLogits } = vectorCrossEntropy(data, shape[shape.length - 1], vector);
  return {
    values: rename({ logits: data, probs, log_probs: logProbs, loss: [loss] }, 'expected.'),
    gradients: { 'grads.logits_in': dLogits },
  };
}

function lossAlone(vector: TestVector): Computed {
  const { shape, data } = tensorOf(vector.inputs, 'y', 'inputs');
  const { loss, dy } = namedLoss(data, shape[shape.length - 1], vector);
  return { values: { 'expected.loss': [loss] }, gradients: { 'grads.y': dy } };
}

function optimized({ name, hyper, params, steps }: TestVector): Computed {
  must(steps !== undefined, 'verify', 'the vector must have steps', 'none');
  const parameters = parametersLike(params);
  for (const [key, { data }] of Object.entries(params)) parameters.set(key, data);
  const update = optimizer(parameters, torchOptimizer(name, hyper));
  const values: Computed['values'] = {};
  steps.forEach(({ grads }, k) => {
    for (const [key, { data, shape }] of Object.entries(grads)) {
      mustShape(shape, parameters.values[key]?.shape ?? [], 'verify', `steps[${k}].grads.${key}`);
      parameters.gradients[key].data.set(data, parameters.gradients[key].offset);
    }
    update.step();
    for (const key of Object.keys(params))
      values[`steps[${k}].params_after.${key}`] = toFlat(parameters.values[key]);
  });
  return { values, gradients: {} };
}

const parametersLike = (tensors: Record<string, VectorTensor>): Parameters => {
  const shapes = Object.entries(tensors).map(
    ([name, { shape }]) => [name, { shape, init: constant(0) }] as const,
  );
  return new Parameters(Object.fromEntries(shapes), 'float64', new Random(0));
};

/** The layers of a stack: input I, then D·H; biases if the vector has any. */
function stackOf(
  vector: TestVector,
  cell: (sizes: { input: number; hidden: number; bias: boolean; projection?: number }) => Cell,
): Layer[] {
  const { sizes, params } = vector;
  const { L = 1, D = 1 } = sizes as { L?: number; D?: number };
  must(D === 1 || D === 2, 'verify', 'sizes.D must be 1 or 2', D, 'directions');
  const most = Object.keys(params).length;
  const fits = Number.isInteger(L) && L >= 1 && L <= most;
  must(fits, 'verify', `sizes.L must be a whole number in 1…${most}`, L, 'layers, each with its own params');
  const bias = 'bias_ih_l0' in params;
  const { input, ...others } = vectorSizes(vector);
  return Array.from({ length: L }, (_, l) => {
    const below = D * (others.projection ?? others.hidden);
    const one = cell({ input: l === 0 ? input : below, bias, ...others });
    return D === 1 ? one : bidirectional(one);
  });
}
