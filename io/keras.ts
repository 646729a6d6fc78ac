/**
 * Converts the weights of Keras' recurrent layers to ours and back.
 *
 *   ours            Keras 3 (`v.path` of each weight; older versions end in `:0`)
 *   l0.Wx [I, G·H]  lstm/lstm_cell/kernel            gates in Keras' order: LSTM i f c o, GRU z r h
 *   l0.Wh [H, G·H]  lstm/lstm_cell/recurrent_kernel
 *   l0.b [G·H]      lstm/lstm_cell/bias              GRU with reset_after (the default): [2, 3H], input and recurrent
 *   l0.bhn [H]      …/bias, second row, block h      biases; both add up, but for those of h
 *   l0r.…           bidirectional/backward_lstm/…    after bidirectional/forward_lstm/…
 *   head.Wy, by     dense/kernel, dense/bias         the same layout
 *   embedding.E     embedding/embeddings             the same layout
 *
 * Weights do not determine the activations: ours are tanh for states and sigmoid for gates, as in Keras 3. Older
 * versions (and TensorFlow.js) may use hard_sigmoid for gates, a different function: such a model gives different
 * results here. The initial forget bias of 1 in Keras is already part of `bias`.
 */
import { bidirectional, directionsOf, inputOf, widthOf, type Layer } from '../bptt/network/layers/layer';
import { blankNetwork, mustBeNetwork, type Network } from '../bptt/network/network';
import { mustReadSteps } from '../bptt/network/topology';
import { withoutPrefix } from '../bptt/network/parameters';
import { must, mustShape } from '../core/check';
import { dtypeOf, fillFrom, toFlat, type Tensor, type Tensors } from '../core/tensor';
import {
  cellOfFacts,
  checkImport,
  dtypeFor,
  embeddingFor,
  floatTensor,
  foreignCell,
  matrixShape,
  mustKnowParts,
  type ForeignCell,
  type ImportOptions,
  type StoredWeights,
} from './foreign';
import { ONE, type FormatDefinition } from './format';
import { fillGates, gateColumns } from './gateorder';
import { encodeNpz } from './npz';
import { sumOfBiases } from './torch/parameters';
import type { SafeTensor } from './safetensors';

/** Keras' layers; gates i f c o and z r h in our i f g o and r z n. */
const kerasCells: Readonly<Record<string, ForeignCell>> = {
  elman: { name: 'simple_rnn', gates: [0], options: ['bias', 'activation'] },
  lstm: { name: 'lstm', gates: [0, 1, 2, 3], options: ['bias'] },
  gru: { name: 'gru', gates: [1, 0, 2], options: ['bias', 'reset'] },
};
/** Parts of an architecture that it has weights for, or that need none. */
const known = [
  'topology',
  'embedding',
  'layers',
  'output',
  'loss',
  'dropout',
  'variational',
  'frozen',
  'trainInitial',
  'dtype',
] as const;

/**
 * A network's weights for Keras, named as in a model of these layers only, and in the order of `model.set_weights`.
 *
 * @throws RangeError for what Keras has no layer for: other cells, peepholes, trained initial states.
 * @example
 * writeFileSync('weights.npz', encodeNpz(toKeras(net)));
 * // in Keras:  f = np.load('weights.npz'); model.set_weights([f[name] for name in f.files])
 */
export function toKeras(network: Network): Map<string, SafeTensor> {
  mustBeNetwork(network, 'keras');
  const { architecture, parameters } = network;
  const { values } = parameters;
  const { topology, embedding, layers, output, trainInitial } = architecture;
  mustReadSteps(topology, 'keras');
  mustKnowParts(architecture, known, 'keras');
  must(
    !trainInitial,
    'keras',
    'initial states must not be trained',
    'trained ones',
    'Keras has no weights for them',
  );
  const stored = new Map<string, SafeTensor>();
  if (embedding) {
    const { 'embedding.E': E } = values;
    stored.set('embedding/embeddings', store(E, E.shape, toFlat(E)));
  }
  const used = new Map<string, number>();
  /** Keras numbers the layers of one kind: `lstm`, `lstm_1`. */
  const next = (kind: string): string => {
    const k = used.get(kind) ?? 0;
    used.set(kind, k + 1);
    return k === 0 ? kind : `${kind}_${k}`;
  };
  layers.forEach((layer, l) => {
    const directions = directionsOf(layer, l);
    const both = directions.length === 2 ? `${next('bidirectional')}/` : '';
    // two directions of one kind share a number
    const names: Record<string, string> = {};
    for (const { name, cell, reverse } of directions) {
      const why = 'Keras has a layer for each of these, and none for others';
      const { name: kind, gates: order } = foreignCell(kerasCells, { name, cell }, 'keras', why);
      const own = (names[kind] ??= next(kind));
      const path = `${both}${both && (reverse ? 'backward_' : 'forward_')}${own}/${kind}_cell`;
      const { Wx, Wh, b, bhn } = withoutPrefix(values, `${name}.`);
      stored.set(`${path}/kernel`, store(Wx, Wx.shape, gateColumns(Wx, order)));
      stored.set(`${path}/recurrent_kernel`, store(Wh, Wh.shape, gateColumns(Wh, order)));
      if (b) stored.set(`${path}/bias`, bhn ? twoRows(b, bhn) : store(b, b.shape, gateColumns(b, order)));
    }
  });
  if (output !== undefined) {
    const { 'head.Wy': Wy, 'head.by': by } = values;
    stored.set('dense/kernel', store(Wy, Wy.shape, toFlat(Wy)));
    stored.set('dense/bias', store(by, by.shape, toFlat(by)));
  }
  return stored;
}

/**
 * A GRU's biases [2, 3H]: ours, then a row of zeros with bhn in the last block, which is that of h in both gate
 * orders.
 */
function twoRows(b: Tensor, bhn: Tensor): SafeTensor {
  const first = gateColumns(b, kerasCells.gru.gates);
  const second = [...first.slice(bhn.shape[0]).fill(0), ...toFlat(bhn)];
  return store(b, [2, first.length], [...first, ...second]);
}

function store(like: Tensor, shape: readonly number[], values: number[]): SafeTensor {
  return dtypeOf(like) === 'float32'
    ? { dtype: 'F32', shape: [...shape], data: Float32Array.from(values) }
    : { dtype: 'F64', shape: [...shape], data: Float64Array.from(values) };
}

/** The weights of one layer, or of one direction of it, by the last parts of their names. */
interface Group {
  path: string;
  weights: Record<string, string>;
}

/**
 * A network with the weights of a Keras model: an optional embedding, recurrent layers, bidirectional or not, then an
 * optional dense layer.
 *
 * @param stored arrays by the paths of their weights, in the order of `model.weights`.
 * @throws RangeError or TypeError when they do not form such a model, naming what does not fit.
 * @example
 * // in Keras:  np.savez('weights.npz', **{v.path: v.numpy() for v in model.weights})
 * const net = fromKeras(decodeNpz(readFileSync('weights.npz')));
 */
export function fromKeras(stored: StoredWeights, options: ImportOptions = {}): Network {
  checkImport(stored, options);
  const all = groupsOf(stored);
  const table = all.at(0)?.weights.embeddings;
  const groups = table === undefined ? all : all.slice(1);
  const recurrent = groups.filter(({ weights }) => 'recurrent_kernel' in weights);
  const [dense, ...more] = groups.slice(recurrent.length);
  const endsDense = more.length === 0 && (dense === undefined || 'kernel' in dense.weights);
  const inOrder = endsDense && recurrent.every((group, k) => group === groups[k]);
  must(
    inOrder && recurrent.length > 0,
    'keras',
    'the model must be recurrent layers, then at most one dense layer',
    all.map(({ path }) => path),
  );

  const cells = recurrent.map((group) => cellOfGroup(stored, group, options));
  const layers: Layer[] = [];
  for (let k = 0; k < cells.length; k++) {
    const pair = k + 1 < cells.length && isPair(recurrent[k].path, recurrent[k + 1].path);
    layers.push(pair ? bidirectional(cells[k], cells[++k]) : cells[k]);
  }
  const output = dense && floatTensor(stored, dense.weights.kernel).shape[1];
  const { topology, loss } = options;
  const net = blankNetwork({
    layers: [...embeddingFor(stored, table, inputOf(layers[0])), ...layers],
    output,
    topology,
    loss,
    dtype: dtypeFor(stored),
  });
  if (table !== undefined) fillFrom(net.parameters.values['embedding.E'], floatTensor(stored, table).data);
  layers.flatMap(directionsOf).forEach(({ name, cell }, k) => {
    fillCell(
      withoutPrefix(net.parameters.values, `${name}.`),
      kerasCells[cell.name].gates,
      stored,
      recurrent[k],
    );
  });
  if (dense) {
    const { 'head.Wy': Wy, 'head.by': by } = net.parameters.values;
    const { shape, data } = floatTensor(stored, dense.weights.kernel);
    mustShape(shape, [widthOf(layers[layers.length - 1]), net.output], 'keras', dense.weights.kernel);
    fillFrom(Wy, data);
    if (dense.weights.bias) fillFrom(by, shaped(stored, dense.weights.bias, [net.output]));
  }
  return net;
}

function groupsOf(stored: StoredWeights): Group[] {
  const groups = new Map<string, Group>();
  for (const name of stored.keys()) {
    const [, path, last] = /^(.+)\/(kernel|recurrent_kernel|bias|embeddings)(?::0)?$/.exec(name) ?? [];
    const why = 'np.savez(file, **{v.path: v.numpy() for v in model.weights}) names them';
    must(
      path !== undefined,
      'keras',
      'arrays must be named PATH/kernel, PATH/recurrent_kernel, PATH/bias or PATH/embeddings',
      name,
      why,
    );
    const group = groups.get(path) ?? { path, weights: {} };
    groups.set(path, group);
    group.weights[last] = name;
  }
  const headless = [...groups.values()].find(
    ({ weights }) => !('kernel' in weights || 'embeddings' in weights),
  );
  must(headless === undefined, 'keras', `the file must hold ${headless?.path}/kernel`, [...stored.keys()]);
  return [...groups.values()];
}

/**
 * Pairs such as `bidirectional/forward_lstm/lstm_cell` and `bidirectional/backward_lstm/lstm_cell`, under any names.
 */
function isPair(first: string, second: string): boolean {
  const [a, b] = [first.split('/'), second.split('/')];
  const k = a.findIndex((part) => part.startsWith('forward_'));
  return k >= 0 && b[k]?.startsWith('backward_') && a.slice(0, k).join('/') === b.slice(0, k).join('/');
}

function cellOfGroup(stored: StoredWeights, { weights }: Group, options: ImportOptions) {
  const { kernel, recurrent_kernel: name, bias } = weights;
  const [hidden, width] = matrixShape(stored, name);
  const [input] = matrixShape(stored, kernel);
  const shape = bias ? floatTensor(stored, bias).shape : [];
  return cellOfFacts(
    {
      name,
      gates: width / hidden,
      input,
      hidden,
      bias: bias !== undefined,
      // only a GRU with the reset after the product has separate recurrent biases
      ...(width / hidden === 3 && bias && { reset: shape.length === 2 ? 'after' : 'before' }),
    },
    options,
  );
}

function shaped(stored: StoredWeights, name: string, expected: number[]): Float32Array | Float64Array {
  const { shape, data } = floatTensor(stored, name);
  mustShape(shape, expected, 'keras', name);
  return data;
}

function fillCell(
  { Wx, Wh, b, bhn }: Partial<Tensors> & Tensors,
  order: readonly number[],
  stored: StoredWeights,
  { weights }: Group,
): void {
  fillGates(Wx, order, shaped(stored, weights.kernel, Wx.shape));
  fillGates(Wh, order, shaped(stored, weights.recurrent_kernel, Wh.shape));
  if (!weights.bias) return;
  const [width] = b.shape;
  const data = shaped(stored, weights.bias, bhn ? [2, width] : [width]);
  if (!bhn) return fillGates(b, order, data);
  const inside = width - bhn.shape[0];
  fillGates(b, order, sumOfBiases(data.subarray(0, width), data.subarray(width), inside));
  fillFrom(bhn, data.subarray(width + inside));
}

export const kerasFormat: FormatDefinition = {
  name: 'keras',
  title: 'Keras 3 weights',
  help: "weights in Keras' layout and order, as NumPy arrays",
  tested: 'TensorFlow.js within 1e-6',
  write: {
    path: 'keras.npz',
    files: ({ network }) => ({ [ONE]: encodeNpz(toKeras(network)) }),
    use: (out) => `f = numpy.load(${JSON.stringify(out)}); model.set_weights([f[k] for k in f.files])`,
  },
  read: {
    network: fromKeras,
    how: `In Keras (an optional Embedding, recurrent layers, bidirectional or not, then an optional Dense; \
gates must be sigmoid, not hard_sigmoid):
  numpy.savez("model.npz", **{v.path: v.numpy() for v in model.weights})`,
  },
};
