/** Reads texts as class indices, one per symbol: a character, a word or a byte pair. */
import { createHash } from 'node:crypto';
import { must, mustBe } from '../core/check';
import {
  MOST_SYMBOLS,
  pointOf,
  UNKNOWN,
  Vocabulary,
  wordsOf,
  type Indices,
  type TextTokens,
} from '../io/vocabulary';
import type { BytePairs } from '../io/bytepairs';
import { TextBytes } from './bytes';
import { Encoder } from './encoder';
import { EVERY, FileIndices, type Mark } from './fileindices';
import type { TextIndices } from './streams';

/** SHA-256 of bytes, in hexadecimal. */
export const fingerprint = (bytes: Uint8Array | string): string =>
  createHash('sha256').update(bytes).digest('hex');

const CODE_POINTS = 0x110000;
/** Most symbols that are held in memory. */
const HELD = 1 << 27;
/** Most words of a vocabulary; the rarer ones are unknown. */
const MOST_WORDS = 8191;
/** Most different words that are counted at a time. */
const MOST_COUNTED = 1 << 20;

/** A text as class indices. */
export interface Text {
  /** An array, or indices that are read from the files where they are needed. */
  indices: TextIndices;
  vocabulary: Vocabulary;
  /** Hash of the bytes, by which a checkpoint recognizes its text. */
  sha256: string;
}

/** How a text is read. */
export interface TextOptions {
  /** What a symbol is; default characters. Byte pairs are given by their vocabulary instead. */
  tokens?: Exclude<TextTokens, 'byte pairs'>;
  /** Reads the text with the vocabulary of a model; symbols that it lacks are unknown. */
  vocabulary?: Vocabulary;
  /** Most symbols that are held in memory; a longer text is read from its files again and again. Default 2²⁷. */
  held?: number;
}

/**
 * Reads files in UTF-8 (or in UTF-16 with a byte order mark) in pieces: memory use is one or two bytes per symbol, and bounded for a text of more than 2²⁷ symbols.
 *
 * @param files one file or several, one after the other; a folder stands for its files, and `-` for standard input, which is
 *   held in memory.
 * @throws RangeError when there is no text, or it holds more than 65,535 different characters.
 * @throws TypeError when it is not UTF-8 text, with the position of the first invalid byte.
 * @throws the system's error when a file cannot be read.
 * @example readText('poem.txt').vocabulary.size; // the number of different symbols
 */
export function readText(files: string | readonly string[], options: TextOptions = {}): Text {
  const { vocabulary: known, held = HELD } = options;
  const names = typeof files === 'string' ? [files] : files;
  const bytes = new TextBytes(names);
  const hash = createHash('sha256');
  const survey = surveyOf(names.join(', '), options);
  for (const { text, last } of textsOf(bytes, bytes.pieces(hash))) survey.add(text, last);
  must(survey.count > 0, 'text', `${names.join(', ')} must hold text`, 'an empty file');
  const vocabulary = known ?? (survey as VocabularySurvey).vocabulary();
  const whole = new FileIndices(
    { bytes, marks: survey.marks, encoder: new Encoder(vocabulary) },
    0,
    survey.count,
  );
  return { indices: survey.count > held ? whole : inMemory(whole), vocabulary, sha256: hash.digest('hex') };
}

/** All indices in one array. */
function inMemory(whole: FileIndices): Indices {
  const Kind = whole.slice(0, 0).constructor as Uint8ArrayConstructor;
  const all = new Kind(whole.length);
  const step = 64 * EVERY;
  for (let from = 0; from < all.length; from += step)
    all.set(whole.slice(from, Math.min(all.length, from + step)), from);
  return all;
}

/** The text of some bytes in pieces. */
function* textsOf(
  bytes: TextBytes,
  pieces: Iterable<Uint8Array>,
): Generator<{ text: string; last: boolean }> {
  // byte order marks are removed already; another one is a symbol
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let read = 0;
  const decode = (piece?: Uint8Array): string => {
    try {
      return decoder.decode(piece, { stream: piece !== undefined });
    } catch {
      const good = new TextDecoder().decode(piece ?? new Uint8Array()).split(UNKNOWN, 1)[0];
      const { name, at } = bytes.placeOf(read + (piece ? Buffer.byteLength(good) : 0));
      const got = `bytes that are not, near byte ${at}`;
      throw new TypeError(
        `text: ${name} must be UTF-8 text, got ${got} (binary, or another encoding, which iconv converts)`,
      );
    }
  };
  for (const piece of pieces) {
    const text = decode(piece);
    const { name, at } = bytes.placeOf(read);
    mustBe(
      !text.includes('\0'),
      'text',
      `${name} must be text`,
      `a zero byte near byte ${at}: a binary file`,
    );
    yield { text, last: false };
    read += piece.length;
  }
  yield { text: decode(), last: true };
}

/** Counts symbols, and marks places in the text. */
abstract class Survey {
  readonly marks: Mark[] = [];
  count = 0;
  private bytes = 0;

  abstract add(text: string, last: boolean): void;

  /** Some symbols, which begin here; a text is encoded by itself from here on if `alone`. */
  protected symbols(count: number, bytes: number, alone = true): void {
    if (alone && this.count >= this.marks.length * EVERY)
      this.marks.push({ symbol: this.count, byte: this.bytes });
    this.count += count;
    this.bytes += bytes;
  }
}

/** A survey that also finds the symbols of a text. */
interface VocabularySurvey extends Survey {
  vocabulary(): Vocabulary;
}

function surveyOf(names: string, { vocabulary, tokens = 'characters' }: TextOptions): Survey {
  if (vocabulary?.pairs) return new PairSurvey(vocabulary.pairs);
  return (vocabulary?.tokens ?? tokens) === 'words' ? new WordSurvey() : new CharacterSurvey(names);
}

class CharacterSurvey extends Survey implements VocabularySurvey {
  private readonly seen = new Uint8Array(CODE_POINTS);
  private readonly points: number[] = [];

  constructor(private readonly name: string) {
    super();
  }

  add(text: string): void {
    for (let k = 0; k < text.length; k++) {
      const point = text.codePointAt(k) as number;
      if (point > 0xffff) k++;
      if (this.seen[point] === 0) this.meet(point);
      this.symbols(1, point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4);
    }
  }

  private meet(point: number): void {
    const must65535 = `${this.name} must hold at most ${MOST_SYMBOLS - 1} different symbols`;
    must(this.points.length < MOST_SYMBOLS - 1, 'text', must65535, 'more');
    this.seen[point] = 1;
    this.points.push(point);
  }

  vocabulary(): Vocabulary {
    const known = this.points.filter((point) => point !== pointOf(UNKNOWN)).sort((a, b) => a - b);
    return new Vocabulary([UNKNOWN, ...known.map((point) => String.fromCodePoint(point))]);
  }
}

class WordSurvey extends Survey implements VocabularySurvey {
  private readonly counts = new Map<string, number>();
  private rest = '';

  add(text: string, last: boolean): void {
    const words = wordsOf(this.rest + text);
    // the last one may go on in the next piece
    this.rest = last ? '' : (words.pop() ?? '');
    for (const word of words) {
      this.counts.set(word, (this.counts.get(word) ?? 0) + 1);
      this.symbols(1, Buffer.byteLength(word));
    }
    if (this.counts.size > MOST_COUNTED)
      for (const [word, n] of this.counts) if (n === 1) this.counts.delete(word);
  }

  /** The most frequent words; one that occurs once is unknown, so that the network learns to deal with new ones. */
  vocabulary(): Vocabulary {
    const known = [...this.counts]
      .filter(([word, n]) => n > 1 && word !== UNKNOWN)
      .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
      .slice(0, MOST_WORDS)
      .map(([word]) => word);
    must(known.length > 0, 'text', 'some word must occur twice', 'none');
    return new Vocabulary([UNKNOWN, ...known], 'words');
  }
}

class PairSurvey extends Survey {
  private rest = '';
  /** Whether the word before is white space, whose end depends on what follows. */
  private isBlank = false;

  constructor(private readonly pairs: BytePairs) {
    super();
  }

  add(text: string, last: boolean): void {
    const { pairs } = this;
    const words = pairs.wordsOf(this.rest + text);
    // the last one may go on in the next piece, as may an apostrophe before a letter
    this.rest = last ? '' : words.splice(-2).join('');
    for (const word of words) {
      this.symbols(pairs.encodeWord(word).length, Buffer.byteLength(word), !this.isBlank);
      this.isBlank = !/\P{White_Space}/u.test(word);
    }
  }
}
