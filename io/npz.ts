/**
 * NumPy's .npz archives, both directions: a zip file with an .npy file for each array, as `numpy.savez` writes and
 * `numpy.load` reads.
 *
 * Nothing is ever written to disk by a name from an archive; names that would leave a folder are refused nonetheless.
 */
import { zipSync, type Zippable } from 'fflate';
import { must, mustBe, mustBeByName, mustBeBytes } from '../core/check';
import { encodeNpy, readNpy } from './npy';
import type { SafeTensor } from './safetensors';
import { readDirectory, unpack } from './zip';

/** Limit of the total unpacked size. */
const MAX_BYTES = 2 ** 31;
const MAX_ARRAYS = 0xffff;
/** The earliest date of the zip format: equal arrays give equal bytes. */
const NO_TIME = new Date(1980, 0, 1);
const ENDING = '.npy';

/**
 * The bytes of an .npz file, uncompressed because weights hardly compress. Arrays keep the order of the map.
 *
 * @throws RangeError for 2 GB or more, and for more than 65,535 arrays.
 * @example encodeNpz(new Map([['x', { dtype: 'F64', shape: [2], data: Float64Array.of(1, 2) }]]))
 */
export function encodeNpz(arrays: ReadonlyMap<string, SafeTensor>): Uint8Array {
  mustBeByName(arrays, 'npz');
  must(arrays.size <= MAX_ARRAYS, 'npz', `there must be at most ${MAX_ARRAYS} arrays`, arrays.size);
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
 * @throws RangeError when a length disagrees with the archive, or its contents exceed 2 GB.
 * @throws TypeError when it is not a zip file, or holds anything but .npy files of little-endian numbers.
 * @example decodeNpz(readFileSync('arrays.npz')).get('x')?.shape // [3, 4]
 */
export function decodeNpz(bytes: Uint8Array): Map<string, SafeTensor> {
  mustBeBytes(bytes, 'npz');
  const entries = readDirectory(bytes, 'npz');
  let total = 0;
  for (const { name, size } of entries) {
    mustBeInside(name);
    mustBe(name.endsWith(ENDING), 'npz', 'entries must be .npy files', name);
    total += size;
  }
  must(total < MAX_BYTES, 'npz', 'the contents must have fewer than 2 GB', `${total} bytes`);
  const arrays = new Map<string, SafeTensor>();
  for (const entry of entries) {
    const array = entry.name.slice(0, -ENDING.length);
    arrays.set(array, readNpy(unpack(bytes, entry, 'npz'), `npz: ${array}`));
  }
  return arrays;
}

/** Checks that a path stays in its folder on every system: no `..`, no root, no drive. */
function mustBeInside(name: string): void {
  const parts = name.split('/');
  const inside = !/[\\:\0]/.test(name) && parts.every((part) => part !== '' && part !== '.' && part !== '..');
  must(inside, 'npz', 'names must stay in their folder', name);
}
