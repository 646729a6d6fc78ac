import { expectedBitError } from '../hopfield/capacity';
import { expectedCapacity, modernHopfield } from '../papers/modernhopfield';

test('the expected capacity: a bit error of 0.5 % at α N^(n−1) patterns, and 2^(N/2) of the exponential energy', () => {
  for (const order of [2, 3, 4])
    expect(expectedBitError(expectedCapacity(order, 50) / 50 ** (order - 1), order)).toBeCloseTo(0.005, 12);
  expect(expectedCapacity(3, 50) / expectedCapacity(3, 25)).toBeCloseTo(4, 12);
  expect(expectedCapacity('exponential', 20)).toBe(1024);
});

test('a quick trial measures a capacity within 40 % of the theory for large networks', async () => {
  const [, third, fourth] = modernHopfield.rows('quick');
  for (const row of [third, fourth]) {
    const progress = jest.fn();
    const { bitError, capacity } = await row.run({ seed: 1, data: undefined, progress });
    const expected = row.published.capacity as number;
    expect(Math.abs((capacity as number) / expected - 1)).toBeLessThan(0.4);
    expect(bitError).toBeGreaterThan(0.002);
    expect(bitError).toBeLessThan(0.02);
    expect(progress).toHaveBeenCalled();
  }
});
