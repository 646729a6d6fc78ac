/** What each thread of a team computes: shares of a batch, which together are the whole batch. */
import { join } from 'node:path';
import type { Batch } from '../bptt/network/batch/batch';
import { bidirectional } from '../bptt/network/layers/layer';
import { network, type Network, type NetworkOptions } from '../bptt/network/network';
import type { FlatNumbers } from '../bptt/network/batch/numbers';
import { clockOf } from '../bptt/network/batch/states';
import { outputAxes } from '../bptt/network/topology';
import { Exchange } from '../bptt/parallel/exchange';
import { parallel } from '../bptt/parallel/parallel';
import { runShare } from '../bptt/parallel/share';
import { suggestedThreads, trainingFlops } from '../bptt/parallel/threads';
import { clockwork } from '../cells/clockwork';
import { gru } from '../cells/gru';
import { lstm } from '../cells/lstm';
import { Random } from '../core/random/random';
import { sizeOf, toFlat } from '../core/tensor';
import { distance } from './executors';

const [T, B, D, H, O] = [4, 5, 3, 6, 2];

const box = (shape: number[], seed: number): FlatNumbers => {
  const random = new Random(seed);
  return { shape, numbers: Array.from({ length: sizeOf(shape) }, () => random.normal()) };
};
const batchOf = ({ architecture: { topology } }: Network, seed = 1): Batch => ({
  x: box([T, B, D], seed),
  targets: box([...outputAxes(topology, T, B), O], seed + 1),
});
const make = (options: Partial<NetworkOptions> = {}): Network =>
  network({ layers: [gru({ input: D, hidden: H })], output: O, loss: 'squared', seed: 3, ...options });

const variants: [string, Partial<NetworkOptions>, Partial<Batch>][] = [
  ['a GRU', {}, {}],
  ['rows of unequal length', {}, { lengths: [1, 4, 2, 3, 4] }],
  [
    'dropout, and states given with the batch',
    { dropout: 0.4, layers: [lstm({ input: D, hidden: H }), gru({ input: H, hidden: 3 })] },
    { initial: { 'l0.h': box([B, H], 7), 'l0.c': box([B, H], 8), 'l1.h': box([B, 3], 9) } },
  ],
  [
    'both directions, the last step',
    { topology: 'many-to-one', layers: [bidirectional(gru({ input: D, hidden: H }))] },
    {},
  ],
  [
    'a clock, and a sum',
    { reduction: 'sum', layers: [clockwork({ input: D, hidden: H, periods: [1, 2] })] },
    {},
  ],
];
const shares = [
  [0, 2],
  [2, 3],
  [3, 5],
] as const;

test.each(variants)('%s: the shares of a batch are the whole batch', (_, options, more) => {
  const net = make(options);
  const { topology } = net.architecture;
  const before = net.forward(batchOf(net, 20)).states;
  // a bidirectional layer continues from no states
  for (const from of more.initial || topology === 'many-to-one' ? [undefined] : [undefined, before]) {
    const batch = { ...batchOf(net), ...more };
    const { state: random } = net.random;
    net.parameters.zeroGradients();
    const whole = net.forward(batch, { training: true, from });
    whole.backward();
    const gradients = Float64Array.from(net.parameters.flatGradients.data);
    const after = net.random.state;
    const { loss, states: finals } = whole;
    const output = toFlat(whole.output);

    net.parameters.zeroGradients();
    const exchange = new Exchange(net);
    const states = from && { states: from, clock: clockOf(from, 'test') };
    const task = { random, training: true, backward: true };
    const gathered = exchange.gather(T, B, true);
    const parts = shares.map((rows) => {
      const shared = exchange.put({ batch, from: states });
      return runShare(net, { ...task, ...shared, rows }, gathered);
    });
    const sum = (of: 'loss' | 'rows' | 'tokens'): number =>
      parts.reduce((total, part) => total + part[of], 0);
    expect(sum('loss')).toBeCloseTo(loss, 12);
    expect(sum('tokens')).toBe(more.lengths ? 14 : T * B);
    expect(sum('rows')).toBe(more.lengths ? 14 : sizeOf(outputAxes(topology, T, B)));
    expect(distance(net.parameters.flatGradients.data, gradients)).toBeLessThanOrEqual(1e-12);
    expect(distance(gathered.output ?? [], output)).toBeLessThanOrEqual(1e-12);
    expect(Object.keys(gathered.states)).toEqual(Object.keys(finals));
    for (const [name, t] of Object.entries(finals))
      expect(distance(gathered.states[name], toFlat(t))).toBeLessThanOrEqual(1e-12);
    // every share draws the dropout of all rows
    expect(net.random.state).toEqual(after);
  }
});

test('what is exchanged lies in shared memory, and a smaller batch uses the memory of a larger one', () => {
  const exchange = new Exchange(make());
  const large = exchange.gather(T, B, true);
  const small = exchange.gather(T, 2, true);
  expect(large.output?.length).toBe(T * B * O);
  expect(small.output?.length).toBe(T * 2 * O);
  expect(small.states['l0.h'].length).toBe(2 * H);
  expect(small.output?.buffer).toBe(large.output?.buffer);
  expect(large.output?.buffer).toBeInstanceOf(SharedArrayBuffer);
  expect(exchange.gather(T, B + 1, true).output?.buffer).not.toBe(large.output?.buffer);
  expect(exchange.gather(T, B, false).output).toBeUndefined();
});

test('states of other rows than the batch has are refused before a thread begins', () => {
  const net = make();
  const { states } = net.forward(batchOf(net));
  const exchange = new Exchange(net);
  const { from } = exchange.put({ batch: batchOf(net), from: { states, clock: T } });
  if (!from) throw new Error('the states must be exchanged, too');
  expect(from.clock).toBe(T);
  expect(() => exchange.mustBeOf(B, from)).not.toThrow();
  expect(() => exchange.mustBeOf(1, from)).toThrow(
    'network.forward: from must be the states of 1 row, got 5',
  );
  // states that are left out are those of a network that has none of that name
  expect(() => exchange.mustBeOf(1, { states: {}, clock: 0 })).not.toThrow();
});

test('takes one thread for what is too small to gain', async () => {
  const net = make();
  expect(trainingFlops(net, { T: 2, B: 3 })).toBe(36 * (3 * H * (D + H) + H * O));
  expect(await suggestedThreads(net, { T, B: 4 })).toBe(1);
  const most = await suggestedThreads(net, { T: 1000, B: 128 });
  expect(most).toBeGreaterThanOrEqual(1);
  expect(most).toBeLessThanOrEqual(4);
  expect(await suggestedThreads(net, { T: 1_000_000, B: 1 })).toBe(1);
});

test('two threads compute what one computes, and add the gradients to those that there are', async () => {
  const net = make({ dropout: 0.3 });
  const execArgv = ['-r', join(__dirname, '..', 'scripts', 'register.js')];
  const team = await parallel(net, { threads: 2, execArgv });
  try {
    const { state } = net.random;
    for (const rows of [B, 2]) {
      const batch = { x: box([T, rows, D], rows), targets: box([T, rows, O], 9) };
      net.random.state = state;
      net.parameters.zeroGradients();
      const whole = net.forward(batch, { training: true });
      whole.backward();
      const { loss } = whole;
      const output = toFlat(net.forward(batch).output);
      const gradients = Float64Array.from(net.parameters.flatGradients.data);
      net.random.state = state;
      const result = await team.forwardBackward(batch, { training: true });
      expect(result.loss).toBeCloseTo(loss, 12);
      expect(result).toMatchObject({ rows: T * rows, tokens: T * rows });
      expect(
        distance(
          net.parameters.flatGradients.data,
          gradients.map((g) => 2 * g),
        ),
      ).toBeLessThanOrEqual(1e-12);
      const { output: shared, states } = await team.forward(batch);
      expect(distance(toFlat(shared), output)).toBeLessThanOrEqual(1e-12);
      // two rows of states for five, and five for two
      const other = { x: box([T, B + 2 - rows, D], 1) };
      await expect(team.forward(other, { from: states, predict: true })).rejects.toThrow(
        `network.forward: from must be the states of ${B + 2 - rows} rows, got ${rows}`,
      );
    }
  } finally {
    team.close();
  }
  await expect(team.forward(batchOf(net))).rejects.toThrow('parallel: the threads were closed');
});
