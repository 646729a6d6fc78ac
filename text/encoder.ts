/** Encodes long texts as class indices. */
import { pointOf, type Indices, type Vocabulary } from '../io/vocabulary';

const CODE_POINTS = 0x110000;

/** Class indices of a text by a vocabulary, in the narrowest array; a symbol that it lacks has class 0. */
export class Encoder {
  private readonly Kind: Uint8ArrayConstructor | Uint16ArrayConstructor;
  /** The class of each character. */
  private readonly points: Uint16Array | undefined;

  constructor(private readonly vocabulary: Vocabulary) {
    const { symbols, tokens, size } = vocabulary;
    this.Kind = size > 256 ? Uint16Array : Uint8Array;
    if (tokens !== 'characters') return;
    const points = new Uint16Array(CODE_POINTS);
    symbols.forEach((symbol, k) => (points[pointOf(symbol)] = k));
    this.points = points;
  }

  encode(text: string): Indices {
    const { points, vocabulary, Kind } = this;
    if (!points) return Kind.from(vocabulary.encode(text).indices);
    const indices = new Kind(text.length);
    let count = 0;
    for (let k = 0; k < text.length; k++) {
      const point = text.codePointAt(k) as number;
      if (point > 0xffff) k++;
      indices[count++] = points[point];
    }
    return indices.subarray(0, count);
  }
}
