/** Reads vocabularies of byte pairs from the files of tokenizers. */
import { bytePairsIn, jsonIn, symbolsOf, type BytePairParts } from './bytepairs';
import { fileIn, readUtf8 } from './files';
import { Vocabulary } from './vocabulary';

/** The merges and the classes of a tokenizer in two files: by the names of Hugging Face, and of OpenAI. */
const TWO_FILES = [
  ['merges.txt', 'vocab.json'],
  ['vocab.bpe', 'encoder.json'],
] as const;

/**
 * A vocabulary of byte pairs, as GPT-2 has it: from a `tokenizer.json` of Hugging Face, or from `merges.txt` and the
 * `vocab.json` beside it. The classes are those of the file. Special symbols, such as `<|endoftext|>`, have a class; in a text, their
 * letters are text.
 *
 * @param file one of these files, or their folder.
 * @throws TypeError for a tokenizer of another kind; RangeError unless each of the 256 bytes has a symbol, and for more than
 *   65,536 symbols; Error when a file cannot be read.
 * @example
 * const vocabulary = readVocabulary('tokenizer.json');
 * vocabulary.decode(vocabulary.encode('Call me Ishmael.').indices); // 'Call me Ishmael.'
 */
export function readVocabulary(file: string): Vocabulary {
  const found = fileIn(file, 'tokenizer.json', 'merges.txt', 'vocab.bpe');
  try {
    const { symbols, merges } = partsIn(found);
    return new Vocabulary(symbols, 'byte pairs', merges);
  } catch (cause) {
    const { message } = cause as Error;
    const Kind = [RangeError, TypeError].find((one) => cause instanceof one);
    // the error of a file that cannot be read names it already
    if (!Kind) throw cause;
    throw new Kind(`vocabulary: ${found}: ${message.replace(/^vocabulary: /, '')}`, { cause });
  }
}

function partsIn(file: string): BytePairParts {
  for (const names of TWO_FILES) {
    const own = names.find((name) => file.endsWith(name));
    if (own === undefined) continue;
    const [merges, vocab] = names.map((name) => readUtf8(`${file.slice(0, -own.length)}${name}`));
    const lines = merges.split(/\r?\n/).filter((line) => line !== '' && !line.startsWith('#version'));
    return { symbols: symbolsOf(jsonIn(vocab)), merges: lines };
  }
  return bytePairsIn(readUtf8(file));
}
