/**
 * Counting modulo m, the simplest state tracking: after each of some random bits, the number of ones so far modulo m. With
 * m = 2 it is the parity.
 *
 * Source: Delétang et al. 2022, "Neural networks and the Chomsky hierarchy" (arXiv 2207.02098): their parity check, and a
 * walk on a cycle that only goes forward or stays.
 */
import type { Random } from '../core/random/random';

export interface Counted {
  bits: number[];
  /** Number of ones among the bits up to this one, modulo m. */
  counts: number[];
}

/** `shortest` … `longest` bits, all lengths equally likely. */
export function counting(random: Random, modulus: number, shortest: number, longest: number): Counted {
  const length = shortest + random.below(longest - shortest + 1);
  const bits = Array.from({ length }, () => random.below(2));
  let count = 0;
  return { bits, counts: bits.map((bit) => (count = (count + bit) % modulus)) };
}
