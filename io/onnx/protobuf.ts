/**
 * Encodes and decodes protocol buffers: a message is a sequence of fields, each with its number, its wire type and
 * its contents. An ONNX model needs three kinds: integers, length-delimited bytes, and float32.
 *
 * Source: https://protobuf.dev/programming-guides/encoding
 */
import { must } from '../../core/check';
import { joined } from '../../core/join';

/** One or several encoded fields. */
export type ProtobufField = Uint8Array;

/** Wire types. */
const [VARINT, EIGHT_BYTES, BYTES, FOUR_BYTES] = [0, 1, 2, 5];

/** A varint for an integer >= 0: seven bits per byte, lowest first; the top bit is set in all bytes but the last. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return [...bytes, value];
}

/** An integer field, >= 0. */
export const number = (field: number, value: number): ProtobufField =>
  Uint8Array.from([...varint(field * 8), ...varint(value)]);
export const bytes = (field: number, value: Uint8Array): ProtobufField =>
  joined(Uint8Array, [Uint8Array.from([...varint(field * 8 + BYTES), ...varint(value.length)]), value]);
export const text = (field: number, value: string): ProtobufField =>
  bytes(field, new TextEncoder().encode(value));
/** A nested message. */
export const message = (field: number, ...fields: ProtobufField[]): ProtobufField =>
  bytes(field, joined(Uint8Array, fields));
export const float = (field: number, value: number): ProtobufField =>
  joined(Uint8Array, [
    Uint8Array.from(varint(field * 8 + FOUR_BYTES)),
    new Uint8Array(Float32Array.of(value).buffer),
  ]);

/** A decoded field: an integer, or bytes. */
export interface Read {
  field: number;
  value: number | Uint8Array;
  /** The bytes of one fixed-width float32 or float64, as opposed to a text or a message. */
  fixed: boolean;
}

/**
 * The fields of a message, in order; bytes are views of the file.
 * @throws RangeError for bytes that are not a valid message.
 */
export function fieldsOf(message: Uint8Array, where: string): Read[] {
  const found: Read[] = [];
  const reader = new VarintReader(message, where);
  while (reader.at < message.length) {
    const key = reader.next();
    const [field, kind] = [Math.floor(key / 8), key % 8];
    must(field >= 1, where, 'a field must have a number', field);
    if (kind === VARINT) {
      found.push({ field, value: reader.next(), fixed: false });
      continue;
    }
    const known = kind === BYTES || kind === FOUR_BYTES || kind === EIGHT_BYTES;
    must(known, where, `field ${field} must be of kind 0, 1, 2 or 5`, kind);
    const length = kind === BYTES ? reader.next() : kind === FOUR_BYTES ? 4 : 8;
    const left = message.length - reader.at;
    must(length >= 0 && length <= left, where, `field ${field} must have at most ${left} bytes`, length);
    found.push({ field, value: message.subarray(reader.at, (reader.at += length)), fixed: kind !== BYTES });
  }
  return found;
}

/** The integers of a packed field. */
export function varintsOf(packed: Uint8Array, where: string): number[] {
  const reader = new VarintReader(packed, where);
  const found: number[] = [];
  while (reader.at < packed.length) found.push(reader.next());
  return found;
}

class VarintReader {
  at = 0;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly where: string,
  ) {}

  /** A signed 64-bit integer. */
  next(): number {
    let [value, shift] = [0n, 0n];
    for (;;) {
      must(this.at < this.bytes.length, this.where, 'a whole number must end', 'the end of the file');
      const byte = this.bytes[this.at++];
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return Number(BigInt.asIntN(64, value));
      shift += 7n;
      must(shift < 70n, this.where, 'a whole number must have at most 10 bytes', 'more');
    }
  }
}
