/** Reading a mistake from its file, and checking it on the command line. */
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { casesOfMistake, readMistake } from '../referee/mistakes';
import { backstep } from './command';

const file = (name: string): string => join('examples', 'mistakes', `${name}.txt`);
const text = readFileSync(file('mlpack-direction'), 'utf8');

test('the header holds the facts, a line that is set in continues the one above', () => {
  const { title, facts, planted } = readMistake(text);
  expect(title).toBe('The gradients of the direction that reads from the end are never added.');
  expect(facts.Project).toBe('mlpack');
  expect(readMistake(readFileSync(file('d2l-product'), 'utf8')).facts.Harm).toMatch(
    /a Jacobian still stood before/,
  );
  expect(planted).toEqual({
    layout: 'both directions',
    words: 'without the gradients of its own parameters, which are never added in l0r',
  });
});

test('the text of a right cell is read as well, and lines are counted as in the file', () => {
  const right = readFileSync(join('examples', 'cells', 'mgu.txt'), 'utf8');
  expect(casesOfMistake(readMistake(right))).toHaveLength(3);
  expect(() => readMistake(text.replace('f * cPrev', 'f * cPast'))).toThrow(
    /line 21, column \d+: unknown name/,
  );
});

test.each([
  ['both directions:', 'all directions:', 'planted: unknown layout "all directions"'],
  ['never added in l0r', 'never added in l2', 'planted: unknown mistake "without the gradients'],
])('%s → %s is an error', (from, to, message) =>
  expect(() => readMistake(text.replaceAll(from, to))).toThrow(message),
);

test('a file that names no mistake is bad usage, with the file', async () => {
  const bad = join(mkdtempSync(join(tmpdir(), 'backstep-')), 'bad.txt');
  writeFileSync(bad, text.replace('both directions:', 'nowhere:'));
  const { status, stderr } = await backstep('check', bad);
  expect([status, stderr]).toEqual([
    2,
    expect.stringContaining('bad.txt: planted: unknown layout "nowhere"'),
  ]);
});
