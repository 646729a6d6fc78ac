/** A user's own cell on the command line: checked, trained, resumed, sampled, swept; and invalid cell files. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSweep } from '../sweep/config';
import { backstep, backstepProcess } from './command';

const folder = mkdtempSync(join(tmpdir(), 'backstep-cell-'));
const file = (name: string): string => join(folder, name);
const mgu = readFileSync(join(__dirname, '..', 'examples', 'cells', 'mgu.txt'), 'utf8');

beforeAll(() => {
  writeFileSync(file('mgu.txt'), mgu);
  writeFileSync(file('wrong.txt'), mgu.replace('* f * (1 - f)', '* f'));
  writeFileSync(file('unread.txt'), mgu.replace('dhNext', 'dhNex'));
  writeFileSync(file('empty.txt'), '');
  writeFileSync(file('huge.txt'), 'x'.repeat(1_000_000));
  writeFileSync(
    file('binary.txt'),
    Uint8Array.from({ length: 300 }, (_, k) => (k * 89 + 250) % 256),
  );
  writeFileSync(file('text.txt'), 'she sells sea shells by the sea shore\n'.repeat(20));
});
afterAll(() => rmSync(folder, { recursive: true }));

test('check: alone, over unequal lengths, and in both directions', async () => {
  const { status, stdout } = await backstep('check', file('mgu.txt'), '--json');
  expect(status).toBe(0);
  const cases = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { name: string; report: { ok: boolean } });
  expect(cases.map(({ name }) => name)).toEqual(['mgu', 'mgu, lengths', 'mgu in both directions']);
  expect(cases.every(({ report }) => report.ok)).toBe(true);
});

test('check: a term that is missing is found', async () => {
  const { status, stdout } = await backstep('check', file('wrong.txt'));
  expect(status).toBe(1);
  expect(stdout).toMatch(/FAIL|wrong/);
  // numbers and residues alike say where
  expect(stdout).toMatch(/forwardMode gives/);
  expect(stdout).toMatch(/\[\d+, \d+\], modulo 67108\d{3}: exact gives \d+, the backward pass \d+/);
});

test.each([
  [
    'unread.txt',
    /unread\.txt: mgu, backward, line 19, column 16: unknown name "dhNex" \(did you mean dhNext\?\)/,
  ],
  ['empty.txt', /empty\.txt: cell, line 1, column 1: the text must begin with: cell NAME/],
  ['huge.txt', /at most 200000 characters, got 1000000 bytes/],
  ['binary.txt', /binary\.txt/],
  ['none.txt', /must be a file, got .*none\.txt, which does not exist/],
])('%s is refused by check and by train', async (name, message) => {
  for (const words of [
    ['check', file(name)],
    ['train', '--text', file('text.txt'), '--cell', file(name)],
  ]) {
    const { status, stderr } = await backstep(...words);
    expect([words[0], status]).toEqual([words[0], 2]);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n\s+at /);
  }
});

test('train, sample, and train on: the checkpoint carries the equations', () => {
  const out = file('run');
  copyFileSync(file('mgu.txt'), file('gone.txt'));
  const sizes = ['--hidden', '8', '--batch', '2', '--seq', '5', '--steps', '4'];
  const trained = backstepProcess(
    'train',
    '--text',
    file('text.txt'),
    '--cell',
    file('gone.txt'),
    ...sizes,
    '--out',
    out,
  );
  expect(trained.status).toBe(0);
  expect(trained.stdout + trained.stderr).toMatch(/mgu \(from a file\)/);
  rmSync(file('gone.txt'));
  const checkpoint = join(out, 'checkpoint.safetensors');
  expect(backstepProcess('sample', checkpoint, '--length', '5').status).toBe(0);
  const resumed = backstepProcess('train', '--resume', checkpoint, '--steps', '6', '--out', out);
  expect(resumed.status).toBe(0);
  const other = backstepProcess('train', '--resume', checkpoint, '--cell', 'gru');
  expect(other.status).toBe(2);
  expect(other.stderr).toMatch(/--cell must stay mgu \(from a file\) with --resume, got gru/);
});

test('a sweep takes it beside built-in cells, relative to its own folder', () => {
  const fixed = { text: 'text.txt', steps: 3, hidden: 4, batch: 2, seq: 5 };
  writeFileSync(file('sweep.json'), JSON.stringify({ fixed, vary: { cell: ['gru', 'mgu.txt'] } }));
  const { trials } = readSweep(file('sweep.json'));
  expect(trials.map(({ label }) => label)).toEqual(['gru', 'mgu (from a file)']);
  expect(trials[1].settings.cell).toBe(mgu);
});
