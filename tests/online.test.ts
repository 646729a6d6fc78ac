/** Learning online: against backpropagation through time, and the mean of the random estimates. */
import { network, type Network } from '../bptt/network/network';
import { onlineGradients, type OnlineOptions } from '../bptt/online';
import { elman } from '../cells/elman';
import { gru } from '../cells/gru';
import { lstm } from '../cells/lstm';
import { Random } from '../core/random/random';
import { fillFrom, sizeOf, toFlat } from '../core/tensor';
import { testErrors } from './errors';
import { distance } from './executors';

const [T, D, O] = [6, 2, 3];
const draw = new Random(1);
const rows = (count: number, width: number): number[][] =>
  Array.from({ length: count }, () => Array.from({ length: width }, () => draw.normal()));
const [x, dy] = [rows(T, D), rows(T, O)];

const nets: Record<string, () => Network> = {
  elman: () => network({ layers: [elman({ input: D, hidden: 4 })], output: O, seed: 2 }),
  gru: () => network({ layers: [gru({ input: D, hidden: 3 })], output: O, seed: 2 }),
  lstm: () => network({ layers: [lstm({ input: D, hidden: 3, peepholes: true })], output: O, seed: 2 }),
  'two layers': () =>
    network({ layers: [lstm({ input: D, hidden: 3 }), elman({ input: 3, hidden: 2 })], output: O, seed: 2 }),
};

const gradientsOf = ({ parameters }: Network): number[] =>
  Object.values(parameters.gradients).flatMap(toFlat);

/** Backpropagation through time, over the first steps. */
function full(net: Network, steps: number): number[] {
  net.parameters.zeroGradients();
  const numbers = (given: number[][]): number[] => given.slice(0, steps).flat();
  const pass = net.forward({ x: { shape: [steps, 1, D], numbers: numbers(x) } });
  pass.backward({ output: { shape: [steps, 1, O], numbers: numbers(dy) } });
  return gradientsOf(net);
}

/** The same online. */
function online(net: Network, steps: number, options: OnlineOptions): number[] {
  net.parameters.zeroGradients();
  const learner = onlineGradients(net, options);
  for (let t = 0; t < steps; t++) learner.step(x[t], () => dy[t]);
  return gradientsOf(net);
}

describe.each(Object.keys(nets))('%s', (name) => {
  test('real-time recurrent learning gives the gradient of backpropagation, without going back', () => {
    const net = nets[name]();
    for (const steps of [1, 2, T])
      expect(distance(online(net, steps, { method: 'rtrl' }), full(net, steps))).toBeLessThan(1e-12);
  });

  test('outputs are those of a pass over the whole sequence', () => {
    const net = nets[name]();
    const learner = onlineGradients(net, { method: 'uoro' });
    const outputs = x.flatMap((row) => learner.step(row));
    expect(outputs).toEqual(toFlat(net.forward({ x: x.map((row) => [row]) }).output));
    learner.reset();
    expect(x.flatMap((row) => learner.step(row))).toEqual(outputs);
  });

  test('memory: S P numbers, and S + P', () => {
    const net = nets[name]();
    const S = Object.values(net.forward({ x: [[x[0]]] }).states).reduce((sum, t) => sum + t.shape[1], 0);
    const P = Object.values(net.parameters.values).reduce((sum, t) => sum + sizeOf(t.shape), 0);
    for (const [method, numbers] of [
      ['rtrl', S * P],
      ['uoro', S + P],
    ] as const) {
      // prettier-ignore
      const learner = onlineGradients(net, { method });
      expect(learner.memory).toBe(0);
      for (const row of x) {
        learner.step(row);
        expect(learner.memory).toBe(numbers);
      }
    }
  });
});

test('uoro is unbiased: the mean over all signs is the gradient', () => {
  const net = network({ layers: [elman({ input: D, hidden: 2 })], output: O, seed: 5 });
  const steps = 4;
  const flips = 2 * steps;
  const sum = gradientsOf(net).map(() => 0);
  let spread = 0;
  const exact = full(net, steps);
  for (let code = 0; code < 2 ** flips; code++) {
    let at = 0;
    const random = { word: () => ((code >> at++) & 1) * 2 ** 31 } as Random;
    const estimate = online(net, steps, { method: 'uoro', random });
    estimate.forEach((g, k) => (sum[k] += g / 2 ** flips));
    spread = Math.max(spread, distance(estimate, exact));
  }
  expect(distance(sum, exact)).toBeLessThan(1e-12);
  expect(spread).toBeGreaterThan(0.1); // a single one is far off
});

test('the mean of many draws lies within five standard errors', () => {
  const net = nets.gru();
  const exact = full(net, T);
  const random = new Random(3);
  const draws = 400;
  const [sum, squares] = [exact.map(() => 0), exact.map(() => 0)];
  for (let k = 0; k < draws; k++)
    online(net, T, { method: 'uoro', random }).forEach((g, i) => {
      sum[i] += g / draws;
      squares[i] += g ** 2 / draws;
    });
  let widest = 0;
  exact.forEach((g, i) => {
    const error = Math.sqrt(Math.max(0, squares[i] - sum[i] ** 2) / draws);
    widest = Math.max(widest, error);
    expect(Math.abs(sum[i] - g)).toBeLessThan(5 * error + 1e-12);
  });
  expect(widest).toBeGreaterThan(1e-3); // else every estimate would be exact
});

test('some parameters only: their gradients are the same, all others keep theirs', () => {
  const net = nets.lstm();
  const exact = online(net, T, {});
  const before = Object.keys(net.parameters.values);
  const at = (name: string, flat: number[]): number[] => {
    let from = 0;
    for (const own of before) {
      const size = sizeOf(net.parameters.values[own].shape);
      if (own === name) return flat.slice(from, from + size);
      from += size;
    }
    return [];
  };
  net.parameters.zeroGradients();
  fillFrom(net.parameters.gradients['l0.Wx'], 7);
  const learner = onlineGradients(net, { parameters: ['l0.Wh'] });
  x.forEach((row, t) => learner.step(row, () => dy[t]));
  const some = gradientsOf(net);
  expect(distance(at('l0.Wh', some), at('l0.Wh', exact))).toBeLessThan(1e-13);
  expect(new Set(at('l0.Wx', some))).toEqual(new Set([7]));
  expect(new Set(at('l0.b', some))).toEqual(new Set([0]));
});

const bare = nets.elman();
testErrors(TypeError, [
  [
    () => onlineGradients(network({ layers: [elman({ input: 1, hidden: 1 })], output: 1, loss: 'squared' })),
    'onlineGradients: the network must have no loss, got squared (step takes the gradient of the loss)',
  ],
  [
    () => onlineGradients(network({ layers: [elman({ input: 1, hidden: 1 })], trainInitial: true })),
    'onlineGradients: trainInitial must be left out, got true',
  ],
  [
    () => onlineGradients(network({ layers: [elman({ input: 1, hidden: 1 })], topology: 'many-to-one' })),
    'onlineGradients: the topology must be many-to-many, got many-to-one',
  ],
  [
    () => onlineGradients(bare, { method: 'bptt' as never }),
    'onlineGradients: method must be one of rtrl, uoro, got bptt',
  ],
  [() => onlineGradients(bare, { parameters: ['l0.W'] }), 'onlineGradients: parameters must be one of l0.Wx'],
  [() => onlineGradients(bare, { rate: 1 } as never), 'onlineGradients: options must be among method'],
]);
testErrors(RangeError, [
  [() => onlineGradients(bare).step([1]), 'network.forward: x'],
  [() => onlineGradients(bare).step([1, 2], () => [1]), 'output'],
]);
