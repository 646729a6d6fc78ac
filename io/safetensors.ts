/**
 * The safetensors file format, both directions:
 *
 *   u64 little-endian header length | JSON header, padded with spaces to a multiple of 8 | data
 *
 * The header maps each tensor's name to {dtype, shape, data_offsets}; the offsets count from the end of the
 * header and cover the data exactly once. `__metadata__` maps strings to strings.
 *
 * A file is untrusted input: everything in the header is checked before any data is read.
 */

import { mustBeByName, mustBeBytes } from '../core/check';
import { safe } from '../core/safe';
import { endOfString, parseJson } from './json';

/** The element types with a typed array; the 16-bit floats of the format have none. */
export const ARRAYS = {
  F64: Float64Array,
  I64: BigInt64Array,
  U64: BigUint64Array,
  F32: Float32Array,
  I32: Int32Array,
  U32: Uint32Array,
  I16: Int16Array,
  U16: Uint16Array,
  I8: Int8Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
};

/** Name of an element type in the file. */
export type SafeDtype = keyof typeof ARRAYS;

/** One tensor of a file: elements in C order. Testing `dtype` narrows the type of `data`. */
export type SafeTensor = {
  [K in SafeDtype]: { dtype: K; shape: readonly number[]; data: InstanceType<(typeof ARRAYS)[K]> };
}[SafeDtype];

/** The contents of a file. `metadata` has no prototype, so any key is an ordinary key. */
export interface SafeFile {
  /** Tensors by name; those of a parsed file are in the order of its header. */
  tensors: Map<string, SafeTensor>;
  /** Metadata: text by key. */
  metadata: Record<string, string>;
}

type Offsets = [begin: number, end: number];
type Entry = Pick<SafeTensor, 'dtype' | 'shape'> & { name: string; offsets: Offsets };

const METADATA = '__metadata__';
const PREFIX = 8;
/** The header limit of the reference implementation. */
const MAX_HEADER = 100_000_000;

/**
 * Encodes tensors and metadata as the bytes of a safetensors file.
 *
 * Equal contents give equal bytes, whatever the order of insertion: wide element types come first, so that every
 * tensor is aligned in the file, and names are sorted within each width.
 *
 * @throws TypeError when `data` is not the array type of `dtype`, or a metadata value is not a string.
 * @throws RangeError when `shape` is not a list of sizes, or does not match the length of `data`.
 * @example
 * const w = { dtype: 'F32', shape: [2], data: new Float32Array([1, 2]) } as const;
 * encodeSafetensors(new Map([['w', w]]), { format: 'pt' }).length // 104
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, SafeTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  mustBeByName(tensors, 'safetensors');
  const fields: string[] = [];
  const notes = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  if (notes.length > 0) {
    for (const [key, value] of notes) requireString(value, `metadata ${show(key)}`);
    const body = notes.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
    fields.push(`${JSON.stringify(METADATA)}:{${body.join(',')}}`);
  }

  const width = (t: SafeTensor) => ARRAYS[t.dtype].BYTES_PER_ELEMENT;
  for (const [name, tensor] of tensors) requireTensor(name, tensor);
  const sorted = [...tensors].sort(([a, s], [b, t]) => width(t) - width(s) || (a < b ? -1 : 1));
  let end = 0;
  for (const [name, { dtype, shape, data }] of sorted) {
    const entry = { dtype, shape, data_offsets: [end, (end += data.byteLength)] };
    fields.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
  }

  const text = new TextEncoder().encode(`{${fields.join(',')}}`);
  const length = Math.ceil(text.length / 8) * 8;
  if (length > MAX_HEADER) throw tooLong(length);
  const bytes = new Uint8Array(PREFIX + length + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.fill(0x20, PREFIX, PREFIX + length);
  bytes.set(text, PREFIX);
  let at = PREFIX + length;
  for (const [, { data }] of sorted) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

/**
 * Reads the bytes of a safetensors file. Every tensor is copied out, so that its data is aligned and `bytes`
 * may be reused; tensors keep the order of the header.
 *
 * @throws RangeError when a length, size or offset disagrees with the file.
 * @throws TypeError when the header is malformed, or an element type is not supported.
 * @example
 * const w = { dtype: 'F32', shape: [2], data: new Float32Array([1, 2]) } as const;
 * decodeSafetensors(encodeSafetensors(new Map([['w', w]]))).tensors.get('w')?.data // [1, 2]
 */
export function decodeSafetensors(bytes: Uint8Array): SafeFile {
  mustBeBytes(bytes, 'safetensors');
  const header = readHeader(bytes);
  const dataStart = PREFIX + header.length;
  const metadata = Object.create(null) as Record<string, string>;
  const entries: Entry[] = [];
  for (const [name, value] of Object.entries(header.json)) {
    if (name === METADATA) {
      for (const [key, text] of Object.entries(requireObject(value, METADATA))) {
        metadata[key] = requireString(text, `metadata ${show(key)}`);
      }
    } else entries.push(readEntry(name, value));
  }
  requireCover(entries, bytes.length - dataStart);

  const tensors = new Map<string, SafeTensor>();
  for (const { name, dtype, shape, offsets } of entries) {
    const copy = new Uint8Array(offsets[1] - offsets[0]);
    copy.set(bytes.subarray(dataStart + offsets[0], dataStart + offsets[1]));
    tensors.set(name, { dtype, shape, data: new ARRAYS[dtype](copy.buffer) } as SafeTensor);
  }
  return { tensors, metadata };
}

function readHeader(bytes: Uint8Array): { length: number; json: Record<string, unknown> } {
  if (bytes.length < PREFIX)
    throw new RangeError(`safetensors: file must have at least 8 bytes, got ${bytes.length}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const claimed = view.getBigUint64(0, true);
  if (claimed > BigInt(MAX_HEADER)) throw tooLong(claimed);
  const length = Number(claimed);
  if (length > bytes.length - PREFIX) {
    const left = bytes.length - PREFIX;
    throw new RangeError(
      `safetensors: header length must be at most ${left}, got ${length} (the file ends there)`,
    );
  }
  let text: string;
  let json: unknown;
  try {
    const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    text = utf8.decode(bytes.subarray(PREFIX, PREFIX + length));
    json = parseJson(text);
  } catch (cause) {
    throw new TypeError(`safetensors: header must be JSON in UTF-8, got ${safe(String(cause))}`, { cause });
  }
  requireNoTwins(text);
  return { length, json: requireObject(json, 'header') };
}

/** Refuses duplicate keys: JSON.parse would silently keep the last one, and a tensor would be lost. */
function requireNoTwins(text: string): void {
  const open: Set<string>[] = [];
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '{') open.push(new Set());
    else if (text[i] === '}') open.pop();
    else if (text[i] === '"') {
      const start = i;
      i = endOfString(text, start);
      // the text is valid JSON here: a string before a colon is a key of the innermost open object
      let after = i + 1;
      while (/\s/.test(text.charAt(after))) after++;
      if (text[after] !== ':') continue;
      const key = JSON.parse(text.slice(start, i + 1)) as string;
      if (open.at(-1)?.has(key))
        throw new TypeError(`safetensors: header: keys must differ, got ${show(key)} twice`);
      open.at(-1)?.add(key);
    }
  }
}

function readEntry(name: string, value: unknown): Entry {
  const where = `tensor ${show(name)}`;
  const { dtype, shape, data_offsets: offsets } = requireObject(value, where);
  requireDtype(dtype, where);
  const bytes = countElements(shape, where) * ARRAYS[dtype].BYTES_PER_ELEMENT;
  const isSpan = Array.isArray(offsets) && offsets.length === 2 && offsets.every(isSize);
  const [begin, end] = isSpan ? (offsets as Offsets) : [0, -1];
  if (end - begin !== bytes) {
    throw new RangeError(
      `safetensors: ${where}: data_offsets must span ${bytes} bytes, got ${show(offsets)} (${dtype} ${show(shape)})`,
    );
  }
  return { name, dtype, shape: shape as number[], offsets: [begin, end] };
}

/** Checks that data ranges are contiguous: in order of offset, each tensor begins where the previous one ended. */
function requireCover(entries: readonly Entry[], size: number): void {
  const sorted = [...entries].sort((a, b) => a.offsets[0] - b.offsets[0] || a.offsets[1] - b.offsets[1]);
  let end = 0;
  for (const { name, offsets } of sorted) {
    if (offsets[0] !== end) {
      throw new RangeError(
        `safetensors: tensor ${show(name)}: data_offsets must begin at ${end}, got ${show(offsets)} ` +
          '(tensors may neither overlap nor leave a hole)',
      );
    }
    end = offsets[1];
  }
  if (end !== size) {
    throw new RangeError(`safetensors: data must have ${end} bytes, got ${size} (the header's last offset)`);
  }
}

function requireTensor(name: string, tensor: SafeTensor): void {
  const where = `tensor ${show(name)}`;
  if (name === METADATA) throw new TypeError(`safetensors: ${where}: name must not be the metadata's own`);
  requireDtype(tensor.dtype, where);
  const { name: kind } = ARRAYS[tensor.dtype];
  // by tag, not instanceof: arrays from another realm are accepted
  const got = Object.prototype.toString.call(tensor.data).slice('[object '.length, -1);
  if (got !== kind)
    throw new TypeError(`safetensors: ${where}: data must be ${kind}, got ${got} (${tensor.dtype})`);
  const count = countElements(tensor.shape, where);
  if (tensor.data.length !== count) {
    throw new RangeError(
      `safetensors: ${where}: data must have ${count} elements, got ${tensor.data.length} (shape ${show(tensor.shape)})`,
    );
  }
}

function requireDtype(dtype: unknown, where: string): asserts dtype is SafeDtype {
  if (typeof dtype === 'string' && Object.hasOwn(ARRAYS, dtype)) return;
  throw new TypeError(
    `safetensors: ${where}: dtype must be one of ${Object.keys(ARRAYS).join(', ')}, got ${show(dtype)}`,
  );
}

function countElements(shape: unknown, where: string): number {
  const sizes: unknown[] = Array.isArray(shape) ? shape : [NaN];
  const count = sizes.reduce<number>((product, n) => (isSize(n) ? product * n : NaN), 1);
  // an element has at most 8 bytes: a count that passes here gives an exact length in bytes
  if (count * 8 <= Number.MAX_SAFE_INTEGER) return count;
  throw new RangeError(
    `safetensors: ${where}: shape must be a list of sizes with an exact product, got ${show(shape)}`,
  );
}

function requireObject(value: unknown, where: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new TypeError(`safetensors: ${where}: must be an object, got ${show(value)}`);
}

function requireString(value: unknown, where: string): string {
  if (typeof value === 'string') return value;
  throw new TypeError(`safetensors: ${where}: must be a string, got ${show(value)}`);
}

export const isSize = (n: unknown): n is number =>
  Number.isSafeInteger(n) && (n as number) >= 0 && !Object.is(n, -0);

const tooLong = (length: number | bigint) =>
  new RangeError(
    `safetensors: header length must be at most ${MAX_HEADER}, got ${length} (the format's limit)`,
  );

/** Shortens a value for an error message, whatever the file contains. */
function show(value: unknown): string {
  if (!Array.isArray(value)) return showOne(value);
  return `[${value.slice(0, 8).map(showOne).join(', ')}${value.length > 8 ? ', …' : ''}]`;
}

function showOne(value: unknown): string {
  if (typeof value === 'string')
    return safe(JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value));
  if (typeof value !== 'object' || value === null) return String(value);
  return Array.isArray(value) ? '[…]' : '{…}';
}
