/** A network with three outputs by name, and a batch of unequal lengths for it, of quick and of slow tests. */
import { gru, namedOutputs, network, Random, type NetworkOptions } from '../index';

export const [T, B, D, H] = [5, 3, 2, 6];
export const random = new Random(3);
export const x = { shape: [T, B, D], numbers: Array.from({ length: T * B * D }, () => random.normal()) };
export const named = namedOutputs({
  sign: { width: 2, loss: 'softmax' },
  level: { width: 3, loss: 'softmax', weight: 0.5 },
  sum: { width: 2, loss: 'squared', weight: 2 },
});
export const classes = (below: number) =>
  Array.from({ length: T }, () => Array.from({ length: B }, () => random.below(below)));
export const own = {
  sign: classes(2),
  level: classes(3),
  sum: { shape: [T, B, 2], numbers: Array.from({ length: T * B * 2 }, () => random.normal()) },
};
export const lengths = [T, 3, 4];
/** A network with these outputs. */
export const make = (more: Partial<NetworkOptions> = {}) =>
  network({
    layers: [gru({ input: D, hidden: H })],
    output: named.width,
    loss: named.loss,
    seed: 4,
    ...more,
  });
