/**
 * Krotov & Hopfield 2016, "Dense associative memory for pattern recognition" (NIPS 29), section 2, and Demircigil, Heusel,
 * Löwe, Upgang & Vermet 2017, "On a model of associative memory with huge storage capacity" (Journal of Statistical Physics
 * 168, 288).
 *
 * Task: store P random patterns in N units, with an energy of order n or the exponential one, and update every unit of a
 * stored pattern once.
 *
 * Measured: the fraction of units that this update flips at the load where theory expects 0.5 %, and the capacity, the
 * largest P at which it flips at most 0.5 %, by bisection with other random patterns.
 *
 * Published: for large N, P = α N^(n−1) patterns give an error of ½ erfc(√(1/(2 (2n − 3)!! α))); with the exponential
 * energy, 2^(N/2) patterns become stable as N grows, so the capacity exceeds that in the end.
 */
import { Random } from '../core/random/random';
import { bitError, expectedBitError, pairings } from '../hopfield/capacity';
import { denseHopfield, type EnergyOrder } from '../hopfield/dense';
import { randomPatterns } from '../hopfield/patterns';
import type { Paper, PaperRow, Size } from './paper';

/** The bit error that defines the capacity. */
const ALLOWED = 0.005;
/** The patterns whose units are updated, at most. */
const PROBES = 200;

export const modernHopfield: Paper = {
  name: 'modern-hopfield',
  title: 'Dense associative memory: capacity against the order of the energy',
  citation:
    'Krotov & Hopfield 2016, Dense associative memory for pattern recognition; Demircigil et al. 2017',
  figuresFrom: 'computed from the formulas of both papers, for large N',
  about: [
    'random patterns; the capacity is the largest number of patterns at which one update flips at most 0.5 % of the units',
    'published for order n is the theory for large N, P ~ N^(n-1); these networks are small',
    'published for the exponential energy is a lower bound for large N, 2^(N/2)',
  ],
  measures: {
    bitError: { title: "bit error at the theory's capacity", digits: 4 },
    capacity: { title: 'capacity', digits: 0, scale: 'log' },
  },
  rows(size: Size): PaperRow[] {
    const full = size === 'full';
    const polynomial = [2, 3, 4].flatMap((order) => (full ? [16, 32, 64] : [16]).map((N) => rowOf(order, N)));
    const exponential = (full ? [8, 12, 16, 20] : [8]).map((N) => rowOf('exponential', N));
    return [...polynomial, ...exponential].map((row) => ({ ...row, seeds: full ? 5 : 1 }));
  },
};

/** The number of patterns that theory allows. */
export const expectedCapacity = (order: EnergyOrder, N: number): number =>
  order === 'exponential' ? 2 ** (N / 2) : allowedLoad(order) * N ** (order - 1);

/** The load α at which the expected bit error is 0.5 %; it is the same times (2n − 3)!! for all orders. */
function allowedLoad(order: number): number {
  let [low, high] = [0.01, 1];
  for (let k = 0; k < 60; k++) {
    const middle = (low + high) / 2;
    if (expectedBitError(middle) < ALLOWED) low = middle;
    else high = middle;
  }
  return low / pairings(order);
}

function rowOf(order: EnergyOrder, N: number): PaperRow {
  const expected = expectedCapacity(order, N);
  const exponential = order === 'exponential';
  return {
    name: `${exponential ? order : `order ${order}`}, N = ${N}`,
    settings: { order, units: N, probes: PROBES },
    published: { bitError: exponential ? '→ 0' : ALLOWED, capacity: expected },
    seeds: 1,
    run: ({ seed, progress }) => {
      const random = new Random(seed);
      const errorAt = (P: number, trials: number): number => {
        let sum = 0;
        for (let k = 0; k < trials; k++)
          sum += bitError(denseHopfield({ patterns: randomPatterns(P, N, random), order }), PROBES);
        return sum / trials;
      };
      // about as many updated units for few patterns as for many
      const trialsOf = (P: number): number => Math.ceil(PROBES / Math.min(P, PROBES));
      const measured = (P: number): number => errorAt(P, trialsOf(P));
      const bit = errorAt(Math.round(expected), 4 * trialsOf(expected));
      let [low, high] = [1, 2];
      while (measured(high) <= ALLOWED) [low, high] = [high, 2 * high];
      progress(0.5);
      while (high - low > Math.max(1, 0.02 * low)) {
        const middle = Math.round((low + high) / 2);
        if (measured(middle) <= ALLOWED) low = middle;
        else high = middle;
      }
      return { bitError: bit, capacity: low };
    },
  };
}
