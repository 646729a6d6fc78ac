/** The chorales as the paper scores them: inputs, targets, and the notes that count. */
import { batchOf, chorales, shuffled } from '../papers/chorales';
import { Random } from '../core/random/random';
import type { Piece } from '../tasks/chords';

const bits = (numbers: ArrayLike<number>, t: number, b: number, B: number): number[] =>
  Array.from({ length: 88 }, (_, k) => k + 21).filter(
    (pitch) => numbers[(t * B + b) * 88 + pitch - 21] === 1,
  );

describe('a batch', () => {
  const pieces: Piece[] = [[[60, 64, 67], [62], []], [[21, 108]]];
  const { x, targets, lengths } = batchOf(pieces) as Record<
    'x' | 'targets',
    { shape: number[]; numbers: Float32Array }
  > & {
    lengths: number[];
  };

  it('predicts every chord, the first from zeros, each from the one before', () => {
    expect([x.shape, targets.shape, lengths]).toEqual([
      [32, 2, 88],
      [32, 2, 88],
      [3, 1],
    ]);
    pieces.forEach((piece, b) => {
      expect(bits(x.numbers, 0, b, 2)).toEqual([]);
      piece.forEach((chord, t) => {
        expect(bits(targets.numbers, t, b, 2)).toEqual(chord);
        if (t > 0) expect(bits(x.numbers, t, b, 2)).toEqual(piece[t - 1]);
      });
    });
    expect(targets.numbers.reduce((sum, bit) => sum + bit, 0)).toBe(6);
  });
});

it('a pass takes every piece once, in batches of like length', () => {
  const random = new Random(1);
  const train: Piece[] = Array.from({ length: 64 }, (_, k) =>
    Array.from({ length: 1 + (k % 60) }, () => [21 + k]),
  );
  const batches = shuffled(train, random);
  for (let pass = 0; pass < 2; pass++) {
    const seen: number[] = [];
    for (let k = 0; k < 8; k++) {
      const { targets, lengths = [] } = batches.next().value;
      const { numbers } = targets as { numbers: ArrayLike<number> };
      expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThan(12);
      for (let b = 0; b < 8; b++) seen.push(...bits(numbers, 0, b, 8));
    }
    expect(seen.sort((a, b) => a - b)).toEqual(train.map((_, k) => 21 + k));
  }
});

it('what each pitch by itself is worth, worked by hand', async () => {
  const row = chorales.rows('full').find(({ name }) => name === 'each pitch by itself');
  // of 3 steps of the training set two sound pitch 60: p = (2 + 1) / (3 + 2); the other 87 pitches have p = 1/5
  const data = { train: [[[60], [60], []]], valid: [[[]]], test: [[[60], [61]]] };
  const figures = await row?.run({ seed: 1, data, progress: () => undefined });
  const silent = -Math.log(4 / 5);
  // of 2 test steps one sounds 60 and one sounds 61
  const half = (p: number): number => -(Math.log(p) + Math.log(1 - p)) / 2;
  expect(figures?.test).toBeCloseTo(half(3 / 5) + half(1 / 5) + 86 * silent, 10);
  expect(figures?.validation).toBeCloseTo(-Math.log(2 / 5) + 87 * silent, 10);
});
