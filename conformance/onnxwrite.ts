/** Writes cases as ONNX node tests, one folder each, as `onnxsuite.ts` reads them. */
import type { Activation } from '../cells/parts/activation';
import { onnxCells } from '../io/onnx/model';
import { encodeOnnxTensor, OnnxGraph, type Attribute, type OnnxNumbers } from '../io/onnx/graph';
import type { Answers, Tolerances } from './answers';
import type { NamedLayer } from './cases';
import { defaults } from './operator';
import { toRowWeights } from './weights';

const activationNames: Readonly<Record<Activation, string>> = {
  sigmoid: 'Sigmoid',
  tanh: 'Tanh',
  relu: 'Relu',
};

interface Port {
  name: string;
  dims: number[];
  numbers: OnnxNumbers;
}

/** The files of a case, by path relative to its folder. ONNX node tests have no gradients. */
export function onnxFiles(
  { layer, batchFirst }: NamedLayer,
  { values }: Answers,
  tolerances: Tolerances,
): Record<string, Uint8Array> {
  const { operator, T, B, D, H, x, lengths, directions } = layer;
  const { kind, activations, clip, reset } = operator;
  const n = directions.length;
  const { name: type, gates } = onnxCells[kind];
  const rows = directions.map(({ parameters }) => toRowWeights(parameters, layer, gates));
  const G = gates.length * H;
  const port = (name: string, dims: number[], numbers: readonly number[]): Port => ({
    ...{ name, dims },
    numbers: Float32Array.from(numbers),
  });
  const sequence = (name: string, numbers: readonly number[]): Port =>
    batchFirst ? port(name, [B, T, D], swapped(numbers, T, B)) : port(name, [T, B, D], numbers);
  /** A state of all directions [n, B, H]. */
  const state = (name: string, each: readonly (readonly number[])[]): Port =>
    batchFirst ? port(name, [B, n, H], swapped(each.flat(), n, B)) : port(name, [n, B, H], each.flat());
  const states = kind === 'lstm' ? ['h', 'c'] : ['h'];
  const zero = directions.some(({ initial }) => Object.keys(initial).length === 0);
  const inputs: (Port | undefined)[] = [
    sequence('X', x),
    port(
      'W',
      [n, G, D],
      rows.flatMap(({ W }) => W),
    ),
    port(
      'R',
      [n, G, H],
      rows.flatMap(({ R }) => R),
    ),
    operator.bias
      ? port(
          'B',
          [n, 2 * G],
          rows.flatMap(({ inputBias = [], recurrentBias = [] }) => [...inputBias, ...recurrentBias]),
        )
      : undefined,
    lengths && { name: 'sequence_lens', dims: [B], numbers: Int32Array.from(lengths) },
    ...states.map((s) =>
      zero
        ? undefined
        : state(
            `initial_${s}`,
            directions.map(({ initial }) => initial[s]),
          ),
    ),
    operator.peepholes
      ? port(
          'P',
          [n, 3 * H],
          rows.flatMap(({ P = [] }) => P),
        )
      : undefined,
  ];
  const Y = Array.from({ length: T * n * B * H }, (_, j) => {
    const [t, k, b, u] = [
      Math.floor(j / (n * B * H)),
      Math.floor(j / (B * H)) % n,
      Math.floor(j / H) % B,
      j % H,
    ];
    return values[k].output[(t * B + b) * H + u];
  });
  const outputs = [
    batchFirst ? port('Y', [B, T, n, H], batchFirstY(Y, { T, n, B, H })) : port('Y', [T, n, B, H], Y),
    ...states.map((s) =>
      state(
        `Y_${s}`,
        values.map((one) => one[`${s}T`]),
      ),
    ),
  ];

  const graph = new OnnxGraph();
  const present = inputs.filter((one) => one !== undefined);
  for (const { name, dims, numbers } of present)
    graph.input(name, numbers instanceof Int32Array ? 'int32' : 'float32', dims);
  for (const { name, dims } of outputs) graph.output(name, 'float32', dims);
  const last = inputs.findLastIndex((one) => one !== undefined);
  const [first, ...more] = outputs.map(({ name }) => name);
  graph.node(
    type,
    inputs.slice(0, last + 1).map((one) => one?.name ?? ''),
    [first, ...more],
    {
      hidden_size: H,
      direction: n === 2 ? 'bidirectional' : directions[0].reverse ? 'reverse' : 'forward',
      ...attributesOf(activations, defaults[kind].activations, n),
      ...(clip !== undefined && { clip: { float: clip } }),
      ...(kind === 'gru' && { linear_before_reset: reset === 'after' ? 1 : 0 }),
      ...(batchFirst && { layout: 1 }),
    },
  );
  const widest = (quantity: string): string =>
    String(Math.max(...tolerances.directions.map((one) => one[quantity])));
  const metadata = Object.fromEntries(
    ['output', ...states.map((s) => `${s}T`)].map((quantity, k) => [
      `tolerance ${outputs[k].name}`,
      widest(quantity),
    ]),
  );
  const data = (what: string, ports: readonly Port[]): [string, Uint8Array][] =>
    ports.map(({ name, dims, numbers }, k) => [
      `test_data_set_0/${what}_${k}.pb`,
      encodeOnnxTensor(name, dims, numbers),
    ]);
  return {
    'model.onnx': graph.encode(metadata),
    ...Object.fromEntries([...data('input', present), ...data('output', outputs)]),
  };
}

function attributesOf(
  own: readonly Activation[],
  usual: readonly Activation[],
  n: number,
): Record<string, Attribute> {
  if (own.join() === usual.join()) return {};
  return { activations: Array.from({ length: n }, () => own.map((one) => activationNames[one])).flat() };
}

/** Transposes [A, B, …] to [B, A, …]. */
function swapped(numbers: readonly number[], A: number, B: number): number[] {
  const width = numbers.length / (A * B);
  return Array.from(numbers, (_, k) => {
    const [b, a] = [Math.floor(k / (A * width)), Math.floor(k / width) % A];
    return numbers[(a * B + b) * width + (k % width)];
  });
}

/** Transposes Y [T, n, B, H] to [B, T, n, H]. */
function batchFirstY(
  Y: readonly number[],
  { T, n, B, H }: { T: number; n: number; B: number; H: number },
): number[] {
  return Array.from(Y, (_, j) => {
    const [b, t, k, u] = [
      Math.floor(j / (T * n * H)),
      Math.floor(j / (n * H)) % T,
      Math.floor(j / H) % n,
      j % H,
    ];
    return Y[((t * n + k) * B + b) * H + u];
  });
}
