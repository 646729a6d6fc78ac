/**
 * The Mackey–Glass series: a differential equation with a delay, chaotic for delays above about 17.
 *
 *   dx/dt = 0.2 x(t − τ) / (1 + x(t − τ)^10) − 0.1 x(t)
 *
 * Source: Mackey & Glass 1977, "Oscillation and chaos in physiological control systems"; the steps of 0.1, of which every
 * tenth is kept, and the random history around 1.2 are those of the code of Voelker et al. 2019.
 */
import type { Random } from '../core/random/random';

/** Steps for each unit of time. */
const FINE = 10;
/** Samples that are dropped at the beginning, so that the series is on its attractor. */
const WASHOUT = 100;

/**
 * `length` samples at times 1 apart, by Euler's method, from a history that is uniform in 1.1 … 1.3.
 * @example mackeyGlass(new Random(1), 300).length // 300
 */
export function mackeyGlass(random: Random, length: number, delay = 17): Float64Array {
  const history = Float64Array.from({ length: delay * FINE }, () => random.uniform(1.1, 1.3));
  const samples = new Float64Array(length);
  let x = 1.2;
  for (let k = 0; k < (WASHOUT + length) * FINE; k++) {
    const past = history[k % history.length];
    history[k % history.length] = x;
    x += ((0.2 * past) / (1 + tenthPower(past)) - 0.1 * x) / FINE;
    const t = Math.floor(k / FINE) - WASHOUT;
    if (t >= 0) samples[t] = x;
  }
  return samples;
}

/** By products alone, whose bits are the same on every machine. */
function tenthPower(x: number): number {
  const square = x * x;
  const fourth = square * square;
  return fourth * fourth * square;
}
