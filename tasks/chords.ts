/** Generates pieces of chords that resemble chorales, as a substitute if the real ones are not available. */
import type { Random } from '../core/random/random';

/** A chord is a list of pitches as MIDI numbers 21 (A0) … 108 (C8); a piece is a list of chords. */
export type Chord = number[];
export type Piece = Chord[];

/** The C major scale from C1 upwards, along which each voice moves. */
const scale = Array.from(
  { length: 43 },
  (_, k) => 24 + 12 * Math.floor(k / 7) + [0, 2, 4, 5, 7, 9, 11][k % 7],
);
/** Initial positions of the four voices on the scale: bass, tenor, alto, soprano. */
const voices = [14, 18, 23, 28];

/**
 * A piece of `length` chords of four voices. From chord to chord, each voice stays with probability ½ or moves one note up
 * or down the scale with equal probability, but no further than three notes from its initial position.
 */
export function chords(random: Random, length: number): Piece {
  const places = [0, 0, 0, 0];
  return Array.from({ length }, () => {
    const chord = voices.map((start, k) => scale[start + places[k]]);
    for (let k = 0; k < places.length; k++) {
      if (random.below(2) === 0) continue;
      const step = random.below(2) === 0 ? 1 : -1;
      if (Math.abs(places[k] + step) <= 3) places[k] += step;
    }
    return [...new Set(chord)];
  });
}
