/** How many patterns a Hopfield network holds: what theory says, and the experiment beside it. */
import { must, mustCount, mustKnowKeys } from '../core/check';
import { bound, equations } from '../core/equations/equations';
import { executorOf } from '../core/executor';
import { Random } from '../core/random';
import { tensor, toFlat, zeros } from '../core/tensor';
import { hopfield, type Hopfield } from './network';
import { corrupt, randomPatterns } from './patterns';
import type { StorageRule } from './storage';

/**
 * The share of units that a first update turns away from a stored pattern when α N random ones are stored by the Hebbian
 * rule: ½ erfc(√(1/(2α))), the chance that the others' part of a unit's field, normal with variance α, exceeds its own.
 *
 * Source: Hertz, Krogh & Palmer 1991, "Introduction to the theory of neural computation", section 2.2.
 * @throws RangeError unless the load α = P/N is above 0.
 * @example expectedBitError(0.138) // 0.00355
 */
export function expectedBitError(load: number): number {
  must(load > 0, 'expectedBitError', 'the load must be > 0', load);
  return erfc(Math.sqrt(1 / (2 * load))) / 2;
}

const turning = equations(
  'hopfield, bit error',
  'patterns [P, N]   W [N, N]   tie [1]   writes h, turned [P, N]   count [N]',
  `h = patterns @ W
   turned = step(-h * patterns - tie)      # a field against the unit, beyond rounding
   count = sum(turned)`,
);

/**
 * The share of units, over all stored patterns, that one update of the pattern changes.
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

/** The experiment of `capacity`: how large the networks are, how full, and how many are tried. */
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
  /** Share of units that are flipped before the recall; default 0. */
  flip?: number;
  /** Draws the patterns, the flips and the order of the updates; default a generator of seed 0. */
  random?: Random;
}

/** What came of one load, on average over its networks. */
export interface CapacityRow {
  /** α, as it was asked for. */
  load: number;
  /** P, the load's share of N, rounded. */
  patterns: number;
  /** Share of units of stored patterns that one update changes, and what theory expects of the Hebbian rule. */
  bitError: number;
  expected: number;
  /** Overlap of the recalled with the stored pattern, on average. */
  overlap: number;
  /** Share of recalls that end with at most 5 % of the units wrong. */
  recalled: number;
}

/**
 * Stores random patterns at growing loads α = P/N, and recalls some of them.
 *
 * With the Hebbian rule the overlap stays near 1 up to α ≈ 0.138, and then breaks down (Amit, Gutfreund & Sompolinsky
 * 1985); the larger N, the more suddenly.
 * @returns a row for each load, as it is finished.
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
      // patterns drawn at random need not be chosen at random
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

/** Overlap from which on a pattern counts as recalled: at most 5 % of its units are wrong. */
const RECALLED = 0.9;

const mean = (numbers: readonly number[]): number => numbers.reduce((sum, x) => sum + x, 0) / numbers.length;

/** 2/√π ∫ exp(−t²) dt from x ≥ 0 on: a series below 2, a continued fraction above (Abramowitz & Stegun 7.1.6, 7.1.14). */
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
