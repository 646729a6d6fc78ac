/** Weights of targets: as in PyTorch, in the loss and in all gradients, however a batch is run. */
import { gradcheck } from '../bptt/check/gradcheck';
import { network } from '../bptt/network/network';
import type { Batch } from '../bptt/network/batch/batch';
import { gru } from '../cells/gru';
import { make, measured, targets, weighted, x } from './weightedbatch';

// torch 2: F.cross_entropy(y, targets, weight=[0.5, 2, 3]), the same with ignore_index, and without the padded step,
// of this network's outputs in float64; loss, and the gradient of y summed over the rows
it.each([
  [
    'weights per class',
    weighted,
    1.2158950690769574,
    [0.2754530741652647, -0.038241370101033706, -0.23721170406423103],
  ],
  [
    'ignored targets',
    { x, targets, weights: { shape: [3, 2], numbers: [1, 0, 1, 1, 0, 1] } },
    1.1767418983789535,
    [-0.12928668203098764, 0.3203785319377424, -0.19109184990675465],
  ],
  [
    'weights and padding',
    { ...weighted, lengths: [3, 2] },
    1.2233091986902944,
    [0.3196943110966654, -0.05490923600938227, -0.2647850750872831],
  ],
] as [string, Batch, number, number[]][])("PyTorch's loss and gradient: %s", (_, batch, loss, dby) => {
  const actual = measured(make(), batch);
  expect(Math.abs(actual.loss - loss)).toBeLessThan(1e-12);
  actual.dby.forEach((value, k) => expect(Math.abs(value - dby[k])).toBeLessThan(1e-12));
});

test('gradients are right', () => {
  expect(gradcheck(make(), { batch: weighted }).ok).toBe(true);
  const one = make({ topology: 'many-to-one', loss: 'squared' });
  const batch = {
    x,
    targets: [
      [1, 0, 2],
      [0, 1, 1],
    ],
    weights: [2, 0.25],
    lengths: [2, 3],
  };
  expect(gradcheck(one, { batch }).ok).toBe(true);
});

test('a weight of one for all changes no bit, a weight of two is a row twice', () => {
  const ones = { shape: [3, 2], numbers: [1, 1, 1, 1, 1, 1] };
  expect(measured(make(), { x, targets, weights: ones })).toEqual(measured(make(), { x, targets }));
  const net = make({ topology: 'many-to-one' });
  const twice = measured(net, {
    x: [
      [0, 0, 1],
      [2, 2, 3],
    ],
    targets: [1, 1, 2],
  });
  const heavy = measured(net, {
    x: [
      [0, 1],
      [2, 3],
    ],
    targets: [1, 2],
    weights: [2, 1],
  });
  expect(heavy.loss).toBeCloseTo(twice.loss, 14);
  heavy.dby.forEach((value, k) => expect(value).toBeCloseTo(twice.dby[k], 14));
});

it.each([
  [{ weights: [1, 1] }, 'weights must be [3, 2], got [2] (one for each target)'],
  [
    { weights: { shape: [3, 2], numbers: [1, 1, -1, 1, 1, 1] } },
    'weights must be finite and not negative, got -1',
  ],
  [{ weights: { shape: [3, 2], numbers: [0, 0, 0, 0, 0, 0] } }, 'a weight must be above 0, got none'],
] as [Partial<Batch>, string][])('refuses %j', (part, message) => {
  expect(() => make().forward({ x, targets, ...part })).toThrow(message);
});

test('a network without a loss has none', () => {
  const net = network({ layers: [gru({ input: 4, hidden: 3 })] });
  expect(() => net.forward({ x, weights: [1] })).toThrow(
    'weights must be left out, got some (the network has no loss)',
  );
});
