/** The encoding of a text by its byte order mark. */

const marks = [
  { bytes: [0xff, 0xfe], encoding: 'utf-16le' },
  { bytes: [0xfe, 0xff], encoding: 'utf-16be' },
] as const;

/**
 * The encoding by the first two bytes; UTF-8 without a byte order mark, or with its own.
 * @example encodingOf(Uint8Array.of(0xff, 0xfe, 0x61, 0)) // 'utf-16le'
 */
export const encodingOf = (first: Uint8Array): 'utf-8' | 'utf-16le' | 'utf-16be' =>
  marks.find(({ bytes }) => bytes.every((byte, k) => first[k] === byte))?.encoding ?? 'utf-8';
