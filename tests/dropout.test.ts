/** Dropout masks: which numbers of the generator drop a unit, how often, and by how much the others are scaled. */
import { network, runnerOf } from '../bptt/network/network';
import { gru } from '../cells/gru';
import { Random } from '../core/random/random';
import { toFlat } from '../core/tensor';

const p = 0.25;
const net = network({
  layers: [gru({ input: 1, hidden: 40 }), gru({ input: 40, hidden: 30 })],
  dropout: p,
  output: 1,
  seed: 5,
});
const batch = { x: { shape: [3, 4, 1], numbers: new Float64Array(12) } };
const masksOf = (training: boolean): number[] =>
  runnerOf(net)
    .lay(batch, { training })
    .masks.flatMap(({ values }) => toFlat(values));

test('a unit is kept and scaled by 1 / (1 − p), or dropped with probability p', () => {
  const masks = masksOf(true);
  expect(masks).toHaveLength(3 * 4 * (40 + 30));
  const dropped = masks.filter((keep) => keep === 0).length;
  expect(masks.filter((keep) => keep === 1 / (1 - p))).toHaveLength(masks.length - dropped);
  // four standard deviations
  const deviation = Math.sqrt(masks.length * p * (1 - p));
  expect(Math.abs(dropped - p * masks.length)).toBeLessThan(4 * deviation);
});

test('no unit is dropped in evaluation', () => expect(new Set(masksOf(false))).toEqual(new Set([1])));

test.each([
  [0, 0],
  [p - 2 ** -53, 0],
  [p, 1 / (1 - p)],
  [1 - 2 ** -53, 1 / (1 - p)],
])('%f of 0 … 1 gives %f: numbers below p drop a unit', (drawn, keep) => {
  const uniform = jest.spyOn(Random.prototype, 'uniform').mockReturnValue(drawn);
  try {
    expect(new Set(masksOf(true))).toEqual(new Set([keep]));
  } finally {
    uniform.mockRestore();
  }
});
