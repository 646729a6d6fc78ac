/** Training on threads from the command line, in real processes. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { register } from './process';

const root = join(__dirname, '..');
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'backstep-threads-'));
  writeFileSync(
    join(folder, 'poem.txt'),
    'round and round the ragged rock the ragged rascal ran\n'.repeat(60),
  );
  writeFileSync(join(folder, 'unshared.js'), 'delete globalThis.SharedArrayBuffer;\n');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function train(node: string[], ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...register, ...node, join(root, 'cli/main.ts'), 'train', ...args],
    { encoding: 'utf8', cwd: folder, env: { ...process.env, NO_COLOR: '1' } },
  );
  return { status, stdout, stderr };
}
const begin = (out: string, ...more: string[]): string[] => [
  ...['--text', 'poem.txt', '--hidden', '8', '--batch', '3', '--seq', '8', '--dropout', '0.2', '--out', out],
  ...more,
];
const bytes = (name: string): Buffer => readFileSync(join(folder, name, 'checkpoint.safetensors'));

test('--threads is told at the start, and a resumed run ends with the same bytes', () => {
  const { status, stdout } = train([], ...begin('whole', '--threads', '2', '--steps', '20'));
  expect(status).toBe(0);
  expect(stdout).toMatch(/^network .* executor, 2 threads$/m);
  expect(stdout).toMatch(/gradients {3}right/);
  expect(train([], ...begin('part', '--threads', '2', '--steps', '9')).status).toBe(0);
  const resumed = train([], '--resume', 'part', '--steps', '20');
  expect(resumed.status).toBe(0);
  expect(resumed.stdout).toMatch(/ 2 threads$/m);
  expect(bytes('part').equals(bytes('whole'))).toBe(true);
});

test('one thread writes what a run without the option writes, where a step is small', () => {
  const { stdout } = train([], ...begin('plain', '--steps', '5'));
  expect(stdout).toMatch(/ 1 thread$/m);
  expect(train([], ...begin('one', '--threads', '1', '--steps', '5')).status).toBe(0);
  expect(bytes('one').equals(bytes('plain'))).toBe(true);
});

test('without shared memory it is said once, and one thread trains', () => {
  const node = ['-r', join(folder, 'unshared.js')];
  const { status, stdout, stderr } = train(node, ...begin('unshared', '--threads', '2', '--steps', '3'));
  expect({ status, stderr }).toEqual({
    status: 0,
    stderr: 'parallel: shared memory is missing here: one thread\n',
  });
  expect(stdout).toMatch(/ 1 thread$/m);
});

test('more threads than rows are refused', () => {
  const { status, stderr } = train([], ...begin('many', '--threads', '4', '--steps', '3'));
  expect(status).toBe(2);
  expect(stderr).toMatch(
    /^train: --threads must be at most 3, got 4 \(threads split the 3 streams of --batch\)/,
  );
});
