import fc from 'fast-check';
import { bitError, capacity, expectedBitError, pairings } from '../hopfield/capacity';
import { denseHopfield, type EnergyOrder } from '../hopfield/dense';
import { hopfield } from '../hopfield/network';
import { corrupt, randomPatterns } from '../hopfield/patterns';
import { Random } from '../core/random/random';
import { testErrors } from './errors';

const orders: EnergyOrder[] = [2, 3, 4, 7, 'exponential'];

const cases = fc
  .record({ N: fc.integer({ min: 2, max: 12 }), P: fc.integer({ min: 1, max: 9 }), seed: fc.nat(1e6) })
  .map(({ N, P, seed }) => {
    const random = new Random(seed);
    const [probe, ...patterns] = randomPatterns(P + 1, N, random);
    return { N, P, patterns, probe, random };
  });

/** The energy from its definition; for whole powers N^(n−1) n times it, an exact integer. */
function energyOf(order: EnergyOrder, patterns: readonly Int8Array[], s: Int8Array): number | bigint {
  const agreements = patterns.map((x) => x.reduce((sum, v, i) => sum + v * s[i], 0));
  if (order === 'exponential') return -Math.log(agreements.reduce((sum, d) => sum + Math.exp(d), 0));
  return -agreements.reduce((sum, d) => sum + BigInt(d) ** BigInt(order), 0n);
}

const turned = (s: Int8Array, unit: number): Int8Array => s.map((v, i) => (i === unit ? -v : v));

test('by hand: three units, two patterns, order 3', () => {
  // with s = (1 1 1): agreements 3 and −1, so E = −3/3 (1 − 1/27); with s = (−1 1 1): 1 and −3
  const memory = denseHopfield({ patterns: [[1, 1, 1], [1, -1, -1]] }); // prettier-ignore
  expect(memory.energy([1, 1, 1])).toBeCloseTo(-26 / 27, 14);
  expect(memory.energy([-1, 1, 1])).toBeCloseTo(26 / 27, 14);
  expect(memory.field(Int8Array.of(-1, 1, 1), 0)).toBeCloseTo(26 / 27, 14);
});

test.each(orders)(
  'order %s: the energy is its definition, and a field half of the drop of the energy',
  (order) => {
    fc.assert(
      fc.property(cases, ({ N, patterns, probe }) => {
        const memory = denseHopfield({ patterns, order });
        const scaled = (s: Int8Array): number => {
          const E = energyOf(order, patterns, s);
          return typeof E === 'bigint' ? Number(E) / (Number(order) * N ** (Number(order) - 1)) : E;
        };
        expect(memory.energy(probe)).toBeCloseTo(scaled(probe), 11);
        for (let i = 0; i < N; i++) {
          const [up, down] = probe[i] > 0 ? [probe, turned(probe, i)] : [turned(probe, i), probe];
          expect(memory.field(probe, i)).toBeCloseTo((scaled(down) - scaled(up)) / 2, 11);
        }
      }),
      { numRuns: 30 },
    );
  },
);

test('order 2 is the Hebbian network: the same fields, and the same energy but for the constant P/2', () => {
  fc.assert(
    fc.property(cases, ({ N, P, patterns, probe }) => {
      const [dense, hebbian] = [denseHopfield({ patterns, order: 2 }), hopfield({ patterns })];
      expect(dense.energy(probe)).toBeCloseTo(hebbian.energy(probe) - P / 2, 12);
      for (let i = 0; i < N; i++) expect(dense.field(probe, i)).toBeCloseTo(hebbian.field(probe, i), 12);
      const seed = () => ({ random: new Random(3) });
      expect(dense.recall(probe, seed()).state).toEqual(hebbian.recall(probe, seed()).state);
    }),
    { numRuns: 40 },
  );
});

test.each([2, 3, 4, 7])('order %s: sgn(0) keeps the state, also where rounding hides the zero', (order) => {
  let ties = 0;
  fc.assert(
    fc.property(cases, ({ N, patterns, probe }) => {
      const memory = denseHopfield({ patterns, order });
      for (let i = 0; i < N; i++) {
        const other = turned(probe, i);
        const rise = energyOf(order, patterns, other) as bigint;
        const now = energyOf(order, patterns, probe) as bigint;
        if (rise === now) ties++;
        const wanted = rise === now ? 0 : rise > now ? probe[i] : -probe[i];
        expect(Math.sign(memory.field(probe, i))).toBe(wanted);
      }
    }),
    { numRuns: 60, seed: 1 },
  );
  expect(ties).toBeGreaterThan(0); // else nothing was tested
});

test.each(orders)(
  'order %s: asynchronous recall lowers the energy with every change, to a fixed point',
  (order) => {
    fc.assert(
      fc.property(cases, ({ patterns, probe, random }) => {
        const memory = denseHopfield({ patterns, order });
        let last = Infinity;
        const moments = memory.steps(probe, { random });
        for (;;) {
          const { value, done } = moments.next();
          if (done) {
            expect(value.outcome).toBe('fixed point');
            value.state.forEach((s, i) => expect(s * memory.field(value.state, i)).toBeGreaterThanOrEqual(0));
            return;
          }
          expect(value.energy).toBeCloseTo(memory.energy(value.state), 9);
          expect(value.energy).toBeLessThan(last);
          last = value.energy;
        }
      }),
      { numRuns: 20 },
    );
  },
);

test.each(orders)(
  'order %s: synchronous recall ends in a fixed point or a cycle, and reports its length',
  (order) => {
    fc.assert(
      fc.property(cases, ({ patterns, probe }) => void endOf(order, patterns, probe)),
      { numRuns: 20 },
    );
  },
);

/** Recalls synchronously, and compares the length of the cycle with that of updates by hand. */
function endOf(order: EnergyOrder, patterns: Int8Array[], probe: Int8Array): string {
  const memory = denseHopfield({ patterns, order });
  const update = (s: Int8Array): Int8Array => s.map((own, i) => Math.sign(memory.field(s, i)) || own);
  const { outcome, period, state } = memory.recall(probe, { mode: 'synchronous' });
  let s = update(state);
  let length = 1;
  for (; s.join() !== state.join(); length++) s = update(s);
  expect(length).toBe(outcome === 'fixed point' ? 1 : outcome === '2-cycle' ? 2 : period);
  return outcome;
}

test.each([
  [3, 40],
  [4, 54],
  ['exponential', 7],
] as const)('order %s also has cycles of more than two states', (order, seed) => {
  // prettier-ignore
  const [probe, ...patterns] = randomPatterns(9, 9, new Random(seed));
  expect(endOf(order, patterns, probe)).toBe('longer cycle');
  expect(denseHopfield({ patterns, order }).recall(probe, { random: new Random(1) }).outcome).toBe(
    'fixed point',
  );
});

test('the negative of a pattern is stored by an even order only', () => {
  const [pattern] = randomPatterns(1, 40, new Random(2));
  for (const order of orders) {
    const { overlap } = denseHopfield({ patterns: [pattern], order }).recall(
      corrupt(pattern, 0.95, new Random(3)),
    );
    expect(overlap).toBe(order === 2 || order === 4 ? -1 : 1);
  }
});

test('far more patterns than units are stored without an error by a higher order', () => {
  const patterns = randomPatterns(200, 40, new Random(4));
  const wrong = orders.map((order) => bitError(denseHopfield({ patterns, order })));
  expect(wrong[0]).toBeGreaterThan(0.2);
  expect(wrong[2]).toBe(0);
  expect(wrong[4]).toBe(0);
});

test('correlated patterns: the exponential energy keeps apart what the Hebbian rule merges', () => {
  const random = new Random(5);
  const [first] = randomPatterns(1, 60, random);
  const patterns = Array.from({ length: 30 }, () => corrupt(first, 0.15, random));
  const right = (recall: (probe: Int8Array) => { pattern: number; overlap: number }): number =>
    patterns.filter((p, k) => {
      const { pattern, overlap } = recall(corrupt(p, 1 / 60, random));
      return pattern === k && overlap === 1;
    }).length;
  const [hebbian, dense] = [hopfield({ patterns }), denseHopfield({ patterns, order: 'exponential' })];
  expect(right((probe) => hebbian.recall(probe))).toBe(0);
  expect(right((probe) => dense.recall(probe))).toBe(30);
});

test('bit errors meet the theory of their order, within four deviations and the terms it neglects', () => {
  for (const order of [2, 3]) {
    const load = 1 / (2 * pairings(order));
    const [{ patterns, bitError: measured, expected }] = capacity({
      ...{ units: 60, loads: [load], order, probes: 1, random: new Random(6) },
    });
    expect(patterns).toBe(Math.round(load * 60 ** (order - 1)));
    expect(expected).toBe(expectedBitError(load, order));
    const deviation = Math.sqrt(expected / (60 * Math.min(patterns, 200)));
    expect(Math.abs(measured - expected)).toBeLessThan(4 * deviation + expected * 0.15);
  }
});

test('the error of one step is the same at equal loads per (2n − 3)!!', () => {
  expect([2, 3, 4, 5].map(pairings)).toEqual([1, 3, 15, 105]);
  expect(expectedBitError(0.15 / 15, 4)).toBeCloseTo(expectedBitError(0.15), 15);
});

const make = (order: unknown) => () => denseHopfield({ patterns: [[1, 1]], order } as never);
testErrors(RangeError, [
  [make(1), 'denseHopfield: order must be a whole number in 2 … 100, or exponential, got 1'],
  [make(2.5), 'denseHopfield: order must be a whole number in 2 … 100, or exponential, got 2.5'],
  [make(1000), 'denseHopfield: order must be a whole number in 2 … 100, or exponential, got 1000'],
  [
    () => denseHopfield({ patterns: [[1, 2]] }),
    'denseHopfield: pattern 0 must be of +1 and -1, got 2 at unit 1',
  ],
  [() => make(3)().recall([1]), 'denseHopfield.recall: the probe must hold 2 units, got 1'],
  [() => make(3)().recall([1, 1], { sweeps: 0 }), 'denseHopfield.recall: sweeps must be a whole number >= 1'],
  [() => bitError(make(3)(), 0), 'bitError: probes must be a whole number >= 1, got 0'],
  [() => expectedBitError(0.1, 1), 'expectedBitError: order must be a whole number >= 2, got 1'],
  [
    () => [...capacity({ units: 10, loads: [1], order: 3, rule: 'storkey' })],
    'capacity: rule must be left out, got storkey (order is 3)',
  ],
]);
testErrors(TypeError, [
  [make('cubic'), 'denseHopfield: order must be a number or exponential, got cubic'],
  [
    () => denseHopfield({ patterns: [[1]], rule: 'hebbian' } as never),
    'denseHopfield: options must be among patterns, order',
  ],
  [() => denseHopfield(undefined as never), 'denseHopfield: options must be an object, got undefined'],
]);

test.each<EnergyOrder>([2, 3, 5, 'exponential'])(
  'order %s: a field whose terms cancel in another order is zero',
  (order) => {
    const half = randomPatterns(90, 11, new Random(4));
    // each pattern has a twin with the other sign at unit 0, and the twins come in the opposite order
    const twins = half.map((x) => turned(x, 0)).reverse();
    const memory = denseHopfield({ patterns: [...half, ...twins], order });
    for (const state of half) {
      expect(memory.field(state, 0)).toBe(0);
      expect(memory.field(turned(state, 0), 0)).toBe(0);
    }
  },
);
