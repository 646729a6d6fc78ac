/** Encodes long texts as class indices. */
import { pointOf, wordsOf, type Indices, type Vocabulary } from '../io/vocabulary';

const CODE_POINTS = 0x110000;

/** Class indices of a text by a vocabulary, in the narrowest array; a symbol that it lacks has class 0. */
export class Encoder {
  private readonly Kind: Uint8ArrayConstructor | Uint16ArrayConstructor;
  /** The class of each character, or of each word. */
  private readonly points = new Uint16Array(CODE_POINTS);
  private readonly words: ReadonlyMap<string, number> | undefined;

  constructor(vocabulary: Vocabulary) {
    const { symbols, tokens, size } = vocabulary;
    this.Kind = size > 256 ? Uint16Array : Uint8Array;
    if (tokens === 'words') this.words = new Map(symbols.map((word, k) => [word, k]));
    else symbols.forEach((symbol, k) => (this.points[pointOf(symbol)] = k));
  }

  encode(text: string): Indices {
    const { words, points, Kind } = this;
    if (words) return Kind.from(wordsOf(text).map((word) => words.get(word) ?? 0));
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
