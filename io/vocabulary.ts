/** The vocabulary of a character model: its symbols and their class indices. */
import { must, mustBe } from '../core/check';

/** Represents every symbol that is not in the vocabulary: Unicode's replacement character. */
export const UNKNOWN = '\uFFFD';
export const MOST_SYMBOLS = 65_536;

/** Class indices of symbols, in the narrowest array type that fits the vocabulary. */
export type Indices = Uint8Array | Uint16Array;

/**
 * The symbols of a model: UNKNOWN first, then code points in ascending order. The index of a symbol is its class.
 * @example
 * const vocabulary = Vocabulary.of('banana');
 * vocabulary.symbols.slice(1); // ['a', 'b', 'n']
 * vocabulary.size; // 4
 */
export class Vocabulary {
  private readonly places: ReadonlyMap<string, number>;

  /**
   * @param symbols UNKNOWN and at least one code point, in ascending order, without duplicates.
   * @throws RangeError for anything else.
   */
  constructor(readonly symbols: readonly string[]) {
    const where = 'vocabulary';
    must(symbols[0] === UNKNOWN, where, 'the first symbol must be U+FFFD', symbols[0]);
    must(symbols.length >= 2, where, 'it must hold at least one symbol besides U+FFFD', symbols.length - 1);
    must(
      symbols.length <= MOST_SYMBOLS,
      where,
      `it must hold at most ${MOST_SYMBOLS} symbols`,
      symbols.length,
    );
    symbols.slice(1).forEach((symbol, k) => {
      const single = [...symbol].length === 1 && symbol !== UNKNOWN;
      const above = k === 0 || pointOf(symbol) > pointOf(symbols[k]);
      must(single && above, where, 'symbols must be single code points in ascending order', symbol);
    });
    this.places = new Map(symbols.map((symbol, k) => [symbol, k]));
  }

  /** The vocabulary of a text. */
  static of(text: string): Vocabulary {
    mustBeText(text, 'Vocabulary.of');
    const points = [...new Set(text)].filter((symbol) => symbol !== UNKNOWN);
    return new Vocabulary([UNKNOWN, ...points.sort((a, b) => pointOf(a) - pointOf(b))]);
  }

  /** Parses the symbols without UNKNOWN, written one after the other: the inverse of `String(vocabulary)`. */
  static parse(symbols: string): Vocabulary {
    return new Vocabulary([UNKNOWN, ...symbols]);
  }

  /** Number of classes, including UNKNOWN. */
  get size(): number {
    return this.symbols.length;
  }

  /** The classes of a text's symbols, and the symbols that are unknown (their class is 0). */
  encode(text: string): { indices: number[]; unknown: string[] } {
    mustBeText(text, 'Vocabulary.encode');
    const symbols = [...text];
    const unknown = new Set(symbols.filter((symbol) => !this.places.has(symbol)));
    return { indices: symbols.map((symbol) => this.places.get(symbol) ?? 0), unknown: [...unknown] };
  }

  /**
   * The text of a list of classes.
   * @example Vocabulary.of('abc').decode([3, 1, 2]) // 'cab'
   */
  decode(indices: Iterable<number>): string {
    return Array.from(indices, (index) => this.symbols[index] ?? UNKNOWN).join('');
  }

  /** All symbols except UNKNOWN, one after the other, as `parse` reads them. */
  toString(): string {
    return this.symbols.slice(1).join('');
  }
}

const mustBeText = (text: unknown, where: string): void =>
  mustBe(typeof text === 'string', where, 'the text must be a string', text);

export const pointOf = (symbol: string): number => symbol.codePointAt(0) as number;
