/**
 * Amit, Gutfreund & Sompolinsky 1985, "Storing infinite numbers of patterns in a spin-glass model of neural networks"
 * (Physical Review Letters 55, 1530), and the one-step error derived by Hopfield 1982.
 *
 * Task: store α N random patterns in N units by the Hebbian rule, and recall each from the exact pattern.
 *
 * Measured: the fraction of units that the first update flips, and the overlap of the pattern with the final state of
 * asynchronous recall.
 *
 * Published, for N → ∞: the bit error ½ erfc(√(1/(2α))); the overlap m = erf(y) with the largest y that solves
 *
 *   y (√(2α) + 2/√π exp(−y²)) = erf(y)
 *
 * which exists up to α = 0.1379. There m is still 0.967; beyond, recall breaks down.
 */
import { capacity, expectedBitError } from '../hopfield/capacity';
import { Random } from '../core/random/random';
import type { Paper, PaperRow, Size } from './paper';

const LOADS = [0.05, 0.08, 0.1, 0.12, 0.13, 0.138, 0.145, 0.15, 0.16, 0.18, 0.2];

export const hopfield: Paper = {
  name: 'hopfield',
  title: 'Hopfield network: bit errors and overlap against the load α = P/N',
  citation:
    'Amit, Gutfreund & Sompolinsky 1985, Storing infinite numbers of patterns in a spin-glass model of neural networks',
  figuresFrom: 'computed from the formulas of the theory, for N → ∞',
  about: [
    'random patterns, Hebbian rule, N = 1000; recall starts from the pattern itself, one unit at a time',
    'published is the theory for N → ∞: there the overlap is 0.967 at α = 0.1379 and breaks down beyond',
    'at 1000 units the transition is gradual',
  ],
  measures: {
    bitError: { title: 'bit error of one step', digits: 5 },
    overlap: { title: 'overlap after recall', digits: 3 },
    recalled: { title: 'share recalled', digits: 2 },
  },
  rows(size: Size): PaperRow[] {
    const full = size === 'full';
    return (full ? LOADS : [0.05, 0.138, 0.25]).map((load) => {
      const settings = { units: full ? 1000 : 200, trials: full ? 4 : 1, probes: full ? 25 : 5 };
      return {
        name: `α = ${load.toFixed(3)}`,
        settings: { load, ...settings },
        published: { bitError: expectedBitError(load), overlap: expectedOverlap(load) ?? 'breaks down' },
        seeds: full ? 5 : 1,
        run: ({ seed }) => {
          const [row] = capacity({ ...settings, loads: [load], random: new Random(seed) });
          const { bitError, overlap, recalled } = row;
          return { bitError, overlap, recalled };
        },
      };
    });
  },
};

/** erf(y), computed from the bit error ½ erfc(√(1/(2α))). */
const erf = (y: number): number => 1 - 2 * expectedBitError(1 / (2 * y * y));

/** The overlap after recall for N → ∞; undefined if no state near the pattern is stable. */
export function expectedOverlap(load: number): number | undefined {
  const rest = (y: number): number =>
    erf(y) - y * (Math.sqrt(2 * load) + (2 / Math.sqrt(Math.PI)) * Math.exp(-y * y));
  // negative for large y: search downwards for the first sign change, then bisect
  const STEP = 1e-3;
  let high = 1 / Math.sqrt(2 * load);
  while (high > 1 && rest(high - STEP) < 0) high -= STEP;
  if (high <= 1) return undefined;
  let low = high - STEP;
  for (let k = 0; k < 50; k++) {
    const middle = (low + high) / 2;
    if (rest(middle) < 0) high = middle;
    else low = middle;
  }
  return erf(high);
}
