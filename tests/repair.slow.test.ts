/** A user's own cell with wrong backward equations: the check names the line, and the repair. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repairs } from '../referee/repair';
import { backstep } from './command';

const mgu = readFileSync(join(__dirname, '..', 'examples/cells/mgu.txt'), 'utf8');

/** The text with a mistake in it, which must be there once. */
function wrong(from: string, to: string): string {
  expect(mgu.split(from)).toHaveLength(2);
  return mgu.replace(from, () => to);
}
const lineOf = (text: string): number => mgu.slice(0, mgu.indexOf(text)).split('\n').length;

it.each([
  ['a forgotten path', 'dh = dhOut + dhNext', 'dh = dhOut', 'with `+ dhNext`'],
  ['a forgotten product of a gradient and a value', ' + dv * f + daf', ' + daf', 'with `+ dv * f`'],
  ['a forgotten product with a matrix', ' + daf @ Whf.T', '', 'with `+ daf @ Whf.T`'],
  ['a lost factor', 'dan = dh * f * (1 - n * n)', 'dan = dh * (1 - n * n)', 'with `* f`'],
  ['a lost slope', 'dan = dh * f * (1 - n * n)', 'dan = dh * f', 'with `* (1 - n * n)`'],
  [
    'a sign',
    'dhPrev = dh * (1 - f) + dv * f',
    'dhPrev = dh * (1 - f) - dv * f',
    'with the sign of the term `dv * f` flipped',
  ],
  ['a factor too many', 'dv = dan @ Whn.T', 'dv = (dan * f) @ Whn.T', 'without the factor `f`'],
  ['another name', 'dWhn += v.T @ dan', 'dWhn += hPrev.T @ dan', 'with `v` in place of `hPrev`'],
])('%s is told, with its line', (_, from, to, words) => {
  const found = repairs(wrong(from, to));
  expect(found.length).toBeGreaterThan(0);
  expect(found.length).toBeLessThan(4);
  const suggestion = found.find((one) => one.words.startsWith(words));
  expect(suggestion?.line.number).toBe(lineOf(from.trimStart()));
});

it('a right cell needs none, and one with two mistakes has no single one', () => {
  expect(repairs(mgu)).toEqual([]);
  expect(
    repairs(wrong('dh = dhOut + dhNext', 'dh = dhOut').replace('dWx += x.T @ da', 'dWx += (-x).T @ da')),
  ).toEqual([]);
});

it('check ends with it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'backstep-repair-'));
  const file = join(folder, 'mine.txt');
  writeFileSync(file, wrong('dh = dhOut + dhNext', 'dh = dhOut'));
  const { status, stdout } = await backstep('check', file);
  const json = await backstep('check', '--json', file);
  writeFileSync(
    file,
    wrong('dh = dhOut + dhNext', 'dh = dhOut').replace('dWx += x.T @ da', 'dWx += (-x).T @ da'),
  );
  const twice = await backstep('check', file);
  rmSync(folder, { recursive: true });
  expect(status).toBe(1);
  expect(stdout).not.toContain('proved in');
  expect(stdout).toContain('mgu: line 19: `dh = dhOut` would be right with `+ dhNext`');
  expect(JSON.parse(json.stdout.split('\n')[0])).toMatchObject({
    repairs: [{ words: 'with `+ dhNext`', line: { number: 19 } }],
  });
  expect(twice.stdout).toContain('mgu: no change of one line that is known here makes it right');
});
