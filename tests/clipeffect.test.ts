/** The effect of clipping on a step, and that it does not change Jacobians. */
import {
  clipEffect,
  elman,
  flow,
  network,
  optimizer,
  clipGlobalNorm,
  Random,
  copyNetwork,
  lstm,
} from '../index';
import { randomNormals } from '../bptt/check/problem';
import { toFlat } from '../core/tensor';

const [T, B, D] = [6, 3, 4];
const random = new Random(2);
const batch = {
  x: { shape: [T, B, D], numbers: randomNormals(T * B * D, random) },
  targets: [0, 1, 2],
};
const make = () =>
  network({
    layers: [lstm({ input: D, hidden: 5 })],
    output: 3,
    loss: 'softmax',
    topology: 'many-to-one',
    seed: 4,
  });

it('is one step of sgd without and with clipping by the global norm', () => {
  const found = clipEffect(make(), batch, { norm: 0.05, learningRate: 0.3 });
  for (const clip of [false, true]) {
    const net = make();
    const pass = net.forward(batch);
    const before = pass.loss;
    pass.backward();
    if (clip) {
      const { norm, coefficient } = clipGlobalNorm(net.parameters, 0.05);
      expect([found.norm, found.coefficient]).toEqual([norm, coefficient]);
    }
    const start = toFlat(net.parameters.flat);
    optimizer(net, { name: 'sgd', learningRate: 0.3 }).step();
    const moved = Math.hypot(...toFlat(net.parameters.flat).map((v, k) => v - start[k]));
    const which = clip ? 'clipped' : 'free';
    expect(found.update[which]).toBeCloseTo(moved, 14);
    expect(found.loss[which]).toBeCloseTo(net.forward(batch).loss, 14);
    expect(found.loss.before).toBe(before);
  }
  expect(found.clipped).toBeCloseTo(0.05, 15);
  expect(found.loss.free).toBeLessThan(found.loss.before);
});

it('below the norm nothing changes, to the bit', () => {
  const { update, loss, coefficient } = clipEffect(make(), batch, { norm: 1e6 });
  expect(coefficient).toBe(1);
  expect(update.clipped).toBe(update.free);
  expect(loss.clipped).toBe(loss.free);
});

it('an exploded gradient makes a step of at most rate × norm', () => {
  const net = network({
    layers: [elman({ input: D, hidden: 4, activation: 'relu' })],
    output: 3,
    loss: 'softmax',
    topology: 'many-to-one',
  });
  const { Wh } = { Wh: net.parameters.values['l0.Wh'] };
  net.parameters.set(
    'l0.Wh',
    toFlat(Wh).map((v) => 30 * Math.abs(v)),
  );
  const { norm, update, loss } = clipEffect(net, batch, { norm: 1, learningRate: 0.1 });
  expect(norm).toBeGreaterThan(1e4);
  expect(update.clipped).toBeCloseTo(0.1, 14);
  expect(update.free).toBeCloseTo(0.1 * norm, 6);
  expect(loss.clipped).toBeLessThan(loss.before);
});

it('leaves the network, and how the past reaches the present, as they were', () => {
  const net = make();
  const [weights, history] = [toFlat(net.parameters.flat), flow(net, batch)];
  clipEffect(net, batch, { norm: 0.01 });
  expect(toFlat(net.parameters.flat)).toEqual(weights);
  expect(flow(copyNetwork(net), batch)).toEqual(history);
});

it.each([
  [{ norm: 0 }, 'clip: the norm must be > 0, got 0'],
  [{ norm: 1, learningRate: 0 }, 'clipEffect: learningRate must be a finite number > 0, got 0'],
  [{ norm: 1, rate: 1 }, 'clipEffect: options must be among norm, learningRate, got rate'],
])('%j is refused', (options, message) => expect(() => clipEffect(make(), batch, options)).toThrow(message));

it('needs a loss', () =>
  expect(() => clipEffect(network({ layers: [elman({ input: D, hidden: 2 })] }), batch, { norm: 1 })).toThrow(
    'clipEffect: the network must have a loss, got none',
  ));
