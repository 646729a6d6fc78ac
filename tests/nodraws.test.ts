/** Copying and loading a network draw no random numbers, because its weights come from elsewhere. */
import { blueprintOf, buildFrom } from '../bptt/network/blueprint';
import { copyNetwork, network } from '../bptt/network/network';
import { embedding } from '../cells/embedding';
import { gru } from '../cells/gru';
import { lstm } from '../cells/lstm';
import { Random } from '../core/random/random';
import { toFlat } from '../core/tensor';
import { decodeCheckpoint, encodeCheckpoint } from '../io/checkpoint';
import { fromKeras, toKeras } from '../io/keras';
import { fromPytorch } from '../io/torch/import';
import { toPytorch } from '../io/torch/parameters';

const layers = [
  embedding({ input: 7, width: 3 }),
  lstm({ input: 3, hidden: 5 }),
  gru({ input: 5, hidden: 4 }),
];
const net = network({ layers, output: 7, loss: 'softmax', dropout: 0.5, seed: 3 });
const single = network({ layers: [lstm({ input: 3, hidden: 5 })], output: 2, seed: 3 });

/** Number of random draws during `make`, and its result. */
function counted<R>(make: () => R): { draws: number; made: R } {
  const word = jest.spyOn(Random.prototype, 'word');
  try {
    const made = make();
    return { made, draws: word.mock.calls.length };
  } finally {
    word.mockRestore();
  }
}

test('a network that is made draws its weights', () => {
  expect(counted(() => network({ layers, output: 7 })).draws).toBeGreaterThan(net.parameters.count);
});

test.each([
  ['copyNetwork', net, () => copyNetwork(net)],
  ['a checkpoint', net, () => decodeCheckpoint(encodeCheckpoint({ network: net })).network],
  ['Keras', net, () => fromKeras(toKeras(net))],
  ['PyTorch', single, () => fromPytorch(toPytorch(single.architecture, single.parameters.values))],
])('%s draws nothing, and gives the same weights', (_, from, make) => {
  const { draws, made } = counted(make);
  expect(draws).toBe(0);
  expect(toFlat(made.parameters.flat)).toEqual(toFlat(from.parameters.flat));
});

test('a network built in a worker thread draws nothing', () => {
  const blueprint = blueprintOf(net, false);
  expect(counted(() => buildFrom(blueprint, {})).draws).toBe(0);
});

test('a copy draws dropout as the original does from here on, or from a seed of its own', () => {
  const batch = { x: [[1], [2], [3]], targets: [[2], [3], [4]] };
  net.forward(batch, { training: true });
  const copy = copyNetwork(net);
  expect(copy.random.state).toEqual(net.random.state);
  expect(copy.forward(batch, { training: true }).loss).toBe(net.forward(batch, { training: true }).loss);
  expect(copyNetwork(net, { seed: 9 }).random.state).toEqual(new Random(9).state);
});
