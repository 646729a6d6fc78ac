/** The symbols that a model knows, and their numbers. */
import { must, mustBe } from '../core/check';

/** Stands for every symbol a vocabulary lacks; Unicode's own replacement character. */
export const UNKNOWN = '\uFFFD';
export const MOST_SYMBOLS = 65_536;

/** Class numbers of symbols: the narrowest that holds the vocabulary. */
export type Indices = Uint8Array | Uint16Array;

/**
 * The symbols a model knows: UNKNOWN first, then code points in ascending order. A symbol's place is its class.
 * @example
 * const vocabulary = Vocabulary.of('banana');
 * vocabulary.symbols.slice(1); // ['a', 'b', 'n']
 * vocabulary.size; // 4
 */
export class Vocabulary {
  private readonly places: ReadonlyMap<string, number>;

  /**
   * @param symbols UNKNOWN and at least one code point, ascending, none twice.
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

  /** The vocabulary whose symbols, without UNKNOWN, are written one after the other; `String(vocabulary)` again. */
  static parse(symbols: string): Vocabulary {
    return new Vocabulary([UNKNOWN, ...symbols]);
  }

  /** How many classes there are, that of UNKNOWN included. */
  get size(): number {
    return this.symbols.length;
  }

  /** The classes of a text's symbols, and which symbols of it are not known (their class is 0). */
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

  /** All symbols but UNKNOWN, one after the other: what `parse` reads. */
  toString(): string {
    return this.symbols.slice(1).join('');
  }
}

const mustBeText = (text: unknown, where: string): void =>
  mustBe(typeof text === 'string', where, 'the text must be a string', text);

export const pointOf = (symbol: string): number => symbol.codePointAt(0) as number;
