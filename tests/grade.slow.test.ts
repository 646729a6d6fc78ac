/** Grading at every level of hints, and the command. */
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { elman } from '../index';
import { Grader, readAssignment } from '../referee/grade';
import { backstep } from './command';

const folder = join('examples', 'assignment');
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
const grader = new Grader(readAssignment(read('assignment.json')), elman);

test('a hint gives away no more than its level', () => {
  const hint = (level: 'quantity' | 'kind' | 'correction'): string =>
    grader.grade(read('carl.txt'), level).hint ?? '';
  expect(hint('quantity')).toBe('dWh is not right');
  expect(hint('kind')).toBe('dWh is not right: look at what `dWh` is made of: every path and every factor');
  expect(hint('kind')).not.toContain('hPrev');
  expect(hint('correction')).toContain('`h` in place of `hPrev`');
});

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
