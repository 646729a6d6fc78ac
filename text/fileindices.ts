/** Class indices of a text that stays in its files: they are read and encoded where they are needed. */
import type { Indices } from '../io/vocabulary';
import type { TextBytes } from './bytes';
import type { Encoder } from './encoder';
import type { TextIndices } from './streams';

/** Symbols from one mark to the next. */
export const EVERY = 4096;

interface TextSource {
  bytes: TextBytes;
  /** The byte at which every 4096th symbol begins. */
  marks: readonly number[];
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
    const [low, high] = [Math.floor(first / EVERY), Math.ceil(last / EVERY)];
    const end = high < marks.length ? marks[high] : bytes.length;
    const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(
      bytes.slice(marks[low], Math.max(end, marks[low])),
    );
    return encoder.encode(text).subarray(first - low * EVERY, last - low * EVERY);
  }

  subarray(from: number, to = this.length): FileIndices {
    return new FileIndices(this.source, this.start + from, to - from);
  }
}
