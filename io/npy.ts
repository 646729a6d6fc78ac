/**
 * NumPy's .npy format, both directions: one array per file.
 *
 *   \x93NUMPY | version | header length | header, a Python dict padded with spaces to a multiple of 64 | data
 *   {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }
 *
 * Arrays of Python objects are pickles, which execute code when they are read: they are refused, like everything else
 * that is not a plain array of little-endian numbers. The header is validated before any element is read.
 *
 * Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
import { must, mustBe, mustBeBytes } from '../core/check';
import { ARRAYS, isSize, type SafeDtype, type SafeTensor } from './safetensors';

const MAGIC = '\x93NUMPY';
/** The header limit of NumPy's own reader for untrusted files. */
const MAX_HEADER = 10_000;
const GRAIN = 64;

const DTYPES: Readonly<Record<string, SafeDtype>> = {
  '<f8': 'F64',
  '<f4': 'F32',
  '<i8': 'I64',
  '<i4': 'I32',
  '<i2': 'I16',
  '|i1': 'I8',
  '<u8': 'U64',
  '<u4': 'U32',
  '<u2': 'U16',
  '|u1': 'U8',
  '|b1': 'BOOL',
};

/**
 * The bytes of an .npy file.
 * @example encodeNpy({ dtype: 'F64', shape: [2], data: Float64Array.of(1, 2) }).length // 144
 */
export function encodeNpy({ dtype, shape, data }: SafeTensor): Uint8Array<ArrayBuffer> {
  const [descr] = Object.entries(DTYPES).find(([, name]) => name === dtype) as [string, SafeDtype];
  // a tuple of one element needs a trailing comma
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${sizes}), }`;
  const length = Math.ceil((10 + dict.length + 1) / GRAIN) * GRAIN;
  const bytes = new Uint8Array(length + data.byteLength);
  bytes.fill(0x20, 0, length);
  bytes.set(Uint8Array.from(MAGIC, (letter) => letter.charCodeAt(0)));
  bytes.set([1, 0, (length - 10) & 255, (length - 10) >> 8], 6);
  bytes.set(new TextEncoder().encode(dict), 10);
  bytes[length - 1] = 0x0a;
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), length);
  return bytes;
}

/**
 * Reads the bytes of an .npy file; arrays in Fortran order are converted to C order.
 *
 * @throws RangeError when a length disagrees with the file.
 * @throws TypeError when it is not an .npy file, or holds anything but little-endian numbers.
 * @example decodeNpy(readFileSync('x.npy')).shape // [3, 4]
 */
export const decodeNpy = (bytes: Uint8Array): SafeTensor => readNpy(bytes, 'npy');

/** Like `decodeNpy`, with `where` as the prefix of messages. */
export function readNpy(bytes: Uint8Array, where: string): SafeTensor {
  mustBeBytes(bytes, where);
  const { header, start } = readHeader(bytes, where);
  const { descr, fortran_order: fortran, shape: sizes } = parseHeader(header, where);
  const dtype = dtypeOf(descr, where);
  const shape = (sizes.match(/\d+/g) ?? []).map(Number);
  const count = shape.reduce((product, n) => product * n, 1);
  const exact = shape.every(isSize) && count * 8 <= Number.MAX_SAFE_INTEGER;
  must(exact, where, 'shape must be made of sizes with an exact product', sizes);
  const Kind = ARRAYS[dtype];
  const expected = count * Kind.BYTES_PER_ELEMENT;
  const got = bytes.length - start;
  must(got === expected, where, `data must have ${expected} bytes`, got, `${dtype} [${shape.join(', ')}]`);
  const copy = new Uint8Array(expected);
  copy.set(bytes.subarray(start));
  const data = new Kind(copy.buffer);
  return {
    dtype,
    shape,
    data: fortran === 'True' && shape.length > 1 ? inCOrder(data, shape) : data,
  } as SafeTensor;
}

function readHeader(bytes: Uint8Array, where: string): { header: string; start: number } {
  const latin = (from: number, to: number): string => String.fromCharCode(...bytes.subarray(from, to)); // MAX_HEADER at most
  mustBe(latin(0, 6) === MAGIC, where, 'the file must begin with \\x93NUMPY', 'something else');
  const wide = bytes[6] >= 2;
  const known = bytes[6] >= 1 && bytes[6] <= 3 && bytes[7] === 0;
  mustBe(known, where, 'the version must be 1.0, 2.0 or 3.0', `version ${bytes[6]}.${bytes[7]}`);
  const from = wide ? 12 : 10;
  must(bytes.length >= from, where, `the file must have at least ${from} bytes`, bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = wide ? view.getUint32(8, true) : view.getUint16(8, true);
  const most = Math.min(MAX_HEADER, bytes.length - from);
  must(length <= most, where, `header length must be at most ${most}`, length);
  return { header: latin(from, from + length), start: from + length };
}

interface Header {
  descr: string;
  fortran_order: string;
  shape: string;
}

/** Parses a dict of three keys, each once, in any order: the subset of Python's grammar that NumPy writes. */
function parseHeader(header: string, where: string): Header {
  const [, inner] = /^\s*\{(.*)\}\s*$/s.exec(header) ?? [];
  mustBe(inner !== undefined, where, 'header must be a dict', header);
  const entry =
    /\s*'(descr|fortran_order|shape)'\s*:\s*('[^']*'|True|False|\([\d\s,]*\)|\[[^\]]*\])\s*(,|$)/y;
  const found = new Map<string, string>();
  while (entry.lastIndex < inner.trimEnd().length) {
    const [, key, value] = entry.exec(inner) ?? [];
    mustBe(key !== undefined, where, 'header must hold descr, fortran_order and shape', header.trim());
    mustBe(!found.has(key), where, 'header must hold each key once', header.trim());
    found.set(key, value);
  }
  const [descr = '', fortran_order = '', shape = ''] = ['descr', 'fortran_order', 'shape'].map((key) =>
    found.get(key),
  );
  const fits = /^['[]/.test(descr) && /^(True|False)$/.test(fortran_order) && shape.startsWith('(');
  mustBe(fits, where, 'header must hold descr, fortran_order and shape', header.trim());
  return { descr, fortran_order, shape };
}

function dtypeOf(descr: string, where: string): SafeDtype {
  const name = descr.slice(1, -1);
  const what = `dtype must be one of ${Object.keys(DTYPES).join(', ')}`;
  const why = name.includes('O')
    ? 'an array of Python objects: reading one would run code'
    : name.startsWith('>')
      ? "big-endian: x.astype(x.dtype.newbyteorder('<')) turns it round"
      : undefined;
  mustBe(descr.startsWith("'") && Object.hasOwn(DTYPES, name), where, what, descr, why);
  return DTYPES[name];
}

/** Converts elements from Fortran order to C order. */
function inCOrder<A extends InstanceType<(typeof ARRAYS)[SafeDtype]>>(data: A, shape: readonly number[]): A {
  const turned = data.slice() as A;
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((n, d) => n * d, 1));
  const at = shape.map(() => 0);
  for (let k = 0; k < data.length; k++) {
    turned[k] = data[at.reduce((sum, i, axis) => sum + i * strides[axis], 0)];
    for (let axis = shape.length - 1; axis >= 0 && ++at[axis] === shape[axis]; axis--) at[axis] = 0;
  }
  return turned;
}
