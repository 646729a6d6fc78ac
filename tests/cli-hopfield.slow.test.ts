import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { command } from './process';

const root = join(__dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'backstep-hopfield-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'corners.txt');
writeFileSync(file, '##..\n##..\n....\n....\n\n....\n....\n..##\n..##\n');

const backstep = (...args: string[]) =>
  spawnSync(process.execPath, [...command, 'hopfield', ...args], {
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });

test('five shapes are shown as they were, spoilt and recalled, with the energy', () => {
  const { status, stdout, stderr } = backstep();
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^5 patterns of 10 × 10 = 100 units, hebbian, load 0.050, asynchronous recall\n/);
  expect(stdout).toMatch(/^ring {8}20 % flipped {2}recalled\n {2}▄████▄ .* {2}▄████▄\n/m);
  expect(stdout.match(/^energy -\d+\.\d\d █.*▁ -\d+\.\d\d, fixed point after \d sweeps$/gm)?.length).toBe(5);
  expect(stdout.match(/^recalled exactly$/gm)?.length).toBe(5);
  expect(backstep().stdout).toBe(stdout);
});

test('pictures of a file, flipped as a whole: their mirror images are recalled, and JSON says so', () => {
  const { status, stdout } = backstep(file, '--flip', '1', '--rule', 'pseudo-inverse', '--json');
  expect(status).toBe(0);
  const [first, second] = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(first).toMatchObject({ picture: 'corners 1', nearest: 'corners 1', overlap: -1 });
  expect(first).toMatchObject({ outcome: 'fixed point', state: ['..##', '..##', '####', '####'] });
  expect(second).toMatchObject({ picture: 'corners 2', nearest: 'corners 2', overlap: -1 });
  expect(backstep(file, '--flip', '1').stdout).toMatch(/^the mirror image of corners 2$/m);
});

test('five times as many patterns as units, with an energy of order 4', () => {
  const { status, stdout } = backstep('--random', '500', '--order', '4');
  expect(status).toBe(0);
  expect(stdout).toMatch(
    /^500 patterns of 10 × 10 = 100 units, energy of order 4, load 5.000, asynchronous recall\n/,
  );
  expect(stdout.match(/^recalled exactly$/gm)?.length).toBe(500);
});

test('a cycle of two states is reported', () => {
  const { stdout } = backstep('--random', '4', '--size', '3', '--mode', 'synchronous', '--flip', '0.5');
  expect(stdout).toMatch(
    /2-cycle after \d+ sweeps\na cycle of two states; nearest is .*, \d of 9 units differ\n/,
  );
});

test.each([
  [['--rule', 'storky'], /--rule must be one of .*, got storky\n {2}fix: did you mean storkey\?/],
  [['--order', 'cubic'], /--order must be a whole number in 2 … 100, or exponential, got cubic/],
  [['--order', '3', '--rule', 'hebbian'], /--rule must be left out, got hebbian \(with --order\)/],
  [['--flip', '1.5'], /--flip must be a number in 0 … 1, got 1.5/],
  [[file, '--random', '3'], /--random must be left out, got 3 \(with a file of pictures\)/],
  [['--random', '5', '--size', '2', '--rule', 'pseudo-inverse'], /linearly independent.*\n {2}fix: .*--rule/],
  [[join(root, 'package.json')], /signs must be # for a dot and \. for none, got "{" in line 1, column 1 of/],
])('refuses %j', (args, message) => {
  const { status, stderr, stdout } = backstep(...args);
  expect(stderr).toMatch(message);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect([status, stdout]).toEqual([2, '']);
});
