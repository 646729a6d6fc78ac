/** Texts as class indices: vocabularies, files read in pieces, streams cut into chunks. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { splitText, Streams } from '../text/streams';
import { readText as read, type TextOptions } from '../text/read';
import { UNKNOWN, Vocabulary, wordsOf, type Indices } from '../io/vocabulary';

const folder = mkdtempSync(join(tmpdir(), 'backstep-text-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(contents: string | Uint8Array): string {
  const path = join(folder, 'text.txt');
  writeFileSync(path, contents);
  return path;
}

/** A text that is held in memory. */
const readText = (files: string | string[], options?: TextOptions) => {
  const { indices, ...rest } = read(files, options);
  return { indices: indices as Indices, ...rest };
};

describe('vocabulary', () => {
  it('is sorted by code point behind the unknown symbol', () => {
    const { symbols } = Vocabulary.of('bÀa😀ab\n');
    expect(symbols).toEqual([UNKNOWN, '\n', 'a', 'b', 'À', '😀']);
  });

  it('turns text into classes and back, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (text) => {
        fc.pre(!text.includes(UNKNOWN));
        const vocabulary = Vocabulary.of(text);
        const { indices, unknown } = vocabulary.encode(text);
        expect(vocabulary.decode(indices)).toBe(text);
        expect(unknown).toEqual([]);
        expect(Vocabulary.parse(String(vocabulary)).symbols).toEqual(vocabulary.symbols);
      }),
    );
  });

  it('reads what it does not know as class 0, and says what that was', () => {
    const vocabulary = Vocabulary.of('abc');
    expect(vocabulary.encode('a☃b☃😀')).toEqual({ indices: [1, 0, 2, 0, 0], unknown: ['☃', '😀'] });
    expect(vocabulary.decode([1, 0, 99])).toBe(`a${UNKNOWN}${UNKNOWN}`);
  });

  it.each([
    [[], 'vocabulary: the first symbol must be U+FFFD, got undefined'],
    [[UNKNOWN], 'vocabulary: it must hold at least one symbol besides U+FFFD, got 0'],
    [[UNKNOWN, 'b', 'a'], 'vocabulary: symbols must be single code points in ascending order, got a'],
    [[UNKNOWN, 'a', 'a'], 'vocabulary: symbols must be single code points in ascending order, got a'],
    [[UNKNOWN, 'ab'], 'vocabulary: symbols must be single code points in ascending order, got ab'],
  ])('refuses %j', (symbols, message) => {
    expect(() => new Vocabulary(symbols)).toThrow(new RangeError(message));
  });
});

describe('readText', () => {
  it('gives one byte per symbol, and the fingerprint of the file', () => {
    const { indices, vocabulary, sha256 } = readText(file('hello'));
    expect(indices).toEqual(Uint8Array.from([2, 1, 3, 3, 4]));
    expect(vocabulary.symbols).toEqual([UNKNOWN, 'e', 'h', 'l', 'o']);
    expect(sha256).toBe('2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824');
  });

  it('reads symbols that lie across the pieces it reads', () => {
    const piece = 2 ** 20;
    for (let before = 0; before < 4; before++) {
      const text = `${'x'.repeat(piece - before)}😀é${'y'.repeat(piece)}`;
      const { indices, vocabulary } = readText(file(text));
      expect(indices.length).toBe(2 * piece - before + 2);
      expect(vocabulary.decode(indices.subarray(piece - before - 1, piece - before + 3))).toBe('x😀éy');
    }
  });

  it('gives two bytes per symbol where there are more than 256 of them', () => {
    const text = String.fromCodePoint(...Array.from({ length: 700 }, (_, k) => 0x4e00 + ((k * 37) % 700)));
    const { indices, vocabulary } = readText(file(text));
    expect(indices).toBeInstanceOf(Uint16Array);
    expect(vocabulary.size).toBe(701);
    expect(vocabulary.decode(indices)).toBe(text);
    const most = String.fromCodePoint(...Array.from({ length: 255 }, (_, k) => 0x100 + k));
    expect(readText(file(most)).indices).toBeInstanceOf(Uint8Array);
    expect(readText(file(`${most}a`)).indices).toEqual(
      Uint16Array.from({ length: 256 }, (_, k) => ((k + 1) % 256) + 1),
    );
  });

  it('reads a pipe, which does not say how long it is', async () => {
    const text = 'round the ragged rock '.repeat(10_000);
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const writer = spawn('cp', [file(text), pipe]);
    const closed = once(writer, 'close');
    const { indices, vocabulary } = readText(pipe);
    expect(await closed).toEqual([0, null]);
    expect(vocabulary.decode(indices)).toBe(text);
  });

  it('takes the replacement character for the unknown symbol that it is, and drops a byte order mark', () => {
    const { indices, vocabulary } = readText(file(`\uFEFFa${UNKNOWN}b`));
    expect(Array.from(indices)).toEqual([1, 0, 2]);
    expect(vocabulary.symbols).toEqual([UNKNOWN, 'a', 'b']);
  });

  it.each<[string, string | Uint8Array, RegExp]>([
    ['an empty file', '', /^text: .*text\.txt must hold text, got an empty file$/],
    [
      'another encoding',
      Uint8Array.from([0x63, 0x61, 0x66, 0xe9, 0x20]),
      /must be UTF-8 text, got bytes that are not, near byte 3 /,
    ],
    [
      'half a symbol at the end',
      Uint8Array.from([0x61, 0xf0, 0x9f]),
      /must be UTF-8 text, got bytes that are not, near byte 3 /,
    ],
    [
      'a binary file',
      Uint8Array.from([0x61, 0, 1]),
      /must be text, got a zero byte near byte 0: a binary file$/,
    ],
  ])('names %s', (_what, contents, message) => {
    expect(() => readText(file(contents))).toThrow(message);
  });

  it('leaves the words for a missing file to the system', () => {
    expect(() => readText(join(folder, 'none'))).toThrow(/ENOENT/);
  });

  it('reads several files and folders one after the other, without hidden files and byte order marks', () => {
    const own = mkdtempSync(join(folder, 'several-'));
    mkdirSync(join(own, 'b'));
    for (const [name, text] of Object.entries({ 'a.txt': '\uFEFFab', 'b/c.txt': '\uFEFFc', '.hidden': 'x' }))
      writeFileSync(join(own, name), text);
    const { indices, vocabulary } = readText([own, join(own, 'a.txt')]);
    expect(vocabulary.decode(indices)).toBe('abcab');
    writeFileSync(join(own, 'b/c.txt'), Uint8Array.from([0x63, 0xff]));
    expect(() => readText(own)).toThrow(/c\.txt must be UTF-8 text, got bytes that are not, near byte 1 /);
    mkdirSync(join(own, 'empty'));
    expect(() => readText(join(own, 'empty'))).toThrow('must hold files, got none');
  });

  it.each(['characters', 'words'] as const)('reads %s where they are needed if there are many', (tokens) => {
    const text = ' Größer 😀, größer als 12 Häuser – «ja»!\n\n  Nein.'.repeat(700);
    const name = file(`\uFEFF${text}`);
    const [held, whole] = [readText(name, { tokens }), read(name, { tokens, held: 100 })];
    expect(whole.indices).not.toBeInstanceOf(Uint8Array);
    expect(whole.vocabulary).toEqual(held.vocabulary);
    expect(held.vocabulary.decode(held.indices)).toBe(text);
    const { length } = held.indices;
    expect(whole.indices.length).toBe(length);
    const part = whole.indices.subarray(5000).subarray(2, 900);
    for (const [from, to] of [
      [0, 1],
      [0, 898],
      [77, 78],
      [897, 898],
      [3, 3],
    ])
      expect(part.slice(from, to)).toEqual(held.indices.slice(5002 + from, 5002 + to));
    expect(whole.indices.slice(length - 5, length)).toEqual(held.indices.slice(-5));
    const [one, two] = [held, whole].map(({ indices }) => new Streams(indices, 3, 7));
    for (const k of [0, 5, one.chunks - 1]) expect(two.chunk(k)).toEqual(one.chunk(k));
  });

  it('reads a text with the vocabulary of a model', () => {
    const { vocabulary } = readText(file('aabb'));
    expect(Array.from(readText(file('xbay'), { vocabulary }).indices)).toEqual([0, 2, 1, 0]);
  });
});

describe('words', () => {
  it('are letters and digits with the space before them, and make up the text again', () => {
    expect(wordsOf("No, don't: 12 %\n\n  x")).toEqual([
      'No',
      ',',
      " don't",
      ':',
      ' 12',
      ' %',
      '\n',
      '\n',
      ' ',
      ' x',
    ]);
    expect(wordsOf('x'.repeat(50))).toEqual(['x'.repeat(40), 'x'.repeat(10)]);
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => expect(wordsOf(text).join('')).toBe(text)),
    );
  });

  it('are a vocabulary, the most frequent first, without those that occur once', () => {
    const { vocabulary, indices } = readText(file('b a b a b c'), { tokens: 'words' });
    expect(vocabulary.symbols).toEqual([UNKNOWN, ' a', ' b']);
    expect(Array.from(indices)).toEqual([0, 1, 2, 1, 2, 0]);
    expect(Vocabulary.parse(String(vocabulary))).toEqual(vocabulary);
    expect(vocabulary.encode(' a c')).toEqual({ indices: [1, 0], unknown: [' c'] });
    expect(() => readText(file('a b c'), { tokens: 'words' })).toThrow(
      'some word must occur twice, got none',
    );
    expect(() => new Vocabulary([UNKNOWN, 'a b'], 'words')).toThrow(
      'symbols must be single words that differ, got a b',
    );
  });

  it('are the same whatever pieces a file is read in', () => {
    const text = `${'ab '.repeat(2 ** 20 / 3)}abcdef ${'x'.repeat(20)} abcdef`;
    const { vocabulary, indices } = readText(file(text), { tokens: 'words' });
    const expected = wordsOf(text).map((word) => Math.max(0, vocabulary.symbols.indexOf(word)));
    expect(indices.length).toBe(expected.length);
    expect(Array.from(indices.slice(-4))).toEqual(expected.slice(-4));
  });
});

describe('streams', () => {
  it('are stretches of the text side by side, in chunks of T steps', () => {
    const streams = new Streams(Uint8Array.from([0, 1, 2, 3, 4, 5, 6, 7, 8]), 2, 2);
    expect(streams.chunks).toBe(2);
    expect(streams.chunk(0)).toEqual({
      x: Uint8Array.from([0, 4, 1, 5]),
      targets: Uint8Array.from([1, 5, 2, 6]),
    });
    expect(streams.chunk(1)).toEqual({
      x: Uint8Array.from([2, 6, 3, 7]),
      targets: Uint8Array.from([3, 7, 4, 8]),
    });
  });

  it('go on in one chunk where the one before ended, and targets are one symbol ahead', () => {
    fc.assert(
      fc.property(
        fc.nat(40),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 5 }),
        (more, B, T) => {
          const text = Uint16Array.from({ length: B * T + 1 + more }, (_, k) => k);
          const streams = new Streams(text, B, T);
          for (let b = 0; b < B; b++) {
            const seen: number[] = [];
            for (let k = 0; k < streams.chunks; k++) {
              const { x, targets } = streams.chunk(k);
              for (let t = 0; t < T; t++) {
                seen.push(x[t * B + b]);
                expect(targets[t * B + b]).toBe(x[t * B + b] + 1);
              }
            }
            expect(seen).toEqual(seen.map((_, k) => seen[0] + k));
          }
        },
      ),
    );
  });

  it('need a text that fills a chunk', () => {
    expect(new Streams(new Uint8Array(7), 2, 3).chunks).toBe(1);
    expect(() => new Streams(new Uint8Array(6), 2, 3)).toThrow(
      new RangeError(
        'streams: the text must hold at least 7 symbols, got 6 (2 streams of 3 steps, and one more)',
      ),
    );
    expect(() => new Streams(new Uint8Array(6), 0, 3)).toThrow(
      'streams: B must be a whole number >= 1, got 0',
    );
  });

  it('keep the end of the text for validation, where it can be spared', () => {
    const sizes = (n: number, least: number) => {
      const { training, validation } = splitText(new Uint8Array(n), least);
      return [training.length, validation?.length];
    };
    expect(sizes(1000, 50)).toEqual([950, 50]);
    expect(sizes(1000, 51)).toEqual([900, 100]);
    expect(sizes(1000, 101)).toEqual([1000, undefined]);
  });
});
