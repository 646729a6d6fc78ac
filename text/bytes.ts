/** The bytes of a text: those of its files, one after the other, without byte order marks. */
import type { Hash } from 'node:crypto';
import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { must } from '../core/check';

const CHUNK_BYTES = 1 << 20;
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
   *   standard input.
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
  const files = readdirSync(name, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter(
      (file) =>
        !relative(name, file)
          .split(sep)
          .some((step) => step.startsWith('.')),
    )
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
  const skip = MARK.every((byte, k) => first[k] === byte) ? MARK.length : 0;
  return { ...whole, skip, length: size - skip };
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
