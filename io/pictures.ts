/** Patterns as pictures: parsed from text, drawn in a terminal, and a few generated ones. */
import { must } from '../core/check';
import type { Random } from '../core/random/random';
import { randomPatterns, type HopfieldState } from '../hopfield/patterns';

/** A pattern of width · height units, row by row; +1 is a dark dot. */
export interface NamedPattern {
  name: string;
  width: number;
  height: number;
  state: HopfieldState;
}

const ON = '#*@Xx1█';
const OFF = '. -_0·';
/** Size limit: a network that stores a picture of 2¹⁰ × 2¹⁰ would have 2⁴⁰ weights. */
const MOST_DOTS = 2 ** 20;

/**
 * The pictures of a text, separated by empty lines: `#`, `*`, `@`, `X` or `1` is a dot, `.`, `-`, `_`, `0` or a space
 * is none. Short lines are padded.
 *
 * @param name name of the pictures in messages, followed by their number.
 * @throws RangeError when there is none, for any other character, and for pictures of different sizes.
 * @example readPictures('##\n#.\n\n.#\n##', 'corner').length // 2
 */
export function readPictures(text: string, name: string): NamedPattern[] {
  const where = 'pictures';
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const blocks: string[][] = [[]];
  lines.forEach((line, k) => {
    for (const [column, sign] of [...line].entries()) {
      if ((ON + OFF).includes(sign)) continue;
      const place = `${JSON.stringify(sign)} in line ${k + 1}, column ${column + 1} of ${name}`;
      must(false, where, `signs must be # for a dot and . for none`, place);
    }
    if (line.trim() !== '') blocks[blocks.length - 1].push(line.trimEnd());
    else if (blocks[blocks.length - 1].length > 0) blocks.push([]);
  });
  const pictures = blocks.filter((block) => block.length > 0);
  must(pictures.length > 0, where, `${name} must hold a picture`, 'an empty text');
  const width = pictures.flat().reduce((most, { length }) => Math.max(most, length), 0);
  const height = pictures[0].length;
  // size check before padding: one long line among many short ones would make a large picture from a small file
  const size = `${pictures.length} of ${width} × ${height}`;
  const fits = pictures.length * width * height <= MOST_DOTS;
  must(fits, where, `the pictures of ${name} must hold at most ${MOST_DOTS} dots in all`, size);
  return pictures.map((block, k) => {
    const lines = `picture ${k + 1} of ${name} must have ${height} lines`;
    must(block.length === height, where, lines, block.length, 'as the first one has');
    const dots = block.flatMap((line) => [...line.padEnd(width, '.')]);
    return {
      name: `${name} ${k + 1}`,
      width,
      height,
      state: Int8Array.from(dots, (dot) => (ON.includes(dot) ? 1 : -1)),
    };
  });
}

/**
 * A picture in the format of `readPictures`, one line per row.
 * @example pictureLines(Int8Array.of(1, -1, 1, 1), 2) // ['#.', '##']
 */
export const pictureLines = (state: HopfieldState, width: number): string[] =>
  Array.from({ length: state.length / width }, (_, row) =>
    Array.from(state.subarray(row * width, (row + 1) * width), (s) => (s > 0 ? '#' : '.')).join(''),
  );

/** Draws two rows of dots in each line of text. */
export function drawPicture({ width, height, state }: Omit<NamedPattern, 'name'>): string[] {
  const on = (row: number, column: number): boolean => row < height && state[row * width + column] > 0;
  return Array.from({ length: Math.ceil(height / 2) }, (_, k) =>
    Array.from({ length: width }, (_, column) => {
      const [upper, lower] = [on(2 * k, column), on(2 * k + 1, column)];
      if (upper) return lower ? '█' : '▀';
      return lower ? '▄' : ' ';
    }).join(''),
  );
}

/** Shapes as functions over [−1, 1] × [−1, 1]. */
const shapes: Record<string, (x: number, y: number) => boolean> = {
  disc: (x, y) => x * x + y * y < 0.6,
  ring: (x, y) => Math.abs(Math.hypot(x, y) - 0.75) < 0.2,
  cross: (x, y) => Math.abs(Math.abs(x) - Math.abs(y)) < 0.25,
  stripes: (_x, y) => Math.floor((y + 1) * 2.5) % 2 === 0,
  half: (x) => x < 0,
};

export const shapeNames = Object.keys(shapes);

/**
 * Square pictures of any size: a disc, a ring, a cross, stripes and a half.
 * @example drawnShapes(16)[1].name // 'ring'
 */
export function drawnShapes(size: number): NamedPattern[] {
  return Object.entries(shapes).map(([name, holds]) => {
    const at = (k: number): number => (2 * k + 1) / size - 1;
    const dot = (k: number): number => (holds(at(k % size), at(Math.floor(k / size))) ? 1 : -1);
    return {
      name,
      width: size,
      height: size,
      state: Int8Array.from({ length: size * size }, (_, k) => dot(k)),
    };
  });
}

/**
 * Square pictures in which each dot is on or off with equal probability.
 * @example randomPictures(2, 10, new Random(1))[1].name // 'random 2'
 */
export const randomPictures = (count: number, size: number, random: Random): NamedPattern[] =>
  randomPatterns(count, size * size, random).map((state, k) => ({
    ...{ name: `random ${k + 1}`, width: size, height: size },
    state,
  }));
