/**
 * Associative memory: letters are stored in a Hopfield network, corrupted, and recalled, one unit at a time.
 *
 * Data: four letters of 9 by 9 dots, drawn below. They are similar, which the Hebbian rule handles badly; compare
 * --rule hebbian and --rule storkey.
 */
import { corrupt, hopfield, Random, type StorageRule } from '../index';
import { example } from './example';

const LETTERS = `
.........  .........  .........  .........
..#####..  .#.....#.  .#######.  ....#....
.#.....#.  .##...##.  .#.......  ...#.#...
.#.......  .#.#.#.#.  .#.......  ...#.#...
.#.......  .#..#..#.  .#####...  ..#...#..
.#.......  .#.....#.  .#.......  ..#####..
.#.....#.  .#.....#.  .#.......  .#.....#.
..#####..  .#.....#.  .#######.  .#.....#.
.........  .........  .........  .........`;

export const hopfieldLetters = example({
  title: 'Hopfield network: corrupted letters, recalled',
  defaults: { rule: 'pseudo-inverse', flip: 0.15, trials: 50, seed: 1 },
  run({ rule, flip, trials, seed }, say) {
    const random = new Random(seed);
    const lines = LETTERS.trim()
      .split('\n')
      .map((line) => line.split('  '));
    const patterns = lines[0].map((_, k) =>
      [...lines.map((line) => line[k]).join('')].map((dot) => (dot === '#' ? 1 : -1)),
    );
    const memory = hopfield({ patterns, rule: rule as StorageRule });

    const probes = patterns.map((pattern) => corrupt(pattern, flip, random));
    const recalled = probes.map((probe) => memory.recall(probe, { random }).state);
    for (const row of [probes, recalled]) {
      const dots = lines.map((_, y) =>
        row
          .map((state) => Array.from(state.slice(9 * y, 9 * y + 9), (s) => (s > 0 ? '██' : '· ')).join(''))
          .join('  '),
      );
      say(`${row === probes ? `${100 * flip} % of the dots flipped` : 'recalled'}\n${dots.join('\n')}`);
    }

    // how often, over many probes, every dot is recalled correctly
    const right = Array.from({ length: trials * patterns.length }, (_, k) => {
      const which = k % patterns.length;
      const { pattern, overlap } = memory.recall(corrupt(patterns[which], flip, random), { random });
      return pattern === which && overlap === 1;
    }).filter(Boolean).length;
    const accuracy = right / (trials * patterns.length);
    say(`${trials * patterns.length} probes: ${(100 * accuracy).toFixed(1)} % recalled exactly (${rule})`);
    return accuracy;
  },
});
