/**
 * The adding problem: predict the sum of two marked numbers that are far apart, at the end of the sequence.
 *
 * A sequence of pairs [value, marker], with a length drawn from T … T + T/10. The values are uniform in [−1, 1). One of the
 * first ten pairs is marked, then one of the unmarked among the first T/2 − 1 pairs; their values are X1 and X2. Markers are
 * 1 on these two, −1 on the first and the last pair, 0 elsewhere. If the first pair is marked, its marker is 1 and its value
 * 0.
 * Target: 0.5 + (X1 + X2) / 4.
 *
 * Source: Hochreiter & Schmidhuber 1997, experiment 4.
 */
import { must } from '../core/check';
import type { Random } from '../core/random/random';

export interface Sum {
  pairs: [value: number, marker: number][];
  /** Positions of the two marked pairs. */
  marked: [first: number, second: number];
  target: number;
}

/** @throws RangeError for a T below 20, whose first half is shorter than ten pairs. */
export function adding(random: Random, T: number): Sum {
  must(Number.isInteger(T) && T >= 20, 'adding', 'T must be a whole number >= 20', T);
  const length = T + random.below(Math.floor(T / 10) + 1);
  const pairs = Array.from({ length }, (): [number, number] => [random.uniform(-1, 1), 0]);
  pairs[0][1] = pairs[length - 1][1] = -1;
  const first = random.below(10);
  // the second one is an index among the remaining pairs
  const place = random.below(Math.floor(T / 2) - 1);
  const second = place < first ? place : place + 1;
  for (const k of [first, second]) {
    pairs[k][1] = 1;
    if (k === 0) pairs[k][0] = 0;
  }
  return { pairs, marked: [first, second], target: 0.5 + (pairs[first][0] + pairs[second][0]) / 4 };
}
