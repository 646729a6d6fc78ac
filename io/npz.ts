/**
 * NumPy's .npz archives, both directions: a zip file with an .npy file for each array, as `numpy.savez` writes and
 * `numpy.load` reads.
 *
 * Nothing is ever written to disk by a name from an archive; names that would leave a folder are refused all the same.
 */
import { unzipSync, zipSync, type Zippable } from 'fflate';
import { must, mustBe } from '../core/check';
import { decodeNpy, encodeNpy } from './npy';
import type { SafeTensor } from './safetensors';

/** What deflate can make of a byte at most, and what an archive may become in all. */
const MAX_RATIO = 1032;
const MAX_BYTES = 2 ** 31;
/** The earliest moment that a zip file can tell: equal arrays give equal bytes. */
const NO_TIME = new Date(1980, 0, 1);
const ENDING = '.npy';

/**
 * The bytes of an .npz file, not compressed: weights do not get smaller. Arrays keep the order of the map.
 *
 * @throws RangeError for 2 GB or more.
 * @example encodeNpz(new Map([['x', { dtype: 'F64', shape: [2], data: Float64Array.of(1, 2) }]]))
 */
export function encodeNpz(arrays: ReadonlyMap<string, SafeTensor>): Uint8Array {
  const files: Zippable = Object.create(null) as Zippable;
  let total = 0;
  for (const [name, array] of arrays) {
    mustBeInside(name + ENDING);
    total += array.data.byteLength;
    files[name + ENDING] = encodeNpy(array);
  }
  must(total < MAX_BYTES, 'npz', 'arrays must have fewer than 2 GB in all', `${total} bytes`);
  return zipSync(files, { level: 0, mtime: NO_TIME });
}

/**
 * Reads the bytes of an .npz file, compressed or not; arrays keep the order of the archive.
 *
 * @throws RangeError when a length disagrees with the archive, or its contents would have more than 2 GB.
 * @throws TypeError when it is not a zip file, or holds anything but .npy files of little-endian numbers.
 * @example decodeNpz(readFileSync('arrays.npz')).get('x')?.shape // [3, 4]
 */
export function decodeNpz(bytes: Uint8Array): Map<string, SafeTensor> {
  const sizes = new Map<string, number>();
  let files: Record<string, Uint8Array>;
  let refused: unknown;
  try {
    files = unzipSync(bytes, {
      filter(entry) {
        try {
          check(entry, sizes);
        } catch (error) {
          refused = error;
          throw error;
        }
        return true;
      },
    });
  } catch (error) {
    if (refused instanceof Error) throw refused;
    throw new TypeError(
      `npz: the file must be a zip archive, got one that is not whole: ${(error as Error).message}`,
      {
        cause: error,
      },
    );
  }
  const arrays = new Map<string, SafeTensor>();
  for (const [name, size] of sizes) {
    const { length } = files[name];
    must(
      length === size,
      'npz',
      `${name} must have ${size} bytes`,
      length,
      'the size that the archive gives',
    );
    const array = name.slice(0, -ENDING.length);
    arrays.set(array, decodeNpy(files[name], `npz: ${array}`));
  }
  return arrays;
}

interface Entry {
  name: string;
  size: number;
  originalSize: number;
  compression: number;
}

/** Looks at what the archive says of an entry before anything is unpacked. */
function check({ name, size, originalSize, compression }: Entry, sizes: Map<string, number>): void {
  mustBeInside(name);
  mustBe(name.endsWith(ENDING), 'npz', 'entries must be .npy files', name);
  mustBe(!sizes.has(name), 'npz', 'names must differ', `${name} twice`);
  mustBe(compression === 0 || compression === 8, 'npz', `${name} must be stored or deflated`, compression);
  const most = compression === 0 ? size : size * MAX_RATIO;
  must(
    originalSize <= most,
    'npz',
    `${name} must have at most ${most} bytes`,
    originalSize,
    `${size} in the archive`,
  );
  sizes.set(name, originalSize);
  const total = [...sizes.values()].reduce((sum, n) => sum + n, 0);
  must(total < MAX_BYTES, 'npz', 'the contents must have fewer than 2 GB', `${total} bytes`);
}

/** A path that stays in its folder, whatever system reads it: no `..`, no root, no drive. */
function mustBeInside(name: string): void {
  const parts = name.split('/');
  const inside = !/[\\:\0]/.test(name) && parts.every((part) => part !== '' && part !== '.' && part !== '..');
  must(inside, 'npz', 'names must stay in their folder', name);
}
