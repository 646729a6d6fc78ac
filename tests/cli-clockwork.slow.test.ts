import { spawnSync } from 'node:child_process';
import { command } from './process';

const backstep = (...args: string[]) =>
  spawnSync(process.execPath, [...command, 'clockwork', ...args], {
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });

test('weights and multiplications by the formulas, and a time for every kind of step', () => {
  const { status, stdout } = backstep('--hidden', '12', '--periods', '1,2,4', '--rows', '2', '--json');
  expect(status).toBe(0);
  const report = JSON.parse(stdout) as {
    counts: object;
    steps: { firing: number[]; count: number; multiplications: number; milliseconds: number }[];
  };
  // k = 4, g = 3: k² g(g+1)/2 = 96 weights; k² (2g − 2 + 2^(1−g)) = 68 multiplications on average
  expect(report.counts).toMatchObject({ units: 12, weights: 96, vanilla: 144, operations: 68 });
  expect(report.steps.map(({ firing, count, multiplications }) => [firing, count, multiplications])).toEqual([
    [[1, 2, 4], 1, 96],
    [[1], 2, 48],
    [[1, 2], 1, 80],
  ]);
  for (const { milliseconds } of report.steps) expect(milliseconds).toBeGreaterThan(0);
});

test('periods that are not nested; the average of what fires is what is counted', () => {
  const { stdout } = backstep('--hidden', '9', '--periods', '1,3,7', '--rows', '1');
  expect(stdout).toMatch(/^weights +54 +81 +0\.667$/m);
  expect(stdout).toMatch(/^formula n²\/2 \+ nk\/2 +54 +81$/m);
  expect(stdout).toMatch(/^1, 3 +6 +45 +0\.556/m); // 3, 6, 9, 12, 15, 18 of 21
  expect(stdout).toMatch(/^1, 7 +2 +36 +0\.444/m); // 7, 14
});

test.each([
  [['--periods', '2,1'], /clockworkCounts: periods must increase from module to module, got 2, 1/],
  [['--hidden', '5', '--periods', '1,2'], /hidden must be a multiple of 2, got 5[^]*fix: --hidden/],
  [['--periods', '1,a'], /each of --periods must be a whole number >= 1, got a/],
])('refuses %j', (args, message) => {
  const { status, stderr, stdout } = backstep(...args);
  expect(stderr).toMatch(message);
  expect([status, stdout]).toEqual([2, '']);
});
