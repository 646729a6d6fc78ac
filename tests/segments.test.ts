/** Passes in segments: little memory, bit-identical results. */
import type { Batch, PassOptions } from '../bptt/network/batch/batch';
import { bidirectional } from '../bptt/network/layers/layer';
import { network, type Network, type NetworkOptions } from '../bptt/network/network';
import { planOf, sizeOfPass } from '../bptt/network/passes/pass';
import { clockwork } from '../cells/clockwork';
import { elman } from '../cells/elman';
import { embedding } from '../cells/embedding';
import { gru } from '../cells/gru';
import { jordan } from '../cells/jordan';
import { lstm } from '../cells/lstm';
import { cellFromText } from '../cells/text';
import { engineMemory } from '../core/memory';
import { Random } from '../core/random/random';
import { toFlat, type Tensor } from '../core/tensor';
import { executors } from './executors';

const [T, B, D, H, O] = [45, 3, 4, 5, 6];
const lengths = [45, 17, 30];
const executorNames = executors.map(({ name }) => name) as NonNullable<NetworkOptions['executor']>[];

const randomArray = (shape: number[], seed: number) => {
  const random = new Random(seed);
  const numbers = Array.from({ length: shape.reduce((n, axis) => n * axis, 1) }, () => random.normal());
  return { shape, numbers };
};
const classes = (many: number, steps: number, seed: number): number[][] => {
  const random = new Random(seed);
  return Array.from({ length: steps }, () => Array.from({ length: B }, () => random.below(many)));
};
const x = randomArray([T, B, D], 1);
const targets = classes(O, T, 2);
/** Not negative, some 0, and none with an exact sum. */
const weights = Array.from({ length: T }, (_, t) => [0.1 * (t % 4), 1 / 3, 0.7 * (t % 2)]);

const flat = (tensors: Readonly<Record<string, Tensor>>): [string, number[]][] =>
  Object.entries(tensors).map(([name, t]) => [name, toFlat(t)]);

interface Case {
  options: NetworkOptions;
  batch: Batch;
  /** Of a network without a loss. */
  upstream?: {
    output: ReturnType<typeof randomArray>;
    states?: Record<string, ReturnType<typeof randomArray>>;
  };
  how?: PassOptions;
}

/** Everything that a pass forward and backward gives, and leaves. */
function results({ options, batch, upstream, how }: Case, checkpointEvery?: number): unknown {
  const net = network(options);
  const pass = net.forward(batch, { ...how, ...(checkpointEvery && { checkpointEvery }) });
  const { loss, output, states } = pass;
  const size = sizeOfPass(pass);
  const gradients = pass.backward(upstream);
  return {
    ...{ loss, output: toFlat(output), states: flat(states), initial: flat(gradients.initial) },
    size,
    x: isClasses(batch) ? 'none' : toFlat(gradients.x),
    weights: flat(net.parameters.gradients),
    random: net.random.state,
  };
}
const isClasses = ({ x }: Batch): boolean =>
  Array.isArray(x) && Array.isArray(x[0]) && typeof x[0][0] === 'number';

const softmax = { output: O, loss: 'softmax' } as const;
const cases: Record<string, Case> = {
  elman: { options: { layers: [elman({ input: D, hidden: H })], ...softmax }, batch: { x, targets } },
  'lstm with peepholes': {
    options: { layers: [lstm({ input: D, hidden: H, peepholes: true })], ...softmax },
    batch: { x, targets },
  },
  'gru, reset after, sum': {
    options: { layers: [gru({ input: D, hidden: H })], ...softmax, reduction: 'sum' },
    batch: { x, targets },
  },
  'gru, reset before': {
    options: { layers: [gru({ input: D, hidden: H, reset: 'before' })], ...softmax },
    batch: { x, targets },
  },
  jordan: {
    options: { layers: [jordan({ input: D, hidden: H, output: 4, feedback: 'p' })], ...softmax },
    batch: { x, targets },
  },
  'unequal lengths, no output layer': {
    options: { layers: [lstm({ input: D, hidden: H })], loss: 'squared', dtype: 'float64' },
    batch: { x, targets: randomArray([T, B, H], 3), lengths },
  },
  'an embedding': {
    options: { layers: [embedding({ input: 9, width: D }), gru({ input: D, hidden: H })], ...softmax },
    batch: { x: classes(9, T, 4), targets, lengths },
  },
  'class numbers': {
    options: { layers: [lstm({ input: 9, hidden: H })], ...softmax },
    batch: { x: classes(9, T, 4), targets },
  },
  'targets of unequal weights': {
    options: { layers: [gru({ input: D, hidden: H })], ...softmax },
    batch: { x, targets, lengths, weights },
  },
  'many to one, of unequal weights': {
    options: { layers: [gru({ input: D, hidden: H })], ...softmax, topology: 'many-to-one' },
    batch: { x, targets: targets[0], lengths, weights: [0.3, 0, 1.7] },
    how: { rows: [0, 2] },
  },
  'a stack with dropout': {
    options: {
      layers: [lstm({ input: D, hidden: H }), elman({ input: H, hidden: 3 })],
      ...softmax,
      dropout: 0.4,
    },
    batch: { x, targets, lengths },
    how: { training: true },
  },
  'some rows, with dropout': {
    options: {
      layers: [gru({ input: D, hidden: H }), gru({ input: H, hidden: 3 })],
      ...softmax,
      dropout: 0.4,
    },
    batch: { x, targets },
    how: { training: true, rows: [1, 3] },
  },
  'trainable initial states': {
    options: { layers: [lstm({ input: D, hidden: H })], ...softmax, trainInitial: true },
    batch: { x, targets, lengths },
  },
  'initial states that are given': {
    options: { layers: [lstm({ input: D, hidden: H })], ...softmax },
    batch: { x, targets, initial: { 'l0.h': randomArray([B, H], 5), 'l0.c': randomArray([B, H], 6) } },
  },
  'many to one, with dropout': {
    options: {
      layers: [gru({ input: D, hidden: H }), lstm({ input: H, hidden: 3 })],
      ...{ ...softmax, topology: 'many-to-one', dropout: 0.3 },
    },
    batch: { x, targets: targets[0], lengths },
    how: { training: true },
  },
  'one to many': {
    options: { layers: [gru({ input: D, hidden: H })], ...softmax, topology: 'one-to-many' },
    batch: { x: randomArray([B, D], 7), targets, lengths },
  },
  'no loss': {
    options: { layers: [lstm({ input: D, hidden: H })], output: O },
    batch: { x, lengths },
    upstream: { output: randomArray([T, B, O], 8), states: { 'l0.c': randomArray([B, H], 9) } },
  },
  'many to one without a loss': {
    options: { layers: [lstm({ input: D, hidden: H })], output: O, topology: 'many-to-one' },
    batch: { x, lengths },
    upstream: { output: randomArray([B, O], 8), states: { 'l0.h': randomArray([B, H], 9) } },
  },
};

describe.each(executorNames)('%s', (executor) => {
  test.each(Object.entries(cases))('%s: the same bits', (_name, { options, ...one }) => {
    const own = { ...one, options: { ...options, executor } };
    const whole = results(own);
    expect(results(own, 10)).toEqual(whole);
    if (executor === 'plain') for (const every of [24, T]) expect(results(own, every)).toEqual(whole);
  });
});

test('states go on from a pass in segments, and a prediction has the same bits', () => {
  const net = network({ layers: [gru({ input: D, hidden: H })], ...softmax });
  const first = net.forward({ x, targets });
  const { states } = first;
  const second = net.forward({ x, targets }, { from: states });
  const [loss, output] = [second.loss, toFlat(second.output)];
  const before = net.forward({ x }, { predict: true, checkpointEvery: 8 });
  expect(flat(before.states)).toEqual(flat(states));
  const after = net.forward({ x, targets }, { from: before.states, checkpointEvery: 8 });
  expect([after.loss, toFlat(after.output)]).toEqual([loss, output]);
  expect(() => before.backward()).toThrow('the forward pass must have had targets, got a prediction');
});

test('other passes in between do not disturb it', () => {
  const own = cases['unequal lengths, no output layer'];
  const net = network(own.options);
  const pass = net.forward(own.batch, { checkpointEvery: 8 });
  net.forward({ x: randomArray([7, 2, D], 3), targets: randomArray([7, 2, H], 4) }).backward();
  net.parameters.zeroGradients();
  const { x: dx } = pass.backward();
  const weights = flat(net.parameters.gradients);
  expect({ ...(results(own) as object), x: toFlat(dx), weights }).toEqual(results(own));
});

test('memory is that of a segment', () => {
  const long = { x: { shape: [4000, 2, D], numbers: new Float64Array(8000 * D).fill(0.1) } };
  const batch: Batch = { ...long, targets: { shape: [4000, 2, H], numbers: new Float64Array(8000 * H) } };
  const usedBy = (checkpointEvery?: number): number => {
    const before = engineMemory().used();
    const net = network({ layers: [lstm({ input: D, hidden: H })], loss: 'squared' });
    net.forward(batch, checkpointEvery === undefined ? {} : { checkpointEvery }).backward();
    return engineMemory().used() - before;
  };
  const [whole, segments] = [usedBy(), usedBy(64)];
  // where arrays are ordinary ones, both are 0
  expect(segments).toBeLessThanOrEqual(0.1 * whole);
});

describe('refuses', () => {
  const run =
    (layers: NetworkOptions['layers'], how: PassOptions = {}, more: Partial<NetworkOptions> = {}) =>
    () => {
      const net: Network = network({ layers, ...softmax, ...more });
      return net.forward({ x, targets }, { checkpointEvery: 10, ...how });
    };
  const what = 'network.forward: checkpointEvery must be left out, got 10';

  test('what needs the end before the start', () => {
    expect(run([bidirectional(gru({ input: D, hidden: H }))])).toThrow(
      `${what} (layer 0 is bidirectional gru: it reads from the end, and the future of a stream is not known)`,
    );
  });
  test('a clock', () => {
    expect(run([clockwork({ input: D, hidden: 6, periods: [1, 2] })])).toThrow(
      `${what} (the steps of clockwork differ: their gradients would be added up in another order)`,
    );
  });
  test('some of the steps', () => {
    expect(run([gru({ input: D, hidden: H })], { steps: [0, 30] })).toThrow(
      `${what} (steps are given, which are run as a whole)`,
    );
  });
  test('a weight that is used twice in a step', () => {
    const equations = `cell twice
shapes
  x [D]   states h [H]   parameters Wx [D, H]  Wh [H, H]
forward
  k = tanh(x @ Wx + hPrev @ Wh)
  h = k @ Wh
backward
  dh = dhOut + dhNext
  dk = dh @ Wh.T
  da = dk * (1 - k * k)
  dhPrev = da @ Wh.T
  dx = da @ Wx.T
  dWx += x.T @ da
  dWh += hPrev.T @ da
  dWh += k.T @ dh`;
    const twice = cellFromText({ equations, input: D, hidden: H });
    expect(run([twice])).toThrow(
      'network.forward: checkpointEvery must be left out, got a number (a layer adds up the gradient of a weight ' +
        'step by step, or from several terms: in segments it would have other bits)',
    );
  });
  test('what is no number of steps', () => {
    expect(run([gru({ input: D, hidden: H })], { checkpointEvery: 0 })).toThrow(
      'network.forward: checkpointEvery must be a whole number >= 1, got 0',
    );
  });
  test('to show a plan of all steps', () => {
    expect(() => planOf(run([gru({ input: D, hidden: H })])())).toThrow(
      'network.forward: one plan must hold the whole pass, got several (leave out checkpointEvery)',
    );
  });
  test('dL/dx of class numbers', () => {
    const pass = network(cases['class numbers'].options).forward(cases['class numbers'].batch, {
      checkpointEvery: 10,
    });
    expect(() => pass.backward().x).toThrow('x must be numbers to have a gradient, got class numbers');
  });
});
