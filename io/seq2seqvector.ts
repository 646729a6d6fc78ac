/** Test vectors of an encoder-decoder of GRUs, with attention or without, whose decoder reads rows of an embedding. */
import { network } from '../bptt/network';
import type { Plan } from '../bptt/plan';
import type { Stack } from '../bptt/stack';
import { gru } from '../cells/gru';
import { scores } from '../bptt/attention';
import { must, mustBeOneOf, mustShape } from '../core/check';
import { toFlat, type Tensors } from '../core/tensor';
import { crossEntropy } from './crossentropy';
import { layeredTorchLayout } from './layouts';
import { rename, tensorOf } from './recurrent';
import type { Vector, VectorTensor } from './vectors';
import type { Computed } from './verify';

/** Computes a vector of kind SEQ2SEQ_GRU or SEQ2SEQ_ATTENTION, which says how it scores and how long its sources are. */
export function seq2seqVector(vector: Vector): Computed {
  const { params, inputs, init, loss, hyper } = vector;
  must(loss?.type === 'cross_entropy', 'verify', 'the loss must be cross_entropy', loss?.type);
  const table = 'embedding' in params ? 'embedding' : 'embedding.weight';
  const { [table]: _, ...weights } = params;
  const embedding = tensorOf(params, table, 'params');
  const [x, read] = [tensorOf(inputs, 'x', 'inputs'), tensorOf(inputs, 'dec_in', 'inputs')];
  const [S, B] = x.shape;
  const [, input] = tensorOf(params, 'enc.weight_ih_l0', 'params').shape;
  const hidden = tensorOf(params, 'enc.weight_hh_l0', 'params').shape[1];
  const [T] = read.shape;
  const [V, E] = embedding.shape;
  mustShape(x.shape, [S, B, input], 'verify', 'inputs.x', '[T, B, I]');
  mustShape(read.shape, [T, B], 'verify', 'inputs.dec_in', `B = ${B} is that of inputs.x`);
  const known = read.data.every((token) => Number.isInteger(token) && token >= 0 && token < V);
  must(known, 'verify', `inputs.dec_in must be class numbers in 0…${V - 1}`, read.data);

  const stack = (module: string, first: number) => {
    const layers = Object.keys(params).filter((name) => name.startsWith(`${module}.weight_ih_l`)).length;
    const bias = `${module}.bias_ih_l0` in params;
    // the weights are about to be replaced
    const how = { hidden, bias, inputInit: 'zeros', recurrentInit: 'zeros' } as const;
    return Array.from({ length: layers }, (_, l) => gru({ input: l === 0 ? first : hidden, ...how }));
  };
  const [encoder, layers] = [stack('enc', input), stack('dec', E)];
  const O = tensorOf(params, 'head.weight', 'params').shape[0];
  const { reduction } = loss;
  const net = network({
    topology: 'encoder-decoder',
    ...{ encoder, layers, output: O, loss: 'softmax', reduction },
    ...('score' in hyper && { attention: mustBeOneOf(hyper.score, scores, 'verify', 'hyper.score') }),
  });
  layeredTorchLayout.load(net, weights);

  const starts = Object.keys(init);
  const [initName = 'h_0'] = starts;
  must(starts.length <= 1, 'verify', 'init must hold one tensor, the states the encoder starts from', starts);
  const start = init[initName] as VectorTensor | undefined;
  const each = B * hidden;
  const initial =
    start && encoder.map((_, l) => [`e${l}.h`, start.data.slice(l * each, (l + 1) * each)] as const);
  const result = net.forward({
    x: { shape: x.shape, numbers: x.data },
    inputs: {
      shape: [T, B, E],
      numbers: read.data.flatMap((token) => embedding.data.slice(token * E, (token + 1) * E)),
    },
    targets: {
      shape: loss.targets.shape.length === 1 ? [T, B] : loss.targets.shape,
      numbers: loss.targets.data,
    },
    ...('lengths' in hyper && { lengths: hyper.lengths as number[] }),
    ...(initial && { initial: Object.fromEntries(initial) }),
  });
  const logits = toFlat(result.output);
  const { probs } = crossEntropy(logits, O, vector);
  const { source, main } = net.lastPlan as Plan & { source: Stack };
  const values: Computed['values'] = {
    enc_output: toFlat(source.output.value),
    enc_h_n: stacked(source.after(S).states),
    dec_output: toFlat(main.output.value),
    dec_h_n: stacked(result.states),
    ...{ logits, probs, loss: [result.loss] },
    ...(result.attention && { attention: toFlat(result.attention) }),
  };
  // the decoder's, as they are called where there is nothing else
  Object.assign(values, { output: values.dec_output, h_n: values.dec_h_n });

  const back = net.backward();
  const dInputs = toFlat(back.inputs as Tensors[string]);
  const dEmbedding = Array<number>(V * E).fill(0);
  dInputs.forEach((d, k) => (dEmbedding[read.data[Math.floor(k / E)] * E + (k % E)] += d));
  const gradients = {
    ...layeredTorchLayout.gradients(net),
    ...{
      embedding: dEmbedding,
      'embedding.weight': dEmbedding,
      x: toFlat(back.x),
      [initName]: stacked(back.initial),
    },
  };
  return { values: rename(values, 'expected.'), gradients: rename(gradients, 'grads.') };
}

/** The states of all layers, [L, B, H]. */
const stacked = (states: Tensors): number[] => Object.values(states).flatMap(toFlat);
