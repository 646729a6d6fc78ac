import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Batch } from '../bptt/network/batch/batch';
import { network, type Network, type NetworkOptions } from '../bptt/network/network';
import { truncated, type TruncatedOptions, type TruncatedResult } from '../bptt/truncated';
import { elman } from '../cells/elman';
import { gru } from '../cells/gru';
import { lstm } from '../cells/lstm';
import { Random } from '../core/random/random';
import { toFlat, type Tensor, type Tensors } from '../core/tensor';
import { distance, settings, type Setting } from './executors';

// different sizes reveal mix-ups: T no multiple of the chunk, D ≠ H ≠ O
const [T, B, D, H, O] = [7, 3, 4, 5, 6];

const numbers = (count: number, seed: number): number[] => {
  const random = new Random(seed);
  return Array.from({ length: count }, () => random.normal());
};
const randomArray = (shape: number[], seed: number) => ({
  shape,
  numbers: numbers(
    shape.reduce((p, n) => p * n, 1),
    seed,
  ),
});
const classes = (shape: number[], seed: number) => {
  const random = new Random(seed);
  const count = shape.reduce((p, n) => p * n, 1);
  return { shape, numbers: Array.from({ length: count }, () => random.below(O)) };
};

function make(setting: Setting, options: Partial<NetworkOptions> = {}): Network {
  return network({
    layers: [lstm({ input: D, hidden: H }), elman({ input: H, hidden: 3 })],
    output: O,
    loss: 'softmax',
    seed: 4,
    dtype: setting.dtype,
    executor: setting.executorName,
    ...options,
  });
}
const x = randomArray([T, B, D], 1);
const targets = classes([T, B], 2);
const batch = (more: Partial<Batch> = {}): Batch => ({ x, targets, ...more });

const flat = (tensors: Tensors): Record<string, number[]> =>
  Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, toFlat(t)]));
const gradientsOf = (net: Network): Record<string, number[]> => flat(net.parameters.gradients);

/** Everything that a full pass gives, copied out, in the form of a truncated one's. */
function full(net: Network, given: Batch, training = false) {
  net.parameters.zeroGradients();
  const pass = net.forward(given, { training });
  const { loss, output, states } = pass;
  const [y, finals] = [toFlat(output), flat(states)];
  const { x, initial } = pass.backward();
  return {
    loss,
    output: y,
    states: finals,
    x: toFlat(x),
    initial: flat(initial),
    gradients: gradientsOf(net),
  };
}
function cut(net: Network, given: Batch, chunk: number, options: Partial<TruncatedOptions> = {}) {
  net.parameters.zeroGradients();
  const result = truncated(net, given, { ...options, chunk });
  return { ...copied(result), gradients: gradientsOf(net) };
}
const copied = ({ loss, output, states, x, initial }: TruncatedResult) => ({
  loss,
  output: toFlat(output),
  states: flat(states),
  x: toFlat(x),
  initial: flat(initial),
});

describe.each(settings)('$name', (setting) => {
  const variants: [string, Partial<NetworkOptions>, Partial<Batch>][] = [
    ['all rows to the end', {}, {}],
    ['rows of unequal length', {}, { lengths: [2, 7, 4] }],
    ['a sum', { reduction: 'sum' }, { lengths: [6, 3, 1] }],
    ['many to one', { topology: 'many-to-one' }, { lengths: [2, 7, 4], targets: classes([B], 3) }],
    ['trainable initial states', { trainInitial: true }, { lengths: [2, 7, 4] }],
    ['squared error', { loss: 'squared' }, { targets: randomArray([T, B, O], 5) }],
  ];

  test.each(variants)('chunk >= T is full backpropagation to the bit: %s', (_, options, more) => {
    const expected = full(make(setting, options), batch(more));
    for (const chunk of [T, T + 1, 1000])
      expect(cut(make(setting, options), batch(more), chunk)).toEqual(expected);
  });

  test('chunk >= T draws the same dropout as a full pass', () => {
    const expected = full(make(setting, { dropout: 0.4 }), batch(), true);
    expect(cut(make(setting, { dropout: 0.4 }), batch(), T, { training: true })).toEqual(expected);
  });

  test.each(variants)('forward over chunks equals one pass: %s', (_, options, more) => {
    const expected = full(make(setting, options), batch(more));
    for (const chunk of [1, 2, 3, 6]) {
      const actual = cut(make(setting, options), batch(more), chunk);
      expect(Math.abs(actual.loss - expected.loss)).toBeLessThan(setting.rounding * Math.abs(expected.loss));
      expect(distance(actual.output, expected.output)).toBeLessThan(setting.rounding);
      for (const name of Object.keys(expected.states))
        expect(distance(actual.states[name], expected.states[name])).toBeLessThan(setting.rounding);
    }
  });

  test('the gradient is that of the chunks, each from a fixed state, weighted by all valid steps', () => {
    const lengths = [2, 7, 4];
    const actual = cut(make(setting), batch({ lengths }), 3);

    // chunk by chunk with sums, rows that have ended left out; divided by the 13 valid steps in the end
    const net = make(setting, { reduction: 'sum' });
    const take = (
      values: { numbers: number[] },
      width: number,
      from: number,
      to: number,
      rows: number[],
    ): number[] =>
      Array.from({ length: to - from }, (_, t) =>
        rows.map((b) => {
          const start = ((from + t) * B + b) * width;
          return values.numbers.slice(start, start + width);
        }),
      ).flat(2);
    let states = Object.fromEntries(
      ['l0.h', 'l0.c', 'l1.h'].map((s) => [s, Array<number>(B * (s === 'l1.h' ? 3 : H)).fill(0)]),
    );
    let loss = 0;
    for (const [from, to] of [
      [0, 3],
      [3, 6],
      [6, 7],
    ]) {
      const rows = [0, 1, 2].filter((b) => lengths[b] > from);
      const pick = (all: number[]): number[] => {
        const width = all.length / B;
        return rows.flatMap((b) => all.slice(b * width, (b + 1) * width));
      };
      const result = net.forward({
        x: { shape: [to - from, rows.length, D], numbers: take(x, D, from, to, rows) },
        targets: {
          shape: [to - from, rows.length],
          numbers: take(targets, 1, from, to, rows),
        },
        lengths: rows.map((b) => Math.min(lengths[b], to) - from),
        initial: Object.fromEntries(Object.entries(states).map(([s, values]) => [s, pick(values)])),
      });
      loss += result.loss;
      const next = flat(result.states);
      states = Object.fromEntries(
        Object.entries(states).map(([s, values]) => {
          const width = values.length / B;
          const merged = [...values];
          rows.forEach((b, k) =>
            merged.splice(b * width, width, ...next[s].slice(k * width, (k + 1) * width)),
          );
          return [s, merged];
        }),
      );
      result.backward();
    }
    expect(Math.abs(actual.loss - loss / 13)).toBeLessThan(setting.rounding * actual.loss);
    for (const [name, g] of Object.entries(gradientsOf(net))) {
      const mean = g.map((value) => value / 13);
      expect(distance(actual.gradients[name], mean)).toBeLessThan(4 * setting.rounding);
    }
    for (const [name, values] of Object.entries(states))
      expect(distance(actual.states[name], values)).toBeLessThan(setting.rounding);
  });

  test('the gradient before the cut is exactly 0', () => {
    const net = make(setting, { loss: undefined });
    const output = new Float64Array(T * B * O);
    output.fill(1, 4 * B * O); // the loss is the sum of the outputs from t = 4 on
    const given: Batch = { x };
    const { x: dx, initial } = copied(truncated(net, given, { chunk: 4, upstream: { output } }));
    expect(dx.slice(0, 4 * B * D).every((d) => d === 0)).toBe(true);
    expect(dx.slice(4 * B * D).some((d) => d !== 0)).toBe(true);
    for (const d of Object.values(initial)) expect(d.every((value) => value === 0)).toBe(true);

    const pass = net.forward(given);
    expect(toFlat(pass.backward({ output }).x)[0]).not.toBe(0);
  });

  test('a new call is a new sequence, unless it asks to carry on', () => {
    const net = make(setting);
    const first = cut(net, batch(), 3);
    expect(cut(net, batch(), 3)).toEqual(first);
    const { states } = truncated(net, batch(), { chunk: 3 });
    const carried = cut(net, batch(), 3, { from: states });
    expect(carried.output).not.toEqual(first.output);
    expect(cut(net, batch({ initial: first.states }), 3)).toEqual(carried);
  });

  test('class numbers give the gradients of one-hot rows, and none of their own', () => {
    const random = new Random(8);
    const ones = Array.from({ length: T * B }, () => random.below(D));
    const numbers = ones.flatMap((one) => Array.from({ length: D }, (_, k) => (k === one ? 1 : 0)));
    const net = make(setting);
    const rows = cut(net, batch({ x: { shape: [T, B, D], numbers } }), 3);
    net.parameters.zeroGradients();
    const result = truncated(net, batch({ x: { shape: [T, B], numbers: ones } }), { chunk: 3 });
    expect(result.loss).toBeCloseTo(rows.loss, 5);
    for (const [name, g] of Object.entries(gradientsOf(net)))
      expect(distance(g, rows.gradients[name])).toBeLessThan(setting.rounding);
    expect(() => result.x).toThrow('x must be numbers to have a gradient, got class numbers');
  });

  test('two calls without zeroing give twice the gradient', () => {
    const net = make(setting);
    const once = cut(net, batch(), 3).gradients;
    truncated(net, batch(), { chunk: 3 });
    for (const [name, g] of Object.entries(gradientsOf(net))) {
      const twice = once[name].map((value) => 2 * value);
      expect(distance(g, twice)).toBeLessThan(setting.rounding);
    }
  });

  test('many to one, each row learns from the chunk in which it ends', () => {
    const lengths = [2, 7, 4];
    const options = { topology: 'many-to-one', reduction: 'sum' } as const;
    const own = classes([B], 3);
    const together = cut(make(setting, options), batch({ lengths, targets: own }), 3);
    const net = make(setting, options);
    let loss = 0;
    lengths.forEach((length, b) => {
      const start = Math.floor((length - 1) / 3) * 3; // the chunk in which the row ends
      const row = (from: number, to: number) => ({
        shape: [to - from, 1, D],
        numbers: Array.from({ length: to - from }, (_, t) =>
          x.numbers.slice(((from + t) * B + b) * D, ((from + t) * B + b + 1) * D),
        ).flat(),
      });
      const target = { shape: [1], numbers: [own.numbers[b]] };
      const from = start > 0 ? net.forward({ x: row(0, start), targets: target }).states : undefined;
      const pass = net.forward({ x: row(start, length), targets: target }, { from });
      loss += pass.loss;
      pass.backward();
    });
    expect(Math.abs(together.loss - loss)).toBeLessThan(setting.rounding * loss);
    for (const [name, g] of Object.entries(gradientsOf(net)))
      expect(distance(together.gradients[name], g)).toBeLessThan(setting.rounding);
  });

  test('a trainable initial state is reached from the first chunk only', () => {
    const net = make(setting, { trainInitial: true });
    const { gradients, initial } = cut(net, batch(), 3);
    const sums = Array.from({ length: H }, (_, u) =>
      initial['l0.h'].reduce((s, d, k) => s + (k % H === u ? d : 0), 0),
    );
    expect(distance(gradients['l0.h0'], sums)).toBeLessThan(setting.rounding);
    expect(sums[0]).not.toBe(0);
  });

  test('float32 networks give float32 results', () => {
    const { output, x } = truncated(make(setting), batch(), { chunk: 3 });
    const kind = setting.dtype === 'float32' ? Float32Array : Float64Array;
    expect(output.data).toBeInstanceOf(kind);
    expect(x.data).toBeInstanceOf(kind);
  });
});

describe('upstream gradients', () => {
  const net = make(settings[0], {
    loss: undefined,
    layers: [gru({ input: D, hidden: H })],
    output: undefined,
  });
  const lengths = [2, 7, 4];
  const given: Batch = { x, lengths };
  const states = { 'l0.h': numbers(B * H, 8) };

  test('the gradient of a final state belongs to the chunk in which its row ends', () => {
    net.parameters.zeroGradients();
    const together = copied(truncated(net, given, { chunk: 3, upstream: { states } }));
    // row 0 ends at t = 1: in the first chunk, so its initial state is reached; rows 1 and 2 end later
    expect(together.initial['l0.h'].slice(0, H).every((d) => d !== 0)).toBe(true);
    expect(together.initial['l0.h'].slice(H).every((d) => d === 0)).toBe(true);
    const chunkOfRow = [0, 2, 1];
    for (let t = 0; t < T; t++)
      for (let b = 0; b < B; b++) {
        const live = chunkOfRow[b] === Math.floor(t / 3) && t < lengths[b];
        const d = together.x.slice((t * B + b) * D, (t * B + b + 1) * D);
        expect(d.every((value) => (value !== 0) === live)).toBe(true);
      }
  });

  test('wrong sizes and a loss of its own are refused', () => {
    const output = new Float64Array(5);
    expect(() => truncated(net, given, { chunk: 3, upstream: { output } })).toThrow(
      'truncated: upstream output must be [7, 3, 5], got 5 values',
    );
    expect(() => truncated(make(settings[0]), batch(), { chunk: 3, upstream: {} })).toThrow(
      'pass.backward: upstream gradients must be left out, got some (the network has a loss)',
    );
  });
});

describe('errors', () => {
  const net = make(settings[0]);

  test.each([
    [{ chunk: 0 }, 'truncated: chunk must be a whole number >= 1, got 0'],
    [{ chunk: 2.5 }, 'truncated: chunk must be a whole number >= 1, got 2.5'],
    [{ chunk: 2, chunks: 3 }, 'truncated: options must be among chunk, training, from, upstream, got chunks'],
  ])('%o', (options, message) => {
    expect(() => truncated(net, batch(), options)).toThrow(message);
  });

  test('a batch that is none', () => {
    expect(() => truncated(net, null as unknown as Batch, { chunk: 2 })).toThrow(
      'truncated: the batch must be an object, got null',
    );
  });

  test('a bad number is named by its time in the whole sequence', () => {
    const bad = { shape: x.shape, numbers: [...x.numbers] };
    bad.numbers[(5 * B + 1) * D + 2] = NaN;
    expect(() => truncated(net, batch({ x: bad }), { chunk: 2 })).toThrow(
      'truncated: x must be finite, got NaN at t = 5, row 1, unit 2',
    );
  });

  test.each([
    [{ h: [1] }, 'network.forward: initial states must be among l0.h, l0.c, l1.h, got h'],
    [{ 'l0.h': [1] }, 'network.forward: initial l0.h must be [3, 5], got 1 value'],
    [{ 'l0.h': new Float64Array(B * H) }, 'network.forward: initial l0.c must be given, got undefined'],
  ])('initial states %j', (initial, message) => {
    expect(() => truncated(net, batch({ initial }), { chunk: 2 })).toThrow(message);
  });

  test('parts of a batch', () => {
    expect(() => net.forward(batch(), { steps: [3, 3] })).toThrow(
      'network.forward: steps must be [from, to] with 0 <= from < to <= 7, got [3, 3] (T = 7)',
    );
    expect(() => net.forward(batch(), { over: 0 })).toThrow('network.forward: over must be > 0, got 0');
  });
});

interface Vector {
  name: string;
  kind: string;
  sizes: { T: number; B: number; I: number; H: number; L: number; bias?: boolean };
  hyper: { chunk: number };
  params: Record<string, { shape: number[]; data: number[] }>;
  inputs: Record<string, { data: number[] }>;
  init: Record<string, { data: number[] }>;
  loss: { weights: Record<string, { data: number[] }> };
  expected: Record<string, { data: number[] }>;
  grads: Record<string, { shape: number[]; data: number[] }>;
  grads_full_bptt: Record<string, { data: number[] }>;
}
const golden = join(__dirname, 'golden');
const vectors = readdirSync(golden)
  .filter((file) => /tbptt/.test(file))
  .map((file) => JSON.parse(readFileSync(join(golden, file), 'utf8')) as Vector);

const transposed = ({ shape: [n, m], data }: { shape: number[]; data: number[] }): number[] =>
  Array.from({ length: n * m }, (_, k) => data[(k % n) * m + Math.floor(k / n)]);

describe('golden vectors: PyTorch, relative error <= 1e-10', () => {
  test('there are some of every kind', () => {
    expect(new Set(vectors.map(({ kind }) => kind))).toEqual(new Set(['LSTM_TBPTT', 'RNN_TANH_TBPTT']));
  });

  test.each(vectors.map((v) => [v.name, v] as const))('%s', (_, v) => {
    const { T: steps, B: rows, I, H: hidden, L, bias = true } = v.sizes;
    const cell = v.kind === 'LSTM_TBPTT' ? lstm : elman;
    const layers = Array.from({ length: L }, (_, l) => cell({ input: l ? hidden : I, hidden, bias }));
    const net = network({ layers, executor: 'plain' });
    for (let l = 0; l < L; l++) {
      net.parameters.set(`l${l}.Wx`, transposed(v.params[`weight_ih_l${l}`]));
      net.parameters.set(`l${l}.Wh`, transposed(v.params[`weight_hh_l${l}`]));
      const [p, q] = [v.params[`bias_ih_l${l}`], v.params[`bias_hh_l${l}`]];
      if (bias)
        net.parameters.set(
          `l${l}.b`,
          p.data.map((value, k) => value + q.data[k]),
        );
    }
    const size = rows * hidden;
    const byLayer = (all: Record<string, { data: number[] }>, suffix: string): Record<string, number[]> => {
      const states = Object.keys(layers[0].states).flatMap((s) =>
        layers.map(
          (_, l) => [`l${l}.${s}`, all[`${s}_${suffix}`]?.data.slice(l * size, (l + 1) * size)] as const,
        ),
      );
      return Object.fromEntries(states.filter(([, values]) => values !== undefined));
    };
    const result = truncated(
      net,
      { x: { shape: [steps, rows, I], numbers: v.inputs.x.data }, initial: byLayer(v.init, '0') },
      {
        chunk: v.hyper.chunk,
        upstream: { output: v.loss.weights.output?.data, states: byLayer(v.loss.weights, 'n') },
      },
    );
    const near = (actual: ArrayLike<number>, expected: ArrayLike<number>): void =>
      expect(distance(actual, expected)).toBeLessThanOrEqual(1e-10);
    near(toFlat(result.output), v.expected.output.data);
    for (const [name, values] of Object.entries(byLayer(v.expected, 'n')))
      near(toFlat(result.states[name]), values);
    near(toFlat(result.x), v.grads.x.data);
    for (const [name, values] of Object.entries(byLayer(v.grads, '0')))
      near(toFlat(result.initial[name]), values);
    const gradient = (name: string): Tensor => net.parameters.gradients[name];
    for (let l = 0; l < L; l++) {
      near(toFlat(gradient(`l${l}.Wx`)), transposed(v.grads[`weight_ih_l${l}`]));
      near(toFlat(gradient(`l${l}.Wh`)), transposed(v.grads[`weight_hh_l${l}`]));
      if (bias) near(toFlat(gradient(`l${l}.b`)), v.grads[`bias_ih_l${l}`].data);
    }
  });
});
