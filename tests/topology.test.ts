/** Topologies: each is equivalent to another one, or to networks composed by hand. */
import type { Batch } from '../bptt/network/batch/batch';
import type { FlatNumbers } from '../bptt/network/batch/numbers';
import { bidirectional } from '../bptt/network/layers/layer';
import { network, type Network, type NetworkOptions } from '../bptt/network/network';
import { truncated } from '../bptt/truncated';
import { clockwork } from '../cells/clockwork';
import { gru } from '../cells/gru';
import { lstm } from '../cells/lstm';
import { Random } from '../core/random/random';
import { softmax } from '../core/softmax';
import { sizeOf, toFlat, type Tensors } from '../core/tensor';
import { decodeCheckpoint, encodeCheckpoint } from '../io/checkpoint';
import { toKeras } from '../io/keras';
import { encodeOnnx } from '../io/onnx/model';
import { decodeSafetensors } from '../io/safetensors';
import { pytorchProject } from '../io/torch/project';
import { testErrors } from './errors';
import { distance, settings } from './executors';
import type { States } from '../bptt/network/batch/states';
import { planOf } from '../bptt/network/passes/pass';

const [S, T, B, D, H, O] = [5, 3, 3, 4, 5, 6];
const lengths = [5, 2, 4];
const targetLengths = [1, 3, 2];

const randomArray = (shape: number[], seed: number): FlatNumbers => {
  const random = new Random(seed);
  return { shape, numbers: Array.from({ length: sizeOf(shape) }, () => random.normal()) };
};
const classes = (shape: number[], seed: number, count = O): FlatNumbers => {
  const random = new Random(seed);
  return { shape, numbers: Array.from({ length: sizeOf(shape) }, () => random.below(count)) };
};
const flat = (tensors: Tensors): Record<string, number[]> =>
  Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, toFlat(t)]));

/** Forward and backward, with everything that comes of it. */
function pass(net: Network, batch: Batch) {
  net.parameters.zeroGradients();
  const made = net.forward(batch);
  const { loss, output, states } = made;
  const values = { loss, output: toFlat(output), states: flat(states) };
  const gradients = made.backward();
  const { source, main } = planOf(made);
  return {
    ...values,
    x: toFlat(gradients.x),
    // class numbers have no gradient
    inputs: source && !main.shape.classes ? toFlat(gradients.inputs!) : [],
    initial: flat(gradients.initial),
    gradients: flat(net.parameters.gradients),
  };
}
/** Copies the weights to another network whose parameters have the same names. */
function withWeightsOf(from: Network, options: NetworkOptions): Network {
  const net = network(options);
  for (const [name, t] of Object.entries(from.parameters.values)) net.parameters.set(name, toFlat(t));
  return net;
}
const close = (actual: ArrayLike<number>, expected: ArrayLike<number>, rounding = 1e-13): void =>
  expect(distance(actual, expected)).toBeLessThan(rounding);

describe.each(settings)('one input, $name', ({ dtype, executorName: executor, rounding }) => {
  const layers = [lstm({ input: D, hidden: H })];
  const make = (options: Partial<NetworkOptions>) =>
    network({ layers, output: O, loss: 'softmax', dtype, executor, ...options });

  test('one-to-one is many-to-many of one step, without its axis of time', () => {
    const one = make({ topology: 'one-to-one' });
    const [x, targets] = [randomArray([B, D], 1), classes([B], 2)];
    const many = { x: { ...x, shape: [1, B, D] }, targets: { ...targets, shape: [1, B] } };
    expect(one.forward({ x, targets }).output.shape).toEqual([B, O]);
    const actual = pass(one, { x, targets });
    const expected = pass(make({}), many);
    expect(actual.loss).toBe(expected.loss);
    expect(actual.output).toEqual(expected.output);
    close(actual.x, expected.x, rounding);
    for (const [name, g] of Object.entries(expected.gradients)) close(actual.gradients[name], g, rounding);
    expect(one.forward({ x, targets }).backward().x.shape).toEqual([B, D]);
  });

  test.each([undefined, lengths])(
    'one-to-many is many-to-many with zeros after the first step; lengths %j',
    (rows) => {
      const [x, targets] = [randomArray([B, D], 1), classes([S, B], 2)];
      const padded = {
        shape: [S, B, D],
        numbers: [...Array.from(x.numbers), ...Array<number>((S - 1) * B * D).fill(0)],
      };
      const more = { targets, ...(rows && { lengths: rows }) };
      const actual = pass(make({ topology: 'one-to-many' }), { x, ...more });
      const expected = pass(make({}), { x: padded, ...more });
      expect(actual.loss).toBe(expected.loss);
      expect(actual.output).toEqual(expected.output);
      close(actual.x, expected.x.slice(0, B * D), rounding);
      for (const [name, g] of Object.entries(expected.gradients)) close(actual.gradients[name], g, rounding);
    },
  );

  test('one-to-many in chunks: forward as a whole, x has the gradient of the first chunk', () => {
    const net = make({ topology: 'one-to-many' });
    const batch = { x: randomArray([B, D], 1), targets: classes([S, B], 2), lengths };
    const whole = net.forward(batch);
    const [loss, output] = [whole.loss, toFlat(whole.output)];
    net.parameters.zeroGradients();
    const { x, ...cut } = truncated(net, batch, { chunk: 2 });
    expect(cut.loss).toBeCloseTo(loss, dtype === 'float64' ? 12 : 5);
    expect(distance(toFlat(cut.output), output)).toBeLessThan(rounding);
    expect(x.shape).toEqual([B, D]);
    const first = net.forward(batch, { steps: [0, 2] });
    expect(toFlat(x)).toEqual(toFlat(first.backward().x));
    const rest = net.forward(batch, { steps: [2, S], from: first.states });
    expect(toFlat(rest.backward().x)).toEqual(Array(B * D).fill(0));
  });

  test.each([
    ['softmax', (y: number[]) => softmax(y)],
    ['bernoulli', (y: number[]) => y.map((v) => 1 / (1 + Math.exp(-v)))],
    ['squared', (y: number[]) => y],
  ] as const)('fed its own output, it reads what a %s loss takes it for', (loss, predict) => {
    const own = [lstm({ input: O, hidden: H })];
    const net = make({ topology: 'one-to-many', feed: 'output', layers: own, loss });
    const x = randomArray([B, O], 1);
    const targets = loss === 'softmax' ? classes([T, B], 2) : { ...classes([T, B, O], 2, 2) };
    const output = toFlat(net.forward({ x, targets }).output);
    // the same network, one step at a time, fed from outside
    const step = withWeightsOf(net, { layers: own, output: O, dtype, executor });
    let read = Array.from(x.numbers);
    let from: States | undefined;
    for (let t = 0; t < T; t++) {
      const pass = step.forward({ x: { shape: [1, B, O], numbers: read } }, { from });
      from = pass.states;
      const y = toFlat(pass.output);
      close(output.slice(t * B * O, (t + 1) * B * O), y, rounding);
      read = Array.from({ length: B }, (_, b) => predict(y.slice(b * O, (b + 1) * O))).flat();
    }
  });
});

describe.each(settings)('encoder-decoder, $name', ({ dtype, executorName: executor, rounding }) => {
  const encoder = [lstm({ input: D, hidden: H }), gru({ input: H, hidden: 2 })];
  const layers = [lstm({ input: O, hidden: H }), gru({ input: H, hidden: 2 })];
  const make = (options: Partial<NetworkOptions> = {}) =>
    network({
      ...{ topology: 'encoder-decoder', encoder, layers, output: O, loss: 'softmax', dtype, executor },
      ...options,
    });
  const batch: Batch = { x: randomArray([S, B, D], 1), targets: classes([T, B], 2), lengths, targetLengths };

  test('is two networks, the final states of the one the initial ones of the other; gradients cross the bridge', () => {
    const net = make();
    const [reader, writer] = [
      network({ layers: encoder, dtype, executor }),
      network({ layers, output: O, loss: 'softmax', dtype, executor }),
    ];
    for (const [name, t] of Object.entries(net.parameters.values)) {
      if (name.startsWith('e')) reader.parameters.set(name.replace('e', 'l'), toFlat(t));
      else writer.parameters.set(name, toFlat(t));
    }
    const { targets } = batch;
    const inputs = randomArray([T, B, O], 3);

    const again = reader.forward({ x: batch.x, lengths });
    const { states } = again;
    const written = writer.forward({ x: inputs, targets, lengths: targetLengths, initial: flat(states) });
    const [loss, output] = [written.loss, toFlat(written.output)];
    const { x: dInputs, initial } = written.backward();
    const { x: dx } = again.backward({ states: flat(initial) });

    const actual = pass(net, { ...batch, inputs });
    expect(actual.loss).toBe(loss);
    expect(actual.output).toEqual(output);
    close(actual.x, toFlat(dx), rounding);
    close(actual.inputs, toFlat(dInputs), rounding);
    for (const [name, g] of Object.entries(actual.gradients)) {
      const reads = name.startsWith('e');
      const expected = (reads ? reader : writer).parameters.gradients[reads ? name.replace('e', 'l') : name];
      close(g, toFlat(expected), rounding);
    }
    const back = net.forward({ ...batch, inputs }).backward();
    expect(back.x.shape).toEqual([S, B, D]);
    expect(back.inputs?.shape).toEqual([T, B, O]);
  });

  test('rows of unequal length on both sides give what each row gives alone', () => {
    const net = make({ reduction: 'sum' });
    const together = pass(net, batch);
    const { x, targets } = batch as Record<'x' | 'targets', FlatNumbers>;
    let loss = 0;
    const sums: Record<string, number[]> = {};
    for (let b = 0; b < B; b++) {
      const part = ({ numbers }: FlatNumbers, width: number, steps: number): number[] =>
        Array.from({ length: steps }, (_, t) =>
          Array.from(numbers).slice((t * B + b) * width, (t * B + b + 1) * width),
        ).flat();
      const row = pass(net, {
        x: { shape: [lengths[b], 1, D], numbers: part(x, D, lengths[b]) },
        targets: { shape: [targetLengths[b], 1], numbers: part(targets, 1, targetLengths[b]) },
      });
      loss += row.loss;
      for (const [name, g] of Object.entries(row.gradients))
        sums[name] = g.map((v, k) => v + (sums[name]?.[k] ?? 0));
      close(part({ shape: [], numbers: together.x }, D, lengths[b]), row.x, 10 * rounding);
    }
    expect(together.loss).toBeCloseTo(loss, dtype === 'float64' ? 12 : 4);
    for (const [name, g] of Object.entries(together.gradients)) close(g, sums[name], 10 * rounding);
  });

  test('what lies in the padding has no effect at all', () => {
    const net = make();
    const { x, targets } = batch as Record<'x' | 'targets', FlatNumbers>;
    const expected = pass(net, batch);
    const spoilt: Batch = {
      ...batch,
      x: {
        ...x,
        numbers: Array.from(x.numbers, (v, k) =>
          Math.floor(k / (B * D)) < lengths[Math.floor(k / D) % B] ? v : NaN,
        ),
      },
      targets: {
        ...targets,
        numbers: Array.from(targets.numbers, (v, k) => (Math.floor(k / B) < targetLengths[k % B] ? v : -7)),
      },
    };
    expect(pass(net, spoilt)).toEqual(expected);
  });

  test('a bidirectional encoder hands over both directions, side by side', () => {
    const both = [bidirectional(lstm({ input: D, hidden: 2 }), lstm({ input: D, hidden: 3 }))];
    const net = make({ encoder: both, layers: [lstm({ input: O, hidden: 5 })] });
    const pass = net.forward(batch);
    const { source, main } = planOf(pass);
    const finals = flat(source!.after(S).states);
    const starts = flat(main.after(0).states);
    for (const s of ['h', 'c']) {
      const expected = Array.from({ length: B }, (_, b) => [
        ...finals[`e0.${s}`].slice(2 * b, 2 * b + 2),
        ...finals[`e0r.${s}`].slice(3 * b, 3 * b + 3),
      ]).flat();
      expect(starts[`l0.${s}`]).toEqual(expected);
    }
  });

  test('teacher forcing: without inputs, the decoder reads the targets one step late', () => {
    const net = make({ start: 4 });
    const { targets, ...rest } = batch as Batch & { targets: FlatNumbers };
    const before = [...Array<number>(B).fill(4), ...Array.from(targets.numbers).slice(0, -B)];
    const inputs = { shape: [T, B], numbers: before };
    expect(pass(net, { ...rest, targets, inputs })).toEqual(pass(net, batch));
    const squared = make({ loss: 'squared' });
    const values = randomArray([T, B, O], 5);
    const late = [...Array<number>(B * O).fill(0), ...Array.from(values.numbers).slice(0, -B * O)];
    expect(pass(squared, { ...rest, targets: values, inputs: { shape: [T, B, O], numbers: late } })).toEqual(
      pass(squared, { ...rest, targets: values }),
    );
  });

  test('fed nothing or its own output, it runs without inputs; `start` is read first', () => {
    for (const feed of ['nothing', 'output'] as const) {
      const net = make({ feed, start: 2 });
      const actual = pass(net, batch);
      const first = { shape: [B, O], numbers: Array.from({ length: B * O }, (_, k) => +(k % O === 2)) };
      const given = pass(net, { ...batch, inputs: first });
      if (feed === 'output') expect(actual).toEqual(given);
      else expect(actual.loss).not.toBe(given.loss);
    }
  });

  test('a checkpoint holds it under the names of two modules of PyTorch, and it goes on from there', () => {
    const net = make({ feed: 'output', start: 3, trainInitial: true });
    const bytes = encodeCheckpoint({ network: net });
    const names = [...decodeSafetensors(bytes).tensors.keys()];
    expect(names).toEqual(expect.arrayContaining(['head.weight', 'e0.h0', 'e0.Wx', 'l1.bhn']));
    const alike = make({ encoder: [gru({ input: D, hidden: 2 })], layers: [gru({ input: O, hidden: 2 })] });
    const own = [...decodeSafetensors(encodeCheckpoint({ network: alike })).tensors.keys()];
    expect(own).toEqual(expect.arrayContaining(['enc.weight_ih_l0', 'dec.bias_hh_l0', 'head.bias']));
    const { network: again } = decodeCheckpoint(bytes, { executor });
    expect(again.architecture).toMatchObject({ topology: 'encoder-decoder', feed: 'output', start: 3 });
    expect(pass(again, batch)).toEqual(pass(net, batch));
  });
});

describe('errors', () => {
  const encoder = [gru({ input: D, hidden: H })];
  const layers = [gru({ input: O, hidden: H })];
  const options = { topology: 'encoder-decoder', encoder, layers, output: O, loss: 'softmax' } as const;
  const net = network(options);
  const good = { x: randomArray([S, B, D], 1), targets: classes([T, B], 2) };
  const run =
    (batch: object, of = net) =>
    () =>
      of.forward(batch as Batch);
  const make = (more: object) => () => network({ ...options, ...more });
  const oneToMany = network({ topology: 'one-to-many', layers: encoder, output: O });

  testErrors(TypeError, [
    [make({ encoder: undefined }), 'network: encoder must be a list of at least one cell, got undefined'],
    [make({ encoder: [] }), 'network: encoder must be a list of at least one cell, got []'],
    [make({ topology: 'many-to-many' }), 'network: encoder must be left out, got'],
    [
      make({ topology: 'one-to-one', encoder: undefined, start: 1 }),
      'network: start must be left out, got 1 (the topology is one-to-one)',
    ],
    [
      make({ topology: 'many-to-one', encoder: undefined, feed: 'output' }),
      'network: feed must be left out, got output (the topology is many-to-one)',
    ],
    [
      make({ topology: 'one-to-many', encoder: undefined, feed: 'given' }),
      'network: feed of one-to-many must be one of nothing, output, got given',
    ],
    [
      make({ feed: 'back' }),
      'network: feed of encoder-decoder must be one of given, nothing, output, got back',
    ],
    [run({ x: good.x }), 'network.forward: T must be given, got undefined (there are no targets or inputs)'],
    [run({ ...good, T: 3 }), 'network.forward: T must be left out, got 3 (it is fixed by targets)'],
    [run({ ...good, clock: 1 }), 'network.forward: clock must be left out, got 1 (a decoder begins at 0)'],
    [
      run({ ...good, inputs: good.targets }, network({ layers: encoder, output: O, loss: 'softmax' })),
      'network.forward: inputs must be left out, got some (many-to-many has no decoder)',
    ],
    [
      run({ x: randomArray([B, D], 1), targetLengths: [1] }, oneToMany),
      'network.forward: targetLengths must be left out, got some (one-to-many has no decoder)',
    ],
    [
      run({ x: randomArray([B, D], 1) }, oneToMany),
      'network.forward: T must be given, got undefined (there are no targets)',
    ],
    [
      run({ x: good.x, T: 3 }, network({ topology: 'encoder-decoder', encoder, layers })),
      'network.forward: inputs must be given, got undefined (there are no targets to read instead; decode generates without targets)',
    ],
  ]);

  testErrors(RangeError, [
    [
      make({ layers: [bidirectional(gru({ input: O, hidden: H }))] }),
      'network: a decoder must read forward, got a bidirectional layer (layer 0 is bidirectional gru: it reads from the end',
    ],
    [
      make({
        topology: 'one-to-many',
        encoder: undefined,
        feed: 'output',
        layers: [bidirectional(gru({ input: O, hidden: H }))],
      }),
      'network: a network that is fed its own output must read forward, got a bidirectional layer',
    ],
    [
      make({ layers: [gru({ input: O, hidden: 3 })] }),
      'network: e0.h must be of the width 3 of l0.h, got 5 (each state of the decoder starts from the one of that name in the encoder',
    ],
    [
      make({ layers: [lstm({ input: O, hidden: H })] }),
      'network: e0.c must be of the width 5 of l0.c, got none in gru',
    ],
    [
      make({ encoder: [bidirectional(gru({ input: D, hidden: H }))] }),
      'network: e0.h and e0r.h must be of the width 5 of l0.h, got 10',
    ],
    [
      make({ layers: [...layers, gru({ input: H, hidden: H })] }),
      'network: encoder and layers must have the same number of layers, got 1 and 2',
    ],
    [
      make({ encoder: [...encoder, gru({ input: 3, hidden: H })] }),
      'network: encoder layer 1 must have input 5, got 3',
    ],
    [make({ start: O }), 'network: start must be a class number in 0…5, got 6 (the decoder reads it first)'],
    [
      make({ feed: 'output', layers: [gru({ input: 3, hidden: H })] }),
      'network: the output must be 3 wide to be fed back, got 6 (D = 3 is fixed by gru)',
    ],
    [run({ ...good, lengths: [5, 0, 1] }), 'network.forward: every length must be in 1…5, got 0 (T = 5)'],
    [run({ ...good, lengths: [5, 6, 1] }), 'network.forward: every length must be in 1…5, got 6 (T = 5)'],
    [
      run({ ...good, targetLengths: [4, 1, 1] }),
      'network.forward: every length must be in 1…3, got 4 (T = 3)',
    ],
    [run({ ...good, targetLengths: [3, 3] }), 'network.forward: targetLengths must be [3], got [2]'],
    [
      run({ ...good, targets: { shape: [T, B], numbers: Array<number>(T * B).fill(O) } }),
      'network.forward: inputs must be class numbers in 0…5, got 6 at t = 1, row 0',
    ],
    [
      run({
        ...good,
        inputs: classes([T, B], 1),
        targets: { shape: [T, B], numbers: Array<number>(T * B).fill(O) },
      }),
      'network.forward: targets must be class numbers in 0…5, got 6 at t = 0, row 0',
    ],
    [
      run({ ...good, targets: { shape: [0, B], numbers: [] } }),
      'network.forward: targets must hold at least one step, got 0',
    ],
    [run({ ...good, targets: classes([T, 2], 1) }), 'network.forward: targets must be [3, 3], got [3, 2]'],
    [
      run({ ...good, inputs: classes([T, 2], 1) }),
      'network.forward: inputs must be of 3 rows, got 2 (B is fixed by x)',
    ],
    [
      run({ ...good, inputs: classes([2, B], 1) }),
      'network.forward: inputs must be of 3 steps, got 2 (T is that of the targets)',
    ],
    [
      () => net.forward(good, { steps: [0, 2] }),
      'network.forward: steps must be all 3 at once, got [0, 2] (the encoder has to read all before the decoder begins)',
    ],
    [
      () => net.forward(good, { from: net.forward(good).states }),
      'network.forward: from must be left out, got states (the encoder has to read',
    ],
    [
      () => truncated(net, good, { chunk: 2 }),
      'truncated: chunk must be at least 3, got 2 (the encoder has to read',
    ],
    [
      () => {
        const fed = network({
          topology: 'one-to-many',
          feed: 'output',
          layers: [gru({ input: H, hidden: H })],
        });
        const batch = { x: randomArray([B, H], 1), T: 2 };
        fed.forward(batch, { from: fed.forward(batch).states });
      },
      'network.forward: from must be left out, got states (the output is fed back',
    ],
    [
      run({ x: randomArray([S, B, D], 1), T: 2 }, oneToMany),
      'network.forward: x must be [B, D] or [B], got [5, 3, 4]',
    ],
    [
      run({ x: randomArray([B, 3], 1), T: 2 }, oneToMany),
      'network.forward: x must be [3, 4], got [3, 3] (D = 4 is fixed by gru)',
    ],
    [
      run({ x: randomArray([B, D], 1), T: 0 }, oneToMany),
      'network.forward: T must be a whole number >= 1, got 0',
    ],
    [
      run(
        { x: good.x, targets: randomArray([T, B, O], 1) },
        network({ ...options, loss: 'squared', layers: [gru({ input: 3, hidden: H })] }),
      ),
      'network.forward: inputs must be given, got none (targets are 6 wide, inputs 3)',
    ],
  ]);

  test('a batch with an encoder whose chunk holds all of it may be run by `truncated`', () => {
    const { loss, x } = truncated(net, good, { chunk: 3 });
    expect([loss, x.shape]).toEqual([net.forward(good).loss, [S, B, D]]);
  });

  test.each([
    ['given at every step', 'given', randomArray([T, B, D], 3)],
    ['its first input only, then fed', 'output', randomArray([B, D], 3)],
  ] as const)('so run, it gives the gradient of what the decoder reads: %s', (_, feed, inputs) => {
    const net = network({
      ...{ topology: 'encoder-decoder', feed, loss: 'squared', seed: 3, executor: 'plain' },
      encoder: [gru({ input: D, hidden: H })],
      layers: [gru({ input: D, hidden: H })],
      output: D,
    });
    const batch = (numbers = inputs.numbers): Batch => ({
      ...{ x: randomArray([S, B, D], 1), lengths, targets: randomArray([T, B, D], 2), targetLengths },
      inputs: { shape: inputs.shape, numbers },
    });
    const d = truncated(net, batch(), { chunk: T }).inputs!;
    expect(d.shape).toEqual(inputs.shape);
    const pass = net.forward(batch());
    expect(toFlat(d)).toEqual(toFlat(pass.backward().inputs!));
    // against central differences, which share nothing with it
    const moved = (k: number, by: number): number =>
      net.forward(batch(Array.from(inputs.numbers, (v, j) => (j === k ? v + by : v)))).loss;
    toFlat(d).forEach((value, k) =>
      expect(Math.abs(value - (moved(k, 1e-4) - moved(k, -1e-4)) / 2e-4)).toBeLessThan(1e-8),
    );
    expect(toFlat(d).filter((value) => value !== 0).length).toBe(
      (feed === 'given' ? targetLengths.reduce((sum, n) => sum + n) : B) * D,
    );
  });

  test('class numbers that it reads have no gradient', () => {
    const result = truncated(net, good, { chunk: 3 });
    expect(() => result.inputs).toThrow('inputs must be numbers to have a gradient, got class numbers');
  });

  test('the clock of a clockwork decoder begins anew', () => {
    const clock = { hidden: 4, periods: [1, 2] };
    const timed = network({
      ...options,
      encoder: [clockwork({ input: D, ...clock })],
      layers: [clockwork({ input: O, ...clock })],
    });
    const pass = timed.forward(good);
    expect(planOf(pass).main.unrolls[0].options.clock ?? 0).toBe(0);
  });
});

describe('formats refuse the topologies that they cannot represent', () => {
  const net = network({
    topology: 'encoder-decoder',
    encoder: [gru({ input: D, hidden: H })],
    layers: [gru({ input: O, hidden: H })],
    output: O,
  });
  testErrors(TypeError, [
    [
      () => encodeOnnx(net),
      'onnx: the topology must be one of many-to-many, many-to-one, got encoder-decoder',
    ],
    [() => toKeras(net), 'keras: the topology must be one of many-to-many, many-to-one, got encoder-decoder'],
    [
      () => pytorchProject({ network: net }),
      'torch: the loss of an encoder-decoder must be given, got none (its decoder reads the targets)',
    ],
  ]);
});
