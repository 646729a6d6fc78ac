/** Narrow terminals: no line is wider than the terminal, and no word is broken. A pipe gets lines and tables whole. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { suite } from '../bptt/check/suite/suite';
import { commandNames } from '../cli/main';
import { once } from '../core/once';
import { quote } from '../terminal/arguments';
import { wrap } from '../terminal/wrap';
import { backstep, backstepIn, type Ran } from './command';
import { describeWith } from './outside';
import { command } from './process';

const widths = [40, 60, 80, 100];
const root = join(__dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'backstep-width-'));
writeFileSync(join(folder, 'text.txt'), 'she sells sea shells by the sea shore\n'.repeat(20));
const vary = { hidden: [4, 8], lr: [0.01, 0.002] };
writeFileSync(
  join(folder, 'grid.json'),
  JSON.stringify({ fixed: { text: 'text.txt', steps: 3, batch: 2, seq: 5 }, vary }),
);
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs `backstep` in this process as on a terminal of that width. */
async function at(columns: number, where: string, words: string): Promise<Ran> {
  const streams = [process.stdout, process.stderr];
  const before = streams.map((stream) => ({ isTTY: stream.isTTY, columns: stream.columns }));
  for (const stream of streams) Object.assign(stream, { isTTY: true, columns });
  try {
    return await backstepIn(where, ...words.split(' '));
  } finally {
    streams.forEach((stream, k) => Object.assign(stream, before[k]));
  }
}

const lengthOf = (line: string): number => Array.from(line).length;
/** Lines that are too wide although they could be wrapped: they hold more than one word. */
const tooWide = (text: string, columns: number): string[] =>
  text
    .split('\n')
    .filter((line) => lengthOf(line) > columns && line.replace(/ \\$/, '').trim().includes(' '));
/** The words of a text, without the line continuation signs of commands. */
const wordsOf = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '' && word !== '\\');

/** The output of a command into a pipe, which is the same at every width. */
const piped = once(async (words: string) => (await backstep(...words.split(' '))).stdout);

describe.each(widths)('at %i columns', (columns) => {
  it.each(['', ...commandNames])('the help of backstep %s fits', async (name) => {
    const words = `${name} --help`.trim();
    const shown = await at(columns, '.', words);
    expect(tooWide(shown.stdout, columns)).toEqual([]);
    expect(wordsOf(shown.stdout)).toEqual(wordsOf(await piped(words)));
    expect([shown.status, shown.stderr]).toEqual([0, '']);
  });

  it.each([
    'verify tests/golden/gru_b_hn.json tests/golden/elman_h1.json README.md',
    'flow --steps 60 --hidden 8 --clip 0.1 --layers 2',
    'flow --cell gru --steps 5',
    'trace --cell gru --hidden 6 --step 1 --unit 0',
    'spectrum',
    'spectrum rotating',
    'spectrum defective --steps 10000',
    'clockwork --hidden 16 --periods 1,2,4,8 --rows 1 --clock cpu',
    'hopfield',
    'hopfield --random 4 --size 14 --seed 3',
    'bench W6 --smallest',
    'paper',
    'train --hidden nothing',
    'trian',
    'export nowhere --to onnx',
  ])('what backstep %s prints fits', async (words) => {
    const shown = await at(columns, root, words);
    expect(shown.stdout + shown.stderr).not.toBe('');
    expect(tooWide(shown.stdout + shown.stderr, columns)).toEqual([]);
  });

  it('every number of a table is there, beside the title of its column', async () => {
    const parse = (text: string): string[] => text.match(/\d\.\de-\d+|proved|10{0,1}e-\d+/g) ?? [];
    const shown = await at(columns, root, 'check diagonal');
    expect(tooWide(shown.stdout, columns)).toEqual([]);
    expect(parse(shown.stdout)).toEqual(parse(await piped('check diagonal')));
    expect(shown.stdout).toMatch(/^ {2}differences +4\.4e-11(?: |$)/m);
    // a block for each case, and one for the bounds
    const blocks = suite().filter(({ group }) => group === 'diagonal').length + 1;
    for (const title of ['forward mode', 'double sum', 'Jacobians', 'statements', 'exact'])
      expect(shown.stdout.match(new RegExp(`${title}  +\\S`, 'g'))).toHaveLength(blocks);
  });
});

it('JSON stays one object a line', async () => {
  const shown = await at(40, root, 'spectrum --json');
  const names = shown.stdout
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { name: string }).name);
  expect(names).toEqual(['vanishing', 'exploding', 'rotating', 'defective', 'non-normal']);
});

describe('a pipe', () => {
  it('gets a table in one line for each row, however wide', async () => {
    const { stdout } = await backstep('check', 'clockwork');
    const [head, ...rows] = stdout.split('\n');
    expect(head).toMatch(/^worst relative error {2,}differences {2}forward mode {2}double sum/);
    expect(lengthOf(head)).toBeGreaterThan(100);
    expect(rows.filter((row) => row.endsWith('  ok')).every((row) => lengthOf(row) > 100)).toBe(true);
  });

  it('gets every sentence in one line', async () => {
    const { stdout } = await backstep('clockwork', '--hidden', '8', '--periods', '1,2');
    expect(stdout).toMatch(/^a forward step of 32 rows, .* copies its state$/m);
  });
});

// a terminal in earnest: both streams, and a bar on one of them
const hasScript = spawnSync('script', ['--version']).status === 0;
describeWith(hasScript, 'a terminal (Debian: bsdutils)').each(widths)(
  'a terminal of %i columns',
  (columns) => {
    const typed = (words: string): string[] => {
      const line = `${[process.execPath, ...command].map(quote).join(' ')} ${words}`;
      const { stdout } = spawnSync('script', ['-qfec', `stty cols ${columns}; ${line}`, '/dev/null'], {
        cwd: folder,
        encoding: 'utf8',
        env: { ...process.env, NO_COLOR: '1' },
      });
      // the bar is drawn again and again on one line
      // eslint-disable-next-line no-control-regex
      return stdout.split(/\r?\n|\r|\x1b\[1G|\x1b8|\x1b7/).map(stripVTControlCharacters);
    };

    it('shows a training run that fits, in bits per character alone', () => {
      const lines = typed(
        'train --text text.txt --hidden 4 --batch 2 --seq 5 --steps 120 --threads 1 --out m',
      );
      expect(tooWide(lines.join('\n'), columns)).toEqual([]);
      const bars = lines.filter((line) => /█|░/.test(line));
      expect(bars.length).toBeGreaterThan(0);
      expect(bars.every((line) => line.includes(' bits/char') && !line.includes('loss'))).toBe(true);
      expect(lines.join('\n')).toMatch(/^validation at step 100: \d\.\d{3} bits\/char$/m);
    });

    it('shows a sweep that fits', () => {
      const lines = typed('sweep grid.json --jobs 1 --fresh');
      expect(tooWide(lines.join('\n'), columns)).toEqual([]);
      expect(lines.join(' ')).toContain('bits/char');
    });
  },
);

describe('wrap', () => {
  it.each([
    ['one two three', 9, 'one two\n  three'],
    ['one two three', 13, 'one two three'],
    ['  set in by two', 9, '  set in\n    by\n    two'],
    ['unbreakable', 4, 'unbreakable'],
    ['an unbreakable one', 4, 'an\n  unbreakable\n  one'],
    ['first line\nsecond line', 8, 'first\n  line\nsecond\n  line'],
    ['', 4, ''],
    // symbols outside the first plane count once
    ['𝄞𝄞 𝄞𝄞', 5, '𝄞𝄞 𝄞𝄞'],
    // two columns
    ['-a  one two three', 12, '-a  one two\n    three'],
    ['--long  one two', 10, '--long\n    one\n    two'],
    ['-a  unbreakable one', 12, '-a\n    unbreakable\n    one'],
    // a command can be copied, quotes and values of options stay together
    ['  npm run x "a b" c', 15, '  npm run x \\\n    "a b" c'],
    ['  npx a --out unbreakable', 16, '  npx a --out \\\n    unbreakable'],
    ['  npx backstep --lr 1 | less', 18, '  npx backstep \\\n    --lr 1 | \\\n    less'],
    ['  npx a --json --lr 1', 18, '  npx a --json \\\n    --lr 1'],
  ])('%j to %i columns', (text, width, expected) => expect(wrap(text, width)).toBe(expected));
});
