/** Splits a text into parallel streams, and the streams into chunks: the batches of truncated backpropagation. */
import { must, mustCount } from '../core/check';
import type { Indices } from '../io/vocabulary';

/** The class indices of a text: an array, or a text in files that is read where it is needed. */
export interface TextIndices {
  readonly length: number;
  slice(from: number, to: number): Indices;
  subarray(from: number, to?: number): TextIndices;
}

/** Class indices [T, B], row-major; `targets` are one symbol ahead of `x`. The next chunk overwrites them. */
export interface Chunk {
  x: Indices;
  targets: Indices;
}

/**
 * Splits a text into B equal streams, read side by side in chunks of T steps: row b of chunk k continues row b of
 * chunk k − 1, so that a network's states can be carried over. A remainder too short for a chunk is dropped.
 *
 * @throws RangeError when the text is too short for a single chunk.
 * @example
 * const streams = new Streams(Uint8Array.from([0, 1, 2, 3, 4, 5, 6, 7, 8]), 2, 2);
 * streams.chunks; // 2
 * streams.chunk(1).x; // [2, 6, 3, 7], which is [T, B]; the targets are [3, 7, 4, 8]
 */
export class Streams {
  /** Chunks in one pass over the text. */
  readonly chunks: number;
  private readonly length: number;
  private readonly into: Chunk;

  constructor(
    private readonly indices: TextIndices,
    readonly B: number,
    readonly T: number,
  ) {
    mustCount(B, 'streams', 'B');
    mustCount(T, 'streams', 'T');
    // the last symbol is a target only
    this.length = Math.floor((indices.length - 1) / B);
    this.chunks = Math.floor(this.length / T);
    const why = `${B} streams of ${T} steps, and one more`;
    must(
      this.chunks >= 1,
      'streams',
      `the text must hold at least ${B * T + 1} symbols`,
      indices.length,
      why,
    );
    const Kind = indices.slice(0, 0).constructor as Uint8ArrayConstructor;
    this.into = { x: new Kind(T * B), targets: new Kind(T * B) };
  }

  /** Symbols of the text, including the dropped remainder. */
  get symbols(): number {
    return this.indices.length;
  }

  /** Chunk `k` of the pass, in arrays that the next call overwrites. */
  chunk(k: number): Chunk {
    const { indices, B, T, length } = this;
    const { x, targets } = this.into;
    for (let b = 0; b < B; b++) {
      const start = b * length + k * T;
      const row = indices.slice(start, start + T + 1);
      for (let t = 0; t < T; t++) {
        x[t * B + b] = row[t];
        targets[t * B + b] = row[t + 1];
      }
    }
    return this.into;
  }
}

/** A text split into a training part, which comes first, and a validation part. */
export interface TextSplit {
  training: TextIndices;
  /** Absent when the text is too short for it. */
  validation?: TextIndices;
}

/** Splits off the last 5 % of a text for validation, or 10 % if 5 % hold fewer than `least` symbols, or nothing. */
export function splitText(indices: TextIndices, least: number): TextSplit {
  for (const part of [0.05, 0.1]) {
    const cut = indices.length - Math.floor(indices.length * part);
    if (indices.length - cut >= least) {
      return { training: indices.subarray(0, cut), validation: indices.subarray(cut) };
    }
  }
  return { training: indices };
}
