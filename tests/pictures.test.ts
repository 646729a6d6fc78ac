import { sparkline } from '../draw/sparkline';
import { Random } from '../core/random/random';
import { drawnShapes, drawPicture, pictureLines, randomPictures, readPictures } from '../io/pictures';
import { testErrors } from './errors';

describe('pictures', () => {
  test('are read from text: signs for dots, short lines, empty lines between them, every end of line', () => {
    const pictures = readPictures('\uFEFF\n#.1\r\n x*\r\n\n  \n@\n.X\n', 'signs');
    expect(pictures).toEqual([
      { name: 'signs 1', width: 3, height: 2, state: Int8Array.of(1, -1, 1, -1, 1, 1) },
      { name: 'signs 2', width: 3, height: 2, state: Int8Array.of(1, -1, -1, -1, 1, -1) },
    ]);
  });

  test('are drawn two rows to a line, the last one also alone', () => {
    const [picture] = readPictures('##.\n#..\n.#.', 'one');
    expect(drawPicture(picture)).toEqual(['█▀ ', ' ▀ ']);
    expect(drawPicture({ width: 2, height: 2, state: Int8Array.of(-1, -1, 1, -1) })).toEqual(['▄ ']);
  });

  test('are written as they are read', () => {
    const [picture] = readPictures('##.\n#..\n.#.', 'one');
    expect(pictureLines(picture.state, picture.width)).toEqual(['##.', '#..', '.#.']);
  });

  test('at random are square and differ', () => {
    const [one, two] = randomPictures(2, 5, new Random(1));
    expect([one.name, two.name, one.width, one.height]).toEqual(['random 1', 'random 2', 5, 5]);
    expect(one.state).toHaveLength(25);
    expect(one.state).not.toEqual(two.state);
  });

  test('of a size of their own, no two the same nor mirror images', () => {
    for (const size of [10, 13]) {
      const shapes = drawnShapes(size);
      const drawn = shapes.flatMap(({ state }) => [state.join(), state.map((s) => -s).join()]);
      expect(new Set(drawn).size).toBe(2 * shapes.length);
      for (const { state } of shapes) expect(state.length).toBe(size * size);
    }
    expect(drawPicture(drawnShapes(4)[2])).toEqual(['▀▄▄▀', '▄▀▀▄']);
  });

  testErrors(RangeError, [
    [() => readPictures('\n \n', 'f'), 'pictures: f must hold a picture, got an empty text'],
    [
      () => readPictures('##\n#?', 'f'),
      'pictures: signs must be # for a dot and . for none, got "?" in line 2, column 2 of f',
    ],
    [
      () => readPictures('#\n#\n\n#', 'f'),
      'pictures: picture 2 of f must have 2 lines, got 1 (as the first one has)',
    ],
  ]);
});

test('a sparkline shows the ends, falls where the numbers fall, and is flat where only rounding differs', () => {
  expect(sparkline([3, 2, 1, 0])).toBe('█▆▃▁');
  expect(sparkline([7, 6, 5, 4, 3, 2, 1, 0], 4)).toBe('█▆▃▁');
  expect(sparkline([-0.3, -0.1 - 0.2])).toBe('▁▁');
  expect(sparkline([5])).toBe('▁');
  expect(sparkline([])).toBe('');
});

it('a file of very many lines is read, or refused in words', () => {
  expect(() => readPictures('#.\n'.repeat(150_000) + '\n#', 'long')).toThrow(
    'pictures: picture 2 of long must have 150000 lines, got 1 (as the first one has)',
  );
  expect(() => readPictures(`${'#'.repeat(2000)}\n${'#\n'.repeat(999)}`, 'wide')).toThrow(
    'pictures: the pictures of wide must hold at most 1048576 dots in all, got 1 of 2000 × 1000',
  );
});
