/** The vocabulary of a model of text: its symbols, characters, words or byte pairs, and their class indices. */
import { must, mustBe } from '../core/check';
import { BytePairs, bytePairsIn } from './bytepairs';

/** Represents every symbol that is not in the vocabulary: Unicode's replacement character. */
export const UNKNOWN = '\uFFFD';
export const MOST_SYMBOLS = 65_536;

/** Class indices of symbols, in the narrowest array type that fits the vocabulary. */
export type Indices = Uint8Array | Uint16Array;

/** What the symbols of a text are. */
export type TextTokens = 'characters' | 'words' | 'byte pairs';
export const textTokens = ['characters', 'words', 'byte pairs'] as const satisfies TextTokens[];

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
 * The symbols of a model: UNKNOWN first, then code points in ascending order, or words; or byte pairs, without UNKNOWN. The index
 * of a symbol is its class.
 * @example
 * const vocabulary = Vocabulary.of('banana');
 * vocabulary.symbols.slice(1); // ['a', 'b', 'n']
 * vocabulary.size; // 4
 */
export class Vocabulary {
  private readonly places: ReadonlyMap<string, number>;
  /** @internal absent unless the symbols are byte pairs */
  readonly pairs: BytePairs | undefined;

  /**
   * @param symbols UNKNOWN and at least one code point, in ascending order, without duplicates; or UNKNOWN and words in any order; or
   *   byte pairs, which `readVocabulary` reads from a file.
   * @param merges of byte pairs, in the order in which they are made.
   * @throws RangeError for anything else.
   */
  constructor(
    readonly symbols: readonly string[],
    readonly tokens: TextTokens = 'characters',
    merges: readonly string[] = [],
  ) {
    const most = `it must hold at most ${MOST_SYMBOLS} symbols`;
    must(symbols.length <= MOST_SYMBOLS, WHERE, most, symbols.length);
    this.pairs = tokens === 'byte pairs' ? new BytePairs({ symbols, merges }) : undefined;
    this.places = new Map(symbols.map((symbol, k) => [symbol, k]));
    if (this.pairs) return;
    must(symbols[0] === UNKNOWN, WHERE, 'the first symbol must be U+FFFD', symbols[0]);
    must(symbols.length >= 2, WHERE, 'it must hold at least one symbol besides U+FFFD', symbols.length - 1);
    if (tokens === 'words') {
      const wrong = symbols.find(
        (word, k) => this.places.get(word) !== k || (k > 0 && wordsOf(word).length !== 1),
      );
      must(wrong === undefined, WHERE, 'symbols must be single words that differ', wrong);
      return;
    }
    symbols.slice(1).forEach((symbol, k) => {
      const single = [...symbol].length === 1 && symbol !== UNKNOWN;
      const above = k === 0 || pointOf(symbol) > pointOf(symbols[k]);
      must(single && above, WHERE, 'symbols must be single code points in ascending order', symbol);
    });
  }

  /** The vocabulary of a text. */
  static of(text: string): Vocabulary {
    mustBeText(text, 'Vocabulary.of');
    const points = [...new Set(text)].filter((symbol) => symbol !== UNKNOWN);
    return new Vocabulary([UNKNOWN, ...points.sort((a, b) => pointOf(a) - pointOf(b))]);
  }

  /**
   * Parses the symbols without UNKNOWN, written one after the other: the inverse of `String(vocabulary)`. Byte pairs are the text
   * of a `tokenizer.json`.
   */
  static parse(symbols: string): Vocabulary {
    // code points in ascending order never begin so
    if (/^\{\s*"/.test(symbols)) {
      const { symbols: pairs, merges } = bytePairsIn(symbols);
      return new Vocabulary(pairs, 'byte pairs', merges);
    }
    return symbols.length > 1 && symbols.endsWith(END)
      ? new Vocabulary([UNKNOWN, ...symbols.split(END).slice(0, -1)], 'words')
      : new Vocabulary([UNKNOWN, ...symbols]);
  }

  /** Number of classes, including UNKNOWN. */
  get size(): number {
    return this.symbols.length;
  }

  /** Whether a text can hold symbols that are unknown; with byte pairs, it cannot. */
  get hasUnknown(): boolean {
    return this.pairs === undefined;
  }

  /** The classes of a text's symbols, and the symbols that are unknown (their class is 0). */
  encode(text: string): { indices: number[]; unknown: string[] } {
    mustBeText(text, 'Vocabulary.encode');
    const { pairs } = this;
    if (pairs) return { indices: pairs.wordsOf(text).flatMap((word) => pairs.encodeWord(word)), unknown: [] };
    const symbols = this.tokens === 'words' ? wordsOf(text) : [...text];
    const unknown = new Set(symbols.filter((symbol) => !this.places.has(symbol)));
    return { indices: symbols.map((symbol) => this.places.get(symbol) ?? 0), unknown: [...unknown] };
  }

  /**
   * The text of a list of classes.
   * @example Vocabulary.of('abc').decode([3, 1, 2]) // 'cab'
   */
  decode(indices: Iterable<number>): string {
    const write = this.writer();
    return Array.from(indices, (index) => write(index)).join('') + write();
  }

  /**
   * Writes one class after the other. A character whose bytes are several byte pairs appears with the last of them; what is left of
   * one at the end, without an argument.
   */
  writer(): (index?: number) => string {
    const { pairs, symbols } = this;
    if (!pairs) return (index) => (index === undefined ? '' : (symbols[index] ?? UNKNOWN));
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    return (index) => {
      if (index === undefined) return decoder.decode();
      return symbols[index] === undefined ? UNKNOWN : decoder.decode(pairs.bytesOf(index), { stream: true });
    };
  }

  /**
   * All symbols except UNKNOWN, one after the other, as `parse` reads them; words end in a zero character. Byte pairs are a
   * `tokenizer.json`.
   */
  toString(): string {
    if (this.pairs) return this.pairs.toString();
    const own = this.symbols.slice(1);
    return this.tokens === 'words' ? own.map((word) => word + END).join('') : own.join('');
  }
}

const WHERE = 'vocabulary';
const mustBeText = (text: unknown, where: string): void =>
  mustBe(typeof text === 'string', where, 'the text must be a string', text);

export const pointOf = (symbol: string): number => symbol.codePointAt(0) as number;
