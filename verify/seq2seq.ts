/**
 * Test vectors of an encoder-decoder of GRUs, with or without attention.
 *
 * Inputs may be numbers [T, B, ·] or class numbers [T, B]; classes are one-hot, or rows of a table: `enc.embedding.weight`
 * for the encoder, `embedding` or `embedding.weight` for the decoder. A loss that is a weighted sum may include values
 * inside the model: each term is backpropagated through the part of the model that computes it, and the gradients of the
 * parts are added.
 */
import { attentionScores, type AttentionScore } from '../bptt/network/layers/attention';
import { network, type Network, type Pass, type Upstream } from '../bptt/network/network';
import { planOf } from '../bptt/network/passes/pass';
import type { Plan } from '../bptt/network/passes/plan';
import type { Stack } from '../bptt/network/layers/stack';
import { embedding } from '../cells/embedding';
import { gru } from '../cells/gru';
import { must, mustBeOneOf, mustShape } from '../core/check';
import { bound } from '../core/equations/equations';
import { plain } from '../core/programs/plain';
import { softmax, softmaxBackward } from '../core/softmax';
import { tensor, toFlat, zeros, type Tensor, type Tensors } from '../core/tensor';
import { layeredTorchLayout } from './layouts';
import { dot, rename, tensorOf, zeroPadding } from './recurrent';
import type { Computed, TestVector, VectorTensor } from './vectors';

/** Computes a vector of kind SEQ2SEQ_GRU or SEQ2SEQ_ATTENTION; the latter has an attention score and source lengths. */
export function seq2seqVector(vector: TestVector): Computed {
  const model = modelOf(vector);
  const { loss } = vector;
  must(loss !== undefined, 'verify', 'the vector must have a loss', 'none');
  if (loss.type === 'cross_entropy') {
    const whole = new Part(model, 'head', loss);
    const values = whole.values();
    return named({ ...values, loss: [whole.result.loss] }, [whole.gradients()]);
  }
  must(loss.type === 'weighted_sum', 'verify', 'the loss must be weighted_sum or cross_entropy', loss.type);
  const whole = new Part(model, 'head');
  const values = whole.values();
  const { weights } = loss;
  const stranger = Object.keys(weights).find((name) => !weighable.includes(name));
  must(stranger === undefined, 'verify', `loss.weights must be among ${weighable.join(', ')}`, stranger);
  for (const [name, { data }] of Object.entries(weights))
    mustShape([data.length], [values[name].length], 'verify', `loss.weights.${name}`);
  const total = Object.entries(weights).reduce((sum, [name, { data }]) => sum + dot(data, values[name]), 0);
  const gradients = extents.map((extent) => {
    const part = extent === 'head' ? whole : new Part(model, extent);
    return part.gradients(upstreamOf(extent, weights, values, model));
  });
  return named({ ...values, loss: [total] }, gradients);
}

/** The last stage of a part of the model: the encoder, the decoder's layers, or the output layer. */
const extents = ['encoder', 'decoder', 'head'] as const;
type Extent = (typeof extents)[number];

/** The values that may be terms of a weighted sum. */
const weighable = 'enc_output enc_h_n dec_output output dec_h_n h_n logits probs'.split(' ');

interface Model {
  params: Record<string, VectorTensor>;
  x: VectorTensor;
  /** The decoder's input. */
  read: VectorTensor;
  lengths?: number[];
  score?: AttentionScore;
  /** The encoder's initial states, [L, B, H], and their name. */
  init: { name: string; start?: VectorTensor };
}

function modelOf({ params, inputs, init, hyper }: TestVector): Model {
  const [x, read] = [tensorOf(inputs, 'x', 'inputs'), tensorOf(inputs, 'dec_in', 'inputs')];
  must(x.shape.length >= 2, 'verify', 'inputs.x must be [T, B, I] or [T, B]', x.shape);
  const B = x.shape[1];
  mustShape(
    read.shape.slice(1, 2),
    [B],
    'verify',
    'the rows of inputs.dec_in',
    `B = ${B} is that of inputs.x`,
  );
  const starts = Object.keys(init);
  const [name = 'h_0'] = starts;
  must(starts.length <= 1, 'verify', 'init must hold one tensor, the states the encoder starts from', starts);
  const { embedding: table, ...rest } = params as Partial<typeof params>;
  return {
    params: { ...(rest as typeof params), ...(table && { 'embedding.weight': table }) },
    ...{ x, read },
    ...(hyper.lengths && { lengths: hyper.lengths }),
    ...('score' in hyper && { score: mustBeOneOf(hyper.score, attentionScores, 'verify', 'hyper.score') }),
    init: { name, start: init[name] },
  };
}

/** A part of the model, run forward. */
class Part {
  readonly result: Pass;
  private readonly net: Network;

  constructor(
    private readonly model: Model,
    private readonly extent: Extent,
    loss?: Extract<TestVector['loss'], { type: 'cross_entropy' }>,
  ) {
    const { params, x, read, lengths, score, init } = model;
    const alone = extent === 'encoder';
    const encoder = stack(params, 'enc', 'enc.embedding.weight');
    const whole = extent === 'head' && {
      output: tensorOf(params, 'head.weight', 'params').shape[0],
      ...(score && { attention: score }),
      ...(loss && { loss: 'softmax' as const, reduction: loss.reduction }),
    };
    const layers = alone ? encoder : stack(params, 'dec', 'embedding.weight');
    this.net = network(alone ? { layers } : { topology: 'encoder-decoder', encoder, layers, ...whole });
    const used = Object.entries(params).filter(([name]) => own[extent].test(name));
    layeredTorchLayout.load(
      this.net,
      Object.fromEntries(used.map(([name, t]) => [alone ? name.replace('enc.', '') : name, t])),
    );

    const [T, B] = read.shape;
    const starts = init.start && parts(init.start.data, layersIn(params, 'enc'));
    this.result = this.net.forward({
      x: { shape: x.shape, numbers: x.data },
      ...(!alone && { inputs: { shape: read.shape, numbers: read.data } }),
      ...(loss && {
        targets: {
          shape: loss.targets.shape.length === 1 ? [T, B] : loss.targets.shape,
          numbers: loss.targets.data,
        },
      }),
      ...(lengths && { lengths }),
      ...(starts && {
        initial: Object.fromEntries(starts.map((h, l) => [`${alone ? 'l' : 'e'}${l}.h`, h])),
      }),
    });
  }

  /** All values of the whole model that a vector may expect. */
  values(): Record<string, number[]> {
    const { net, result, model } = this;
    const { source, main } = planOf(result) as Plan & { source: Stack };
    const [S, B] = model.x.shape;
    const logits = toFlat(result.output);
    const O = net.output;
    const [output, h_n] = [toFlat(main.output.value), stacked(result.states)];
    return {
      enc_output: zeroPadding(toFlat(source.output.value), model.lengths, S, B),
      enc_h_n: stacked(source.after(S).states),
      // the decoder's results, under the names that vectors without an encoder use
      ...{ dec_output: output, output, dec_h_n: h_n, h_n, logits },
      probs: Array.from({ length: logits.length / O }, (_, r) =>
        softmax(logits.slice(r * O, (r + 1) * O)),
      ).flat(),
      ...(result.attention && { attention: toFlat(result.attention) }),
    };
  }

  gradients(upstream?: Upstream): Record<string, number[]> {
    const { net, model, extent } = this;
    const back = this.result.backward(upstream);
    const weights = Object.entries(layeredTorchLayout.gradients(net)).map(
      ([name, d]) => [extent === 'encoder' ? `enc.${name}` : name, Array.from(d)] as const,
    );
    return {
      ...Object.fromEntries(weights),
      ...(model.x.shape.length > 2 && { x: toFlat(back.x) }),
      ...(extent !== 'encoder' && model.read.shape.length > 2 && { dec_in: toFlat(back.inputs as Tensor) }),
      [model.init.name]: stacked(back.initial),
    };
  }
}

/** The parameters of each part. */
const own: Record<Extent, RegExp> = {
  encoder: /^enc\./,
  decoder: /^(?!head\.|attention\.)/,
  head: /^/,
};

const layersIn = (params: Model['params'], module: 'enc' | 'dec'): number =>
  Object.keys(params).filter((name) => name.startsWith(`${module}.weight_ih_l`)).length;

/** The layers of one of the two stacks, and the table before them. */
function stack(params: Model['params'], module: 'enc' | 'dec', table: string) {
  const [, input] = tensorOf(params, `${module}.weight_ih_l0`, 'params').shape;
  const [, hidden] = tensorOf(params, `${module}.weight_hh_l0`, 'params').shape;
  const bias = `${module}.bias_ih_l0` in params;
  // the weights are about to be replaced
  const how = { hidden, bias, inputInit: 'zeros', recurrentInit: 'zeros' } as const;
  return [
    ...(table in params ? [embedding({ input: params[table].shape[0], width: input })] : []),
    ...Array.from({ length: layersIn(params, module) }, (_, l) =>
      gru({ input: l === 0 ? input : hidden, ...how }),
    ),
  ];
}

/** dL/doutput and dL/dfinal states of a part, from the terms of the weighted sum. */
function upstreamOf(
  extent: Extent,
  weights: Record<string, VectorTensor>,
  { probs }: Record<string, number[]>,
  { x, lengths, params }: Model,
): Upstream {
  const of = (...names: string[]): number[] | undefined =>
    added(names.flatMap((name) => (name in weights ? [weights[name].data] : [])));
  if (extent === 'head') {
    const O = params['head.weight'].shape[0];
    const above = of('probs');
    const fromProbs = above && throughSoftmax(above, probs, O);
    return { output: added([of('logits'), fromProbs].filter((d) => d !== undefined)) };
  }
  const [S, B] = x.shape;
  const reads = extent === 'encoder';
  const output = reads ? of('enc_output') : of('dec_output', 'output');
  const last = reads ? of('enc_h_n') : of('dec_h_n', 'h_n');
  const L = layersIn(params, reads ? 'enc' : 'dec');
  return {
    // an encoder's output after a row's end is zero, whatever it computes there
    ...(output && { output: reads ? zeroPadding(output, lengths, S, B) : output }),
    ...(last && { states: Object.fromEntries(parts(last, L).map((d, l) => [`l${l}.h`, d])) }),
  };
}

/** dL/dlogits [N, O] from dL/dp. */
function throughSoftmax(dp: readonly number[], p: readonly number[], O: number): number[] {
  const N = p.length / O;
  const v = {
    p: tensor(p, [N, O]),
    dp: tensor(dp, [N, O]),
    dy: zeros([N, O]),
    flow: zeros([N, O]),
    flowSum: zeros([N, 1]),
  };
  bound(softmaxBackward, plain, v)();
  return toFlat(v.dy);
}

/** Gradients under the vector's names, summed over all parts. */
function named(values: Record<string, number[]>, gradients: Record<string, number[]>[]): Computed {
  const names = new Set(gradients.flatMap((one) => Object.keys(one)));
  const all = Object.fromEntries(
    Array.from(names, (name) => [name, added(gradients.flatMap((one) => (name in one ? [one[name]] : [])))!]),
  );
  if ('embedding.weight' in all) all.embedding = all['embedding.weight'];
  return { values: rename(values, 'expected.'), gradients: rename(all, 'grads.') };
}

/** The sum of lists of equal length; undefined if there are none. */
const added = (lists: readonly (readonly number[])[]): number[] | undefined =>
  lists.length === 0 ? undefined : lists[0].map((_, k) => lists.reduce((sum, list) => sum + list[k], 0));

/** A list cut into n of equal length. */
const parts = (list: readonly number[], n: number): number[][] =>
  Array.from({ length: n }, (_, k) => list.slice((k * list.length) / n, ((k + 1) * list.length) / n));

/** The states of all layers, [L, B, H]. */
const stacked = (states: Tensors): number[] => Object.values(states).flatMap(toFlat);
