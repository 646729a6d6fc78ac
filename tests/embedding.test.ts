/** The embedding layer: its product by hand, networks that begin with one, and invalid uses. */
import { decode } from '../bptt/decode/decode';
import { bidirectional } from '../bptt/network/layers/layer';
import { copyNetwork, network, type Network, type NetworkOptions } from '../bptt/network/network';
import { firstBadValue } from '../bptt/network/notfinite';
import { truncated } from '../bptt/truncated';
import { elman } from '../cells/elman';
import { embed, embedBackward, embedding } from '../cells/embedding';
import { gru } from '../cells/gru';
import { lstm } from '../cells/lstm';
import { classesOf, oneHot } from '../core/onehot';
import { Program } from '../core/programs/program';
import { tensor, toFlat, toNested, zeros, type Tensor } from '../core/tensor';
import { decodeCheckpoint, encodeCheckpoint } from '../io/checkpoint';
import { decodeSafetensors } from '../io/safetensors';
import { B, H, lengths, O, softmax, stacks, T, table, targets, V, W, x } from './embeddednets';
import { testErrors } from './errors';
import { distance, settings } from './executors';
import { planOf } from '../bptt/network/passes/pass';
import { runnerOf } from '../bptt/network/network';

const gradients = ({ parameters }: Network): number[] => Array.from(parameters.flatGradients.data);

describe.each(settings)('$name', ({ executor, executorName, dtype, rounding }) => {
  test('by hand: rows of the table, and their gradients added up by class', () => {
    const of = (values: number[][]): Tensor => tensor(values, undefined, dtype);
    const rows = oneHot(3, 2);
    classesOf(rows).set([1, 0, 1]);
    const v = {
      x: rows,
      dx: rows,
      E: of([
        [1, 2],
        [3, 4],
      ]),
      dE: zeros([2, 2], dtype),
      e: zeros([3, 2], dtype),
      de: of([
        [1, 10],
        [2, 20],
        [4, 40],
      ]),
    };
    const program = new Program();
    embed.record(program, v);
    embedBackward.record(program, v);
    const run = program.bind(executor);
    run();
    expect(toNested(v.e)).toEqual([
      [3, 4],
      [1, 2],
      [3, 4],
    ]);
    expect(toNested(v.dE)).toEqual([
      [2, 20],
      [5, 50],
    ]);
    run();
    expect(toNested(v.dE)).toEqual([
      [4, 40],
      [10, 100],
    ]);
  });

  test('the table starts with the deviation that is asked for, by default 1', () => {
    const start = (deviation?: number): number[] => {
      const layers = [embedding({ input: 50, width: 40, deviation }), elman({ input: 40, hidden: 3 })];
      return toFlat(network({ layers, dtype, seed: 5 }).parameters.values['embedding.E']);
    };
    const [table, half, zero] = [start(), start(0.5), start(0)];
    // of 2000 numbers: three standard errors are 0.067 for the mean, 0.047 for the deviation
    const mean = table.reduce((sum, e) => sum + e, 0) / table.length;
    const variance = table.reduce((sum, e) => sum + (e - mean) ** 2, 0) / table.length;
    expect(Math.abs(mean)).toBeLessThan(0.067);
    expect(Math.abs(Math.sqrt(variance) - 1)).toBeLessThan(0.047);
    expect(half).toEqual(table.map((e) => e / 2));
    expect(zero.every((e) => e === 0)).toBe(true);
  });

  test('a network reads E Wx where one without an embedding reads Wx', () => {
    const options = { ...softmax, dtype, executor: executorName };
    const net = network({ ...options, layers: stacks.lstm(), seed: 1 });
    const whole = network({ ...options, layers: [lstm({ input: V, hidden: H })] });
    for (const name of Object.keys(whole.parameters.values))
      if (name !== 'l0.Wx') whole.parameters.set(name, toFlat(net.parameters.values[name]));
    const [E, Wx] = ['embedding.E', 'l0.Wx'].map(
      (name) => toNested(net.parameters.values[name]) as number[][],
    );
    const product = E.map((row) => Wx[0].map((_, c) => row.reduce((sum, e, k) => sum + e * Wx[k][c], 0)));
    whole.parameters.set('l0.Wx', product.flat());
    const outputs = [net, whole].map((n) => toFlat(n.forward({ x, targets, lengths }).output));
    expect(distance(outputs[0], outputs[1])).toBeLessThanOrEqual(10 * rounding);
  });

  test.each(Object.keys(stacks))('%s: rows of certain probabilities are read as their classes', (name) => {
    const certain = x.map((row) => row.map((k) => Array.from({ length: V }, (_, c) => (c === k ? 1 : 0))));
    const results = [x, certain].map((input) => {
      const net = network({ ...softmax, layers: stacks[name](), dtype, executor: executorName, seed: 3 });
      const pass = net.forward({ x: input, targets, lengths });
      const { loss, output } = pass;
      pass.backward();
      return [loss, ...toFlat(output), ...gradients(net)];
    });
    expect(distance(results[0], results[1])).toBeLessThanOrEqual(rounding);
  });

  test('a class that no row has keeps its row: its gradient is exactly zero', () => {
    const net = network({ ...softmax, layers: stacks.bidirectional(), dtype, executor: executorName });
    const pass = net.forward({ x, targets, lengths });
    pass.backward();
    const dE = toNested(net.parameters.gradients['embedding.E']) as number[][];
    expect(dE[V - 1]).toEqual(Array(W).fill(0));
    expect(dE[0].every((d) => d !== 0)).toBe(true);
  });

  test('what stands in the padding has no effect, to the bit', () => {
    const results = [0, 7, -1, NaN].map((padding) => {
      const net = network({ ...softmax, layers: stacks.bidirectional(), dtype, executor: executorName });
      const padded = x.map((row, t) => row.map((k, b) => (t < lengths[b] ? k : padding)));
      const pass = net.forward({ x: padded, targets, lengths });
      const { loss } = pass;
      pass.backward();
      return [loss, ...gradients(net)];
    });
    for (const result of results.slice(1)) expect(result).toEqual(results[0]);
  });

  test('dropout after it is off in evaluation, and scales what it keeps', () => {
    const net = network({ ...softmax, layers: stacks.lstm(), dropout: 0.5, dtype, executor: executorName });
    const { state } = net.random;
    const once = net.forward({ x, targets }).loss;
    expect([net.forward({ x, targets }).loss, net.random.state]).toEqual([once, state]);
    const pass = net.forward({ x, targets }, { training: true });
    const [{ values: keep }] = planOf(pass).masks;
    expect([keep.shape, new Set(toFlat(keep))]).toEqual([[T * B, W], new Set([0, 2])]);
    const plain = network({ ...softmax, layers: stacks.lstm(), dtype, executor: executorName });
    expect(plain.forward({ x, targets }).loss).toBe(once);
  });

  test('in parts it is what it is whole', () => {
    const nets = [1, 2].map(() =>
      network({ ...softmax, layers: stacks['elman and gru'](), dtype, executor: executorName }),
    );
    const whole = nets[0].forward({ x, targets });
    whole.backward();
    const parts = truncated(nets[1], { x, targets }, { chunk: T });
    expect(parts.loss).toBe(whole.loss);
    expect(() => parts.x).toThrow('pass.backward: x must be numbers to have a gradient, got class numbers');
    expect(gradients(nets[1])).toEqual(gradients(nets[0]));
    const chunks = truncated(nets[1], { x, targets }, { chunk: 2 });
    expect(distance(toFlat(chunks.output), toFlat(whole.output))).toBeLessThanOrEqual(rounding);
  });
});

describe('gradients', () => {
  test('of class numbers there are none', () => {
    const net = network({ ...softmax, layers: stacks.lstm() });
    const pass = net.forward({ x, targets });
    const back = pass.backward();
    expect(() => back.x).toThrow('pass.backward: x must be numbers to have a gradient, got class numbers');
  });
});

describe('an encoder and a decoder, each with an embedding of its own', () => {
  const coder = (): Network =>
    network({
      topology: 'encoder-decoder',
      encoder: [table(), bidirectional(gru({ input: W, hidden: 2 }))],
      layers: [embedding({ input: O, width: 3 }), gru({ input: 3, hidden: 4 })],
      ...softmax,
      dropout: 0.2,
      seed: 6,
    });

  test('are in a checkpoint, and read what is decoded', () => {
    const net = coder();
    const bytes = encodeCheckpoint({ network: net });
    expect([...decodeSafetensors(bytes).tensors.keys()].filter((name) => /embedding/.test(name))).toEqual([
      'embedding.weight',
      'enc.embedding.weight',
    ]);
    const { network: again } = decodeCheckpoint(bytes);
    const written = [net, again].map((n) =>
      decode(n, { x, lengths }, { method: 'beam', width: 2, steps: 4 }),
    );
    expect(written[1]).toEqual(written[0]);
    expect(written[0]).toHaveLength(B);
  });
});

describe('one initial state for all layers', () => {
  const alike = (): NetworkOptions['layers'] => [
    elman({ input: V, hidden: H }),
    gru({ input: H, hidden: H }),
    bidirectional(gru({ input: H, hidden: H })),
  ];
  const shared = { ...softmax, layers: alike(), trainInitial: 'shared' as const, seed: 2 };

  test('starts every layer, and its gradient is the sum of theirs', () => {
    const [one, each] = [shared, { ...shared, trainInitial: true as const }].map((options) =>
      network(options),
    );
    const start = [0.5, -0.25, 0.125, 1, -1, 0.75, 0];
    one.parameters.set('initial.h', start);
    const starts = Object.keys(each.parameters.values).filter((name) => name.endsWith('.h0'));
    expect(starts).toEqual(['l0.h0', 'l1.h0', 'l2.h0', 'l2r.h0']);
    for (const name of starts) each.parameters.set(name, start);
    for (const name of Object.keys(one.parameters.values))
      if (name !== 'initial.h') each.parameters.set(name, toFlat(one.parameters.values[name]));
    const losses = [one, each].map((net) => {
      const pass = net.forward({ x, targets, lengths });
      const { loss } = pass;
      pass.backward();
      return loss;
    });
    expect(losses[0]).toBe(losses[1]);
    const sum = start.map((_, k) =>
      starts.reduce((total, name) => total + each.parameters.gradients[name].get(0, k), 0),
    );
    expect(distance(toFlat(one.parameters.gradients['initial.h']), sum)).toBeLessThanOrEqual(1e-15);
  });

  testErrors(RangeError, [
    [
      () => network({ ...shared, layers: [gru({ input: V, hidden: H }), gru({ input: H, hidden: 5 })] }),
      'network: l1 must have the states h [7], got h [5] (those of l0; trainInitial is shared)',
    ],
    [
      () => network({ ...shared, layers: [gru({ input: V, hidden: H }), lstm({ input: H, hidden: H })] }),
      'network: l1 must have the states h [7], got h [7] and c [7] (those of l0; trainInitial is shared)',
    ],
  ]);
  testErrors(TypeError, [
    [
      () => network({ ...shared, trainInitial: 'all' as never }),
      'network: trainInitial must be true, false or shared, got all',
    ],
  ]);
});

describe('what knows the network', () => {
  test('the recurrent layers are counted from l0, as in PyTorch', () => {
    const net = network({ ...softmax, layers: stacks['elman and gru'](), trainInitial: true });
    expect(Object.keys(net.parameters.values)).toEqual([
      'embedding.E',
      ...['l0.Wx', 'l0.Wh', 'l0.b', 'l0.h0'],
      ...['l1.Wx', 'l1.Wh', 'l1.b', 'l1.bhn', 'l1.h0'],
      ...['head.Wy', 'head.by'],
    ]);
    expect([net.input, net.parameters.values['embedding.E'].shape]).toEqual([V, [V, W]]);
  });

  test('a checkpoint holds embedding.weight [V, W], and builds it anew', () => {
    for (const name of Object.keys(stacks)) {
      const net = network({ ...softmax, layers: stacks[name](), dtype: 'float32' });
      const bytes = encodeCheckpoint({ network: net });
      const { tensors } = decodeSafetensors(bytes);
      expect(tensors.get('embedding.weight')?.shape).toEqual([V, W]);
      const { network: again } = decodeCheckpoint(bytes);
      expect(again.parameters.flat.data).toEqual(net.parameters.flat.data);
      expect(again.forward({ x, targets }).loss).toBe(net.forward({ x, targets }).loss);
      expect(encodeCheckpoint({ network: again })).toEqual(bytes);
    }
  });

  test('a copy computes the same', () => {
    const net = network({ ...softmax, layers: stacks.bidirectional() });
    expect(copyNetwork(net).forward({ x, targets }).loss).toBe(net.forward({ x, targets }).loss);
  });

  test('a number that is not finite is found in the table', () => {
    const net = network({ ...softmax, layers: stacks.lstm() });
    net.parameters.values['embedding.E'].set(2, 1, NaN);
    const plan = runnerOf(net).lay({ x, targets });
    expect(firstBadValue(plan)).toBe('parameter embedding.E (row 2, unit 1)');
  });
});

describe('errors', () => {
  const net = network({ ...softmax, layers: stacks.lstm() });
  const bad = (value: number): number[][] =>
    x.map((row, t) => row.map((k, b) => (t === 1 && b === 2 ? value : k)));
  const read = (value: number) => () => net.forward({ x: bad(value), targets });

  testErrors(RangeError, [
    [() => embedding({ input: 0, width: 3 }), 'embedding: input must be a whole number >= 1, got 0'],
    [() => embedding({ input: 3, width: 2.5 }), 'embedding: width must be a whole number >= 1, got 2.5'],
    [
      () => embedding({ input: 3, width: 2, deviation: -1 }),
      'embedding: deviation must be a finite number >= 0, got -1',
    ],
    [read(V), 'network.forward: x must be class numbers in 0…7, got 8 at t = 1, row 2'],
    [read(-1), 'network.forward: x must be class numbers in 0…7, got -1 at t = 1, row 2'],
    [read(1.5), 'network.forward: x must be class numbers in 0…7, got 1.5 at t = 1, row 2'],
    [
      () => network({ layers: [table(), lstm({ input: 5, hidden: H })] }),
      'network: layer 1 must have input 4, got 5 (the width of the output of layer 0, embedding)',
    ],
  ]);

  testErrors(TypeError, [
    [
      () => embedding({ input: 3, width: 2, size: 1 } as never),
      'embedding: options must be among input, width, deviation, got size',
    ],
    [() => network({ layers: [table()] }), 'network: layers must hold a cell, got an embedding alone'],
    [
      () => network({ layers: [lstm({ input: 3, hidden: V }), table()] }),
      'network: layer 1 must be a cell or bidirectional, got an embedding (it reads classes, so it can only stand first)',
    ],
  ]);
});
