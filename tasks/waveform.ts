/** Generates random sounds that a network without input must memorize. */
import { greatest } from '../core/programs/reduce';
import { sinOfTurn } from '../core/random/portable';
import type { Random } from '../core/random/random';

/** Number of periods of the slowest and the fastest sine in 320 samples: 140 Hz to 4.1 kHz at 44,100 samples a second. */
const FREQUENCIES = [1, 30] as const;
const PARTIALS = 12;

/**
 * T samples of a sum of twelve sines with random frequencies, amplitudes and phases, the fast ones weaker as in most
 * sounds, scaled to a maximum of 1. The frequencies have no common period, so nothing repeats.
 *
 *   y_t = Σ_k a_k sin 2π(f_k t / 320 + φ_k)     f uniform in 1 … 30, a normal / √f, φ uniform in 0 … 1
 *
 * @example waveform(new Random(1), 320).length // 320
 */
export function waveform(random: Random, T: number): number[] {
  const partials = Array.from({ length: PARTIALS }, () => {
    const frequency = random.uniform(...FREQUENCIES);
    return {
      frequency,
      strength: random.normal() / Math.sqrt(frequency),
      phase: random.uniform(),
    };
  });
  const y = Array.from({ length: T }, (_, t) =>
    partials.reduce(
      (sum, { frequency, strength, phase }) => sum + strength * sinOfTurn((frequency * t) / 320 + phase),
      0,
    ),
  );
  const largest = greatest(y.map(Math.abs));
  return y.map((sample) => sample / largest);
}
