/**
 * A network as an ONNX model, for every runtime that reads ONNX: one RNN, LSTM or GRU node per layer, float32, opset 14.
 *
 *   x [T, B, D], or class numbers [T, B] (int64)   →   y [T, B, O], or [B, O] of a many-to-one network
 *   lengths [B] (int32)              on request: steps of each row; y past them is undefined
 *   l0_h0 … → l0_hn … [B, H]         on request: initial and final states, of `l0.h` here
 *
 * Time and batch axes are dynamic. y is the network's `output`, without softmax.
 *
 *   ours            ONNX, per direction, stacked on a first axis
 *   Wx [I, G·H]     W [G·H, I]      transposed; gates LSTM i o f c, GRU z r h
 *   Wh [H, G·H]     R [G·H, H]      the same
 *   b [G·H]         B [2·G·H]       input biases, then recurrent ones: zeros, but for a GRU's bhn in its last block
 *   pi, pf, po [H]  P [3H]          i o f
 */
import type { Cell } from '../../cells/cell';
import { initialName } from '../../bptt/network/architecture';
import { directionsOf, inputOf, type DirectedCell } from '../../bptt/network/layers/layer';
import { mustBeNetwork, type Network } from '../../bptt/network/network';
import { withoutPrefix } from '../../bptt/network/parameters';
import { endsInOne, mustReadSteps } from '../../bptt/network/topology';
import { must, mustKnowKeys } from '../../core/check';
import { toFlat, type Tensor, type Tensors } from '../../core/tensor';
import { foreignCell, mustKnowParts, type ForeignCell } from '../foreign';
import { ONE, type FormatDefinition } from '../format';
import { gateRows, type GateOrder } from '../gateorder';
import { OnnxGraph, type Attribute } from './graph';

/** The inputs and outputs of the model besides x and y. */
export interface OnnxOptions {
  /** The input is class numbers instead of vectors; default false. */
  classes?: boolean;
  /** Adds the input `lengths`; default false. */
  lengths?: boolean;
  /** Adds initial states as inputs and final states as outputs; default false. */
  states?: boolean;
  /** Metadata of the model, such as the vocabulary. */
  metadata?: Record<string, string>;
}

/** Maximum size of a protocol buffer. */
const MAX_BYTES = 2 ** 31 - 1;
/** ONNX's operators; gates i o f c and z r h in our i f g o and r z n. */
export const onnxCells = {
  elman: { name: 'RNN', gates: [0], options: ['bias', 'activation'] },
  lstm: { name: 'LSTM', gates: [0, 3, 1, 2], options: ['bias', 'peepholes'] },
  gru: { name: 'GRU', gates: [1, 0, 2], options: ['bias', 'reset'] },
} as const satisfies Record<string, ForeignCell>;
/** Parts of an architecture that the graph has nodes for, or that have no effect without training. */
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
const activations: Readonly<Record<string, string>> = { tanh: 'Tanh', sigmoid: 'Sigmoid', relu: 'Relu' };
const [TIME, BATCH] = ['time', 'batch'];

/**
 * The bytes of an ONNX model that computes what the network computes when it is not training.
 *
 * @throws RangeError for a cell without an ONNX node (Jordan, Clockwork, user-defined), or a model of 2 GB or more.
 * @example
 * const net = network({ layers: [bidirectional(lstm({ input: 4, hidden: 5 }))], output: 3 });
 * writeFileSync('model.onnx', encodeOnnx(net, { lengths: true }));
 */
export function encodeOnnx(network: Network, options: OnnxOptions = {}): Uint8Array {
  mustBeNetwork(network, 'onnx');
  mustKnowKeys(options, ['classes', 'lengths', 'states', 'metadata'], 'onnx');
  mustBeExportable(network);
  const { embedding, layers, topology } = network.architecture;
  mustReadSteps(topology, 'onnx');
  mustKnowParts(network.architecture, known, 'onnx');
  const graph = new OnnxGraph();
  graph.output('y', 'float32', [...(endsInOne(topology) ? [] : [TIME]), BATCH, network.output]);
  let below = embedding
    ? addEmbedding(graph, network, options)
    : addInput(graph, inputOf(layers[0]), options);
  if (options.lengths) graph.input('lengths', 'int32', [BATCH]);
  layers.forEach((layer, l) => {
    const only = l === layers.length - 1 && endsInOne(topology);
    const parts = nodesOf(directionsOf(layer, l)).map((directions) =>
      sideBySide(graph, addNode(graph, network, directions, below, options), directions, only),
    );
    below =
      parts.length === 1 ? parts[0] : graph.node('Concat', parts, [`l${l}_output`], { axis: only ? 1 : 2 });
  });

  const { 'head.Wy': Wy, 'head.by': by } = network.parameters.values as Partial<Tensors>;
  if (!Wy || !by) graph.node('Identity', [below], ['y']);
  else {
    const hWy = graph.node('MatMul', [below, weight(graph, 'head_Wy', Wy)], ['hWy']);
    graph.node('Add', [hWy, weight(graph, 'head_by', by)], ['y']);
  }
  return graph.encode(options.metadata);
}

/** The names of all inputs of such a model. */
export function onnxInputs(network: Network, { lengths, states }: OnnxOptions): string[] {
  const all = network.architecture.layers.flatMap(directionsOf);
  const starts = all.flatMap(({ name, cell }) => Object.keys(cell.states).map((s) => startName(name, s)));
  return ['x', ...(lengths ? ['lengths'] : []), ...(states ? starts : [])];
}

/** Name of the input for the state `l0.h`: `l0_h0`. */
const startName = (direction: string, state: string): string => `${direction}_${state}0`;

function mustBeExportable({ architecture: { layers }, parameters }: Network): void {
  const why = 'ONNX has a node for each of these, and none for others';
  for (const direction of layers.flatMap(directionsOf)) foreignCell(onnxCells, direction, 'onnx', why);
  const bytes = 4 * parameters.count;
  must(bytes < MAX_BYTES, 'onnx', 'the model must have fewer than 2 GB', `${bytes} bytes of weights`);
}

/** The input sequence of the first layer [T, B, D]. */
function addInput(graph: OnnxGraph, D: number, { classes }: OnnxOptions): string {
  if (!classes) return graph.input('x', 'float32', [TIME, BATCH, D]);
  const x = graph.input('x', 'int64', [TIME, BATCH]);
  const offOn = graph.constant('off_on', [2], Float32Array.of(0, 1));
  return graph.node('OneHot', [x, graph.indices('classes', [D]), offOn], ['one_hot']);
}

/** The embedded input of the first layer [T, B, W], looked up in the table. */
function addEmbedding(graph: OnnxGraph, { input, parameters }: Network, options: OnnxOptions): string {
  const E = weight(graph, 'embedding_E', parameters.values['embedding.E']);
  if (!options.classes) return graph.node('MatMul', [addInput(graph, input, options), E], ['e']);
  return graph.node('Gather', [E, graph.input('x', 'int64', [TIME, BATCH])], ['e'], { axis: 0 });
}

/** The groups of directions that share a node: both, if their cells are alike. */
function nodesOf(directions: DirectedCell[]): DirectedCell[][] {
  const kinds = directions.map(({ cell: { name, hidden, options = {} } }) =>
    JSON.stringify([name, hidden, options.bias, options.activation, options.peepholes, options.reset]),
  );
  return new Set(kinds).size === 1 ? [directions] : directions.map((direction) => [direction]);
}

/** The outputs of a node at all steps [T, n, B, H], and the last states of its n directions [n, B, H]. */
interface Outputs {
  all: string;
  last: string;
}

/** Adds the node of one direction, or of two that are alike. */
function addNode(
  graph: OnnxGraph,
  network: Network,
  directions: DirectedCell[],
  below: string,
  { lengths, states }: OnnxOptions,
): Outputs {
  const [{ name: own, cell, reverse }] = directions;
  const n = directions.length;
  const { values } = network.parameters;
  const { name: type, gates: order } = onnxCells[cell.name as keyof typeof onnxCells];
  const H = cell.hidden;
  /** A constant that stacks the parameters of each direction. */
  const stack = (name: string, dims: number[], of: (p: Tensors) => number[]): string => {
    const numbers = directions.flatMap((direction) => of(withoutPrefix(values, `${direction.name}.`)));
    return graph.constant(`${own}_${name}`, [n, ...dims], Float32Array.from(numbers));
  };

  const { Wx, b, pi } = withoutPrefix(values, `${own}.`);
  const W = stack('W', [order.length * H, Wx.shape[0]], (p) => gateRows(p.Wx, order));
  const R = stack('R', [order.length * H, H], (p) => gateRows(p.Wh, order));
  const B = b ? stack('B', [2 * order.length * H], (p) => biases(p, order)) : '';
  const starts = Object.keys(cell.states).map((s) => {
    if (states) return stateInputs(graph, directions, s);
    const { trainInitial } = network.architecture;
    if (!trainInitial) return '';
    const first = directions.flatMap(({ name }) => toFlat(values[initialName(trainInitial, name, s)]));
    return spread(graph, graph.constant(`${own}_${s}0`, [n, 1, H], Float32Array.from(first)), below);
  });
  const P = pi ? [stack('P', [3 * H], (p) => ['pi', 'po', 'pf'].flatMap((name) => toFlat(p[name])))] : [];
  // the peephole input follows both state inputs of an LSTM
  const given = [below, W, R, B, lengths ? 'lengths' : '', ...starts, ...P];
  const all = `${own}_Y`;
  const ends = Object.keys(cell.states).map((s) => `${own}_Y_${s}`);
  graph.node(type, given, [all, ...ends], {
    hidden_size: H,
    direction: n === 2 ? 'bidirectional' : reverse ? 'reverse' : 'forward',
    ...attributesOf(cell, n),
  });
  if (states) Object.keys(cell.states).forEach((s, k) => stateOutputs(graph, directions, s, ends[k]));
  return { all, last: ends[0] };
}

function attributesOf({ name, options = {} }: Cell, n: number): Record<string, Attribute> {
  if (name === 'elman')
    return { activations: Array<string>(n).fill(activations[options.activation as string]) };
  // explicit, because the default of 0 differs from what PyTorch and Keras compute
  return name === 'gru' ? { linear_before_reset: options.reset === 'after' ? 1 : 0 } : {};
}

/** Input biases, then recurrent biases, which are zero but for the n of a GRU: that one stands inside r * (…). */
function biases({ b, bhn }: Partial<Tensors>, order: GateOrder): number[] {
  const first = gateRows(b as Tensor, order);
  const inside = bhn ? toFlat(bhn) : [];
  return [...first, ...Array<number>(first.length - inside.length).fill(0), ...inside];
}

/** Initial states of each direction [B, H], inputs of the model, stacked for the node as [n, B, H]. */
function stateInputs(graph: OnnxGraph, directions: DirectedCell[], s: string): string {
  const each = directions.map(({ name, cell }) => {
    const given = graph.input(startName(name, s), 'float32', [BATCH, cell.states[s]]);
    return graph.node('Unsqueeze', [given, graph.indices(`${given}_axis`, [0])], [`${given}_on_axis`]);
  });
  return each.length === 1 ? each[0] : graph.node('Concat', each, [`${each[0]}_both`], { axis: 0 });
}

/** Splits final states [n, B, H] into an output of the model for each direction [B, H]. */
function stateOutputs(graph: OnnxGraph, directions: DirectedCell[], s: string, ends: string): void {
  directions.forEach(({ name, cell }, k) => {
    const end = graph.output(`${name}_${s}n`, 'float32', [BATCH, cell.states[s]]);
    graph.node('Gather', [ends, graph.constant(`${end}_place`, [], BigInt64Array.of(BigInt(k)))], [end]);
  });
}

/** A trained state [n, 1, H], repeated for every row of the batch of `x` [T, B, …]. */
function spread(graph: OnnxGraph, state: string, x: string): string {
  const sizes = graph.node('Shape', [x], [`${state}_of`]);
  const [one, two] = [graph.indices(`${state}_from`, [1]), graph.indices(`${state}_to`, [2])];
  const B = graph.node('Slice', [sizes, one, two], [`${state}_batch`]);
  const shape = graph.node('Concat', [one, B, one], [`${state}_shape`], { axis: 0 });
  return graph.node('Expand', [state, shape], [`${state}_rows`]);
}

/** Concatenates directions: [T, n, B, H] to [T, B, n·H], or only the last states [n, B, H] to [B, n·H]. */
function sideBySide(
  graph: OnnxGraph,
  { all, last }: Outputs,
  directions: DirectedCell[],
  only: boolean,
): string {
  const width = directions.length * directions[0].cell.hidden;
  const from = only ? last : all;
  const turned = graph.node('Transpose', [from], [`${from}_turned`], {
    perm: only ? [1, 0, 2] : [0, 2, 1, 3],
  });
  // a size of 0 keeps the size of the axis
  const shape = graph.indices(`${from}_shape`, only ? [0, width] : [0, 0, width]);
  return graph.node('Reshape', [turned, shape], [`${from}_flat`]);
}

const weight = (graph: OnnxGraph, name: string, t: Tensor): string =>
  graph.constant(name, t.shape, Float32Array.from(toFlat(t)));

interface OnnxChoices extends Pick<OnnxOptions, 'lengths' | 'states'> {
  input?: 'classes' | 'vectors';
}

export const onnxFormat: FormatDefinition = {
  name: 'onnx',
  title: 'ONNX, opset 14',
  help: 'a model for ONNX Runtime and others: float32, opset 14, any batch and time',
  tested: 'onnxruntime within 1e-5 in float32; the checker of the onnx package',
  write: {
    path: 'model.onnx',
    options: {
      input: {
        ...{ kind: 'choice', label: 'Input', unit: 'kind', names: () => ['classes', 'vectors'] },
        ...{ help: 'what x holds', otherwise: 'classes for a character model' },
      },
      lengths: { kind: 'switch', label: 'Lengths', help: 'the number of steps of each row as an input' },
      states: {
        ...{ kind: 'switch', label: 'States' },
        help: 'initial states as inputs and final states as outputs',
      },
    },
    files: ({ network, vocabulary }, options) => {
      const { input, lengths, states } = options as OnnxChoices;
      const classes = (input ?? (vocabulary ? 'classes' : 'vectors')) === 'classes';
      const metadata = vocabulary && { vocabulary: String(vocabulary) };
      return { [ONE]: encodeOnnx(network, { classes, lengths, states, metadata }) };
    },
    use: (out, { network }, options) => {
      const names = onnxInputs(network, options);
      const feed = names.map((name) => `${JSON.stringify(name)}: ${name}`).join(', ');
      return `onnxruntime.InferenceSession(${JSON.stringify(out)}).run(None, {${feed}})`;
    },
  },
};
