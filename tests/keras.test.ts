/**
 * Keras weights: an independent engine computes the same from them, the round trip is bit-exact, and misfits are
 * named.
 */
import {
  bidirectional,
  elman,
  embedding,
  gru,
  jordan,
  lstm,
  network,
  Random,
  toFlat,
  toNested,
  type Layer,
  type Network,
  type NetworkOptions,
} from '../index';
import { isBidirectional } from '../bptt/network/layers/layer';
import { fillFrom } from '../core/tensor';
import type { ImportOptions } from '../io/foreign';
import { fromKeras, toKeras } from '../io/keras';
import type { SafeTensor } from '../io/safetensors';
import { describeWith, hasRuntimes, run } from './outside';

const [D, H, T, B, O] = [3, 5, 4, 2, 2];
const one = { input: D, hidden: H };
const wide = { input: 2 * H, hidden: H };

function networkOf(layers: Layer[], options: Partial<NetworkOptions> = {}): Network {
  const net = network({ layers, output: O, ...options });
  const random = new Random(5);
  for (const t of Object.values(net.parameters.values))
    fillFrom(
      t,
      toFlat(t).map(() => 0.6 * random.normal()),
    );
  return net;
}
const x = Array.from({ length: T }, (_, t) =>
  Array.from({ length: B }, (_, b) => Array.from({ length: D }, (_, d) => Math.sin(1 + 7 * t + 3 * b + d))),
);
const outputOf = (net: Network): number[][][] => toNested(net.forward({ x }).output) as number[][][];

const stacks: [string, Layer[], Partial<NetworkOptions>?, ImportOptions?][] = [
  ['SimpleRNN', [elman(one)]],
  ['SimpleRNN, relu', [elman({ ...one, activation: 'relu' })], {}, { activation: 'relu' }],
  ['SimpleRNN, sigmoid', [elman({ ...one, activation: 'sigmoid' })], {}, { activation: 'sigmoid' }],
  ['LSTM', [lstm(one)]],
  ['LSTM without biases', [lstm({ ...one, bias: false })]],
  ['LSTM without an output layer', [lstm(one)], { output: undefined }],
  ['LSTM in float32', [lstm(one)], { dtype: 'float32' }],
  ['GRU, reset_after=True', [gru(one)]],
  ['GRU, reset_after=False', [gru({ ...one, reset: 'before' })]],
  ['GRU without biases', [gru({ ...one, bias: false })]],
  [
    'deep, of all kinds',
    [gru({ ...one, reset: 'before' }), lstm({ input: H, hidden: 4 }), lstm({ input: 4, hidden: 4 })],
  ],
  ['Bidirectional', [bidirectional(lstm(one)), bidirectional(gru({ ...wide, reset: 'before' }))]],
  ['Bidirectional, of two kinds', [bidirectional(lstm(one), gru(one)), elman(wide)]],
];

it.each(stacks)('%s: comes back to the bit', (_name, layers, options = {}, importing = {}) => {
  const net = networkOf(layers, options);
  const back = fromKeras(toKeras(net), importing);
  expect(Object.keys(back.parameters.values)).toEqual(Object.keys(net.parameters.values));
  for (const [name, t] of Object.entries(net.parameters.values))
    expect(toFlat(back.parameters.values[name])).toEqual(toFlat(t));
  expect(outputOf(back)).toEqual(outputOf(net));
});

it('an embedding comes back to the bit, and must come first', () => {
  const net = network({ layers: [embedding({ input: 7, width: D }), gru(one)], output: O, seed: 1 });
  const stored = toKeras(net);
  const back = fromKeras(stored);
  for (const [name, t] of Object.entries(net.parameters.values))
    expect(toFlat(back.parameters.values[name])).toEqual(toFlat(t));
  const last = new Map([...stored].reverse());
  expect(() => fromKeras(last)).toThrow(/^keras: the model must be recurrent layers/);
});

it('names are those of Keras, in the order of set_weights', () => {
  const net = networkOf([bidirectional(lstm(one)), lstm(wide), gru({ input: H, hidden: H })]);
  expect([...toKeras(net)].map(([name, { shape }]) => `${name} [${shape.join(', ')}]`)).toEqual([
    'bidirectional/forward_lstm/lstm_cell/kernel [3, 20]',
    'bidirectional/forward_lstm/lstm_cell/recurrent_kernel [5, 20]',
    'bidirectional/forward_lstm/lstm_cell/bias [20]',
    'bidirectional/backward_lstm/lstm_cell/kernel [3, 20]',
    'bidirectional/backward_lstm/lstm_cell/recurrent_kernel [5, 20]',
    'bidirectional/backward_lstm/lstm_cell/bias [20]',
    'lstm_1/lstm_cell/kernel [10, 20]',
    'lstm_1/lstm_cell/recurrent_kernel [5, 20]',
    'lstm_1/lstm_cell/bias [20]',
    'gru/gru_cell/kernel [5, 15]',
    'gru/gru_cell/recurrent_kernel [5, 15]',
    'gru/gru_cell/bias [2, 15]',
    'dense/kernel [5, 2]',
    'dense/bias [2]',
  ]);
});

const missing =
  'TensorFlow.js is not installed: ONNXRUNTIME_NODE_INSTALL=skip npm ci --prefix tests/runtimes';
describeWith(hasRuntimes(), missing)('TensorFlow.js computes the same from these weights', () => {
  // it has no GRU that resets after the product, and no bidirectional layer of two kinds
  const able = stacks.filter(([, layers]) =>
    layers.every((layer) => {
      const cells = isBidirectional(layer) ? [layer.forward, layer.backward] : [layer];
      return cells.every(({ name, options }) => name === cells[0].name && options?.reset !== 'after');
    }),
  );
  let results: number[][][][];
  beforeAll(() => {
    const batchFirst = Array.from({ length: B }, (_, b) => x.map((step) => step[b]));
    const list = able.map(([, layers, options = {}]) => {
      const net = networkOf(layers, options);
      const weights = [...toKeras(net).values()].map(({ shape, data }) => ({
        shape,
        data: Array.from(data as Float64Array),
      }));
      return {
        layers: layers.map((layer) => {
          const cell = isBidirectional(layer) ? layer.forward : layer;
          const { activation, bias } = cell.options as { activation?: string; bias: boolean };
          return { kind: cell.name, units: cell.hidden, activation, bias, both: isBidirectional(layer) };
        }),
        dense: net.architecture.output,
        weights,
        x: batchFirst,
      };
    });
    results = JSON.parse(run('node', ['tests/runtimes/keras.js'], JSON.stringify(list))) as typeof results;
  });

  it.each(able.map(([name, layers, options = {}], k) => [name, layers, options, k] as const))(
    '%s',
    (_name, layers, options, k) => {
      const ours = outputOf(networkOf(layers, options));
      ours.forEach((step, t) =>
        step.forEach((row, b) =>
          row.forEach((v, o) => expect(Math.abs(v - results[k][b][t][o])).toBeLessThan(1e-6)),
        ),
      );
    },
  );
});

/** One unit-by-unit step of Keras' GRU with reset_after=True, from its own arrays: z and r, then h with r * (…). */
function kerasGru(stored: Map<string, SafeTensor>, x: readonly number[], h: readonly number[]): number[] {
  const of = (name: string) => stored.get(`gru/gru_cell/${name}`) as SafeTensor;
  const at = ({ shape, data }: SafeTensor, row: number, column: number) =>
    Number(data[row * shape[1] + column]);
  const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));
  const product = (v: readonly number[], name: string, row: number, column: number) =>
    v.reduce((sum, a, k) => sum + a * at(of(name), k, column), at(of('bias'), row, column));
  return h.map((hPrev, k) => {
    const sums = [0, 1, 2].map((block) => [
      product(x, 'kernel', 0, block * H + k),
      product(h, 'recurrent_kernel', 1, block * H + k),
    ]);
    const [z, r] = [sigmoid(sums[0][0] + sums[0][1]), sigmoid(sums[1][0] + sums[1][1])];
    return z * hPrev + (1 - z) * Math.tanh(sums[2][0] + r * sums[2][1]);
  });
}

it('GRU, reset_after=True: the recurrent bias of h stands inside r * (…), all others add up', () => {
  const stored = toKeras(networkOf([gru(one)], { output: undefined }));
  const bias = stored.get('gru/gru_cell/bias') as { data: Float64Array };
  bias.data.forEach((v, k) => (bias.data[k] = v + Math.cos(k)));
  const net = fromKeras(stored);
  let h = Array<number>(H).fill(0);
  outputOf(net).forEach((step, t) => {
    h = kerasGru(stored, x[t][0], h);
    h.forEach((v, k) => expect(step[0][k]).toBeCloseTo(v, 12));
  });
});

it('names of older versions, and of any model, will do', () => {
  const net = networkOf([bidirectional(lstm(one)), gru(wide)]);
  const renamed = new Map(
    [...toKeras(net)].map(([name, t]) => [`my_model/${name.replace('bidirectional', 'both')}:0`, t]),
  );
  expect(outputOf(fromKeras(renamed))).toEqual(outputOf(net));
});

describe('what does not fit is named', () => {
  it.each<[string, () => Network, RegExp]>([
    [
      'jordan',
      () => network({ layers: [jordan({ ...one, output: 2 })] }),
      /^keras: l0 must be a built-in elman, lstm or gru, got jordan \(Keras has /,
    ],
    [
      'a projection',
      () => network({ layers: [lstm({ ...one, projection: 2 })] }),
      /^keras: l0 must be .*, got lstm with projection/,
    ],
    [
      'peepholes',
      () => network({ layers: [lstm({ ...one, peepholes: true })] }),
      /^keras: l0 must be .*, got lstm with peepholes/,
    ],
    [
      'trained states',
      () => network({ layers: [gru(one)], trainInitial: true }),
      /^keras: initial states must not be trained/,
    ],
  ])('writing %s', (_name, net, message) => expect(() => toKeras(net())).toThrow(message));

  const f64 = (shape: number[]): SafeTensor => ({
    dtype: 'F64',
    shape,
    data: new Float64Array(shape.reduce((n, d) => n * d, 1)),
  });
  it.each<[string, (s: Map<string, SafeTensor>) => unknown, RegExp, ImportOptions?]>([
    [
      'nothing',
      (s) => s.clear(),
      /^keras: the model must be recurrent layers, then at most one dense layer, got \[\]/,
    ],
    [
      'arrays without names',
      (s) => s.set('arr_0', f64([1])),
      /^keras: arrays must be named PATH\/kernel, .*, got arr_0 \(np\.savez\(file, \*\*/,
    ],
    [
      'a missing kernel',
      (s) => s.delete('gru/gru_cell/kernel'),
      /^keras: the file must hold gru\/gru_cell\/kernel/,
    ],
    [
      'two dense layers',
      (s) => s.set('dense_1/kernel', f64([2, 2])),
      /^keras: the model must be recurrent layers/,
    ],
    [
      'a dense layer of another width',
      (s) => s.set('dense/kernel', f64([4, 2])),
      /^keras: dense\/kernel must be \[5, 2\], got \[4, 2\]/,
    ],
    [
      'another bias',
      (s) => s.set('gru/gru_cell/bias', f64([2, 14])),
      /^keras: gru\/gru_cell\/bias must be \[2, 15\], got \[2, 14\]/,
    ],
    [
      'two blocks',
      (s) => s.set('gru/gru_cell/recurrent_kernel', f64([5, 10])),
      /^import: gru.* must hold 1, 3 or 4 blocks of 5 units, got 2/,
    ],
    [
      'whole numbers',
      (s) => s.set('dense/bias', { dtype: 'I32', shape: [2], data: new Int32Array(2) }),
      /^import: dense\/bias must be float32 or float64, got I32/,
    ],
    [
      'an empty matrix',
      (s) => s.set('gru/gru_cell/kernel', f64([0, 15])),
      /^import: gru.*kernel must be a matrix, got \[0, 15\]/,
    ],
    ['another cell than is asked for', () => 0, /^import: the cell must be gru, got lstm/, { cell: 'lstm' }],
    [
      'an activation',
      () => 0,
      /^import: activation must be left out, got relu \(the cell is gru\)/,
      { activation: 'relu' },
    ],
    [
      'a reset that the biases contradict',
      () => 0,
      /^import: reset must be after, got before/,
      { reset: 'before' },
    ],
    [
      'an unknown option',
      () => 0,
      /^import: options must be among .*, got cells/,
      { cells: 'gru' } as ImportOptions,
    ],
  ])('reading %s', (_name, spoil, message, options = {}) => {
    const stored = toKeras(networkOf([gru(one)]));
    spoil(stored);
    expect(() => fromKeras(stored, options)).toThrow(message);
  });
});
