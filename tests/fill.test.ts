/** Copying batches into plans: all numbers at once, or one by one, with the same results. */
import { network } from '../bptt/network/network';
import { gru } from '../cells/gru';
import { Random } from '../core/random/random';
import { toFlat } from '../core/tensor';
import { executors } from './executors';

const [T, B, D, H] = [30, 5, 9, 11];
const random = new Random(2);
const shape = { x: [T, B, D], targets: [T, B, H] };
const numbers = {
  x: Float32Array.from({ length: T * B * D }, () => random.normal()),
  targets: Float32Array.from({ length: T * B * H }, () => random.normal()),
};
/** The batch as it is handed in, and how its numbers are stored. */
const batchOf = (as: (values: Float32Array) => ArrayLike<number>, lengths?: number[]) => ({
  x: { shape: shape.x, numbers: as(numbers.x) },
  targets: { shape: shape.targets, numbers: as(numbers.targets) },
  ...(lengths && { lengths }),
});
const forms: ((values: Float32Array) => ArrayLike<number>)[] = [
  (values) => values,
  (values) => Float64Array.from(values),
  (values) => Array.from(values),
];

describe.each(executors)('$name', ({ name: executor }) => {
  const create = (dtype: 'float32' | 'float64') =>
    network({
      ...{ layers: [gru({ input: D, hidden: H })], loss: 'squared', dtype },
      executor: executor as 'wasm',
    });

  test.each(['float32', 'float64'] as const)('any form of %s, rows, steps and lengths', (dtype) => {
    const options = [{}, { rows: [1, 4] }, { steps: [3, 29] }, { rows: [2, 5], steps: [0, 30] }] as const;
    for (const lengths of [undefined, [T, T, T, T, T - 1]])
      for (const option of options) {
        const results = forms.map((as) => {
          const net = create(dtype);
          const pass = net.forward(batchOf(as, lengths), option);
          pass.backward();
          return [pass.loss, toFlat(pass.output), toFlat(net.parameters.flatGradients)];
        });
        expect(results[1]).toEqual(results[0]);
        expect(results[2]).toEqual(results[0]);
      }
  });

  test.each([NaN, Infinity, -Infinity])('%d is refused where it is', (value) => {
    const net = create('float32');
    const batch = batchOf((values) => Float64Array.from(values));
    (batch.x.numbers as Float64Array)[(7 * B + 3) * D + 2] = value;
    expect(() => net.forward(batch)).toThrow(
      `network.forward: x must be finite, got ${value} at t = 7, row 3, unit 2`,
    );
  });

  test('numbers whose squares are too large are finite all the same', () => {
    const net = create('float64');
    const batch = batchOf((values) => Float64Array.from(values));
    (batch.x.numbers as Float64Array)[5] = 1e200;
    expect(net.forward(batch).loss).toBeGreaterThan(0);
  });
});
