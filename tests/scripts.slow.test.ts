/** Every script of benchmarks/, scripts/ and docs/ prints its usage, and refuses wrong options without a stack trace. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { usageIn } from '../scripts/script';

const root = join(__dirname, '..');
const register = join(root, 'scripts', 'register.js');

const files = ['benchmarks', 'benchmarks/scores', 'scripts', 'docs/build']
  .flatMap((folder) => readdirSync(join(root, folder)).map((name) => join(root, folder, name)))
  .filter(
    (file) =>
      file.endsWith('.ts') && /^(if .* )?void script\(|^ {2}void script\(/m.test(readFileSync(file, 'utf8')),
  );

function run(file: string, ...words: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, ['-r', register, file, ...words], { cwd: root, encoding: 'utf8' });
}

test('all of them are found; only script.ts parses arguments', () => {
  expect(files.length).toBeGreaterThan(20);
  const others = ['benchmarks', 'benchmarks/scores', 'scripts'].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter(
        (name) => name.endsWith('.ts') && name !== 'script.ts' && !files.includes(join(root, folder, name)),
      )
      .map((name) => readFileSync(join(root, folder, name), 'utf8')),
  );
  for (const source of others) expect(source).not.toMatch(/process\.argv\.slice|parseArgs\(\{/);
});

test.each(files.map((file) => [file.slice(root.length + 1), file]))('%s', (_, file) => {
  const help = run(file, '--help');
  expect([help.status, help.stdout.trim(), help.stderr]).toEqual([
    0,
    usageIn(readFileSync(file, 'utf8')),
    '',
  ]);
  const { status, stdout, stderr } = run(file, '--nonsense');
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(/^[a-z-]+: unknown option "--nonsense"\n {2}fix: --help prints the usage\n$/);
});

test.each([
  [['benchmarks/run.ts', 'kernel'], 'run: the benchmark must be one of kernels'],
  [['benchmarks/run.ts', 'startup', '--nodes', '8'], 'run: --nodes: each version must be one of '],
  [['benchmarks/run.ts', 'startup', '--nodes', 'new'], 'run: --nodes must be a whole number >= 1, got new'],
  [
    ['benchmarks/run.ts', '--nodes', '24', '--report', 'bench.html'],
    'run: --report draws the results of one version of Node',
  ],
  [['benchmarks/run.ts', '--clock', 'sun'], 'run: --clock must be one of wall, cpu, got sun'],
  [
    ['benchmarks/cells.bench.ts', '--rounds', 'many'],
    'cells: --rounds must be a whole number >= 1, got many',
  ],
  [['benchmarks/cells.bench.ts', '--rounds'], 'cells: --rounds must have a value, got none'],
  [['benchmarks/cells.bench.ts', '--json=yes'], 'cells: --json takes no value'],
  [
    ['benchmarks/gemm.bench.ts', '--dtype', 'int8'],
    'gemm: --dtype must be one of float32, float64, got int8',
  ],
  [['benchmarks/peers.bench.ts', '--workload', 'W1,W9'], 'peers: --workload must be one of W1'],
  [['benchmarks/lengths.bench.ts', 'gru'], 'lengths: what to measure must be one of gru16'],
  [
    ['benchmarks/threads.bench.ts', '--threads', '1'],
    'threads: --threads must be a whole number >= 2, got 1',
  ],
  [['benchmarks/online.bench.ts', '--clock', 'sun'], 'online: --clock must be one of wall, cpu, got sun'],
  [['benchmarks/scan.bench.ts', '--rounds', '0'], 'scan: --rounds must be a whole number >= 1, got 0'],
  [['benchmarks/profile.bench.ts', 'W9'], 'profile: the profile must be one of W1'],
  [['benchmarks/scores/scores.ts', 'tags'], 'scores: the task must be one of forecast'],
  [['benchmarks/scores/starts.ts', '--starts', 'zeros'], 'starts: --starts must be one of default'],
  [['scripts/fuzz.ts', '--only', 'zip'], 'fuzz: --only must be one of'],
  [['scripts/kill.ts', '--kills', '0'], 'kill: --kills must be a whole number >= 1, got 0'],
  [['scripts/soak.ts', '--minutes', '-1'], 'soak: '],
  [['scripts/soak.ts', '--minutes', '0'], 'soak: --minutes must be a number > 0, got 0'],
  [['scripts/build.ts', 'all'], 'build: unknown argument "all"'],
])('%j', ([file, ...words], message) => {
  const { status, stderr } = run(join(root, file), ...words);
  expect([status, stderr.split('\n')[0]]).toEqual([2, expect.stringContaining(message)]);
});
