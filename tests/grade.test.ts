/** Grading submissions: right ones in any form, hints at the requested level, and malformed ones. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { elman } from '../index';
import { Case } from '../referee/diagnose';
import { Grader, readAssignment } from '../referee/grade';

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

test('characters that act on a terminal are not repeated', () => {
  const { verdict, error } = grader.grade('{"id": 1, \x1b[31m');
  expect(verdict).toBe('unreadable');
  expect(error).toContain('·[31m');
  expect(() => readAssignment('\x1b[31m')).toThrow('·[31m');
});
