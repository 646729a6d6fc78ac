/** The bytes of a text in UTF-8: those of its files, one after the other, without byte order marks. */
import type { Hash } from 'node:crypto';
import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { must, mustBe } from '../core/check';
import { encodingOf } from '../core/encoding';
import { filesUnder } from '../io/folder';

const CHUNK_BYTES = 1 << 20;
/** Most bytes of a file in UTF-16, which is held in memory. */
const MOST_CONVERTED = 1 << 28;
const MARK = Uint8Array.of(0xef, 0xbb, 0xbf);

/** A file, or what standard input or a pipe held. */
interface Part {
  name: string;
  /** Bytes before those of the text, of a byte order mark, and those of the text. */
  skip: number;
  length: number;
  /** The bytes of what cannot be read again. */
  held?: Uint8Array;
}

/** Bytes that are read where they are needed. */
export class TextBytes {
  private readonly parts: Part[];
  readonly length: number;

  /**
   * @param names files; a folder stands for all files in it and in its subfolders by name, without hidden ones, and `-` for
   *   standard input. Links are followed.
   * @throws the system's error when one cannot be read.
   */
  constructor(names: readonly string[]) {
    this.parts = names.flatMap(filesOf).map(partOf);
    this.length = this.parts.reduce((sum, { length }) => sum + length, 0);
  }

  /** All bytes in pieces; `hash` also sees the byte order marks. */
  *pieces(hash: Hash): Generator<Uint8Array> {
    for (const part of this.parts) {
      hash.update(MARK.subarray(0, part.skip));
      for (let from = 0; from < part.length; from += CHUNK_BYTES) {
        const piece = stretch(part, from, Math.min(part.length, from + CHUNK_BYTES));
        hash.update(piece);
        yield piece;
      }
    }
  }

  /** A copy of some bytes. */
  slice(from: number, to: number): Uint8Array {
    const bytes = new Uint8Array(to - from);
    let start = 0;
    for (const part of this.parts) {
      const [low, high] = [Math.max(from, start), Math.min(to, start + part.length)];
      if (low < high) bytes.set(stretch(part, low - start, high - start), low - from);
      start += part.length;
    }
    return bytes;
  }

  /** The file that holds a byte, and its position there. */
  placeOf(byte: number): { name: string; at: number } {
    let start = 0;
    for (const { name, length, skip } of this.parts) {
      if (byte < start + length) return { name, at: byte - start + skip };
      start += length;
    }
    const { name, length, skip } = this.parts[this.parts.length - 1];
    return { name, at: length + skip };
  }
}

/** The files in a folder by name, or the file itself. */
function filesOf(name: string): string[] {
  if (name === '-' || !statSync(name).isDirectory()) return [name];
  const files = filesUnder(name)
    .map((file) => join(name, file))
    .sort();
  must(files.length > 0, 'text', `${name} must hold files`, 'none');
  return files;
}

function partOf(file: string): Part {
  const name = file === '-' ? 'standard input' : file;
  const again = file !== '-' && statSync(file).isFile();
  const held = again ? undefined : readFileSync(file === '-' ? 0 : file);
  const size = held?.length ?? statSync(file).size;
  const whole = { name, skip: 0, length: size, ...(held && { held }) };
  const first = stretch(whole, 0, Math.min(MARK.length, size));
  if (encodingOf(first) !== 'utf-8') return inUtf8(whole, encodingOf(first));
  const skip = MARK.every((byte, k) => first[k] === byte) ? MARK.length : 0;
  return { ...whole, skip, length: size - skip };
}

/** A text of another encoding, held in UTF-8. */
function inUtf8(part: Part, encoding: string): Part {
  const { name, length } = part;
  const why = `a longer one must be UTF-8: iconv -f UTF-16 -t UTF-8 ${name} > converted.txt`;
  must(
    length <= MOST_CONVERTED,
    'text',
    `${name} must hold at most ${MOST_CONVERTED} bytes of UTF-16`,
    length,
    why,
  );
  try {
    const text = new TextDecoder(encoding, { fatal: true }).decode(stretch(part, 0, length));
    const held = new TextEncoder().encode(text);
    return { name, skip: 0, length: held.length, held };
  } catch {
    mustBe(false, 'text', `${name} must be UTF-16 text, by its byte order mark`, 'bytes that are not');
  }
}

/** Some bytes of a file. @throws RangeError if it has become shorter. */
function stretch({ name, skip, held }: Part, from: number, to: number): Uint8Array {
  if (held) return held.subarray(skip + from, skip + to);
  const bytes = new Uint8Array(to - from);
  const handle = openSync(name, 'r');
  try {
    let read = 0;
    while (read < bytes.length) {
      const n = readSync(handle, bytes, read, bytes.length - read, skip + from + read);
      must(n > 0, 'text', `${name} must not change while it is read`, 'a shorter one');
      read += n;
    }
  } finally {
    closeSync(handle);
  }
  return bytes;
}
