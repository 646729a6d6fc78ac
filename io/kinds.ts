/** How each kind of test vector is computed with this engine. */
import type { Cell } from '../cells/cell';
import { elman } from '../cells/elman';
import { gru } from '../cells/gru';
import { lstm } from '../cells/lstm';
import { clipGlobalNorm } from '../bptt/clip';
import { recordLoss } from '../bptt/losses';
import { bidirectional, directionsOf, inputOf, type Layer } from '../bptt/layer';
import { network, type Network } from '../bptt/network';
import { optimizer } from '../bptt/optimizers';
import { Parameters } from '../bptt/parameters';
import { truncated } from '../bptt/truncated';
import { must, mustShape } from '../core/check';
import { constant } from '../core/init';
import { plain } from '../core/plain';
import { Program } from '../core/program';
import { Random } from '../core/random';
import { softmax } from '../core/reduce';
import { tensor, toFlat, zeros, type Tensor } from '../core/tensor';
import { flatLayout, layeredTorchLayout, type Layout } from './layouts';
import { torchOptimizer } from './torchoptim';
import type { Vector, VectorTensor } from './vectors';
import type { Computed } from './verify';

type Kind = (vector: Vector) => Computed;

const torchRnn =
  (cell: (sizes: { input: number; hidden: number; bias: boolean }) => Cell): Kind =>
  (vector) =>
    recurrent(vector, stackOf(vector, cell), layeredTorchLayout);

export const kinds: Record<string, Kind> = {
  RNN_TANH: torchRnn(elman),
  RNN_RELU: torchRnn((sizes) => elman({ ...sizes, activation: 'relu' })),
  LSTM: torchRnn(lstm0),
  GRU: torchRnn(gru),
  LSTM_PACKED: torchRnn(lstm0),
  GRU_PACKED: torchRnn(gru),
  LSTM_TBPTT: torchRnn(lstm0),
  RNN_TANH_TBPTT: torchRnn(elman),
  LSTM_MANY_TO_ONE: torchRnn(lstm0),
  CLIP_GLOBAL_NORM: clipped,
  ELMAN: (vector) => recurrent(vector, [elman(sizesOf(vector))], flatLayout.elman),
  GRU_RESET_BEFORE: (vector) =>
    recurrent(vector, [gru({ ...sizesOf(vector), reset: 'before' })], flatLayout.resetBefore),
  LSTM_PEEPHOLE: (vector) =>
    recurrent(vector, [lstm({ ...sizesOf(vector), peepholes: true })], flatLayout.peephole),
  SOFTMAX_CE: softmaxCrossEntropy,
  OPTIMIZER: optimized,
};

/** An LSTM whose forget bias is the vector's, whatever it is. */
function lstm0(sizes: { input: number; hidden: number; bias: boolean }): Cell {
  return lstm({ ...sizes, ...(sizes.bias && { forgetBias: 0 }) });
}

/** Runs a network on a vector: forward, and backward from its loss. */
function recurrent(vector: Vector, layers: Layer[], layout: Layout): Computed {
  const { params, inputs, init, hyper, loss } = vector;
  must(loss !== undefined, 'verify', 'the vector must have a loss', 'none');
  const x = tensorOf(inputs, 'x', 'inputs');
  const [T, B] = x.shape;
  mustShape(x.shape, [T, B, inputOf(layers[0])], 'verify', 'inputs.x', 'sizes.I');
  const head = Object.keys(params).find((name) => name === 'head.weight' || name === 'V');
  const classes = loss.type === 'cross_entropy';
  const last = classes && loss.targets.shape.length === 1;
  const net = network({
    layers,
    ...(head && { output: params[head].shape[0] }),
    ...(classes && { loss: 'softmax' as const, reduction: loss.reduction }),
    at: last ? 'last' : 'every',
  });
  layout.load(net, params);

  const batch = {
    x: { shape: x.shape, numbers: x.data },
    initial: initialStates(net, init, B),
    ...(classes && { targets: { shape: loss.targets.shape, numbers: loss.targets.data } }),
    ...(hyper.lengths !== undefined && { lengths: hyper.lengths as number[] }),
  };
  const upstream = classes ? undefined : upstreamOf(net, vector, T, B);

  const gradientsNow = (
    dx: Tensor,
    initial: Record<string, Tensor>,
    prefix: string,
  ): Computed['gradients'] => {
    const all: Computed['gradients'] = { x: toFlat(dx), ...layout.gradients(net) };
    for (const s of stateNames(net)) all[`${s}_0`] = eachLayer(net, initial, s);
    return rename(all, prefix);
  };

  if (typeof hyper.chunk === 'number') {
    const run = (chunk: number, prefix: string): Computed => {
      net.parameters.zeroGradients();
      const {
        loss: total,
        output,
        states,
        x: dx,
        initial,
      } = truncated(net, batch, { chunk, ...(upstream && { upstream }) });
      const values = valuesOf(net, toFlat(output), states, total, vector);
      return { values, gradients: gradientsNow(dx, initial, prefix) };
    };
    const cut = run(hyper.chunk, 'grads.');
    return { values: cut.values, gradients: { ...cut.gradients, ...run(T, 'grads_full_bptt.').gradients } };
  }

  const result = net.forward(batch);
  const values = valuesOf(net, toFlat(result.output), result.states, result.loss, vector);
  const { x: dx, initial } = net.backward(upstream);
  return { values, gradients: gradientsNow(dx, initial, 'grads.') };
}

/** Every value a vector may expect of a network's forward pass. */
function valuesOf(
  net: Network,
  outputs: number[],
  states: Record<string, Tensor>,
  total: number,
  { loss, hyper, inputs }: Vector,
): Computed['values'] {
  const [T, B] = inputs.x.shape;
  const values: Computed['values'] = {};
  for (const s of stateNames(net)) values[`${s}_n`] = eachLayer(net, states, s);
  if (net.architecture.output === undefined) {
    values.output = zeroPadding(outputs, hyper.lengths as number[] | undefined, T, B);
  } else {
    const O = net.output;
    values.logits = outputs;
    values.probs = Array.from({ length: outputs.length / O }, (_, r) =>
      softmax(outputs.slice(r * O, (r + 1) * O)),
    ).flat();
    const top = net.lastPlan?.outputs.at(-1);
    if (top) values.output = zeroPadding(toFlat(top), hyper.lengths as number[] | undefined, T, B);
  }
  values.hidden = values.output;
  if (loss?.type === 'weighted_sum') {
    values.loss = [
      Object.entries(loss.weights).reduce((sum, [name, { data }]) => sum + dot(data, values[name] ?? []), 0),
    ];
  } else values.loss = [total];
  return rename(values, 'expected.');
}

/** dL/doutput and dL/dfinal states of a weighted sum. */
function upstreamOf(
  net: Network,
  { loss, hyper }: Vector,
  T: number,
  B: number,
): { output?: number[]; states: Record<string, number[]> } {
  const weights = loss?.type === 'weighted_sum' ? loss.weights : {};
  const states: Record<string, number[]> = {};
  for (const s of stateNames(net)) {
    const weight = weights[`${s}_n`] as VectorTensor | undefined;
    if (!weight) continue;
    const directions = net.architecture.layers.flatMap(directionsOf);
    const each = weight.data.length / directions.length;
    directions.forEach(
      ({ name }, k) => (states[`${name}.${s}`] = weight.data.slice(k * each, (k + 1) * each)),
    );
  }
  const given = (weights.output ?? weights.hidden) as VectorTensor | undefined;
  if (!given) return { states };
  const size = T * B * net.output;
  must(
    given.data.length === size,
    'verify',
    `the weights of output must hold ${size} numbers`,
    given.data.length,
  );
  // an output past a row's end is zero, whatever the network computes there: it has no gradient
  return { output: zeroPadding(given.data, hyper.lengths as number[] | undefined, T, B), states };
}

function clipped(vector: Vector): Computed {
  const { clip } = vector;
  must(clip !== undefined, 'verify', 'the vector must have a clip', 'none');
  const { values, gradients } = kinds.LSTM(vector);
  // PyTorch keeps two biases: both count in its norm
  const names = Object.keys(clip.grads_after);
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

function softmaxCrossEntropy({ inputs, loss }: Vector): Computed {
  must(loss?.type === 'cross_entropy', 'verify', 'the loss must be cross_entropy', loss?.type);
  const logits = tensorOf(inputs, 'logits_in', 'inputs');
  const O = logits.shape[logits.shape.length - 1];
  const N = logits.data.length / O;
  mustShape([loss.targets.data.length], [N], 'verify', 'loss.targets');
  const v = {
    y: tensor(Float64Array.from(logits.data), [N, O]),
    dy: zeros([N, O]),
    target: zeros([N, O]),
    weight: zeros([N, 1]),
    rowLoss: zeros([N, 1]),
    loss: zeros([1]),
  };
  v.weight.data.fill(loss.reduction === 'mean' ? 1 / N : 1);
  loss.targets.data.forEach((k, row) => v.target.set(row, k, 1));
  const [forward, backward, logSum] = [new Program(), new Program(), zeros([N, 1])];
  recordLoss('softmax', forward, backward, v);
  forward.logSumExp(v.y, logSum);
  forward.bind(plain)();
  backward.bind(plain)();
  const logProbs = logits.data.map((y, k) => y - logSum.get(Math.floor(k / O), 0));
  const probs = logProbs.map(Math.exp);
  return {
    values: rename({ logits: logits.data, probs, log_probs: logProbs, loss: [v.loss.get(0)] }, 'expected.'),
    gradients: { 'grads.logits_in': toFlat(v.dy) },
  };
}

function optimized({ name, hyper, params, steps }: Vector): Computed {
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
  vector: Vector,
  cell: (sizes: { input: number; hidden: number; bias: boolean }) => Cell,
): Layer[] {
  const { sizes, params } = vector;
  const { L = 1, D = 1 } = sizes as { L?: number; D?: number };
  must(D === 1 || D === 2, 'verify', 'sizes.D must be 1 or 2', D, 'directions');
  const bias = 'bias_ih_l0' in params;
  const { input, hidden } = sizesOf(vector);
  return Array.from({ length: L }, (_, l) => {
    const one = cell({ input: l === 0 ? input : D * hidden, hidden, bias });
    return D === 1 ? one : bidirectional(one);
  });
}

function sizesOf({ sizes }: Vector): { input: number; hidden: number } {
  const { I, H } = sizes;
  must(
    typeof I === 'number' && typeof H === 'number',
    'verify',
    'sizes must hold I and H',
    Object.keys(sizes),
  );
  return { input: I, hidden: H };
}

const stateNames = ({ architecture: { layers } }: Network): string[] =>
  Object.keys(directionsOf(layers[0], 0)[0].cell.states);

/** One state of all layers and directions, [L·D, B, H]. */
const eachLayer = (net: Network, states: Record<string, Tensor>, s: string): number[] =>
  net.architecture.layers.flatMap(directionsOf).flatMap(({ name }) => toFlat(states[`${name}.${s}`]));

function initialStates(net: Network, init: Vector['init'], B: number): Record<string, number[]> {
  const states: Record<string, number[]> = {};
  for (const s of stateNames(net)) {
    const given = init[`${s}_0`] as VectorTensor | undefined;
    net.architecture.layers.flatMap(directionsOf).forEach(({ name, cell }, k) => {
      const size = B * cell.states[s];
      states[`${name}.${s}`] = given
        ? given.data.slice(k * size, (k + 1) * size)
        : Array<number>(size).fill(0);
    });
  }
  return states;
}

function zeroPadding(
  values: readonly number[],
  lengths: number[] | undefined,
  T: number,
  B: number,
): number[] {
  if (!lengths) return [...values];
  const width = values.length / (T * B);
  return values.map((v, k) => (Math.floor(k / (B * width)) < lengths[Math.floor(k / width) % B] ? v : 0));
}

function tensorOf(tensors: Record<string, VectorTensor>, name: string, group: string): VectorTensor {
  must(Object.hasOwn(tensors, name), 'verify', `${group} must hold ${name}`, Object.keys(tensors));
  return tensors[name];
}

const rename = (all: Computed['values'], prefix: string): Computed['values'] =>
  Object.fromEntries(Object.entries(all).map(([name, values]) => [prefix + name, values]));

const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k] * b[k];
  return sum;
};
