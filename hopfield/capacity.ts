/** The storage capacity of a Hopfield network, in theory and by experiment. */
import { must, mustCount, mustKnowKeys } from '../core/check';
import { bound, lazyEquations } from '../core/equations/equations';
import { executorOf } from '../core/executor';
import { Random } from '../core/random';
import { tensor, toFlat, zeros } from '../core/tensor';
import { hopfield, type Hopfield } from './network';
import { corrupt, randomPatterns } from './patterns';
import type { StorageRule } from './storage';

/**
 * The expected fraction of units of a stored pattern that the first update flips, with α N random patterns stored by the
 * Hebbian rule: ½ erfc(√(1/(2α))), the probability that the crosstalk of the other patterns in a unit's field, normal with
 * variance α, exceeds the signal.
 *
 * Source: Hertz, Krogh & Palmer 1991, "Introduction to the theory of neural computation", section 2.2.
 * @throws RangeError unless the load α = P/N is above 0.
 * @example expectedBitError(0.138) // 0.00355
 */
export function expectedBitError(load: number): number {
  must(load > 0, 'expectedBitError', 'the load must be > 0', load);
  return erfc(Math.sqrt(1 / (2 * load))) / 2;
}

const turning = lazyEquations(
  'hopfield, bit error',
  'patterns [P, N]   W [N, N]   tie [1]   writes h, turned [P, N]   count [N]',
  `h = patterns @ W
   turned = step(-h * patterns - tie)      # a field against the unit, beyond rounding
   count = sum(turned)`,
);

/**
 * The fraction of units, over all stored patterns, that one update flips.
 * @example bitError(hopfield({ patterns: [[1, 1, -1, -1]] })) // 0
 */
export function bitError(net: Hopfield): number {
  const { patterns, weights } = net;
  const [P, N] = patterns.shape;
  const [h, turned, count] = [zeros([P, N]), zeros([P, N]), zeros([N])];
  bound(turning, executorOf(), { patterns, W: weights, tie: tensor([net.tie]), h, turned, count })();
  const wrong = toFlat(count).reduce((sum, one) => sum + one, 0);
  return wrong / (P * N);
}

/** Options of the experiment: size and load of the networks, and number of trials. */
export interface CapacityOptions {
  /** N; default 1000. */
  units?: number;
  /** Loads α = P/N. */
  loads: readonly number[];
  /** How the patterns are stored; default hebbian. */
  rule?: StorageRule;
  /** Networks for each load; default 1. */
  trials?: number;
  /** Patterns of each network that are recalled; default 10. */
  probes?: number;
  /** Fraction of units flipped before recall; default 0. */
  flip?: number;
  /** Generator of patterns, flips and update order; default one of seed 0. */
  random?: Random;
}

/** Results for one load, averaged over its networks. */
export interface CapacityRow {
  /** α, as requested. */
  load: number;
  /** P = α N, rounded. */
  patterns: number;
  /** Fraction of units of stored patterns that one update flips; `expected` is the theory for the Hebbian rule. */
  bitError: number;
  expected: number;
  /** Mean overlap of the recalled with the stored pattern. */
  overlap: number;
  /** Fraction of recalls that end with at most 5 % of the units wrong. */
  recalled: number;
}

/**
 * Stores random patterns at given loads α = P/N, and recalls some of them.
 *
 * With the Hebbian rule the overlap stays near 1 up to α ≈ 0.138 and then drops, the larger N, the more sharply (Amit,
 * Gutfreund & Sompolinsky 1985).
 * @returns yields a row for each load as soon as it is finished.
 * @throws RangeError for counts below 1, or a load that leaves no pattern.
 * @example for (const row of capacity({ units: 200, loads: [0.1, 0.2] })) console.log(row.overlap);
 */
export function* capacity(options: CapacityOptions): Generator<CapacityRow, void, void> {
  const where = 'capacity';
  mustKnowKeys(options, ['units', 'loads', 'rule', 'trials', 'probes', 'flip', 'random'], where);
  const { units = 1000, loads, rule, trials = 1, probes = 10, flip = 0, random = new Random() } = options;
  for (const [name, count] of Object.entries({ units, trials, probes })) mustCount(count, where, name);
  const counts = loads.map((load) => Math.round(load * units));
  counts.forEach((P, k) => must(P >= 1, where, `each load must be at least 1/${units}`, loads[k]));

  for (const [k, P] of counts.entries()) {
    const asked = Math.min(probes, P);
    const [errors, overlaps]: number[][] = [[], []];
    for (let trial = 0; trial < trials; trial++) {
      const patterns = randomPatterns(P, units, random);
      const net = hopfield({ patterns, rule });
      errors.push(bitError(net));
      // the patterns are random, so the first ones are a random sample
      for (let p = 0; p < asked; p++) {
        const { state } = net.recall(corrupt(patterns[p], flip, random), { random });
        overlaps.push(net.overlaps(state)[p]);
      }
    }
    yield {
      load: loads[k],
      patterns: P,
      bitError: mean(errors),
      expected: expectedBitError(loads[k]),
      overlap: mean(overlaps),
      recalled: mean(overlaps.map((m) => (m >= RECALLED ? 1 : 0))),
    };
  }
}

/** Minimum overlap for a pattern to count as recalled: at most 5 % of its units are wrong. */
const RECALLED = 0.9;

const mean = (numbers: readonly number[]): number => numbers.reduce((sum, x) => sum + x, 0) / numbers.length;

/** 2/√π ∫ₓ^∞ exp(−t²) dt for x ≥ 0: series below 2, continued fraction above (Abramowitz & Stegun 7.1.6, 7.1.14). */
function erfc(x: number): number {
  const gauss = Math.exp(-x * x) / Math.sqrt(Math.PI);
  if (x < 2) {
    let [term, sum] = [x, x];
    for (let n = 1; term > (sum * Number.EPSILON) / 4; n++) sum += term *= (2 * x * x) / (2 * n + 1);
    return 1 - 2 * gauss * sum;
  }
  let fraction = x;
  for (let n = 60; n > 0; n--) fraction = x + n / 2 / fraction;
  return gauss / fraction;
}
