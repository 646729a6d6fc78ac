/** Recall of random probes in Hopfield networks. */
import fc from 'fast-check';
import { hopfield, type Hopfield } from '../hopfield/network';
import { randomPatterns } from '../hopfield/patterns';
import { type RecallStep, type RecallResult, type RecallOptions } from '../hopfield/recall';
import { ruleNames } from '../hopfield/storage';
import { Random } from '../core/random/random';

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

describe('asynchronous recall', () => {
  test.each(ruleNames)('%s: the energy falls with every change, to a fixed point', (rule) => {
    fc.assert(
      fc.property(cases, ({ N, P, patterns, probe, random }) => {
        fc.pre(rule !== 'pseudo-inverse' || independent(patterns));
        const net = hopfield({ patterns, rule });
        const { moments, end } = watch(net, probe, { random });
        moments.forEach(({ energy, state }, k) => {
          expect(energy).toBeCloseTo(net.energy(state), 9);
          if (k > 0) expect(energy).toBeLessThan(moments[k - 1].energy);
        });
        expect(end.outcome).toBe('fixed point');
        for (let i = 0; i < N; i++) expect(end.state[i] * net.field(end.state, i)).toBeGreaterThanOrEqual(0);
        expect(end.energy).toBeCloseTo(moments[moments.length - 1].energy, 12);
        expect(end.pattern).toBeLessThan(P);
      }),
    );
  });
});

describe('synchronous recall', () => {
  test.each(ruleNames)('%s: it ends in a fixed point or a 2-cycle, and says so rightly', (rule) => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(cases, ({ N, patterns, probe }) => {
        fc.pre(rule !== 'pseudo-inverse' || independent(patterns));
        const net = hopfield({ patterns, rule });
        const update = (s: Int8Array): Int8Array => s.map((own, i) => Math.sign(net.field(s, i)) || own);
        const { moments, end } = watch(net, probe, { mode: 'synchronous' });
        for (const [k, { state, energy }] of moments.entries()) {
          expect(energy).toBeCloseTo(net.energy(state), 9);
          if (k > 0) expect(state.join()).toBe(update(moments[k - 1].state).join());
        }
        const then = update(end.state);
        expect(update(then)).toEqual(end.state);
        expect(end.outcome).toBe(then.join() === end.state.join() ? 'fixed point' : '2-cycle');
        if (end.outcome === '2-cycle') expect(then).toEqual(end.other);
        expect(end.state.length).toBe(N);
        seen.add(end.outcome);
      }),
      { numRuns: 300, seed: 1 },
    );
    expect(seen.size).toBe(2);
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
