/** The storage capacity of a Hopfield network, in theory and by experiment. */
import { isNumber, must, mustBeList, mustCount, mustKnowKeys } from '../core/check';
import { bound, lazyEquations } from '../core/equations/equations';
import { executorOf } from '../core/programs/executor';
import { mustBeRandom, Random } from '../core/random/random';
import { rows, tensor, toFlat, zeros } from '../core/tensor';
import { DenseFields, denseHopfield, type DenseHopfield } from './dense';
import { Hopfield, hopfield } from './network';
import { corrupt, randomPatterns, type HopfieldState } from './patterns';
import type { StorageRule } from './storage';

/**
 * The expected fraction of units of a stored pattern that the first update flips, with P = α N^(n−1) random patterns in a
 * network whose energy has order n: ½ erfc(√(1/(2 (2n − 3)!! α))), the probability that the crosstalk of the other patterns
 * in a unit's field, normal for large N, exceeds the signal. Order 2 is the Hebbian rule: ½ erfc(√(1/(2α))).
 *
 * Source: Hertz, Krogh & Palmer 1991, "Introduction to the theory of neural computation", section 2.2; for higher orders
 * Krotov & Hopfield 2016, "Dense associative memory for pattern recognition", section 2.
 * @throws RangeError unless the load α is above 0 and the order a whole number above 1.
 * @example
 * expectedBitError(0.138); // 0.00355
 * expectedBitError(0.138 / 3, 3); // 0.00355
 */
export function expectedBitError(load: number, order: number = 2): number {
  must(isNumber(load) && load > 0, 'expectedBitError', 'the load must be > 0', load);
  must(Number.isInteger(order) && order >= 2, 'expectedBitError', 'order must be a whole number >= 2', order);
  return erfc(Math.sqrt(1 / (2 * pairings(order) * load))) / 2;
}

/** (2n − 3)!!, the mean of x^(2n−2) for a standard normal x: the variance of the crosstalk of one pattern. */
export function pairings(order: number): number {
  let product = 1;
  for (let k = 2 * order - 3; k > 1; k -= 2) product *= k;
  return product;
}

const turning = lazyEquations(
  'hopfield, bit error',
  'patterns [P, N]   W [N, N]   tie [1]   writes h, turned [P, N]   count [N]',
  `h = patterns @ W
   turned = step(-h * patterns - tie)      # a field against the unit, beyond rounding
   count = sum(turned)`,
);

/**
 * The fraction of units, over the first `probes` of the stored patterns (default all), that one update flips.
 * @throws RangeError unless probes is a whole number above 0.
 * @example bitError(hopfield({ patterns: [[1, 1, -1, -1]] })) // 0
 */
export function bitError(net: Hopfield | DenseHopfield, probes: number = net.patterns.shape[0]): number {
  mustCount(probes, 'bitError', 'probes');
  const [P, N] = net.patterns.shape;
  const asked = Math.min(probes, P);
  if (net instanceof Hopfield) return hebbianBitError(net, asked);
  const fields = new DenseFields(net, executorOf());
  let wrong = 0;
  for (let p = 0; p < asked; p++) {
    const pattern = Int8Array.from(toFlat(net.patterns.pick(p)));
    const { next } = fields.of(pattern).all();
    wrong += pattern.filter((s, i) => s !== next[i]).length;
  }
  return wrong / (asked * N);
}

/** The same for a matrix of weights, as one product. */
function hebbianBitError(net: Hopfield, P: number): number {
  const { weights, units: N } = net;
  const patterns = rows(net.patterns, 0, P);
  const [h, turned, count] = [zeros([P, N]), zeros([P, N]), zeros([N])];
  bound(turning, executorOf(), { patterns, W: weights, tie: tensor([net.tie]), h, turned, count })();
  const wrong = toFlat(count).reduce((sum, one) => sum + one, 0);
  return wrong / (P * N);
}

/** Options of the experiment: size and load of the networks, and number of trials. */
export interface CapacityOptions {
  /** N; default 1000. */
  units?: number;
  /** Loads α = P/N, with an order n α = P/N^(n−1). */
  loads: readonly number[];
  /** How the patterns are stored; default hebbian. */
  rule?: StorageRule;
  /** The order n of the energy of a dense associative memory, instead of a rule. */
  order?: number;
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
  /** P = α N, or α N^(n−1), rounded. */
  patterns: number;
  /** Fraction of units of stored patterns that one update flips; `expected` is the theory for the Hebbian rule, or for the order. */
  bitError: number;
  expected: number;
  /** Mean overlap of the recalled with the stored pattern. */
  overlap: number;
  /** Fraction of recalls that end with at most 5 % of the units wrong. */
  recalled: number;
}

/**
 * Stores random patterns at given loads α = P/N, or α = P/N^(n−1) with an energy of order n, and recalls some of them.
 *
 * With the Hebbian rule the overlap stays near 1 up to α ≈ 0.138 and then drops, the larger N, the more sharply (Amit,
 * Gutfreund & Sompolinsky 1985).
 * @returns yields a row for each load as soon as it is finished.
 * @throws RangeError for counts below 1, or a load that leaves no pattern.
 * @example for (const row of capacity({ units: 200, loads: [0.1, 0.2] })) console.log(row.overlap);
 */
export function* capacity(options: CapacityOptions): Generator<CapacityRow, void, void> {
  const where = 'capacity';
  mustKnowKeys(options, ['units', 'loads', 'rule', 'order', 'trials', 'probes', 'flip', 'random'], where);
  const {
    units = 1000,
    loads,
    rule,
    order,
    trials = 1,
    probes = 10,
    flip = 0,
    random = new Random(),
  } = options;
  for (const [name, count] of Object.entries({ units, trials, probes })) mustCount(count, where, name);
  mustBeRandom(random, where);
  mustBeList(loads, where, 'loads', 'numbers');
  must(order === undefined || rule === undefined, where, 'rule must be left out', rule, `order is ${order}`);
  const most = units ** ((order ?? 2) - 1);
  const counts = loads.map((load) => Math.round(load * most));
  counts.forEach((P, k) => must(P >= 1, where, `each load must be at least 1/${most}`, loads[k]));
  const make = (patterns: HopfieldState[]): Hopfield | DenseHopfield =>
    order === undefined ? hopfield({ patterns, rule }) : denseHopfield({ patterns, order });

  for (const [k, P] of counts.entries()) {
    const asked = Math.min(probes, P);
    const [errors, overlaps]: number[][] = [[], []];
    for (let trial = 0; trial < trials; trial++) {
      const patterns = randomPatterns(P, units, random);
      const net = make(patterns);
      errors.push(bitError(net, order === undefined ? P : Math.min(P, MOST_PATTERNS)));
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
      expected: expectedBitError(loads[k], order),
      overlap: mean(overlaps),
      recalled: mean(overlaps.map((m) => (m >= RECALLED ? 1 : 0))),
    };
  }
}

/** Number of patterns at most whose bit errors are counted with an order: every one costs a pass over all patterns. */
const MOST_PATTERNS = 200;

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
