/**
 * Byte-pair encoding of texts at the level of bytes: a text is split into words, and the bytes of each word are merged pair by
 * pair, in the order in which the pairs were learned. Merges are read from files, not learned here.
 *
 * Sources: Sennrich et al. 2016, "Neural machine translation of rare words with subword units"; Radford et al. 2019 (GPT-2).
 */
import { isRecord, must, mustBe } from '../core/check';
import { shortened } from '../core/format';
import { parseJson } from './json';

/**
 * The words of GPT-2: endings such as 's, runs of letters, of digits or of other characters with the space before them, and white
 * space. A run of more than 4096 characters is cut, so that the time for a text is bounded.
 */
const WORD =
  /'(?:[stmd]|re|ve|ll)| ?\p{L}{1,4096}| ?\p{N}{1,4096}| ?[^\p{White_Space}\p{L}\p{N}]{1,4096}|\p{White_Space}{1,4096}(?!\P{White_Space})|\p{White_Space}{1,4096}/gu;

/** The characters that stand for the bytes 0 … 255 in files: printable ones for themselves, the others from U+0100 on. */
export const LETTERS: readonly string[] = lettersOfBytes();

function lettersOfBytes(): string[] {
  const isPrintable = (byte: number): boolean =>
    (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPrintable(byte) ? byte : next++));
}

const BYTES: ReadonlyMap<string, number> = new Map(LETTERS.map((letter, byte) => [letter, byte]));
const WHERE = 'vocabulary';
/** Most words whose classes are remembered, and the most characters of one: longer ones hardly recur. */
const [MOST_REMEMBERED, LONGEST_REMEMBERED] = [1 << 16, 64];
/** More than the largest class. */
const CLASSES = 1 << 16;

/** What a vocabulary of byte pairs is made of. */
export interface BytePairParts {
  /** The symbols in the letters that stand for bytes, `Ġthe`, in the order of their classes. */
  symbols: readonly string[];
  /** The pairs in the order in which they are merged, `Ġ t`. */
  merges: readonly string[];
}

/** Encodes texts as classes of byte pairs, and writes them again. */
export class BytePairs {
  private readonly letters: readonly number[];
  /** Order and class of a merge, by left · 2¹⁶ + right. */
  private readonly merges = new Map<number, { order: number; merged: number }>();
  private readonly remembered = new Map<string, readonly number[]>();

  /** @throws RangeError unless every byte has a symbol, and each merge joins two symbols to a third. */
  constructor(private readonly parts: BytePairParts) {
    const { symbols, merges } = parts;
    const classes = new Map(symbols.map((symbol, k) => [symbol, k]));
    must(classes.size === symbols.length, WHERE, 'the symbols must differ', 'one twice');
    const missing = LETTERS.filter((letter) => !classes.has(letter));
    const every = 'there must be a symbol for each of the 256 bytes';
    if (missing.length > 0) must(false, WHERE, every, `none for ${missing.length} of them`);
    this.letters = LETTERS.map((letter) => classes.get(letter) as number);
    for (const [order, merge] of merges.entries()) {
      const [left, right, more] = merge.split(' ');
      const [a, b, merged] = [left, right, `${left}${right}`].map((symbol) => classes.get(symbol));
      const isKnown = a !== undefined && b !== undefined && merged !== undefined && more === undefined;
      if (!isKnown) must(false, WHERE, 'each merge must join two symbols to a third', JSON.stringify(merge));
      const key = a * CLASSES + b;
      if (!this.merges.has(key)) this.merges.set(key, { order, merged: merged });
    }
  }

  /** The words in which pairs are merged; together they are the text. */
  wordsOf(text: string): string[] {
    return text.match(WORD) ?? [];
  }

  /**
   * The classes of one word.
   * @throws RangeError for half a character (a lone surrogate), which has no bytes.
   */
  encodeWord(word: string): readonly number[] {
    const known = this.remembered.get(word);
    if (known) return known;
    mustHaveBytes(word);
    const classes = this.merged(Array.from(new TextEncoder().encode(word), (byte) => this.letters[byte]));
    if (word.length > LONGEST_REMEMBERED) return classes;
    if (this.remembered.size >= MOST_REMEMBERED) this.remembered.clear();
    this.remembered.set(word, classes);
    return classes;
  }

  private merged(classes: number[]): readonly number[] {
    for (;;) {
      let [first, pair, merged] = [Infinity, -1, -1];
      for (let k = 1; k < classes.length; k++) {
        const key = classes[k - 1] * CLASSES + classes[k];
        const found = this.merges.get(key);
        if (found && found.order < first) [first, pair, merged] = [found.order, key, found.merged];
      }
      if (pair < 0) return classes;
      const shorter: number[] = [];
      for (let k = 0; k < classes.length; k++) {
        const isPair = classes[k] * CLASSES + classes[k + 1] === pair;
        shorter.push(isPair ? merged : classes[k]);
        if (isPair) k++;
      }
      classes = shorter;
    }
  }

  /** The bytes of a class; those of a special symbol are its own text. */
  bytesOf(place: number): Uint8Array {
    const symbol = this.parts.symbols[place];
    const bytes = Array.from(symbol, (letter) => BYTES.get(letter));
    return bytes.includes(undefined) ? new TextEncoder().encode(symbol) : Uint8Array.from(bytes as number[]);
  }

  /** As a `tokenizer.json` of Hugging Face, which `bytePairsIn` reads. */
  toString(): string {
    const { symbols, merges } = this.parts;
    const levels = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
    return JSON.stringify({
      version: '1.0',
      ...{ truncation: null, padding: null, added_tokens: [], normalizer: null },
      ...{ pre_tokenizer: levels, post_processor: null, decoder: levels },
      model: {
        type: 'BPE',
        ...{ dropout: null, unk_token: null, continuing_subword_prefix: null, end_of_word_suffix: null },
        ...{ fuse_unk: false, byte_fallback: false, ignore_merges: false },
        vocab: Object.fromEntries(symbols.map((symbol, k) => [symbol, k])),
        merges,
      },
    });
  }
}

function mustHaveBytes(word: string): void {
  if (/\p{Surrogate}/u.test(word))
    must(false, WHERE, 'the text must be well-formed Unicode', 'half a character (a lone surrogate)');
}

/** What a `tokenizer.json` must say for its texts to be encoded exactly as here, and why. */
const REQUIRED: readonly (readonly [path: string, values: readonly unknown[], why: string])[] = [
  ['model.type', ['BPE'], 'only byte-level byte pairs can be read'],
  ['pre_tokenizer.type', ['ByteLevel'], 'only byte-level byte pairs can be read'],
  ['pre_tokenizer.add_prefix_space', [false], 'a text is encoded without another space'],
  ['pre_tokenizer.use_regex', [true, undefined], 'texts are split as for GPT-2'],
  ['normalizer', [null, undefined], 'a text is encoded as it is'],
  ['model.dropout', [null, undefined, 0], 'all merges are made'],
  ['model.continuing_subword_prefix', [null, undefined, ''], 'bytes are merged as they are'],
  ['model.end_of_word_suffix', [null, undefined, ''], 'bytes are merged as they are'],
  ['model.byte_fallback', [false, undefined], 'every byte has a symbol'],
  ['model.ignore_merges', [false, undefined], 'all merges are made'],
];

/** The value at a path of nested objects; undefined if there is none. */
const at = (value: unknown, path: string): unknown =>
  path.split('.').reduce((inner, key) => (isRecord(inner) ? inner[key] : undefined), value);

/**
 * The byte pairs in the text of a `tokenizer.json`.
 * @throws TypeError for another kind of tokenizer, naming the entry.
 */
export function bytePairsIn(text: string): BytePairParts {
  const tokenizer = jsonIn(text);
  for (const [path, values, why] of REQUIRED) {
    const got = at(tokenizer, path);
    const wanted = values
      .map((value) => (value === undefined ? 'absent' : JSON.stringify(value)))
      .join(' or ');
    if (!values.includes(got))
      mustBe(false, WHERE, `${path} of a tokenizer must be ${wanted}`, short(got), why);
  }
  const { vocab, merges } = at(tokenizer, 'model') as Record<string, unknown>;
  mustBe(Array.isArray(merges), WHERE, 'model.merges must be a list', short(merges));
  const isPair = (pair: unknown): boolean =>
    typeof pair === 'string' ||
    (Array.isArray(pair) && pair.length === 2 && pair.every((s) => typeof s === 'string'));
  const wrong = (merges as unknown[]).find((pair) => !isPair(pair));
  mustBe(wrong === undefined, WHERE, 'each of model.merges must be a pair of texts', short(wrong));
  return {
    symbols: symbolsOf({ ...(vocab as object), ...addedIn(at(tokenizer, 'added_tokens')) }),
    merges: (merges as (string | string[])[]).map((pair) =>
      typeof pair === 'string' ? pair : pair.join(' '),
    ),
  };
}

/** The JSON of a file of a tokenizer. @throws TypeError if it is none. */
export function jsonIn(text: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    mustBe(false, WHERE, 'the file of a tokenizer must be JSON', (error as Error).message);
  }
}

/** The special symbols of a tokenizer with their classes; texts never hold them. */
function addedIn(tokens: unknown): Record<string, unknown> {
  const added = Array.isArray(tokens) ? tokens.filter(isRecord) : [];
  const found = added.find(({ special }) => special !== true);
  const why = 'others would be found in texts before they are split';
  mustBe(found === undefined, WHERE, 'added_tokens must be special', short(found?.content), why);
  return Object.fromEntries(added.map(({ content, id }) => [String(content), id]));
}

/**
 * The symbols of a `vocab.json` in the order of their classes.
 * @throws TypeError unless the classes are 0, 1, 2 … without gaps.
 */
export function symbolsOf(vocab: unknown): string[] {
  mustBe(isRecord(vocab), WHERE, 'a vocab must map symbols to classes', short(vocab));
  const entries = Object.entries(vocab);
  const symbols = new Array<string | undefined>(entries.length).fill(undefined);
  for (const [symbol, place] of entries) {
    const isFree = typeof place === 'number' && place in symbols && symbols[place] === undefined;
    const what = `the classes of a vocab must be 0 … ${entries.length - 1}, each once`;
    if (!isFree) mustBe(false, WHERE, what, `${short(place)} for ${short(symbol)}`);
    symbols[place] = symbol;
  }
  return symbols as string[];
}

/** A value as JSON, cut to a line. */
const short = (value: unknown): string => (value === undefined ? 'none' : shortened(JSON.stringify(value)));
