/** The vocabulary of a model of text: its symbols, characters or words, and their class indices. */
import { must, mustBe } from '../core/check';

/** Represents every symbol that is not in the vocabulary: Unicode's replacement character. */
export const UNKNOWN = '\uFFFD';
export const MOST_SYMBOLS = 65_536;

/** Class indices of symbols, in the narrowest array type that fits the vocabulary. */
export type Indices = Uint8Array | Uint16Array;

/** What the symbols of a text are. */
export type TextTokens = 'characters' | 'words';
export const textTokens = ['characters', 'words'] as const satisfies TextTokens[];

/** Runs of at most 40 letters and digits, and each other character on its own; a space before either belongs to it. */
const WORD = / ?[\p{L}\p{M}\p{N}'’]{1,40}| ?[^ \t\n\r\p{L}\p{M}\p{N}'’]|[ \t\n\r]/gu;

/**
 * The words of a text, with the space before them, so that they make up the text again.
 * @example wordsOf('No, no.') // ['No', ',', ' no', '.']
 */
export const wordsOf = (text: string): string[] => text.match(WORD) ?? [];

/** Ends each word in the text of a vocabulary; no text holds it. */
const END = '\0';

/**
 * The symbols of a model: UNKNOWN first, then code points in ascending order, or words. The index of a symbol is its class.
 * @example
 * const vocabulary = Vocabulary.of('banana');
 * vocabulary.symbols.slice(1); // ['a', 'b', 'n']
 * vocabulary.size; // 4
 */
export class Vocabulary {
  private readonly places: ReadonlyMap<string, number>;

  /**
   * @param symbols UNKNOWN and at least one code point, in ascending order, without duplicates; or words in any order.
   * @throws RangeError for anything else.
   */
  constructor(
    readonly symbols: readonly string[],
    readonly tokens: TextTokens = 'characters',
  ) {
    const where = 'vocabulary';
    must(symbols[0] === UNKNOWN, where, 'the first symbol must be U+FFFD', symbols[0]);
    must(symbols.length >= 2, where, 'it must hold at least one symbol besides U+FFFD', symbols.length - 1);
    must(
      symbols.length <= MOST_SYMBOLS,
      where,
      `it must hold at most ${MOST_SYMBOLS} symbols`,
      symbols.length,
    );
    this.places = new Map(symbols.map((symbol, k) => [symbol, k]));
    if (tokens === 'words') {
      const wrong = symbols.find(
        (word, k) => this.places.get(word) !== k || (k > 0 && wordsOf(word).length !== 1),
      );
      must(wrong === undefined, where, 'symbols must be single words that differ', wrong);
      return;
    }
    symbols.slice(1).forEach((symbol, k) => {
      const single = [...symbol].length === 1 && symbol !== UNKNOWN;
      const above = k === 0 || pointOf(symbol) > pointOf(symbols[k]);
      must(single && above, where, 'symbols must be single code points in ascending order', symbol);
    });
  }

  /** The vocabulary of a text. */
  static of(text: string): Vocabulary {
    mustBeText(text, 'Vocabulary.of');
    const points = [...new Set(text)].filter((symbol) => symbol !== UNKNOWN);
    return new Vocabulary([UNKNOWN, ...points.sort((a, b) => pointOf(a) - pointOf(b))]);
  }

  /** Parses the symbols without UNKNOWN, written one after the other: the inverse of `String(vocabulary)`. */
  static parse(symbols: string): Vocabulary {
    return symbols.length > 1 && symbols.endsWith(END)
      ? new Vocabulary([UNKNOWN, ...symbols.split(END).slice(0, -1)], 'words')
      : new Vocabulary([UNKNOWN, ...symbols]);
  }

  /** Number of classes, including UNKNOWN. */
  get size(): number {
    return this.symbols.length;
  }

  /** The classes of a text's symbols, and the symbols that are unknown (their class is 0). */
  encode(text: string): { indices: number[]; unknown: string[] } {
    mustBeText(text, 'Vocabulary.encode');
    const symbols = this.tokens === 'words' ? wordsOf(text) : [...text];
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

  /** All symbols except UNKNOWN, one after the other, as `parse` reads them; words end in a zero character. */
  toString(): string {
    const own = this.symbols.slice(1);
    return this.tokens === 'words' ? own.map((word) => word + END).join('') : own.join('');
  }
}

const mustBeText = (text: unknown, where: string): void =>
  mustBe(typeof text === 'string', where, 'the text must be a string', text);

export const pointOf = (symbol: string): number => symbol.codePointAt(0) as number;
