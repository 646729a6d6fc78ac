/** Pieces of chords that sound a little like chorales: something to learn where the real ones are not at hand. */
import type { Random } from '../core/random';

/** A chord is the pitches that sound, as MIDI numbers 21 (A0) … 108 (C8); a piece is its chords, step by step. */
export type Chord = number[];
export type Piece = Chord[];

/** C major from C1 up: each voice walks along it. */
const scale = Array.from(
  { length: 43 },
  (_, k) => 24 + 12 * Math.floor(k / 7) + [0, 2, 4, 5, 7, 9, 11][k % 7],
);
/** Where the four voices start, as steps of the scale: bass, tenor, alto, soprano. */
const voices = [14, 18, 23, 28];

/**
 * A piece of `length` chords of four voices. From chord to chord each voice stays with probability ½ or moves to the next
 * note of the scale, up or down alike, but no further than three notes from where it began.
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
