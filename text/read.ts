/** Reads a text file as class indices, one per symbol. */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { must, mustBe } from '../core/check';
import { MOST_SYMBOLS, pointOf, UNKNOWN, Vocabulary, type Indices } from '../io/vocabulary';

/** SHA-256 of bytes, in hexadecimal. */
export const fingerprint = (bytes: Uint8Array | string): string =>
  createHash('sha256').update(bytes).digest('hex');

const CHUNK_BYTES = 1 << 20;
const CODE_POINTS = 0x110000;

/** A text file as class indices. */
export interface Text {
  indices: Indices;
  vocabulary: Vocabulary;
  /** Hash of the file's bytes, by which a checkpoint recognizes its text. */
  sha256: string;
}

/**
 * Reads a UTF-8 file once, in pieces: memory use is one or two bytes per symbol, whatever the size of the file.
 *
 * @throws RangeError when the file is empty or holds more than 65,535 different symbols.
 * @throws TypeError when it is not UTF-8 text, with the position of the first invalid byte.
 * @throws the system's error when it cannot be read.
 * @example readText('poem.txt').vocabulary.size; // the number of different symbols
 */
export function readText(file: string): Text {
  const handle = openSync(file, 'r');
  try {
    const stats = fstatSync(handle);
    mustBe(!stats.isDirectory(), 'text', `${file} must be a file`, 'a folder');
    const collector = new Collector(file, stats.size);
    const buffer = new Uint8Array(CHUNK_BYTES);
    for (let n = 0; (n = readSync(handle, buffer)) > 0;) collector.add(buffer.subarray(0, n));
    return collector.finish();
  } finally {
    closeSync(handle);
  }
}

/** Numbers symbols in order of appearance, then renumbers them in the order of the vocabulary. */
class Collector {
  private readonly decoder = new TextDecoder('utf-8', { fatal: true });
  private readonly hash = createHash('sha256');
  /** 1 + the number of a code point, or 0 if it has not occurred yet. */
  private readonly numbers = new Uint16Array(CODE_POINTS);
  private readonly points: number[] = [];
  private indices: Indices;
  private count = 0;
  private bytes = 0;

  constructor(
    private readonly file: string,
    expectedBytes: number,
  ) {
    // a code point takes at least one byte; for a pipe the size is 0, and the array grows
    this.indices = new Uint8Array(Math.max(expectedBytes, 1 << 16));
  }

  add(chunk: Uint8Array): void {
    this.hash.update(chunk);
    this.addSymbols(this.decode(chunk));
    this.bytes += chunk.length;
  }

  finish(): Text {
    this.addSymbols(this.decode());
    must(this.count > 0, 'text', `${this.file} must hold text`, 'an empty file');
    const replacement = pointOf(UNKNOWN);
    const order = this.points.map((_, k) => k).filter((k) => this.points[k] !== replacement);
    order.sort((a, b) => this.points[a] - this.points[b]);
    const places = new Uint16Array(this.points.length);
    order.forEach((k, place) => (places[k] = place + 1));
    const symbols = [UNKNOWN, ...order.map((k) => String.fromCodePoint(this.points[k]))];
    const vocabulary = new Vocabulary(symbols);

    if (vocabulary.size > 256 && this.indices instanceof Uint8Array) this.widen();
    // copies only where that saves memory in the end, because both arrays exist for a moment
    const spare = this.indices.length - this.count;
    const indices =
      spare > this.count / 4 ? this.indices.slice(0, this.count) : this.indices.subarray(0, this.count);
    for (let k = 0; k < indices.length; k++) indices[k] = places[indices[k]];
    return { indices, vocabulary, sha256: this.hash.digest('hex') };
  }

  private addSymbols(text: string): void {
    if (this.count + text.length > this.indices.length) this.grow(this.count + text.length);
    for (let k = 0; k < text.length; k++) {
      const point = text.codePointAt(k) as number;
      if (point > 0xffff) k++;
      if (this.numbers[point] === 0) this.meet(point);
      this.indices[this.count++] = this.numbers[point] - 1;
    }
  }

  private meet(point: number): void {
    mustBe(
      point !== 0,
      'text',
      `${this.file} must be text`,
      `a zero byte near byte ${this.bytes}: a binary file`,
    );
    must(
      this.points.length < MOST_SYMBOLS - 1,
      'text',
      `${this.file} must hold at most ${MOST_SYMBOLS - 1} different symbols`,
      'more',
    );
    this.numbers[point] = this.points.push(point);
    if (this.points.length === 257) this.widen();
  }

  private decode(chunk?: Uint8Array): string {
    try {
      return this.decoder.decode(chunk, { stream: chunk !== undefined });
    } catch {
      const good = new TextDecoder().decode(chunk ?? new Uint8Array()).split(UNKNOWN, 1)[0];
      const at = this.bytes + (chunk ? Buffer.byteLength(good) : 0);
      const got = `bytes that are not, near byte ${at}`;
      throw new TypeError(`text: ${this.file} must be UTF-8 text, got ${got} (binary, or another encoding)`);
    }
  }

  private widen(): void {
    const wide = new Uint16Array(this.indices.length);
    wide.set(this.indices);
    this.indices = wide;
  }

  private grow(least: number): void {
    const Kind = this.indices.constructor as Uint8ArrayConstructor;
    const larger = new Kind(Math.max(least, 2 * this.indices.length));
    larger.set(this.indices.subarray(0, this.count));
    this.indices = larger;
  }
}
