import fc from 'fast-check';
import { hopfield, type Hopfield } from '../hopfield/network';
import { corrupt, randomPatterns } from '../hopfield/patterns';
import {
  followed,
  modes,
  unitsOff,
  type RecallStep,
  type RecallResult,
  type RecallOptions,
} from '../hopfield/recall';
import { ruleNames } from '../hopfield/storage';
import { Random } from '../core/random/random';
import { tensor, toFlat, toNested } from '../core/tensor';
import { distance } from './executors';
import { testErrors } from './errors';

const flip = (state: ArrayLike<number>): number[] => Array.from(state, (s) => -s);

/** All moments of a recall, with copies of the states, and its end. */
function watch(net: Hopfield, probe: ArrayLike<number>, options: RecallOptions) {
  const moments: RecallStep[] = [];
  const run = net.steps(probe, options);
  for (;;) {
    const { value, done } = run.next();
    if (done) return { moments, end: value satisfies RecallResult };
    moments.push({ ...value, state: value.state.slice() });
  }
}

/** Patterns, a probe and a seed; ties are frequent, since N is small. */
const cases = fc
  .record({ N: fc.integer({ min: 2, max: 12 }), P: fc.integer({ min: 1, max: 6 }), seed: fc.nat(1e6) })
  .map(({ N, P, seed }) => {
    const random = new Random(seed);
    const [probe, ...patterns] = randomPatterns(P + 1, N, random);
    return { N, P, patterns, probe, random };
  });

describe('storage', () => {
  test('Hebbian by hand: two patterns of four units', () => {
    // ξξᵀ + ηηᵀ for ξ = (1 1 1 −1), η = (1 −1 1 1): where the products agree 2, where they differ 0
    const net = hopfield({ patterns: [[1, 1, 1, -1], [1, -1, 1, 1]] }); // prettier-ignore
    const w = 2 / 4;
    expect(toNested(net.weights)).toEqual([
      [0, 0, w, 0],
      [0, 0, 0, -w],
      [w, 0, 0, 0],
      [0, -w, 0, 0],
    ]);
    expect(net.energy([1, 1, 1, -1])).toBe(-1); // −½ · 2 (w_02 + w_13 · −1)
    expect(net.energy([1, 1, -1, -1])).toBe(0);
  });

  test('Storkey, from its definition with sums over all k', () => {
    fc.assert(
      fc.property(cases, ({ N, patterns }) => {
        let w = Array.from({ length: N }, () => Array<number>(N).fill(0));
        for (const x of patterns) {
          const h = (i: number, j: number): number =>
            w[i].reduce((sum, weight, k) => (k === i || k === j ? sum : sum + weight * x[k]), 0);
          w = w.map((row, i) =>
            row.map((weight, j) =>
              i === j ? 0 : weight + (x[i] * x[j]) / N - (x[i] * h(j, i)) / N - (h(i, j) * x[j]) / N,
            ),
          );
        }
        const { weights } = hopfield({ patterns, rule: 'storkey' });
        expect(distance(toFlat(weights), w.flat())).toBeLessThan(1e-12);
      }),
    );
  });

  test('the pseudo-inverse projects on the patterns: with its diagonal, W ξ = ξ and W W = W', () => {
    const patterns = randomPatterns(5, 17, new Random(3));
    const { weights } = hopfield({ patterns, rule: 'pseudo-inverse' });
    // tr W = P, and each pattern gives w_ii = 1 − Σ_{j≠i} w_ij ξ_j ξ_i
    const w = toNested(weights) as number[][];
    const diagonals = patterns.map((x) =>
      w.map((row, i) => 1 - row.reduce((sum, weight, j) => sum + weight * x[j], 0) * x[i]),
    );
    for (const diagonal of diagonals) diagonal.forEach((d, i) => expect(d).toBeCloseTo(diagonals[0][i], 12));
    expect(diagonals[0].reduce((sum, d) => sum + d, 0)).toBeCloseTo(5, 11);
    w.forEach((row, i) => (row[i] = diagonals[0][i]));
    w.forEach((row) =>
      w.forEach((_, j) =>
        expect(row.reduce((sum, weight, k) => sum + weight * w[k][j], 0)).toBeCloseTo(row[j], 12),
      ),
    );
  });

  test.each(ruleNames)('%s weights are symmetric and their diagonal is zero', (rule) => {
    const { weights } = hopfield({ patterns: randomPatterns(7, 23, new Random(1)), rule });
    for (let i = 0; i < 23; i++) {
      expect(weights.get(i, i)).toBe(0);
      for (let j = 0; j < i; j++) expect(weights.get(i, j)).toBeCloseTo(weights.get(j, i), 15);
    }
  });

  test('the scale is 1/N, so that one pattern alone has energy −(N − 1)/2', () => {
    for (const rule of ruleNames) {
      const [pattern] = randomPatterns(1, 50, new Random(2));
      expect(hopfield({ patterns: [pattern], rule }).energy(pattern)).toBeCloseTo(-49 / 2, 12);
    }
  });

  test('every linearly independent pattern is a fixed point of the pseudo-inverse, also correlated ones', () => {
    const random = new Random(5);
    const [first] = randomPatterns(1, 40, random);
    const patterns = [first, ...Array.from({ length: 19 }, () => corrupt(first, 0.2, random))];
    const still = (rule: (typeof ruleNames)[number]): number => {
      const net = hopfield({ patterns, rule });
      return patterns.filter((p) => net.recall(p).overlap === 1 && net.recall(p).sweeps === 1).length;
    };
    expect(still('pseudo-inverse')).toBe(20);
    expect(still('storkey')).toBeGreaterThan(still('hebbian'));
  });
});

describe('asynchronous recall', () => {
  test('sgn(0) keeps the state, also where rounding hides the zero', () => {
    // integers instead of multiples of 1/N: the field without rounding
    let [hidden, wrong] = [0, 0];
    fc.assert(
      fc.property(cases, ({ N, patterns, probe }) => {
        const net = hopfield({ patterns });
        for (let i = 0; i < N; i++) {
          let exact = 0;
          let rounded = 0;
          for (let j = 0; j < N; j++) {
            if (j !== i) exact += patterns.reduce((sum, x) => sum + x[i] * x[j], 0) * probe[j];
            rounded += net.weights.get(i, j) * probe[j];
          }
          if (exact === 0 && rounded !== 0) hidden++;
          if (Math.sign(net.field(probe, i)) !== Math.sign(exact)) wrong++;
        }
      }),
      { numRuns: 300, seed: 1 },
    );
    expect(wrong).toBe(0);
    expect(hidden).toBeGreaterThan(0); // else nothing was tested
  });

  test('the same seed gives the same order, another one another', () => {
    const random = new Random(1);
    const net = hopfield({ patterns: randomPatterns(20, 60, random) });
    const probe = randomPatterns(1, 60, random)[0];
    const order = (seed: number) =>
      watch(net, probe, { random: new Random(seed) }).moments.flatMap(({ flipped }) => flipped);
    expect(order(7)).toEqual(order(7));
    expect(order(8)).not.toEqual(order(7));
    expect(net.recall(probe)).toEqual(net.recall(probe));
  });
});

describe('synchronous recall', () => {
  test('two units that want to agree swap for ever, and are reported as a 2-cycle', () => {
    const net = hopfield({ patterns: [[1, 1]] });
    const { moments, end } = watch(net, [1, -1], { mode: 'synchronous' });
    expect(end).toMatchObject({ outcome: '2-cycle', sweeps: 2, overlap: 0 });
    expect([...end.state, ...(end.other as Int8Array)]).toEqual([-1, 1, 1, -1]);
    expect(moments.map(({ flipped }) => flipped)).toEqual([[], [0, 1]]);
    expect(net.recall([1, -1], { mode: 'asynchronous' }).outcome).toBe('fixed point');
  });

  test('one sweep is one update of all units', () => {
    const random = new Random(4);
    const net = hopfield({ patterns: randomPatterns(3, 30, random) });
    const [probe] = randomPatterns(1, 30, random);
    const { state, outcome, sweeps } = net.recall(probe, { mode: 'synchronous', sweeps: 1 });
    expect(Array.from(state)).toEqual(Array.from(probe, (own, i) => Math.sign(net.field(probe, i)) || own));
    expect([outcome, sweeps]).toEqual(['stopped', 1]);
  });
});

describe('attractors', () => {
  test.each(modes)('%s: the mirror image of everything is recalled as well', (mode) => {
    fc.assert(
      fc.property(cases, fc.nat(1000), ({ patterns, probe }, seed) => {
        const net = hopfield({ patterns });
        expect(net.energy(flip(probe))).toBe(net.energy(probe));
        const [one, mirrored] = [probe, flip(probe)].map((start) =>
          net.recall(start, { mode, random: new Random(seed) }),
        );
        expect(flip(mirrored.state)).toEqual(Array.from(one.state));
        expect(mirrored.overlap).toBe(-one.overlap || 0);
        expect(mirrored.outcome).toBe(one.outcome);
      }),
    );
  });

  test('a mirrored attractor is named with its pattern and overlap −1', () => {
    const patterns = randomPatterns(3, 80, new Random(6));
    const net = hopfield({ patterns });
    const probe = corrupt(flip(patterns[1]), 0.1, new Random(7));
    expect(net.recall(probe)).toMatchObject({ outcome: 'fixed point', pattern: 1, overlap: -1 });
  });

  test.each(ruleNames)('%s recalls each of five patterns of 100 units with 20 %% of them flipped', (rule) => {
    const random = new Random(8);
    const patterns = randomPatterns(5, 100, random);
    const net = hopfield({ patterns, rule });
    patterns.forEach((pattern, k) => {
      for (const mode of modes)
        expect(net.recall(corrupt(pattern, 0.2, random), { mode })).toMatchObject({ pattern: k, overlap: 1 });
    });
  });

  test('the probe is not changed, and a tensor of patterns will do', () => {
    const probe = [1, -1, 1, -1, -1];
    const net = hopfield({ patterns: tensor([[1, -1, 1, -1, 1]]) });
    expect(net.recall(probe).overlap).toBe(1);
    expect(probe).toEqual([1, -1, 1, -1, -1]);
    expect(net.overlaps([1, -1, 1, 1, -1])).toEqual([1 / 5]);
  });
});

describe('patterns', () => {
  test('the number of flipped units is rounded to the nearest whole number', () => {
    const wrong = (fraction: number, units: number): number =>
      corrupt(Array<number>(units).fill(1), fraction, new Random(1)).filter((s) => s < 0).length;
    expect([0, 0.1, 0.26, 0.29, 1].map((fraction) => wrong(fraction, 40))).toEqual([0, 4, 10, 12, 40]);
    // 0.58 · 50 = 28.999…96 in binary, 0.07 · 100 = 7.000…1
    expect([wrong(0.58, 50), wrong(0.07, 100)]).toEqual([29, 7]);
  });
});

/** Whether none of the patterns is a combination of the others, by elimination in whole numbers. */
function independent(patterns: readonly Int8Array[]): boolean {
  const left = patterns.map((p) => Array.from(p, BigInt));
  for (let p = 0; p < left.length; p++) {
    const pivot = left[p].findIndex((x) => x !== 0n);
    if (pivot < 0) return false;
    for (let q = p + 1; q < left.length; q++) {
      const [a, b] = [left[p][pivot], left[q][pivot]];
      left[q] = left[q].map((x, i) => x * a - left[p][i] * b);
    }
  }
  return true;
}

test('dependent patterns are refused by the pseudo-inverse, and only those', () => {
  let refused = 0;
  fc.assert(
    fc.property(cases, ({ patterns }) => {
      const make = () => hopfield({ patterns, rule: 'pseudo-inverse' });
      if (independent(patterns)) make();
      else {
        refused++;
        expect(make).toThrow('hopfield: patterns must be linearly independent, got pattern');
      }
    }),
    { seed: 1 },
  );
  expect(refused).toBeGreaterThan(0);
});

const net = hopfield({ patterns: [[1, -1, 1]] });
const make = (patterns: unknown, rule?: string) => () => hopfield({ patterns, rule } as never);
testErrors(RangeError, [
  [
    () => net.steps([1, 1]),
    'hopfield.steps: the probe must hold 3 units, got 2 (N = 3 is fixed by the patterns)',
  ],
  [make([]), 'hopfield: there must be at least one pattern, got none'],
  [make([[]]), 'hopfield: pattern 0 must hold 1 units, got 0'],
  [make([[1, 1, 1], [1, 1]]), 'hopfield: pattern 1 must hold 3 units, got 2 (the units of pattern 0)'], // prettier-ignore
  [make([[1, 0, 1]]), 'hopfield: pattern 0 must be of +1 and -1, got 0 at unit 1'],
  [make([[1, 1], [1, NaN]]), 'hopfield: pattern 1 must be of +1 and -1, got NaN at unit 1'], // prettier-ignore
  [make(tensor([1, 1])), 'hopfield: patterns must be [P, N], got [2]'],
  [
    make([[1, 1, 1], [-1, -1, -1]], 'pseudo-inverse'), // prettier-ignore
    'hopfield: patterns must be linearly independent, got pattern 1, which depends on others (a linear combination of those before it)',
  ],
  [
    make([[1, 1], [1, -1], [-1, 1]], 'pseudo-inverse'), // prettier-ignore
    'got pattern 2, which depends on others (3 patterns of 2 units are always dependent)',
  ],
  [() => net.recall([1, 1]), 'hopfield.recall: the probe must hold 3 units, got 2 (N = 3 is fixed by the patterns)'], // prettier-ignore
  [() => net.energy([1, 1, 2]), 'hopfield.energy: the state must be of +1 and -1, got 2 at unit 2'],
  [() => net.recall([1, 1, 1], { sweeps: 0 }), 'hopfield.recall: sweeps must be a whole number >= 1, got 0'],
  [() => corrupt([1], 1.5, new Random()), 'corrupt: the fraction of flipped units must be in 0 … 1, got 1.5'],
  [() => corrupt([], 0.5, new Random()), 'corrupt: the pattern must hold 1 units, got 0'],
  [() => randomPatterns(0, 5, new Random()), 'randomPatterns: count must be a whole number >= 1, got 0'],
]);
testErrors(TypeError, [
  [make('none'), 'hopfield: patterns must be a list or a tensor, got none'],
  [make([null]), 'hopfield: pattern 0 must be a list, got null'],
  [make([[1]], 'hebb'), 'hopfield: rule must be one of hebbian, storkey, pseudo-inverse, got hebb'],
  [() => hopfield(null as never), 'hopfield: options must be an object, got null'],
  [() => net.recall([1, 1, 1], { mode: 'both' as never }), 'hopfield.recall: mode must be one of'],
  [() => [...net.steps([1, 1, 1], { mode: 'both' as never })], 'hopfield.steps: mode must be one of'],
  [() => net.recall([1, 1, 1], { seed: 3 } as never), 'options must be among mode, random, sweeps, got seed'],
]);

test('a recall that is followed tells every energy, and in how many units it ends elsewhere', () => {
  const patterns = randomPatterns(2, 40, new Random(1));
  const net = hopfield({ patterns });
  const probe = corrupt(patterns[1], 0.2, new Random(2));
  const { moments, end: expected } = watch(net, probe, { random: new Random(3) });
  const { energies, end } = followed(net.steps(probe, { random: new Random(3) }));
  expect(end).toEqual(expected);
  expect(energies).toEqual(moments.map(({ energy }) => energy));
  const differing = (state: ArrayLike<number>): number =>
    patterns[end.pattern].filter((s, i) => s !== state[i]).length;
  expect(unitsOff(end)).toBe(differing(end.state));
  // the mirror image is as good
  expect([-1, 0.9, -0.9].map((overlap) => unitsOff({ ...end, overlap }))).toEqual([0, 2, 2]);
});
