/** Predictions of standard input are written as soon as the rows that they need have arrived, before the input ends. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { backstepProcessIn } from './command';
import { command } from './process';

const folder = mkdtempSync(join(tmpdir(), 'backstep-stream-'));
afterAll(() => rmSync(folder, { recursive: true }));

function trained(name: string, text: string, ...options: string[]): void {
  writeFileSync(join(folder, name), text);
  const small = ['--steps', '3', '--hidden', '4', '--threads', '1', '--out', `run-${name}`];
  const { status, stderr } = backstepProcessIn(folder, 'train', name, ...options, ...small);
  expect([status, stderr]).toEqual([0, expect.not.stringContaining('must')]);
}

/** Writes each part of the input only when as many lines were answered as are expected for the parts before. */
async function conversation(
  name: string,
  parts: readonly (readonly [text: string, lines: number])[],
  ...options: string[]
): Promise<string[]> {
  const child = spawn(process.execPath, [...command, 'predict', `run-${name}`, '-', ...options], {
    cwd: folder,
  });
  let errors = '';
  child.stderr.on('data', (text) => (errors += String(text)));
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const lines: string[] = [];
  for (const [text, expected] of parts) {
    child.stdin.write(text);
    for (let k = 0; k < expected; k++) {
      const answer = await answers.next();
      if (answer.done)
        throw new Error(`an answer must arrive before the input ends, got none for ${text}: ${errors}`);
      lines.push(answer.value);
    }
  }
  child.stdin.end();
  for (let next = await answers.next(); !next.done; next = await answers.next()) lines.push(next.value);
  expect(errors).toBe('');
  return lines;
}

/** The lines of the same rows in a file. */
function ofFile(name: string, text: string, ...options: string[]): string[] {
  writeFileSync(join(folder, `new-${name}`), text);
  const { stdout, stderr } = backstepProcessIn(folder, 'predict', `run-${name}`, `new-${name}`, ...options);
  expect(stderr).toBe('');
  return stdout.trimEnd().split('\n');
}

const rows = (n: number, row: (k: number) => string): string =>
  Array.from({ length: n }, (_, k) => row(k)).join('');

test('texts in a table, also such as look like numbers', async () => {
  trained(
    'texts.csv',
    `text,label\n${rows(40, (k) => `${k % 2 ? 'ab' : '12'}${k % 3},${k % 2 ? 'x' : 'y'}\n`)}`,
  );
  // a row may arrive in several pieces
  const parts = [
    ['text\nab', 0],
    ['1\n', 2],
    ['123\n', 1],
    ['"a\nb"\n', 1],
    ['12', 0],
  ] as const;
  const lines = await conversation('texts.csv', parts);
  expect(lines).toEqual(ofFile('texts.csv', parts.map(([text]) => text).join('')));
  expect(lines.map((line) => line.split(',')[0])).toEqual(['row', '1', '2', '3', '4']);
});

test('objects, by a generator that draws for each row', async () => {
  trained(
    'kinds.jsonl',
    rows(40, (k) => `${JSON.stringify({ word: k % 2 ? 'abab' : 'cd', kind: k % 2 ? 'u' : 'd' })}\n`),
    '--task',
    'generate',
    '--target',
    'word',
  );
  const parts = [
    ['{"kind": "u"}\n', 1],
    ['{"kind": "d"}\n{"kind": "u"}\n', 2],
    ['{"kind": "u"}', 0],
  ] as const;
  const lines = await conversation('kinds.jsonl', parts, '--json');
  expect(lines).toEqual(ofFile('kinds.jsonl', parts.map(([text]) => text).join(''), '--json'));
});

test('pairs without a first row of names', async () => {
  trained(
    'pairs.csv',
    rows(40, (k) => `ab${k % 3},AB${k % 3}\n`),
    '--task',
    'translate',
    '--header',
    'no',
    '--inputs',
    'column1',
    '--target',
    'column2',
  );
  const parts = [
    ['ab0\n', 2],
    ['ab1\n', 1],
  ] as const;
  expect(await conversation('pairs.csv', parts)).toEqual(ofFile('pairs.csv', 'ab0\nab1\n'));
});

test('sentences, when the empty line after them arrives', async () => {
  trained(
    'tags.conll',
    rows(20, (k) => (k % 2 ? 'a X\nb Y\n\n' : 'b Z\na X\nb Y\n\n')),
  );
  const parts = [
    ['a\nb\n', 0],
    ['\n', 3],
    ['\nb\n \na\n', 1],
  ] as const;
  const lines = await conversation('tags.conll', parts);
  expect(lines).toEqual(ofFile('tags.conll', parts.map(([text]) => text).join('')));
  expect(lines.map((line) => line.split(',')[0])).toEqual(['sentence', '1', '1', '2', '3']);
});

test('pieces of music', async () => {
  trained(
    'pieces.jsonl',
    rows(20, () => '{"notes": [[60, 64], [62], [60, 64], []]}\n'),
    '--task',
    'music',
  );
  const parts = [
    ['{"notes": [[60]]}\n', 17],
    ['{"notes": [[62], [60]]}\n', 16],
  ] as const;
  expect(await conversation('pieces.jsonl', parts)).toEqual(
    ofFile('pieces.jsonl', parts.map(([text]) => text).join('')),
  );
});

describe('series', () => {
  const day = (k: number): string => new Date(Date.UTC(2024, 0, 1 + k)).toISOString().slice(0, 10);

  test('a forecast after each row with --follow, after the last one without', async () => {
    trained(
      'sales.csv',
      `day,sold\n${rows(80, (k) => `${day(k)},${k % 7}\n`)}`,
      '--window',
      '3',
      '--horizon',
      '2',
    );
    const text = `day,sold\n${rows(4, (k) => `${day(k)},${k}\n`)}`;
    const parts = [
      [text, 5],
      [`${day(4)},4\n`, 2],
    ] as const;
    const lines = await conversation('sales.csv', parts, '--follow');
    expect(lines.map((line) => line.split(',')[0])).toEqual(['day', ...[3, 4, 4, 5, 5, 6].map(day)]);
    const whole = ofFile('sales.csv', `${text}${day(4)},4\n`);
    expect(lines.slice(-2)).toEqual(whole.slice(1));
    expect(await conversation('sales.csv', [[`${text}${day(4)},4\n`, 0]])).toEqual(whole);
  });

  test('decimal commas, and no row of names, are read as in training', async () => {
    const row = (k: number): string => `${day(k)};${k % 7},5\n`;
    trained('german.csv', `day;sold\n${rows(80, row)}`, '--window', '3');
    const parts = [
      // a row of its own, 1.234 could be a number with a decimal point
      [`${day(0)};1.234\n${day(1)};2\n`, 0],
      [`${day(2)};3,5\n`, 2],
      [`${day(3)};1.000\n`, 1],
    ] as const;
    const lines = await conversation('german.csv', parts, '--follow', '--header', 'no');
    const text = `day;sold\n${parts.map(([part]) => part).join('')}`;
    expect(lines.at(-1)).toBe(ofFile('german.csv', text).at(-1));
  });

  test('a label when the next series begins', async () => {
    const series = (name: string, up: number): string =>
      rows(4, (t) => `${name},${t},${up * t},${up > 0 ? 'u' : 'd'}\n`);
    trained(
      'machines.csv',
      `id,t,v,label\n${rows(20, (k) => series(`m${k}`, k % 2 ? 1 : -1))}`,
      '--task',
      'classify',
      '--group',
      'id',
      '--label',
      'label',
      '--inputs',
      'v',
    );
    const parts = [
      [`id,t,v,label\n${series('a', 1)}`, 0],
      [series('b', -1), 2],
      [series('c', 1), 1],
    ] as const;
    const lines = await conversation('machines.csv', parts, '--follow');
    expect(lines).toEqual(ofFile('machines.csv', parts.map(([text]) => text).join('')));
    const again = backstepProcessIn(folder, 'predict', 'run-machines.csv', 'machines.csv', '--follow');
    expect(again.status).toBe(2);
    expect(again.stderr).toContain(
      '--follow must be given with standard input and standard output, got machines.csv',
    );
  });
});
