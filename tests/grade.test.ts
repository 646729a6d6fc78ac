/** Grading submissions: right ones in any form, hints at the requested level, and malformed ones. */
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { elman } from '../index';
import { Case } from '../referee/diagnose';
import { Grader, readAssignment } from '../referee/grade';
import { backstep } from './command';

const folder = join('examples', 'assignment');
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
const grader = new Grader(readAssignment(read('assignment.json')), elman);

test.each([
  ['ada.txt', 'right', 7],
  ['blaise.txt', 'right', 7],
  ['carl.txt', 'partly right', 5],
  ['david.txt', 'wrong', 0],
  ['emmy.txt', 'unreadable', 0],
])('%s is %s', (file, verdict, points) => {
  expect(grader.grade(read(file))).toMatchObject({ verdict, points, of: 7 });
});

test('a hint gives away no more than its level', () => {
  const hint = (level: 'quantity' | 'kind' | 'correction'): string =>
    grader.grade(read('carl.txt'), level).hint ?? '';
  expect(hint('quantity')).toBe('dWh is not right');
  expect(hint('kind')).toBe('dWh is not right: look at what `dWh` is made of: every path and every factor');
  expect(hint('kind')).not.toContain('hPrev');
  expect(hint('correction')).toContain('`h` in place of `hPrev`');
});

test('numbers are judged as well, also those of another precision', () => {
  const { ours } = new Case(grader.question);
  const answer = (gradients: object, dtype = 'float64'): string =>
    JSON.stringify({ id: 1, dtype, gradients });
  expect(grader.grade(answer(ours))).toMatchObject({ verdict: 'right', points: 7 });
  const coarse = Object.fromEntries(Object.entries(ours).map(([name, v]) => [name, v.map(Math.fround)]));
  expect(grader.grade(answer(coarse, 'float32')).verdict).toBe('right');
  expect(grader.grade(answer(coarse)).verdict).toBe('wrong');
  const { dx, ...rest } = ours;
  expect(grader.grade(answer(rest))).toMatchObject({ points: 6, verdict: 'partly right' });
  expect(grader.grade(answer({ ...rest, dx: dx.map((v) => -v) }), 'correction').hint).toContain('other sign');
});

test.each([
  ['', 'the text must begin with: cell NAME'],
  ['{"id": 1', 'an answer must be one line of JSON'],
  ['{"id": 2}', 'the answer must have the id 1'],
  [read('ada.txt').replaceAll('Wh', 'U'), 'there must be the parameter Wh [5, 5]'],
  ['cell x\nno section', 'unknown section "no section"'],
])('a file that is no submission says why: %j', (text, error) =>
  expect(grader.grade(text)).toMatchObject({
    verdict: 'unreadable',
    points: 0,
    error: expect.stringContaining(error) as string,
  }),
);

test('another forward pass has no points', () => {
  const other = grader.grade(read('ada.txt').replace('h = tanh(z)', 'h = z'));
  expect(other).toMatchObject({ points: 0, hint: 'its outputs' });
});

test.each([
  ['not json', 'assignment: it must be JSON'],
  ['[]', 'assignment: it must be an object'],
  ['{"cell": "elman"}', 'points must be an object'],
  ['{"cell": "elman", "points": {"dWx": "2"}}', 'the points of dWx must be a number >= 0'],
  ['{"cell": "elman", "points": {"dWx": 2}, "due": 1}', 'due'],
])('%s is no assignment', (text, message) => expect(() => readAssignment(text)).toThrow(message));

test('the command prints a table, writes CSV, and exits with 1; a bad assignment is bad usage', async () => {
  const copy = mkdtempSync(join(tmpdir(), 'backstep-'));
  cpSync(folder, copy, { recursive: true });
  writeFileSync(join(copy, '=1+1.txt'), 'no cell');
  const csv = join(copy, 'points.csv');
  const { status, stdout } = await backstep('grade', copy, '--csv', csv);
  expect(status).toBe(1);
  expect(stdout).toMatch(/carl\.txt +1 +1 +2 +0 +1 +5 of 7 +partly right/);
  expect(stdout).toContain('2 of 6 submissions right');
  expect(readFileSync(csv, 'utf8')).toMatch(
    /^submission,dx,dh0,dWx,dWh,db,points,of,verdict,remark\n'=1\+1\.txt,/,
  );
  const json = await backstep('grade', copy, '--json');
  expect(
    json.stdout
      .trim()
      .split('\n')
      .map((text) => (JSON.parse(text) as { file: string }).file),
  ).toContain('ada.txt');
  writeFileSync(join(copy, 'other.json'), '{"cell": "elman", "points": {"dWy": 1}}');
  const bad = await backstep('grade', copy, '--assignment', join(copy, 'other.json'));
  expect([bad.status, bad.stderr]).toEqual([2, expect.stringContaining('points must be among dx, dWx')]);
  expect((await backstep('grade', join(copy, 'nowhere'))).status).toBe(2);
});

test('characters that act on a terminal are not repeated', () => {
  const { verdict, error } = grader.grade('{"id": 1, \x1b[31m');
  expect(verdict).toBe('unreadable');
  expect(error).toContain('·[31m');
  expect(() => readAssignment('\x1b[31m')).toThrow('·[31m');
});
