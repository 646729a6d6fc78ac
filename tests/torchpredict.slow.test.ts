/** Exported folders predict raw files in PyTorch, with the numbers of `backstep predict`. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '../core/random';
import { backstep, backstepProcess } from './command';
import { describeWith, pythonWith, run as runProgram } from './outside';

const python = pythonWith('torch') as string;

const folder = mkdtempSync(join(tmpdir(), 'backstep-predict-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Trains for a few steps, exports, and returns the predictions of both for a file. */
async function both(name: string, text: string, options: string[]): Promise<[string[][], string[][]]> {
  const [file, run, out] = [name, `run-${name}`, `torch-${name}`].map((each) => join(folder, each));
  writeFileSync(file, text);
  const trained = backstepProcess('train', file, ...options, '--steps', '4', '--hidden', '5', '--out', run);
  expect([trained.status, trained.stderr]).toEqual([0, expect.anything()]);
  expect((await backstep('export', run, '--to', 'torch-script-py', '--out', out)).status).toBe(0);
  const cells = (csv: string): string[][] =>
    csv
      .trim()
      .split('\n')
      .map((line) => line.split(','));
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
