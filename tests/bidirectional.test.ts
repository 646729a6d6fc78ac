import { fit } from '../bptt/train/fit';
import { bidirectional, isLayer, type Layer } from '../bptt/network/layers/layer';
import { network, type Network, type NetworkOptions } from '../bptt/network/network';
import { firstBadGradient, firstBadValue } from '../bptt/network/notfinite';
import { randomNormals, drawStates, fillRandom } from '../bptt/check/problem';
import { truncated } from '../bptt/truncated';
import { Unroll } from '../bptt/unroll';
import { clockwork } from '../cells/clockwork';
import { elman } from '../cells/elman';
import { gru } from '../cells/gru';
import { jordan } from '../cells/jordan';
import { lstm } from '../cells/lstm';
import { hoist } from '../core/programs/hoist';
import { Random } from '../core/random/random';
import { columns, toFlat, zeros, type Tensor } from '../core/tensor';
import { decodeCheckpoint, encodeCheckpoint } from '../io/checkpoint';
import { toPytorch } from '../io/torch/parameters';
import { distance, settings } from './executors';
import { planOf } from '../bptt/network/passes/pass';

const [T, B, D, H, O] = [5, 3, 4, 3, 2];
const lengths = [5, 2, 4];

const flat = (tensors: Record<string, Tensor>): Record<string, number[]> =>
  Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, toFlat(t)]));
const randomArray = (shape: number[], seed: number) => ({
  shape,
  numbers: randomNormals(
    shape.reduce((product, n) => product * n, 1),
    new Random(seed),
  ),
});
/** A network whose weights are all random. */
const make = (options: NetworkOptions, seed = 3): Network => {
  const net = network(options);
  const random = new Random(seed);
  for (const t of Object.values(net.parameters.values)) fillRandom(t, random);
  return net;
};
/** Rows of T·B blocks in the other order of time. */
const flipped = (numbers: ArrayLike<number>, steps = T): number[] => {
  const block = numbers.length / steps;
  return Array.from({ length: steps }, (_, t) =>
    Array.from(numbers).slice((steps - 1 - t) * block, (steps - t) * block),
  ).flat();
};

const cells: [string, () => Layer][] = [
  ['elman', () => bidirectional(elman({ input: D, hidden: H }))],
  ['lstm', () => bidirectional(lstm({ input: D, hidden: H }))],
  ['gru, reset before', () => bidirectional(gru({ input: D, hidden: H, reset: 'before' }))],
  ['jordan', () => bidirectional(jordan({ input: D, hidden: 5, output: H, feedback: 'p' }))],
  ['lstm and gru', () => bidirectional(lstm({ input: D, hidden: H }), gru({ input: D, hidden: 5 }))],
];

describe.each(settings)('$name', ({ dtype, executorName: executor, rounding }) => {
  test('by hand: relu, Wh = 1, counting from both ends', () => {
    // →h = 1, 1 + 2, 3 + 4 = 1 3 7;   ←h = 4, 4 + 2, 6 + 1, which is 7 6 4 in the order of time
    const cell = elman({ input: 1, hidden: 1, activation: 'relu', bias: false });
    const net = network({ layers: [bidirectional(cell)], dtype, executor });
    net.parameters.flat.data.fill(1);
    const pass = net.forward({ x: [[[1]], [[2]], [[4]]] });
    const { output, states } = pass;
    expect(toFlat(output)).toEqual([1, 7, 3, 6, 7, 4]);
    expect(flat(states)).toEqual({ 'l0.h': [7], 'l0r.h': [7] });
    // each output counts 1, 10, 100 forward and 1000, 0, 0 backward: x_t is reached from →h_t… and ←h_…t
    const { x, initial } = pass.backward({
      output: [1, 1000, 10, 0, 100, 0],
      states: { 'l0.h': [5], 'l0r.h': [0] },
    });
    expect(toFlat(x)).toEqual([1116, 1115, 1105]);
    expect(flat(initial)).toEqual({ 'l0.h': [116], 'l0r.h': [1000] });
    // dWx += Σ x dz; dWh += Σ hPrev dz, where hPrev is 0 1 3 and, from the end, 0 4 6
    expect(flat(net.parameters.gradients)).toEqual({
      'l0.Wx': [116 + 2 * 115 + 4 * 105],
      'l0.Wh': [115 + 3 * 105],
      'l0r.Wx': [7000],
      'l0r.Wh': [10000],
    });
  });

  test('by hand: the second direction reads the same clock, here alone with one', () => {
    const plain = elman({ input: 1, hidden: 1, activation: 'relu', bias: false });
    const clocked = clockwork({ input: 1, hidden: 1, periods: [2], activation: 'relu', bias: false });
    const net = network({ layers: [bidirectional(plain, clocked)], dtype, executor });
    net.parameters.flat.data.fill(1);
    const x = [[[1]], [[2]], [[4]], [[8]]];
    // →h = 1 3 7 15 at any time. From the end, at the times 3 2 1 0: 0 0+4 4 4+1; at the times 4 3 2 1: 8 8 8+2 10
    const even = { output: [1, 5, 3, 4, 7, 4, 15, 0], dx: [1, 0, 1, 0] };
    const odd = { output: [1, 10, 3, 10, 7, 8, 15, 8], dx: [0, 1, 0, 1] };
    for (const [clock, expected] of [
      [0, even],
      [1, odd],
      [2, even],
      [7, odd],
    ] as const) {
      const pass = net.forward({ x, clock });
      expect(toFlat(pass.output)).toEqual(expected.output);
      expect(toFlat(pass.backward({ output: [0, 1, 0, 0, 0, 0, 0, 0] }).x)).toEqual(expected.dx);
    }
  });

  test.each(cells)('%s: is one cell from the start and another from the end', (_name, layer) => {
    const both = make({ layers: [layer()], dtype, executor });
    const [first, second] = [layer(), layer()].map((pair, k) => {
      const cell = 'forward' in pair ? [pair.forward, pair.backward][k] : pair;
      const net = network({ layers: [cell], dtype, executor });
      for (const [name, t] of Object.entries(both.parameters.values)) {
        const [own, rest] = name.split('.');
        if (own === (k === 0 ? 'l0' : 'l0r')) net.parameters.set(`l0.${rest}`, toFlat(t));
      }
      return net;
    });
    const x = randomArray([T, B, D], 1);
    const [wide, narrow] = [both.output, first.output];
    const initial = drawStates(both.architecture, B, new Random(2));
    const states = drawStates(both.architecture, B, new Random(3));
    const above = randomNormals(T * B * wide, new Random(4));
    const part = (values: ArrayLike<number>, from: number, to: number): number[] =>
      Array.from(values).filter((_, k) => k % wide >= from && k % wide < to);
    const own = <V>(all: Record<string, V>, name: string): Record<string, V> =>
      Object.fromEntries(
        Object.entries(all).flatMap(([key, v]) => {
          const [prefix, rest] = key.split('.');
          return prefix === name ? [[`l0.${rest}`, v]] : [];
        }),
      );

    const result = both.forward({ x, initial });
    const back = result.backward({ output: above, states });
    const one = first.forward({ x, initial: own(initial, 'l0') });
    const oneBack = one.backward({ output: part(above, 0, narrow), states: own(states, 'l0') });
    const two = second.forward({
      x: { shape: x.shape, numbers: flipped(x.numbers) },
      initial: own(initial, 'l0r'),
    });
    const twoBack = two.backward({
      output: flipped(part(above, narrow, wide)),
      states: own(states, 'l0r'),
    });
    const near = (actual: ArrayLike<number>, expected: ArrayLike<number>): void =>
      expect(distance(actual, expected)).toBeLessThanOrEqual(rounding);
    near(part(toFlat(result.output), 0, narrow), toFlat(one.output));
    near(part(toFlat(result.output), narrow, wide), flipped(toFlat(two.output)));
    const sum = flipped(toFlat(twoBack.x)).map((v, k) => v + toFlat(oneBack.x)[k]);
    near(toFlat(back.x), sum);
    for (const [name, single, values, dInitial] of [
      ['l0', first, one.states, oneBack.initial],
      ['l0r', second, two.states, twoBack.initial],
    ] as const) {
      for (const [s, t] of Object.entries(own(result.states, name))) near(toFlat(t), toFlat(values[s]));
      for (const [s, t] of Object.entries(own(back.initial, name))) near(toFlat(t), toFlat(dInitial[s]));
      for (const [p, t] of Object.entries(own(both.parameters.gradients, name)))
        near(toFlat(t), toFlat(single.parameters.gradients[p]));
    }
  });

  describe.each(cells)('%s', (_name, layer) => {
    const layers = (): Layer[] => {
      const below = layer();
      const width = network({ layers: [below] }).output;
      return [below, bidirectional(gru({ input: width, hidden: 2 }))];
    };
    const net = make({ layers: layers(), dtype, executor });
    const x = randomArray([T, B, D], 1);
    const initial = drawStates(net.architecture, B, new Random(2));
    const above = randomNormals(T * B * net.output, new Random(4));

    test('neither the padding nor its length matters, to the bit, and it has no gradient', () => {
      const run = (steps: number, filler: number): unknown => {
        const numbers = new Float64Array(steps * B * D).fill(filler);
        const weights = new Float64Array(steps * B * net.output).fill(filler);
        for (let t = 0; t < T; t++) {
          for (let b = 0; b < B; b++) {
            if (t >= lengths[b]) continue;
            for (let d = 0; d < D; d++) numbers[(t * B + b) * D + d] = x.numbers[(t * B + b) * D + d];
            for (let c = 0; c < net.output; c++)
              weights[(t * B + b) * net.output + c] = above[(t * B + b) * net.output + c];
          }
        }
        net.parameters.zeroGradients();
        const result = net.forward({ x: { shape: [steps, B, D], numbers }, initial, lengths });
        const states = flat(result.states);
        const back = result.backward({ output: weights });
        const dx = toFlat(back.x);
        for (let k = 0; k < dx.length; k++) {
          const row = Math.floor(k / D);
          if (Math.floor(row / B) >= lengths[row % B]) expect(dx[k]).toBe(0);
        }
        return { states, initial: flat(back.initial), dx: dx.slice(0, T * B * D) };
      };
      const plain = run(T, 0);
      expect(run(T, 99)).toEqual(plain);
      expect(run(T + 3, -7)).toEqual(plain);
    });
  });

  test('at the last step: the forward state after the last valid step beside the backward state after t = 0', () => {
    const layer = bidirectional(lstm({ input: D, hidden: H }), gru({ input: D, hidden: 5 }));
    const every = make({ layers: [layer], dtype, executor });
    const last = make({ layers: [layer], topology: 'many-to-one', dtype, executor });
    const x = randomArray([T, B, D], 1);
    const all = toFlat(every.forward({ x, lengths }).output);
    const width = H + 5;
    const pass = last.forward({ x, lengths });
    const { output, states } = pass;
    expect(output.shape).toEqual([B, width]);
    for (let b = 0; b < B; b++) {
      const ends = all.slice(((lengths[b] - 1) * B + b) * width).slice(0, H);
      const starts = all.slice(b * width).slice(H, width);
      expect(toFlat(output).slice(b * width, (b + 1) * width)).toEqual([...ends, ...starts]);
    }
    expect(toFlat(columns(output, 0, H))).toEqual(toFlat(states['l0.h']));
    expect(toFlat(columns(output, H, width))).toEqual(toFlat(states['l0r.h']));

    // the gradients of the output and of the final states add up
    const above = randomNormals(B * width, new Random(7));
    const both = pass.backward({ output: above });
    const [dx, gradients] = [toFlat(both.x), flat(last.parameters.gradients)];
    const part = (from: number, to: number): Float64Array =>
      above.filter((_, k) => k % width >= from && k % width < to);
    last.parameters.zeroGradients();
    const byStates = pass.backward({ states: { 'l0.h': part(0, H), 'l0r.h': part(H, width) } });
    expect(toFlat(byStates.x)).toEqual(dx);
    expect(flat(last.parameters.gradients)).toEqual(gradients);
    last.parameters.zeroGradients();
    const twice = pass.backward({
      output: above,
      states: { 'l0.h': part(0, H), 'l0r.h': part(H, width) },
    });
    expect(toFlat(twice.x)).toEqual(dx.map((v) => 2 * v));
  });
});

describe('deep bidirectional', () => {
  const layers = (): Layer[] => [
    bidirectional(elman({ input: D, hidden: H })),
    bidirectional(elman({ input: 2 * H, hidden: 2 })),
  ];
  const x = randomArray([T, 1, D], 1);
  const run = (change: (net: Network, numbers: Float64Array) => void = () => undefined): number[][] => {
    const net = make({ layers: layers() });
    const numbers = x.numbers.slice();
    change(net, numbers);
    const pass = net.forward({ x: { shape: x.shape, numbers } });
    const outputs = planOf(pass).main.layers.map(({ output }) => output.value);
    const halves = outputs.flatMap((t) => {
      const half = t.shape[1] / 2;
      return [columns(t, 0, half), columns(t, half, 2 * half)];
    });
    return halves.map(toFlat); // →0, ←0, →1, ←1, each [T, H]
  };
  const before = run();

  test('both directions of layer 1 see both directions of layer 0', () => {
    for (const name of ['l0.b', 'l0r.b']) {
      const after = run((net) => net.parameters.values[name].set(0, 1));
      expect(after[2]).not.toEqual(before[2]);
      expect(after[3]).not.toEqual(before[3]);
    }
  });

  test('the directions of one layer never see each other', () => {
    for (const l of [0, 1]) {
      const forward = run((net) => net.parameters.values[`l${l}.b`].set(0, 1));
      expect(forward[2 * l + 1]).toEqual(before[2 * l + 1]);
      expect(forward[2 * l]).not.toEqual(before[2 * l]);
      const backward = run((net) => net.parameters.values[`l${l}r.b`].set(0, 1));
      expect(backward[2 * l]).toEqual(before[2 * l]);
      expect(backward[2 * l + 1]).not.toEqual(before[2 * l + 1]);
    }
  });

  test('→h_t depends on the past only, ←h_t on the future only; one layer up on everything', () => {
    const t = 2; // x_t changes
    const after = run((_net, numbers) => (numbers[t * D] += 1));
    const changed = (half: number): boolean[] =>
      Array.from({ length: T }, (_, k) => {
        const width = before[half].length / T;
        const at = (values: number[]): number[] => values.slice(k * width, (k + 1) * width);
        return at(after[half]).some((v, c) => v !== at(before[half])[c]);
      });
    expect(changed(0)).toEqual([false, false, true, true, true]);
    expect(changed(1)).toEqual([true, true, true, false, false]);
    expect(changed(2)).toEqual([true, true, true, true, true]);
    expect(changed(3)).toEqual([true, true, true, true, true]);
  });
});

test('six weight sets, nothing shared: also when one cell describes both directions', () => {
  const net = network({ layers: [bidirectional(elman({ input: D, hidden: H }))], output: O });
  const names = Object.keys(net.parameters.values);
  expect(names).toEqual('l0.Wx l0.Wh l0.b l0r.Wx l0r.Wh l0r.b head.Wy head.by'.split(' '));
  expect(net.parameters.values['head.Wy'].shape).toEqual([2 * H, O]);
  expect(toFlat(net.parameters.values['l0.Wh'])).not.toEqual(toFlat(net.parameters.values['l0r.Wh']));
});

test('the trainable initial states are those of both directions', () => {
  const net = network({ layers: [bidirectional(lstm({ input: D, hidden: H }))], trainInitial: true });
  expect(Object.keys(net.parameters.values).filter((name) => name.endsWith('0'))).toEqual(
    'l0.h0 l0.c0 l0r.h0 l0r.c0'.split(' '),
  );
  net.parameters.set('l0r.h0', [1, 2, 3]);
  const pass = net.forward({ x: randomArray([2, 1, D], 1) });
  expect(toFlat(planOf(pass).initial.states['l0r.h'])).toEqual([1, 2, 3]);
  pass.backward({ output: new Float64Array(2 * 2 * H).fill(1) });
  for (const name of ['l0.h0', 'l0r.h0'])
    expect(toFlat(net.parameters.gradients[name])).not.toEqual([0, 0, 0]);
});

test('the outputs of both directions are written side by side, not copied there', () => {
  const net = network({ layers: [bidirectional(gru({ input: D, hidden: H }))] });
  const pass = net.forward({ x: randomArray([T, B, D], 1) });
  const { unrolls, main, forward } = planOf(pass);
  const outputs = main.layers.map(({ output }) => output.value);
  for (const [k, unroll] of unrolls.entries()) {
    expect(unroll.output.data).toBe(outputs[0].data);
    expect(toFlat(unroll.output)).toEqual(toFlat(columns(outputs[0], k * H, (k + 1) * H)));
  }
  // a step is three products and a statement; the input projection of all steps is one for each direction
  const merged = hoist(forward).operations;
  expect(merged).toHaveLength(2 * (1 + 3 * T));
});

test('the gradient of the input is not computed until it is read', () => {
  const net = make({ layers: [bidirectional(gru({ input: D, hidden: H }))], output: O, loss: 'squared' });
  const pass = net.forward({ x: randomArray([T, B, D], 1), targets: randomArray([T, B, O], 2) });
  const { unrolls } = planOf(pass);
  const back = pass.backward();
  for (const { options } of unrolls) expect(toFlat(options.dx).every((v) => v === 0)).toBe(true);
  const dx = toFlat(back.x);
  const [one, two] = unrolls.map(({ options }) => toFlat(options.dx));
  expect(dx).toEqual(one.map((v, k) => v + two[k]));
  expect(dx).not.toContain(0);
});

describe('a sequence in parts is refused: the future is not known', () => {
  const why =
    '(layer 1 is bidirectional lstm: it reads from the end, and the future of a stream is not known)';
  const layers = [
    elman({ input: D, hidden: H }),
    bidirectional(lstm({ input: H, hidden: 2 }), lstm({ input: H, hidden: 3 })),
  ];
  const net = network({ layers, output: O, loss: 'softmax' });
  const batch = { x: randomArray([T, B, D], 1), targets: Array.from({ length: T }, () => [0, 1, 0]) };

  test('to carry states on', () => {
    const { states } = net.forward(batch);
    expect(() => net.forward(batch, { from: states })).toThrow(
      `network.forward: from must be left out, got states ${why}`,
    );
  });

  test('to run some steps of a batch', () => {
    expect(() => net.forward(batch, { steps: [0, 3] })).toThrow(
      `network.forward: steps must be all 5 at once, got [0, 3] ${why}`,
    );
    expect(() => net.forward(batch, { steps: [0, T] })).not.toThrow();
  });

  test('truncated backpropagation, unless the chunk is the whole', () => {
    expect(() => truncated(net, batch, { chunk: 3 })).toThrow(
      `truncated: chunk must be at least 5, got 3 ${why}`,
    );
    expect(truncated(net, batch, { chunk: 9 }).loss).toBe(net.forward(batch).loss);
  });

  test('training that carries on', async () => {
    const training = fit(net, [batch, { ...batch, initial: 'carry' }], {
      optimizer: { name: 'sgd', learningRate: 0.1 },
    });
    await expect(training).rejects.toThrow(`from must be left out, got states ${why}`);
  });
});

describe('checkpoints', () => {
  const layers = (): Layer[] => [
    bidirectional(lstm({ input: D, hidden: H })),
    bidirectional(lstm({ input: 2 * H, hidden: H })),
  ];

  test("PyTorch's names", () => {
    const net = make({ layers: layers(), output: O });
    expect([...toPytorch(net.architecture, net.parameters.values).keys()].sort()).toEqual(
      [0, 1]
        .flatMap((l) => [`l${l}`, `l${l}_reverse`])
        .flatMap((place) => ['weight_ih', 'weight_hh', 'bias_ih', 'bias_hh'].map((w) => `rnn.${w}_${place}`))
        .concat('head.weight', 'head.bias')
        .sort(),
    );
  });

  test.each([
    ['of one module of PyTorch', layers],
    ['of several kinds', () => [bidirectional(gru({ input: D, hidden: H }), lstm({ input: D, hidden: 2 }))]],
    [
      'with a jordan cell, beside a plain layer',
      () => [
        elman({ input: D, hidden: 2 }),
        bidirectional(jordan({ input: 2, hidden: 3, output: 4, feedback: 'p' })),
      ],
    ],
  ] as [string, () => Layer[]][])('a network %s comes back as it was', (_what, layers) => {
    const net = make({ layers: layers(), output: O, dtype: 'float32', trainInitial: true });
    const states = { 'l0.h': new Float64Array(6), 'l1r.c': new Float64Array(6) };
    const known = Object.entries(states).filter(([name]) => `${name}0` in net.parameters.values);
    const bytes = encodeCheckpoint({ network: net, states: Object.fromEntries(known) });
    const back = decodeCheckpoint(bytes);
    expect(flat(back.network.parameters.values)).toEqual(flat(net.parameters.values));
    expect(Object.keys(back.states)).toEqual(known.map(([name]) => name));
    const x = randomArray([T, B, D], 1);
    expect(toFlat(back.network.forward({ x }).output)).toEqual(toFlat(net.forward({ x }).output));
  });
});

test('numbers that are not finite are found where the cell that reads from the end first made them', () => {
  const net = make({ layers: [bidirectional(lstm({ input: D, hidden: H }))] });
  const pass = net.forward({ x: randomArray([T, B, D], 1) });
  pass.backward({ output: new Float64Array(T * B * 2 * H).fill(1) });
  const plan = planOf(pass);
  const [, reverse] = plan.unrolls;
  for (const t of [1, 3]) reverse.at(t).c.set(2, 1, NaN);
  expect(firstBadValue(plan)).toBe('l0r.c at t = 3 (row 2, unit 1)');
  for (const t of [1, 3]) reverse.at(t).dhNext.set(0, 2, Infinity);
  expect(firstBadGradient(plan)).toBe('the gradient of l0r.h at t = 1 (row 0, unit 2)');
  reverse.at(1).dhNext.set(0, 2, 0);
  reverse.at(3).dhNext.set(0, 2, 0);
  reverse.at(T - 1).dcPrev.set(1, 0, NaN);
  expect(firstBadGradient(plan)).toBe('the gradient of l0r.c after the last step (row 1, unit 0)');
});

describe('errors', () => {
  const [two, three] = [elman({ input: 2, hidden: H }), gru({ input: 3, hidden: H })];
  test.each<[() => unknown, string, ErrorConstructor]>([
    [
      () => bidirectional(two, three),
      'bidirectional: backward must have input 2, got 3 (the input of the forward cell, elman)',
      RangeError,
    ],
    [() => bidirectional(undefined as never), 'bidirectional: forward must be a cell', TypeError],
    [
      () => bidirectional(two, bidirectional(two) as never),
      'bidirectional: backward must be a cell',
      TypeError,
    ],
    [
      () => network({ layers: [bidirectional(two), three] }),
      'network: layer 1 must have input 6, got 3 (the width of the output of layer 0, bidirectional elman)',
      RangeError,
    ],
    [
      () => network({ layers: [{ forward: two }] as never }),
      'network: layer 0 must be a cell or bidirectional, got an object',
      TypeError,
    ],
    [
      () => network({ layers: [bidirectional(two, gru({ input: 2, hidden: 1 }))] }).forward({ x: [[[1]]] }),
      'network.forward: x must be [1, 1, 2], got [1, 1, 1] (D = 2 is fixed by bidirectional elman and gru)',
      RangeError,
    ],
  ])('%#: %s', (act, message, kind) => {
    expect(act).toThrow(message);
    expect(act).toThrow(kind);
  });

  test('a network is not a layer', () => {
    expect(isLayer(network({ layers: [two] }))).toBe(false);
    expect(isLayer(bidirectional(two))).toBe(true);
    expect(isLayer(null)).toBe(false);
  });
});

describe('an unrolled cell in reverse', () => {
  const [steps, rows] = [4, 2];
  const cell = lstm({ input: D, hidden: H });
  const options = () => ({
    T: steps,
    B: rows,
    dtype: 'float64' as const,
    x: zeros([steps * rows, D]),
    dx: zeros([steps * rows, D]),
    parameters: Object.fromEntries(
      Object.entries(cell.parameters).map(([name, { shape }]) => [name, zeros(shape)]),
    ),
    gradients: {},
  });
  const same = (p: Tensor, q: Tensor): boolean => p.data === q.data && p.offset === q.offset;

  test('what step t leaves is what step t − 1 finds; the initial state lies behind the last step', () => {
    const unroll = new Unroll(cell, { ...options(), reverse: true });
    for (let t = steps - 1; t > 0; t--) {
      const [now, next] = [unroll.at(t), unroll.at(t - 1)];
      for (const s of ['h', 'c']) {
        expect(same(now[s], next[`${s}Prev`])).toBe(true);
        expect(same(now[`d${s}Next`], next[`d${s}Prev`])).toBe(true);
      }
    }
    expect(same(unroll.at(steps - 1).hPrev, unroll.after(0, unroll.states.h))).toBe(true);
    expect(same(unroll.at(0).h, unroll.after(steps, unroll.states.h))).toBe(true);
    // inputs and outputs of step t are stored at the same places as in the forward direction
    expect(unroll.at(1).x.offset).toBe(rows * D);
    expect(same(unroll.at(0).h, unroll.output)).toBe(true);
  });

  test('places of another shape are refused', () => {
    const [states, gradient] = [zeros([(steps + 1) * rows, H]), zeros([steps * rows, H])];
    expect(() => new Unroll(cell, { ...options(), output: { states: gradient, gradient } })).toThrow(
      'unroll: output.states must be [10, 3], got [8, 3] (T = 4, B = 2)',
    );
    expect(() => new Unroll(cell, { ...options(), output: { states, gradient: states } })).toThrow(
      'unroll: output.gradient must be [8, 3], got [10, 3] (T = 4, B = 2)',
    );
  });
});
