/** Vocabularies of byte pairs: files of tokenizers, texts to classes and back, and texts of several pieces. */
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { Random } from '../core/random/random';
import { network } from '../bptt/network/network';
import { elman } from '../cells/elman';
import { decodeCheckpoint, encodeCheckpoint } from '../io/checkpoint';
import { Vocabulary } from '../io/vocabulary';
import { readVocabulary } from '../io/vocabularyfile';
import { defaultPrime, generateText } from '../text/generate';
import { pytorchProject } from '../io/torch/project';
import { readText } from '../text/read';
import { letters, merges, tokenizer, vocab } from './tokenizers';

const folder = mkdtempSync(join(tmpdir(), 'backstep-pairs-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, contents: string): string {
  const path = join(folder, name);
  writeFileSync(path, contents);
  return path;
}

const pairs = readVocabulary(file('tokenizer.json', tokenizer()));
/** The symbols of a text, as in the file. */
const symbolsOf = (text: string): string[] => pairs.encode(text).indices.map((k) => pairs.symbols[k]);

describe('byte pairs', () => {
  it('are the same from each of the files that tokenizers leave', () => {
    const version = `#version: 0.2\n${merges.join('\n')}\n`;
    const own = join(folder, 'two');
    mkdirSync(own);
    for (const [one, two] of [
      ['merges.txt', 'vocab.json'],
      ['small-vocab.bpe', 'small-encoder.json'],
    ]) {
      const first = file(`two/${one}`, version.replaceAll('\n', '\r\n'));
      const second = file(`two/${two}`, JSON.stringify(vocab));
      for (const from of [first, second]) expect(readVocabulary(from)).toEqual(pairs);
    }
    expect(readVocabulary(own)).toEqual(pairs);
    expect(readVocabulary(folder)).toEqual(pairs);
    expect(readVocabulary(file('old.json', tokenizer({ merges })))).toEqual(pairs);
    expect(Vocabulary.parse(tokenizer())).toEqual(pairs);
    expect(Vocabulary.parse(String(pairs))).toEqual(pairs);
    expect(pairs.symbols).toHaveLength(vocab['<|endoftext|>'] + 1);
  });

  // the expected symbols are those of Hugging Face's tokenizers 0.23 with the same file
  it.each([
    ['the cat', ['t', 'he', 'Ġcat']],
    [' the  in\n\n', ['Ġthe', 'Ġ', 'Ġ', 'in', 'ĊĊ']],
    ["we'll they'l", ['w', 'e', "'ll", 'Ġthe', 'y', "'", 'l']],
    ['a\n\nb', ['a', 'Ċ', 'Ċ', 'b']],
    ['x    y', ['x', 'ĠĠĠ', 'Ġ', 'y']],
    ['é😀12345', ['Ã©', 'ðŁĺĢ', '123', '4', '5']],
    ['\u0085\ufeff', ['Â', 'ħ', 'ï', '»', '¿']],
    ['<|endoftext|>', [...'<|endoftext|>']],
  ])('of %j are merged in the order of the file', (text, expected) => {
    expect(symbolsOf(text)).toEqual(expected);
    expect(pairs.decode(pairs.encode(text).indices)).toBe(text);
  });

  it('make up every text again', () => {
    const unit = fc.oneof(
      fc.constantFrom(..." \n\t\u00a0'slr1é😀the cat"),
      fc.string({ unit: 'binary', maxLength: 1 }),
    );
    fc.assert(
      fc.property(fc.array(unit), (units) => {
        const text = Buffer.from(units.join('')).toString();
        expect(pairs.decode(pairs.encode(text).indices)).toBe(text);
      }),
    );
    const every = String.fromCodePoint(...Array.from({ length: 0x800 }, (_, k) => k));
    expect(pairs.decode(pairs.encode(every).indices)).toBe(every);
  });

  it('of a very long word are found, too', () => {
    const text = `${'l'.repeat(100_001)}${' '.repeat(50_000)}!`;
    const { indices } = pairs.encode(text);
    expect(pairs.decode(indices)).toBe(text);
    expect(indices.length).toBeLessThan(text.length / 2 + 100);
  });

  it('of short words are remembered, of long ones not, which would fill the memory', () => {
    const twice = (word: string) => [0, 1].map(() => pairs.pairs!.encodeWord(word));
    const [[short, again], [long, other]] = [twice('the'), twice('the'.repeat(30))];
    expect(again).toBe(short);
    expect(other).not.toBe(long);
    expect(other).toEqual(long);
  });

  it('write a character with the last of its bytes', () => {
    const write = pairs.writer();
    const bytes = Array.from(Buffer.from('é☃'), (byte) => vocab[letters[byte]]);
    expect(bytes.map((k) => write(k))).toEqual(['', 'é', '', '', '☃']);
    expect([write(bytes[0]), write()]).toEqual(['', '\ufffd']);
    expect(pairs.decode([vocab['<|endoftext|>'], 9999])).toBe('<|endoftext|>\ufffd');
  });

  it('refuse half a character, which has no bytes', () => {
    expect(() => pairs.encode('a\ud83d')).toThrow(
      new RangeError(
        'vocabulary: the text must be well-formed Unicode, got half a character (a lone surrogate)',
      ),
    );
  });
});

describe('other tokenizers are refused', () => {
  const levels = { type: 'ByteLevel', add_prefix_space: false };
  it.each<[string, string, string]>([
    [
      'WordPiece',
      tokenizer({ type: 'WordPiece' }),
      'model.type of a tokenizer must be "BPE", got "WordPiece" (only byte-level byte pairs can be read)',
    ],
    [
      'Metaspace',
      tokenizer({}, { pre_tokenizer: { type: 'Metaspace' } }),
      'pre_tokenizer.type of a tokenizer must be "ByteLevel", got "Metaspace" (only byte-level byte pairs can be read)',
    ],
    [
      'a space more',
      tokenizer({}, { pre_tokenizer: { ...levels, add_prefix_space: true } }),
      'pre_tokenizer.add_prefix_space of a tokenizer must be false, got true (a text is encoded without another space)',
    ],
    [
      'another split',
      tokenizer({}, { pre_tokenizer: { ...levels, use_regex: false } }),
      'pre_tokenizer.use_regex of a tokenizer must be true or absent, got false (texts are split as for GPT-2)',
    ],
    [
      'lower case',
      tokenizer({}, { normalizer: { type: 'Lowercase' } }),
      'normalizer of a tokenizer must be null or absent, got {"type":"Lowercase"} (a text is encoded as it is)',
    ],
    [
      'ends of words',
      tokenizer({ end_of_word_suffix: '</w>' }),
      'model.end_of_word_suffix of a tokenizer must be null or absent or "", got "</w>" (bytes are merged as they are)',
    ],
    [
      'added words',
      tokenizer({}, { added_tokens: [{ id: 275, content: '  ', special: false }] }),
      'added_tokens must be special, got "  " (others would be found in texts before they are split)',
    ],
    [
      'a gap',
      tokenizer({ vocab: { a: 0, b: 7 } }),
      'the classes of a vocab must be 0 … 2, each once, got 7 for "b"',
    ],
    [
      'no bytes',
      tokenizer({ vocab: { a: 0, b: 1 }, merges: [] }, { added_tokens: [] }),
      'there must be a symbol for each of the 256 bytes, got none for 254 of them',
    ],
    [
      'an unknown merge',
      tokenizer({ merges: ['x y'] }),
      'each merge must join two symbols to a third, got "x y"',
    ],
    ['no merges', tokenizer({ merges: 'a b' }), 'model.merges must be a list, got "a b"'],
    [
      'a merge of three',
      tokenizer({ merges: [['a', 'b', 'c']] }),
      'each of model.merges must be a pair of texts, got ["a","b","c"]',
    ],
    [
      'another file',
      '[]',
      'model.type of a tokenizer must be "BPE", got none (only byte-level byte pairs can be read)',
    ],
  ])('%s', (_, text, message) => {
    const name = file('refused.json', text);
    expect(() => readVocabulary(name)).toThrow(`vocabulary: ${name}: ${message}`);
  });

  it('no JSON, and no file', () => {
    const name = file('spiece.model', '\u0001');
    expect(() => readVocabulary(name)).toThrow(
      `vocabulary: ${name}: the file of a tokenizer must be JSON, got `,
    );
    expect(() => readVocabulary(join(folder, 'none', 'merges.txt'))).toThrow(
      /^read: .*merges.txt must be a readable file, got no such file/,
    );
    const many = Object.fromEntries(Array.from({ length: 65_281 }, (_, k) => [`x${k}`, k + 256]));
    const all = { ...Object.fromEntries(letters.map((letter, k) => [letter, k])), ...many };
    const large = file('large.json', tokenizer({ vocab: all, merges: [] }, { added_tokens: [] }));
    expect(() => readVocabulary(large)).toThrow('it must hold at most 65536 symbols, got 65537');
  });
});

describe('a text of byte pairs', () => {
  it('is read in pieces, and where it is needed, as at once', () => {
    const part = " the cat, they'll in\n\n\n  é😀\t\u2028 123'l \n'll x";
    const text = part.repeat(30_000);
    const { indices } = pairs.encode(text);
    const name = file('text.txt', text);
    const held = readText(name, { vocabulary: pairs });
    expect(
      Buffer.from(Uint16Array.from(indices).buffer).equals(Buffer.from((held.indices as Uint16Array).buffer)),
    ).toBe(true);
    const whole = readText(name, { vocabulary: pairs, held: 1000 }).indices;
    expect(whole.length).toBe(indices.length);
    const random = new Random(1);
    for (let k = 0; k < 100; k++) {
      const from = random.below(indices.length);
      const to = Math.min(indices.length, from + random.below(9000));
      expect(Array.from(whole.slice(from, to))).toEqual(indices.slice(from, to));
    }
  });

  it('is white space alone at worst', () => {
    const text = ' \n'.repeat(20_000);
    const name = file('blank.txt', text);
    const { indices } = readText(name, { vocabulary: pairs, held: 10 });
    expect(pairs.decode(indices.slice(0, indices.length))).toBe(text);
    expect(pairs.decode(indices.slice(9000, 9010))).toBe(text.slice(9000, 9010));
  });
});

it('a model of byte pairs is saved with them, and writes whole characters', () => {
  const { size } = pairs;
  const net = network({ layers: [elman({ input: size, hidden: 3 })], output: size, loss: 'softmax' });
  const { vocabulary, network: read } = decodeCheckpoint(
    encodeCheckpoint({ network: net, vocabulary: pairs }),
  );
  expect(String(vocabulary)).toBe(String(pairs));
  const prime = pairs.encode(defaultPrime(pairs)).indices;
  expect(prime).toEqual([vocab.Ċ]);
  const written = generateText(read, pairs, { temperature: 1, prime, random: new Random(1) });
  const text = Array.from({ length: 300 }, () => written.next().value).join('');
  expect(text.length).toBeGreaterThan(200);
});

it('the folder for PyTorch holds the tokenizer', () => {
  const { size } = pairs;
  const net = network({ layers: [elman({ input: size, hidden: 3 })], output: size, loss: 'softmax' });
  const files = pytorchProject({ network: net, vocabulary: pairs });
  expect(files['tokenizer.json']).toBe(String(pairs));
  expect(files['model.py']).toContain('VOCABULARY = "tokenizer.json"\n');
  expect(files['model.py']).toContain('classes = torch.tensor(pairs_of(whole))\n');
  expect(files['model.py']).not.toContain('places');
});
