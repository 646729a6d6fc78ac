/** Test vectors of recurrent networks: forward, and backward from a cross-entropy or a weighted sum. */
import { directionsOf, inputOf, type Layer } from '../bptt/network/layers/layer';
import { network, type Gradients, type Network } from '../bptt/network/network';
import { planOf, type Pass } from '../bptt/network/passes/pass';
import { truncated } from '../bptt/truncated';
import { embedding } from '../cells/embedding';
import { must, mustShape } from '../core/check';
import { softmax } from '../core/softmax';
import { toFlat, type Tensor } from '../core/tensor';
import type { Layout } from './layouts';
import type { Computed, TestVector, VectorTensor } from './vectors';

/** Runs a network on a vector: forward, and backward from its loss. */
export function recurrent(vector: TestVector, layers: Layer[], layout: Layout): Computed {
  const { params, inputs, init, hyper, loss } = vector;
  must(loss !== undefined, 'verify', 'the vector must have a loss', 'none');
  const x = tensorOf(inputs, 'x', 'inputs');
  const [T, B] = x.shape;
  const byClass = x.shape.length === 2;
  if (!byClass) mustShape(x.shape, [T, B, inputOf(layers[0])], 'verify', 'inputs.x', 'sizes.I');
  const { 'embedding.weight': table } = params as Partial<typeof params>;
  const head = Object.keys(params).find((name) => name === 'head.weight' || name === 'V');
  const classes = loss.type === 'cross_entropy';
  // targets of all steps may come as one row of numbers
  const flat = classes && loss.targets.shape.length === 1;
  const every = flat && T > 1 && loss.targets.data.length === T * B;
  const last = flat && !every;
  const net = network({
    layers: table ? [embedding({ input: table.shape[0], width: inputOf(layers[0]) }), ...layers] : layers,
    ...(head && { output: params[head].shape[0] }),
    ...(classes && { loss: 'softmax' as const, reduction: loss.reduction }),
    topology: last ? 'many-to-one' : 'many-to-many',
  });
  layout.load(net, params);

  const batch = {
    x: { shape: x.shape, numbers: x.data },
    initial: initialStates(net, init, B),
    ...(classes && { targets: { shape: every ? [T, B] : loss.targets.shape, numbers: loss.targets.data } }),
    ...(hyper.lengths && { lengths: hyper.lengths }),
  };
  const upstream = classes ? undefined : upstreamOf(net, vector, T, B);

  const gradientsNow = (back: Pick<Gradients, 'x' | 'initial'>, prefix: string): Computed['gradients'] => {
    const all: Computed['gradients'] = { ...(!byClass && { x: toFlat(back.x) }), ...layout.gradients(net) };
    for (const s of stateNames(net)) all[`${s}_0`] = eachLayer(net, back.initial, s);
    return rename(all, prefix);
  };

  if (hyper.chunk !== undefined) {
    const run = (chunk: number, prefix: string): Computed => {
      net.parameters.zeroGradients();
      const result = truncated(net, batch, { chunk, ...(upstream && { upstream }) });
      const values = valuesOf(net, result, undefined, vector);
      return { values, gradients: gradientsNow(result, prefix) };
    };
    const cut = run(hyper.chunk, 'grads.');
    return { values: cut.values, gradients: { ...cut.gradients, ...run(T, 'grads_full_bptt.').gradients } };
  }

  const result = net.forward(batch);
  const values = valuesOf(net, result, planOf(result).main.output.value, vector);
  return { values, gradients: gradientsNow(result.backward(upstream), 'grads.') };
}

/** Every value a vector may expect of a network's forward pass. */
function valuesOf(
  net: Network,
  { output, states, loss: total }: Pick<Pass, 'output' | 'states' | 'loss'>,
  top: Tensor | undefined,
  { loss, hyper, inputs }: TestVector,
): Computed['values'] {
  const outputs = toFlat(output);
  const [T, B] = inputs.x.shape;
  const values: Computed['values'] = {};
  for (const s of stateNames(net)) values[`${s}_n`] = eachLayer(net, states, s);
  if (net.architecture.output === undefined) {
    values.output = zeroPadding(outputs, hyper.lengths, T, B);
  } else {
    const O = net.output;
    values.logits = outputs;
    values.probs = Array.from({ length: outputs.length / O }, (_, r) =>
      softmax(outputs.slice(r * O, (r + 1) * O)),
    ).flat();
    if (top) values.output = zeroPadding(toFlat(top), hyper.lengths, T, B);
  }
  values.hidden = values.output;
  if (loss?.type === 'weighted_sum') {
    values.loss = [
      Object.entries(loss.weights).reduce((sum, [name, { data }]) => sum + dot(data, values[name] ?? []), 0),
    ];
  } else values.loss = [total];
  return rename(values, 'expected.');
}

/** dL/doutput and dL/dfinal states of a loss that is a weighted sum. */
function upstreamOf(
  net: Network,
  { loss, hyper }: TestVector,
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
  return { output: zeroPadding(given.data, hyper.lengths, T, B), states };
}

/** I, H and perhaps P of a vector, for cells whose weights are about to be replaced. */
export function vectorSizes(vector: TestVector): {
  input: number;
  hidden: number;
  projection?: number;
  inputInit: 'zeros';
  recurrentInit: 'zeros';
} {
  const { P } = vector.sizes as { P?: unknown };
  const projection = typeof P === 'number' ? P : undefined;
  const sizes =
    vector.kind === 'JORDAN'
      ? linearSizesOf(vector)
      : sizesWithin(vector, (I, H) => H * (I + (projection ?? H)));
  return { ...sizes, ...(projection !== undefined && { projection }), recurrentInit: 'zeros' };
}

/** The same for cells that have no weights between their hidden units. */
export const linearSizesOf = (vector: TestVector): { input: number; hidden: number; inputInit: 'zeros' } =>
  sizesWithin(vector, (I, H) => H * I);

function sizesWithin(
  { sizes, params }: TestVector,
  least: (I: number, H: number) => number,
): { input: number; hidden: number; inputInit: 'zeros' } {
  const { I, H } = sizes;
  must(
    typeof I === 'number' && typeof H === 'number',
    'verify',
    'sizes must hold I and H',
    Object.keys(sizes),
  );
  // check before allocating: a cell has at least this many weights
  const numbers = Object.values(params).reduce((sum, { data }) => sum + data.length, 0);
  must(
    least(I, H) <= numbers,
    'verify',
    `sizes must fit the ${numbers} numbers of params`,
    `I = ${I}, H = ${H}`,
  );
  return { input: I, hidden: H, inputInit: 'zeros' };
}

const stateNames = ({ architecture: { layers } }: Network): string[] =>
  Object.keys(directionsOf(layers[0], 0)[0].cell.states);

/** One state of all layers and directions, [L·D, B, H]. */
const eachLayer = (net: Network, states: Record<string, Tensor>, s: string): number[] =>
  net.architecture.layers.flatMap(directionsOf).flatMap(({ name }) => toFlat(states[`${name}.${s}`]));

function initialStates(net: Network, init: TestVector['init'], B: number): Record<string, number[]> {
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

/** Values [T, B, ·] with zeros past the end of each row. */
export function zeroPadding(
  values: readonly number[],
  lengths: number[] | undefined,
  T: number,
  B: number,
): number[] {
  if (!lengths) return [...values];
  const width = values.length / (T * B);
  return values.map((v, k) => (Math.floor(k / (B * width)) < lengths[Math.floor(k / width) % B] ? v : 0));
}

/** A tensor that must be there. */
export function tensorOf(tensors: Record<string, VectorTensor>, name: string, group: string): VectorTensor {
  must(Object.hasOwn(tensors, name), 'verify', `${group} must hold ${name}`, Object.keys(tensors));
  return tensors[name];
}

/** The same numbers with their names prefixed, as `expected.…` or `grads.…`. */
export const rename = (all: Computed['values'], prefix: string): Computed['values'] =>
  Object.fromEntries(Object.entries(all).map(([name, values]) => [prefix + name, values]));

export const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k] * b[k];
  return sum;
};
