/** Class indices of a text that stays in its files: they are read and encoded where they are needed. */
import type { Indices } from '../io/vocabulary';
import type { TextBytes } from './bytes';
import type { Encoder } from './encoder';
import type { TextIndices } from './streams';

/** Symbols from one mark to the next, or a few more. */
export const EVERY = 4096;

/** A symbol from which on the text can be encoded by itself, and the byte at which it begins. */
export interface Mark {
  symbol: number;
  byte: number;
}

interface TextSource {
  bytes: TextBytes;
  /** Mark k is the first one at symbol 4096 k or later. */
  marks: readonly Mark[];
  encoder: Encoder;
}

/** Indices of some symbols of a text. */
export class FileIndices implements TextIndices {
  constructor(
    private readonly source: TextSource,
    private readonly start: number,
    readonly length: number,
  ) {}

  /** Reads from the mark before `from` to the one after `to`. */
  slice(from: number, to: number): Indices {
    const { bytes, marks, encoder } = this.source;
    const [first, last] = [this.start + from, this.start + to];
    let low = Math.min(Math.floor(first / EVERY), marks.length - 1);
    while (marks[low].symbol > first) low--;
    const { symbol, byte } = marks[low];
    const end = marks.at(Math.ceil(last / EVERY))?.byte ?? bytes.length;
    const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.slice(byte, Math.max(end, byte)));
    return encoder.encode(text).subarray(first - symbol, last - symbol);
  }

  subarray(from: number, to = this.length): FileIndices {
    return new FileIndices(this.source, this.start + from, to - from);
  }
}
