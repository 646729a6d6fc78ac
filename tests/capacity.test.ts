import { bitError, capacity, expectedBitError, type CapacityOptions } from '../hopfield/capacity';
import { hopfield } from '../hopfield/network';
import { corrupt, randomPatterns } from '../hopfield/patterns';
import { Random } from '../core/random/random';
import { testErrors } from './errors';

const rowsOf = (options: CapacityOptions) => [...capacity(options)];

test('½ erfc(√(1/(2α))), against values known to 15 digits and on both sides of its two expansions', () => {
  // erfc(1/2), erfc(1), erfc(2), erfc(3), erfc(5)
  const known = [0.479500122186953, 0.157299207050285, 4.67773498104727e-3, 2.20904969985854e-5, 1.53745979442803e-12]; // prettier-ignore
  [0.5, 1, 2, 3, 5].forEach((x, k) => {
    expect(expectedBitError(1 / (2 * x * x)) / (known[k] / 2)).toBeCloseTo(1, 13);
  });
  const [below, above] = [2 - 1e-9, 2 + 1e-9].map((x) => expectedBitError(1 / (2 * x * x)));
  expect(below - above).toBeGreaterThan(0);
  expect(below / above).toBeCloseTo(1, 7);
  expect(expectedBitError(1e9)).toBeCloseTo(0.5, 4);
});

test('the bit error is the share of units that one synchronous update turns away from the patterns', () => {
  const patterns = randomPatterns(30, 60, new Random(1));
  const net = hopfield({ patterns });
  const wrong = patterns.map((x) => {
    const { state } = net.recall(x, { mode: 'synchronous', sweeps: 1 });
    return state.filter((s, i) => s !== x[i]).length;
  });
  const fraction = wrong.reduce((sum, n) => sum + n, 0) / (30 * 60);
  expect(fraction).toBeGreaterThan(0);
  expect(bitError(net)).toBe(fraction);
});

test('it meets the theory within four deviations', () => {
  const [units, trials] = [300, 4];
  for (const { load, patterns, bitError: measured, expected } of rowsOf({
    units,
    loads: [0.1, 0.2, 0.4],
    trials,
    probes: 1,
    random: new Random(2),
  })) {
    // units of one pattern are nearly independent of each other
    const deviation = Math.sqrt(expected / (trials * patterns * units));
    // and at this size theory neglects terms of 1/N
    expect(Math.abs(measured - expected)).toBeLessThan(4 * deviation + expected * load * 0.1);
  }
});

test('recall breaks down beyond α ≈ 0.138, later with the other rules', () => {
  const at = (rule: CapacityOptions['rule']) =>
    rowsOf({ units: 200, loads: [0.08, 0.3], rule, probes: 8, flip: 0.05, random: new Random(3) });
  const [below, above] = at('hebbian');
  expect(below.recalled).toBeGreaterThan(0.9);
  expect(above.recalled).toBeLessThan(0.3);
  expect(above.overlap).toBeLessThan(0.6);
  for (const rule of ['storkey', 'pseudo-inverse'] as const)
    for (const { recalled, bitError: wrong } of at(rule)) {
      expect(recalled).toBeGreaterThan(0.8);
      expect(wrong).toBe(0);
    }
});

test('rows come as they are asked for, and a seed repeats them', () => {
  const options = { units: 50, loads: [0.1, 0.2], trials: 2, probes: 100 };
  const rows = rowsOf({ ...options, random: new Random(4) });
  expect(rows.map(({ patterns }) => patterns)).toEqual([5, 10]);
  expect(rowsOf({ ...options, random: new Random(4) })).toEqual(rows);
  expect(rowsOf({ ...options, random: new Random(5) })).not.toEqual(rows);
  expect(capacity(options).next().value).toMatchObject({ load: 0.1 });
});

testErrors(RangeError, [
  [() => expectedBitError(0), 'expectedBitError: the load must be > 0, got 0'],
  [() => expectedBitError('0.1' as never), "expectedBitError: the load must be > 0, got the string '0.1'"],
  [
    () => corrupt([1, -1], '0.5' as never, new Random()),
    "corrupt: the fraction of flipped units must be in 0 … 1, got the string '0.5'",
  ],
  [() => rowsOf({ units: 0, loads: [0.1] }), 'capacity: units must be a whole number >= 1, got 0'],
  [() => rowsOf({ units: 10, loads: [0.01] }), 'capacity: each load must be at least 1/10, got 0.01'],
  [() => rowsOf({ units: 10, loads: [NaN] }), 'capacity: each load must be at least 1/10, got NaN'],
  [() => rowsOf({ units: 10, loads: [1], flip: 2 }), 'corrupt: the fraction of flipped units'],
]);
testErrors(TypeError, [
  [() => rowsOf({ loads: [0.1], trails: 3 } as never), 'capacity: options must be among units, loads'],
]);
