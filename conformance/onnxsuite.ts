/**
 * Reads ONNX backend node tests: a folder with `model.onnx` and, for each data set, `input_0.pb` … and `output_0.pb` …
 *
 *   X [T, B, D]   W [n, G·H, D]   R [n, G·H, H]   B [n, 2·G·H]   sequence_lens [B]   initial_h, initial_c [n, B, H]
 *   P [n, 3H]     Y [T, n, B, H]   Y_h, Y_c [n, B, H]      layout 1: batch first in X, initial states, Y, Y_h, Y_c
 *
 * ONNX's own runner allows 1e-7 + 0.1 % unless a test says otherwise; the files do not contain tolerances.
 * Source: onnx/docs/Operators.md, opset 14; onnx/backend/test/runner.
 */
import type { Activation } from '../cells/parts/activation';
import { must, mustBe } from '../core/check';
import { onnxCells } from '../io/onnx/model';
import { decodeOnnxModel, decodeOnnxTensor, type OnnxNode, type OnnxTensor } from '../io/onnx/read';
import type { DirectionInputs, RecurrentLayer } from './layer';
import { defaults, type Operator } from './operator';
import { NotExpressible, type SuiteCase, type Tolerance } from './suite';
import { fromRowWeights } from './weights';

const kinds = Object.fromEntries(
  Object.entries(onnxCells).map(([kind, { name }]) => [name, kind as Operator['kind']]),
);
const activationNames: Readonly<Record<string, Activation>> = {
  sigmoid: 'sigmoid',
  tanh: 'tanh',
  relu: 'relu',
};

const tolerance: Tolerance = {
  words: '1e-7 + 0.1 %',
  allowed: (expected) => 1e-7 + 1e-3 * Math.abs(expected),
};

/** The files of one data set. */
export interface OnnxFiles {
  model: Uint8Array;
  inputs: readonly Uint8Array[];
  outputs: readonly Uint8Array[];
}

/** Whether a model contains a recurrent node; a folder of node tests has a thousand other models. */
export const isRecurrent = (model: Uint8Array): boolean =>
  decodeOnnxModel(model, 'model.onnx').nodes.some(({ type }) => Object.hasOwn(kinds, type));

/**
 * Reads a case from its files.
 * @throws NotExpressible for features that our equations lack; RangeError and TypeError for inconsistent files.
 */
export function readOnnxCase(name: string, { model, inputs, outputs }: OnnxFiles): SuiteCase {
  const graph = decodeOnnxModel(model, 'model.onnx');
  const [node] = graph.nodes;
  if (graph.nodes.length !== 1 || !Object.hasOwn(kinds, node.type))
    throw new NotExpressible(
      `a graph of more than one recurrent node: ${graph.nodes.map(({ type }) => type).join(', ')}`,
    );
  const given = new Map<string, OnnxTensor>(graph.constants.map((one) => [one.name, one]));
  inputs.forEach((bytes, k) => given.set(graph.inputs[k], decodeOnnxTensor(bytes, `input_${k}.pb`)));
  const outputTensors = new Map<string, OnnxTensor>();
  outputs.forEach((bytes, k) =>
    outputTensors.set(graph.outputs[k], decodeOnnxTensor(bytes, `output_${k}.pb`)),
  );

  const at = (k: number): OnnxTensor | undefined => {
    const input = node.inputs[k];
    if (!input) return undefined;
    const tensor = given.get(input);
    mustBe(
      tensor !== undefined,
      name,
      `the input ${input} must be in the data`,
      [...given.keys()].join(', '),
    );
    return tensor;
  };
  const [X, W, R, B, lengths, h, c, P] = [0, 1, 2, 3, 4, 5, 6, 7].map(at);
  mustBe(
    X !== undefined && W !== undefined && R !== undefined,
    name,
    'X, W and R must be given',
    node.inputs.join(', '),
  );
  const n = countOf(node);
  const operator = operatorOf(node, n, { bias: B !== undefined, peepholes: P !== undefined });
  const batchFirst = node.attributes.layout === 1;
  const order = onnxCells[operator.kind].gates;
  must(X.dims.length === 3, name, 'X must be [T, B, D]', X.dims);
  const [T, rows, D] = batchFirst ? [X.dims[1], X.dims[0], X.dims[2]] : X.dims;
  must(R.dims.length === 3, name, 'R must be [directions, gates · H, H]', R.dims);
  const H = R.dims[2];
  const G = order.length * H;
  mustFit(name, 'W', W, [n, G, D]);
  mustFit(name, 'R', R, [n, G, H]);
  mustFit(name, 'B', B, [n, 2 * G]);
  mustFit(name, 'sequence_lens', lengths, [rows]);
  const stateShape = batchFirst ? [rows, n, H] : [n, rows, H];
  mustFit(name, 'initial_h', h, stateShape);
  mustFit(name, 'initial_c', c, stateShape);
  mustFit(name, 'P', P, [n, 3 * H]);
  must(
    [T, rows, D, H].every((size) => size > 0),
    name,
    'every size must be at least 1',
    X.dims,
  );
  const steps = lengths && Array.from(lengths.numbers);
  const fits = !steps || steps.every((one) => Number.isInteger(one) && one >= 0 && one <= T);
  must(fits, name, `sequence_lens must be in 0…${T}`, steps);

  const side = (tensor: OnnxTensor, k: number): number[] => {
    const size = tensor.numbers.length / n;
    return Array.from(tensor.numbers.subarray(k * size, (k + 1) * size));
  };
  /** One direction of [n, B, H] or [B, n, H]. */
  const state = (tensor: OnnxTensor, k: number): number[] =>
    batchFirst ? picked(tensor, rows, n, H, k) : side(tensor, k);
  const directions = Array.from({ length: n }, (_, k): DirectionInputs => {
    const bias = B && side(B, k);
    const weights = {
      ...{ W: side(W, k), R: side(R, k) },
      ...(bias && { inputBias: bias.slice(0, G), recurrentBias: bias.slice(G) }),
      ...(P && { P: side(P, k) }),
    };
    return {
      reverse: k === 1 || node.attributes.direction === 'reverse',
      parameters: fromRowWeights(operator, { D, H }, weights, order),
      initial: { ...(h && { h: state(h, k) }), ...(c && { c: state(c, k) }) },
    };
  });
  const x = batchFirst ? swapped(X.numbers, rows, T, D) : Array.from(X.numbers);
  const layer: RecurrentLayer = {
    operator,
    T,
    B: rows,
    D,
    H,
    x,
    directions,
    ...(steps && { lengths: steps }),
  };

  const expected = directions.map((_, k) => {
    const all: Record<string, number[]> = {};
    node.outputs.forEach((output, place) => {
      const tensor = outputTensors.get(output);
      if (!output || !tensor) return;
      if (place === 0) {
        mustFit(name, 'Y', tensor, batchFirst ? [rows, T, n, H] : [T, n, rows, H]);
        all.output = outputOf(tensor, { T, B: rows, H, n, k, batchFirst });
      } else {
        mustFit(name, place === 1 ? 'Y_h' : 'Y_c', tensor, stateShape);
        all[place === 1 ? 'hT' : 'cT'] = state(tensor, k);
      }
    });
    return all;
  });
  must(Object.keys(expected[0]).length > 0, name, 'the data must hold an output', 'none');
  return { name, layer, expected, tolerance };
}

function countOf({ attributes }: OnnxNode): number {
  const { direction = 'forward' } = attributes;
  const known = ['forward', 'reverse', 'bidirectional'].includes(String(direction));
  must(known, 'onnx', 'direction must be forward, reverse or bidirectional', direction);
  return direction === 'bidirectional' ? 2 : 1;
}

function operatorOf(
  { type, attributes }: OnnxNode,
  directions: number,
  parts: Pick<Operator, 'bias' | 'peepholes'>,
): Operator {
  const usual = defaults[kinds[type]];
  const { clip, input_forget: coupled, linear_before_reset: linear, activations } = attributes;
  if (coupled === 1) throw new NotExpressible('input_forget: the standard gives no equation for it');
  const parameters = ['activation_alpha', 'activation_beta'].find((one) => one in attributes);
  if (parameters) throw new NotExpressible(`${parameters}: an activation with parameters`);
  const names = Array.isArray(activations) ? activations.map(String) : undefined;
  const each = usual.activations.length;
  const fits = names === undefined || names.length === each * directions;
  must(fits, 'onnx', `activations must be ${each * directions}`, names?.length);
  const read = names?.map((one): Activation => {
    const lower = one.toLowerCase();
    if (!Object.hasOwn(activationNames, lower)) throw new NotExpressible(`the activation ${one}`);
    return activationNames[lower];
  });
  const own = read?.slice(0, each) ?? usual.activations;
  if (read?.some((one, k) => one !== own[k % each]))
    throw new NotExpressible('directions with different activations');
  return {
    ...usual,
    ...parts,
    activations: own,
    reset: linear === 1 ? 'after' : 'before',
    ...(typeof clip === 'number' && { clip }),
  };
}

function mustFit(name: string, what: string, tensor: OnnxTensor | undefined, shape: readonly number[]): void {
  const fits =
    !tensor || (tensor.dims.length === shape.length && tensor.dims.every((size, k) => size === shape[k]));
  must(fits, name, `${what} must be [${shape.join(', ')}]`, tensor && `[${tensor.dims.join(', ')}]`);
}

/** Transposes [A, B, C] to [B, A, C]. */
const swapped = (numbers: ArrayLike<number>, A: number, B: number, C: number): number[] =>
  Array.from({ length: A * B * C }, (_, k) => {
    const [b, a] = [Math.floor(k / (A * C)), Math.floor(k / C) % A];
    return numbers[(a * B + b) * C + (k % C)];
  });

/** [:, k, :] of [B, n, H]. */
const picked = ({ numbers }: OnnxTensor, B: number, n: number, H: number, k: number): number[] =>
  Array.from({ length: B * H }, (_, j) => numbers[(Math.floor(j / H) * n + k) * H + (j % H)]);

/** One direction of Y, as [T, B, H]. */
function outputOf(
  { numbers }: OnnxTensor,
  {
    T,
    B,
    H,
    n,
    k,
    batchFirst,
  }: { T: number; B: number; H: number; n: number; k: number; batchFirst: boolean },
): number[] {
  return Array.from({ length: T * B * H }, (_, j) => {
    const [t, b, u] = [Math.floor(j / (B * H)), Math.floor(j / H) % B, j % H];
    return numbers[(batchFirst ? (b * T + t) * n + k : (t * n + k) * B + b) * H + u];
  });
}
