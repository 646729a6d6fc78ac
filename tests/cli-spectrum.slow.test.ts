import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { logarithms, sparkline } from '../draw/sparkline';
import { readMatrix } from '../io/matrix';
import { command } from './process';

const folder = mkdtempSync(join(tmpdir(), 'backstep-spectrum-'));
afterAll(() => rmSync(folder, { recursive: true }));

const backstep = (args: string[], input = '') =>
  spawnSync(process.execPath, [...command, 'spectrum', ...args], {
    encoding: 'utf8',
    input,
    cwd: folder,
    env: { ...process.env, NO_COLOR: '1' },
  });

test('every case stands in the table, with what W⁸ = QΛ⁸Q⁻¹ is worth, and in the picture', () => {
  const picture = join(folder, 'all.svg');
  const { status, stdout, stderr } = backstep(['--svg', picture]);
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^ +ρ\(W\) +‖W‖ +κ\(Q\) +W⁸ = QΛ⁸Q⁻¹ +peak +‖W⁵⁰‖$/m);
  expect(stdout).toMatch(/^rotating +0.95 +0.95 +1 +to \de-1\d +– +0.07694$/m);
  expect(stdout).toMatch(/^defective +0.9 +1.53 +∞ +no Q +3.913 at 9 +0.2864$/m);
  expect(stdout).toMatch(/^non-normal +0.9 +5.141 +100 +to \de-1\d +13.48 at 6 +0.257$/m);
  expect(stdout).toMatch(/^exploding +▁+.*█+$/m);
  const svg = readFileSync(picture, 'utf8');
  expect(svg.startsWith('<svg xmlns="http://www.w3.org/2000/svg"')).toBe(true);
  for (const name of ['vanishing', 'exploding', 'rotating', 'defective', 'non-normal'])
    expect(svg).toContain(`>${name}<`);
});

test('one matrix: what becomes of every eigenvalue', () => {
  expect(backstep(['rotating']).stdout).toMatch(
    /^0.8227 − 0.475i {2}0.95 {3}-30° {2}halves every 13.51, one turn in 12$/m,
  );
  expect(backstep(['[[0, 0, 0], [0, -1, 0], [0, 0, 2]]']).stdout).toMatch(
    /^2 +2 +0° +doubles every 1\n-1 +1 +180° +stays, changes its sign\n0 +0 +0° +gone after one step$/m,
  );
  expect(backstep(['non-normal']).stdout).toContain('grows to 13.48 at t = 6, then vanishes');
  expect(backstep(['defective']).stdout).toMatch(/^defective: κ\(Q\) = .*: no W = Q Λ Q⁻¹, only products$/m);
});

test('matrices come from files and pipes, and go out as JSON', () => {
  writeFileSync(join(folder, 'w.txt'), '0.5 0\n0 -2\n');
  const { stdout } = backstep(['w.txt', '--json', '--steps', '3', '--power', '2']);
  const parsed = JSON.parse(stdout) as Record<string, unknown>;
  expect(parsed).toMatchObject({
    name: 'w.txt',
    W: [
      [0.5, 0],
      [0, -2],
    ],
    radius: 2,
    powers: [1, 2, 4, 8],
    check: { t: 2 },
  });
  expect(JSON.parse(backstep(['-', '--json'], '0 1\n0 0').stdout)).toMatchObject({
    condition: 'Infinity',
    defective: true,
  });
});

test.each([
  [['[[1, 2, 3], [4, 5, 6]]'], 'spectrum: the matrix must be square, got [2, 3]'],
  [['[[1, "a"]]'], 'matrix: the matrix must be a list of rows of numbers, got another JSON value'],
  [['nonnormal'], 'fix: did you mean non-normal?'],
  [['-'], 'matrix: standard input must hold at least one row of numbers, got nothing'],
])('%j is refused', (args, message) => {
  const { status, stderr } = backstep(args);
  expect(status).toBe(2);
  expect(stderr).toContain(message);
});

test('texts of matrices', () => {
  expect(readMatrix('\n 1, 2.5e-3\n\n-3\t.5;\n', 'x')).toEqual([
    [1, 0.0025],
    [-3, 0.5],
  ]);
  expect(readMatrix(' [[1, 2], [3, 4]] ', 'x')).toEqual([
    [1, 2],
    [3, 4],
  ]);
  expect(() => readMatrix('1 2\n3 x', 'w.txt')).toThrow(
    'matrix: line 2 of w.txt must hold numbers only, got x',
  );
  expect(() => readMatrix('[1, 2', 'w.json')).toThrow('matrix: w.json must be JSON where it starts with [');
});

test('logarithms of norms: 0 has none, and is a gap', () => {
  expect(logarithms([0, 1e-3, 10, Infinity])).toEqual([NaN, -3, 1, 1]);
  expect(logarithms([0, 0])).toEqual([NaN, NaN]);
  expect(sparkline([NaN, 1, 2, NaN])).toBe(' ▁█ ');
  expect(sparkline([1, 2], 40, [0, 7])).toBe('▂▃');
});
