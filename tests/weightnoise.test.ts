/** Training on noisy weights: what is computed with the noise, and what must not be. */
import type { Batch } from '../bptt/network/batch/batch';
import { fit, type FitOptions, type FitResult } from '../bptt/train/fit';
import { network, type Network } from '../bptt/network/network';
import { WeightNoise } from '../bptt/network/weightnoise';
import { gru } from '../cells/gru';
import { Random } from '../core/random/random';

const [T, B, D, H, O] = [4, 3, 2, 5, 3];
const make = (dropout = 0): Network =>
  network({ layers: [gru({ input: D, hidden: H })], output: O, loss: 'softmax', dropout, seed: 4 });
const weightsOf = (net: Network): number[] => Array.from(net.parameters.flat.data);
const batchOf = (k: number): Batch => {
  const random = new Random(k);
  return {
    x: { shape: [T, B, D], numbers: Array.from({ length: T * B * D }, () => random.normal()) },
    targets: { shape: [T, B], numbers: Array.from({ length: T * B }, () => random.below(O)) },
  };
};
const train = (net: Network, options: Partial<FitOptions> = {}): Promise<FitResult> =>
  fit(net, [0, 1, 2].map(batchOf), {
    optimizer: { name: 'sgd', learningRate: 0.5 },
    weightNoise: 0.1,
    ...options,
  });

test('the backward pass uses the noisy weights of its own step, the update changes the clean ones', async () => {
  const [net, byHand] = [make(0.3), make(0.3)];
  const losses: number[] = [];
  for (let step = 0; step < 3; step++) {
    const weights = byHand.parameters.flat.data;
    const clean = weights.slice();
    for (let k = 0; k < weights.length; k++) weights[k] += byHand.random.normal(0, 0.1);
    byHand.parameters.zeroGradients();
    const pass = byHand.forward(batchOf(step), { training: true });
    losses.push(pass.loss);
    pass.backward();
    byHand.parameters.flatGradients.data.forEach((g, k) => {
      weights[k] = clean[k] - 0.5 * g;
    });
  }
  const { history } = await train(net);
  expect(history.loss.map(({ loss }) => loss)).toEqual(losses);
  expect(weightsOf(net)).toEqual(weightsOf(byHand));
});

test('validation, callbacks and what comes after see no noise', async () => {
  const net = make();
  const seen: { validation?: number; forward: number }[] = [];
  await train(net, {
    validation: { batches: () => [batchOf(9)], every: 1 },
    onStep: ({ validationLoss }) =>
      void seen.push({ validation: validationLoss, forward: net.forward(batchOf(9)).loss }),
  });
  expect(seen).toHaveLength(3);
  for (const { validation, forward } of seen) expect(validation).toBeCloseTo(forward, 14);
  // a rate of nothing: the weights are those before, to the bit
  const still = make();
  await train(still, { optimizer: { name: 'sgd', learningRate: 0 } });
  expect(weightsOf(still)).toEqual(weightsOf(make()));
});

test('none is the same as 0, to the bit; some is not', async () => {
  const [none, zero, some] = [make(0.2), make(0.2), make(0.2)];
  await train(none, { weightNoise: undefined });
  await train(zero, { weightNoise: 0 });
  await train(some);
  expect(weightsOf(zero)).toEqual(weightsOf(none));
  expect(weightsOf(some)).not.toEqual(weightsOf(none));
});

test('a pass that fails leaves the weights clean', async () => {
  const weights = Float64Array.of(1, 2, 3);
  const failing = new WeightNoise(weights, { deviation: 1, random: new Random(1) }).around(() => {
    expect(Array.from(weights)).not.toEqual([1, 2, 3]);
    return Promise.reject(new Error('no luck'));
  });
  await expect(failing).rejects.toThrow('no luck');
  expect(Array.from(weights)).toEqual([1, 2, 3]);
});

test.each([-1, NaN, Infinity])('refuses %p', (weightNoise) =>
  expect(train(make(), { weightNoise })).rejects.toThrow('fit: weightNoise must be a finite number >= 0'),
);
