import { expectedBitError } from '../hopfield/capacity';
import { expectedOverlap, hopfield } from '../papers/hopfield';

test('the theory of overlaps: 1 without a load, 0.967 at α = 0.1379, nothing beyond', () => {
  expect(expectedOverlap(0.01)).toBeCloseTo(1, 12);
  expect(expectedOverlap(0.1379)).toBeCloseTo(0.967, 2);
  expect(expectedOverlap(0.138)).toBeUndefined();
  expect(expectedOverlap(0.5)).toBeUndefined();
});

test('the overlap solves y (√(2α) + 2/√π exp(−y²)) = erf(y), with y found again from it by its integral', () => {
  // erf as the sum of 2/√π exp(−t²) over small steps
  const erf = (y: number): number => {
    let sum = 0;
    const n = 20_000;
    for (let k = 0; k < n; k++) sum += Math.exp(-((((k + 0.5) * y) / n) ** 2));
    return (2 / Math.sqrt(Math.PI)) * (y / n) * sum;
  };
  for (const load of [0.08, 0.12, 0.135]) {
    const m = expectedOverlap(load) as number;
    let [low, high] = [0, 10];
    for (let k = 0; k < 60; k++) {
      const middle = (low + high) / 2;
      if (erf(middle) < m) low = middle;
      else high = middle;
    }
    const y = (low + high) / 2;
    expect(y * (Math.sqrt(2 * load) + (2 / Math.sqrt(Math.PI)) * Math.exp(-y * y))).toBeCloseTo(m, 6);
  }
});

test('the figures asked for are among the rows, beside the theory', () => {
  const rows = hopfield.rows('full');
  for (const load of [0.1, 0.138, 0.15, 0.2]) {
    const row = rows.find(({ settings }) => settings.load === load);
    expect(row?.settings).toMatchObject({ units: 1000 });
    expect(row?.published.bitError).toBe(expectedBitError(load));
  }
});

test('a quick trial recalls below the break-down and fails above it', async () => {
  const run = async (k: number) =>
    hopfield.rows('quick')[k].run({ seed: 1, data: undefined, progress: () => undefined });
  expect((await run(0)).recalled).toBe(1);
  expect((await run(2)).recalled).toBeLessThan(0.5);
});
