/** Exported folders predict raw files in PyTorch, with the numbers of `backstep predict`. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '../core/random/random';
import { backstep, backstepProcess } from './command';
import { describeWith, pythonWith, run as runProgram } from './outside';

const python = pythonWith('torch') as string;

const folder = mkdtempSync(join(tmpdir(), 'backstep-predict-'));
afterAll(() => rmSync(folder, { recursive: true }));

const cells = (csv: string): string[][] =>
  csv
    .trim()
    .split('\n')
    .map((line) => line.split(','));

/** Trains for a few steps, exports, and returns the predictions of both for a file. */
async function both(name: string, text: string, options: string[]): Promise<[string[][], string[][]]> {
  const [file, run, out] = [name, `run-${name}`, `torch-${name}`].map((each) => join(folder, each));
  writeFileSync(file, text);
  const trained = backstepProcess('train', file, '--steps', '4', '--hidden', '5', ...options, '--out', run);
  expect([trained.status, trained.stderr]).toEqual([0, expect.anything()]);
  expect((await backstep('export', run, '--to', 'torch-script-py', '--out', out)).status).toBe(0);
  const ours = await backstep('predict', run, file);
  expect(runProgram(python, [join(out, 'model.py')])).toContain(': ok');
  return [cells(ours.stdout), cells(runProgram(python, [join(out, 'predict.py'), file]))];
}

/** The same tables, but for the columns of dates and steps, with numbers to seven digits. */
function expectSame([ours, theirs]: [string[][], string[][]], skip: readonly number[] = []): void {
  expect(theirs.length).toBe(ours.length);
  ours.forEach((row, k) =>
    row.forEach((cell, c) => {
      if (skip.includes(c)) return;
      if (k === 0 || Number.isNaN(Number(cell))) expect(theirs[k][c]).toBe(cell);
      else
        expect(Math.abs(Number(theirs[k][c]) - Number(cell))).toBeLessThan(
          1e-5 * Math.max(1, Math.abs(Number(cell))),
        );
    }),
  );
}

const random = new Random(3);
const days = (from: number, n: number, shop: string): string[] =>
  Array.from({ length: n }, (_, k) => {
    const date = new Date(Date.UTC(2024, 0, from + k)).toISOString().slice(0, 10);
    return `${date};${shop};"1.0${10 + (k % 60)},5";${k % 9 === 4 ? 'NA' : (random.uniform() * 9).toFixed(2)}`;
  });

describeWith(python, 'PyTorch is not installed: apt-get install python3-torch')('predict.py', () => {
  it('forecasts: groups, dates out of order, decimal commas, missing values, quantiles', async () => {
    const rows = [...days(1, 60, 'Köln'), ...days(1, 50, 'Bonn').toReversed()];
    const text = `day;shop;sold;price\n${rows.join('\n')}\n`;
    const options = [
      '--task',
      'forecast',
      '--target',
      'sold',
      '--inputs',
      'price',
      '--group',
      'shop',
      '--loss',
      'quantile',
    ];
    const more = ['--missing', 'previous', '--window', '6', '--horizon', '3', '--cell', 'lstm'];
    // the second column holds dates here, and numbers of steps there
    expectSame(await both('sales.csv', text, [...options, ...more]), [1]);
  });

  it.each(['characters', 'words'])('classifies texts by %s, in both directions', async (tokens) => {
    const rows = Array.from(
      { length: 60 },
      (_, k) => `"${k % 2 ? 'Ja, größer' : 'nein'} ${"don't 10 %"} ${k % 5}",${k % 2 ? 'up' : 'down'}`,
    );
    const text = `text,label\n${rows.join('\n')}\n`;
    expectSame(await both(`${tokens}.csv`, text, ['--task', 'classify', '--tokens', tokens]));
  });

  it('classifies series of unequal length', async () => {
    const rows = Array.from({ length: 30 }, (_, g) =>
      Array.from({ length: 3 + (g % 4) }, (_, t) =>
        JSON.stringify({ id: `s${g}`, t, v: random.normal() + (g % 2), kind: g % 2 ? 'a' : 'b' }),
      ),
    );
    const options = ['--task', 'classify', '--group', 'id', '--label', 'kind', '--inputs', 'v,t'];
    expectSame(await both('series.jsonl', `${rows.flat().join('\n')}\n`, options));
  });

  it('reads a column of numbers in one way, also where a group of it could be read in another', async () => {
    const rows = Array.from(
      { length: 80 },
      (_, k) => `${k};${k % 2 ? 'a' : 'b'};1.${100 + k}${k % 2 ? ',5' : ''}`,
    );
    const options = [
      '--task',
      'forecast',
      '--target',
      'sold',
      '--group',
      'shop',
      '--date',
      'k',
      '--window',
      '5',
    ];
    expectSame(await both('points.csv', `k;shop;sold\n${rows.join('\n')}\n`, options), [1]);
  });

  it('reads objects that leave a key out, and a table of numbers without names', async () => {
    const rows = Array.from({ length: 60 }, (_, k) =>
      JSON.stringify({ x: k % 7, ...(k % 5 !== 3 && { y: k % 4 }) }),
    );
    const options = ['--task', 'forecast', '--window', '5', '--missing', 'previous'];
    expectSame(
      await both('keys.jsonl', `${rows.join('\n')}\n`, [...options, '--target', 'x', '--inputs', 'y']),
    );
    const numbers = Array.from({ length: 60 }, (_, k) => `${k % 7},${k % 4}`).join('\n');
    expectSame(await both('names.csv', `${numbers}\n`, [...options, '--target', 'column1,column2']));
  });

  it('forecasts with dates as inputs', async () => {
    const hours = (k: number): string =>
      new Date(Date.UTC(2023, 11, 30) + k * 3_600_000).toISOString().slice(0, 16);
    const rows = Array.from({ length: 90 }, (_, k) => `${hours(k)},${k % 24}`);
    expectSame(await both('hours.csv', `at,load\n${rows.join('\n')}\n`, ['--dates', '--window', '5']), [0]);
  });

  it.each<[string, (date: Date) => string]>([
    ['months', (date) => `${date.getUTCFullYear()}-${1 + date.getUTCMonth()}`],
    ['days', (date) => `${date.getUTCDate()}.${1 + date.getUTCMonth()}.${date.getUTCFullYear()}`],
  ])('reads %s, written as in training', async (name, written) => {
    const dates = Array.from({ length: 60 }, (_, k) =>
      name === 'months' ? Date.UTC(2001, k) : Date.UTC(2001, 0, 1 + k),
    );
    const rows = dates.map((date, k) => `${written(new Date(date))},${k % 7}`);
    expectSame(await both(`${name}.csv`, `at,sold\n${rows.join('\n')}\n`, ['--window', '5']), [0]);
  });

  it('after a training on JSON reads a table by its most frequent separator', async () => {
    const rows = Array.from({ length: 60 }, (_, k) => ({ x: k % 7, y: k % 4 }));
    const lines = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
    await both('objects.jsonl', lines, ['--task', 'forecast', '--target', 'x,y', '--window', '5']);
    const table = join(folder, 'objects.csv');
    writeFileSync(table, `x;y;a, b\n${rows.map(({ x, y }) => `${x};${y};\n`).join('')}`);
    const ours = await backstep('predict', join(folder, 'run-objects.jsonl'), table);
    const theirs = runProgram(python, [join(folder, 'torch-objects.jsonl', 'predict.py'), table]);
    expectSame([cells(ours.stdout), cells(theirs)]);
  });

  it.each(['conll', 'conllu', 'jsonl'])('tags sentences of %s', async (ending) => {
    const words = ['the', 'DOG', 'größte', '😀'];
    const sentence = (k: number): string[] => words.slice(k % 2, 2 + (k % 3));
    const lines: Record<string, (k: number) => string> = {
      conll: (k) =>
        `-DOCSTART- x y\n${sentence(k)
          .map((word) => `${word} x ${word[0]}`)
          .join('\r\n')}\n \n`,
      conllu: (k) =>
        `# text = x\n1-2\t_\t_\t_\t_\t_\t_\t_\t_\t_\n${sentence(k)
          .map((word, t) => `${t + 1}\t${word}\t_\t${word[0]}\t_\t_\t_\t_\t_\t_`)
          .join('\n')}\n\n`,
      jsonl: (k) => `${JSON.stringify({ tokens: sentence(k), tags: sentence(k).map((word) => word[0]) })}\n`,
    };
    const text = Array.from({ length: 40 }, (_, k) => lines[ending](k)).join('');
    expectSame(await both(`tags.${ending}`, text, ['--task', 'tag']));
  });

  it.each([
    ['characters, one-hot, general', 'csv', ['--attention', 'general', '--embedding', '7']],
    ['words, embedded, additive', 'tsv', ['--attention', 'additive', '--tokens', 'words', '--header', 'no']],
    [
      'forward, two layers, LSTM, dot',
      'jsonl',
      ['--attention', 'dot', '--direction', 'forward', '--cell', 'lstm', '--layers', '2'],
    ],
    ['no attention, elman', 'csv', ['--attention', 'none', '--cell', 'elman', '--dropout', '0.2']],
  ])('translates by beam search: %s', async (_what, ending, options) => {
    const words = ['ab ab', 'ba ba', 'abc x', 'x cab', 'bca ab', 'ÄB ab'];
    const pairs = Array.from({ length: 60 }, (_, k) => [words[k % 6], words[(k * 5) % 6].toUpperCase()]);
    const headless = options.includes('no');
    const [from, to] = headless ? ['column1', 'column2'] : ['from', 'to'];
    const text =
      ending === 'jsonl'
        ? pairs.map(([source, target]) => JSON.stringify({ [from]: source, [to]: Array.from(target) }))
        : [...(headless ? [] : [[from, to]]), ...pairs].map((row) => row.join(ending === 'csv' ? ',' : '\t'));
    const asked = ['--task', 'translate', '--inputs', from, '--target', to, ...options];
    const more = ['--hidden', '6', '--lr', '0.02', '--steps', '30'];
    expectSame(await both(`pairs-${options[1]}.${ending}`, `${text.join('\n')}\n`, [...asked, ...more]));
  });

  it('writes for classes and numbers, and continues pieces: as many rows, with draws of its own', async () => {
    const rows = Array.from(
      { length: 60 },
      (_, k) => `${k % 2 ? 'abab' : 'cd'},${k % 2 ? 'u' : 'd'},"1,${100 + k}"`,
    );
    const options = ['--task', 'generate', '--target', 'word'];
    const [ours, theirs] = await both('kinds.csv', `word,kind,n\n${rows.join('\n')}\n`, options);
    expect(theirs.map(([row]) => row)).toEqual(ours.map(([row]) => row));
    for (const [, word, p] of theirs.slice(1)) {
      expect(word).toMatch(/^[abcd]*$/);
      expect(Number(p)).toBeGreaterThan(0);
    }
    const pieces = Array.from({ length: 20 }, (_, k) => [[60, 64], [62], [60 + (k % 5)], []]);
    for (const [name, text] of [
      ['pieces.json', JSON.stringify({ train: pieces, valid: pieces.slice(0, 2), test: pieces.slice(2, 4) })],
      ['pieces.jsonl', pieces.map((notes) => `${JSON.stringify({ notes })}\n`).join('')],
    ]) {
      const [mine, its] = await both(name, text, ['--task', 'music']);
      expect(its.map(([piece, step]) => [piece, step])).toEqual(mine.map(([piece, step]) => [piece, step]));
    }
  });

  describe('of a file that cannot be read', () => {
    const out = join(folder, 'torch-broken');
    beforeAll(async () => {
      const text = `text,label\n${'ab,x\nba,y\n'.repeat(20)}`;
      await both('broken', text, ['--task', 'classify']);
    });
    it.each<[string, string | Uint8Array, string]>([
      [
        'another encoding',
        Uint8Array.from([0x61, 0xe9, 0x0a]),
        'must be UTF-8 text, got bytes that are not, after byte 1',
      ],
      ['a binary file', 'text\n\0', 'must be text, got a zero byte'],
      ['an empty file', '\n', 'must hold rows, got an empty file'],
      ['broken JSON', '{"text": "ab"}\n{"text\n', 'line 2 of'],
      ['a list of numbers', '[1]', 'must hold objects, got 1'],
      ['other columns', 'word\nab\n', 'the file must have the column text, got word'],
      ['a row without a sequence', 'text\n""\n', 'row 1 must hold a sequence in the column text'],
    ])('says so: %s', (_what, contents, message) => {
      const file = join(folder, 'broken.txt');
      writeFileSync(file, contents);
      const { status, stderr } = spawnSync(python, [join(out, 'predict.py'), file], { encoding: 'utf8' });
      expect(stderr).toContain(message);
      expect(stderr).not.toContain('Traceback');
      expect(status).toBe(1);
    });

    it('says so: a folder, and none', () => {
      for (const file of [folder, join(folder, 'none')]) {
        const { stderr } = spawnSync(python, [join(out, 'predict.py'), file], { encoding: 'utf8' });
        expect(stderr).toMatch(/must be a readable file, got (is a directory|no such file or directory)\n$/);
      }
    });

    it('reads UTF-16 with a byte order mark, as in training', () => {
      const file = join(folder, 'wide.csv');
      writeFileSync(file, '\uFEFFtext,label\nab,x\n', 'utf16le');
      expect(runProgram(python, [join(out, 'predict.py'), file])).toMatch(
        /^row,label,probability\n1,[xy],0\.\d+\n$/,
      );
    });
  });

  it.each([
    ['csv', (text: string, label: string) => `${text},${label}`, 'text,label\n'],
    ['jsonl', (text: string, label: string) => JSON.stringify({ text, label }), ''],
  ])('ends a row of %s at a line feed only', async (ending, row, names) => {
    const rows = Array.from({ length: 40 }, (_, k) =>
      row(`a\u2028b\u0085${k % 3}\fc`, k % 2 ? 'up' : 'down'),
    );
    expectSame(await both(`lines.${ending}`, `${names}${rows.join('\n')}\n`, ['--task', 'classify']));
  });
});
