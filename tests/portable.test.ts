import { cosOfTurn, log, power, sinOfTurn } from '../core/random/portable';

/** Distance in units in the last place of the expected number. */
const ulps = (actual: number, expected: number): number =>
  Math.abs(actual - expected) / (Number.EPSILON * Math.max(Math.abs(expected), 2 ** -52));

const points = (from: number, to: number): number[] =>
  Array.from({ length: 2000 }, (_, k) => from + ((k * 0.618033988749895) % 1) * (to - from));

test('log is the logarithm, within 2 units in the last place', () => {
  const many = [...points(1e-3, 2), ...points(2, 1e6), 2 ** -53, 1 - 2 ** -53, 1, Math.SQRT2, Math.SQRT1_2];
  for (const x of many) expect(ulps(log(x), Math.log(x))).toBeLessThanOrEqual(x === 1 ? 0 : 2);
  expect([0, -1, Infinity, NaN].map(log)).toEqual([-Infinity, NaN, Infinity, NaN]);
});

test('cosOfTurn is the cosine of 2πu, within the rounding of 2πu', () => {
  // 2πu is rounded by up to 2^-51, for |u| up to 2 by 2^-50, and u − ¼ before it
  for (const u of points(0, 1))
    expect(Math.abs(cosOfTurn(u) - Math.cos(2 * Math.PI * u))).toBeLessThan(2 ** -50);
  expect([0, 0.25, 0.5, 0.75].map(cosOfTurn)).toEqual([1, -0, -1, 0]);
  for (const u of points(-2, 2))
    expect(Math.abs(sinOfTurn(u) - Math.sin(2 * Math.PI * u))).toBeLessThan(2 ** -48);
});

test('power multiplies', () => {
  expect([0, 1, 2, 3, 10].map((n) => power(3, n))).toEqual([1, 3, 9, 27, 59049]);
  for (const n of [1, 7, 1000, 123456]) expect(ulps(power(0.999, n), 0.999 ** n)).toBeLessThan(2 * n);
});

test('the bits are those of every machine', () => {
  // found the same in Node 20 and in Chromium 156, whose Math.log and Math.cos differ
  expect([0.3, 0.7, 1e-9].map(log)).toEqual([-1.203972804325936, -0.35667494393873245, -20.72326583694641]);
  expect([0.1, 0.3, 0.9].map(cosOfTurn)).toEqual([
    0.8090169943749475, -0.30901699437494734, 0.8090169943749475,
  ]);
});
