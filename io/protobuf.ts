/**
 * Protocol buffers, written only: a message is its fields one after the other, a field its number, its kind and its
 * contents. Two kinds are enough for an ONNX model: whole numbers, and bytes with their length before them.
 *
 * Source: https://protobuf.dev/programming-guides/encoding
 */

/** One encoded field, or several in a row. */
export type Field = Uint8Array;

/** A whole number >= 0, seven bits a byte, lowest first; the top bit says that more follow. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return [...bytes, value];
}

/** Fields one after the other. */
export function joined(parts: readonly Field[]): Field {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** A whole number >= 0. */
export const number = (field: number, value: number): Field =>
  Uint8Array.from([...varint(field * 8), ...varint(value)]);
export const bytes = (field: number, value: Uint8Array): Field =>
  joined([Uint8Array.from([...varint(field * 8 + 2), ...varint(value.length)]), value]);
export const text = (field: number, value: string): Field => bytes(field, new TextEncoder().encode(value));
/** A message in a message. */
export const message = (field: number, ...fields: Field[]): Field => bytes(field, joined(fields));
