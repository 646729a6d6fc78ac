/** Lost standard output (full disk, closed pipe, closed terminal) and a slow reader: no weights are lost. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeCheckpoint } from '../io/checkpoint';
import { quote } from '../terminal/arguments';
import { describeWith } from './outside';
import { command } from './process';
import { until } from './running';

const folder = mkdtempSync(join(tmpdir(), 'backstep-output-'));
writeFileSync(join(folder, 'text.txt'), 'she sells sea shells by the sea shore\n'.repeat(7));
writeFileSync(
  join(folder, 'grid.json'),
  JSON.stringify({ fixed: { text: 'text.txt', steps: 3, batch: 1, seq: 2 } }),
);
afterAll(() => rmSync(folder, { recursive: true }));

const tiny = '--text text.txt --hidden 4 --batch 1 --seq 2 --threads 1';
const checkpoint = (out: string): string => join(folder, out, 'checkpoint.safetensors');
const stepOf = (out: string): number =>
  decodeCheckpoint(readFileSync(checkpoint(out))).optimizer?.steps ?? NaN;
/** A shell command line that runs `backstep` with these arguments, and the rest of the line. */
const typed = (words: string, rest = ''): string =>
  `${[process.execPath, ...command].map(quote).join(' ')} ${words} ${rest}`;
const shell = (line: string) => spawnSync('bash', ['-c', line], { cwd: folder, encoding: 'utf8' });
const FULL = `backstep: standard output must be writable, got a full disk (ENOSPC)
  fix: free some space, or write to another file
`;
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

describe('a full disk', () => {
  beforeAll(() => expect(shell(typed(`train ${tiny} --steps 2 --out model`)).status).toBe(0));

  it.each([
    'check elman',
    `verify ${quote(join(__dirname, 'golden/gru_b_hn.json'))}`,
    'sample model',
    'flow --steps 3',
    'spectrum rotating',
    'clockwork --hidden 8 --periods 1,2',
    'hopfield',
    'sweep grid.json --dry-run',
    'export model --to safetensors --out exported.safetensors',
  ])('under backstep %s is one sentence, exit code 1', (words) => {
    const { status, stderr } = shell(typed(words, '> /dev/full'));
    expect([stderr, status]).toEqual([FULL, 1]);
  });

  it.each(['', '--json'])('under train %s: the weights are saved', (json) => {
    const { status, stderr } = shell(
      typed(`train ${tiny} --steps 100000 --out full${json} ${json}`, '> /dev/full'),
    );
    expect(stderr.startsWith(FULL)).toBe(true);
    const [, step] =
      /^saved full(?:--json)?\/checkpoint\.safetensors at step (\d+); resume with$/m.exec(stderr) ?? [];
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(status).toBe(1);
    expect(stepOf(`full${json}`)).toBe(Number(step));
  });

  it('under standard error stops nothing', () => {
    const { status, stdout } = shell(typed(`train ${tiny} --steps 5 --out deaf`, '2> /dev/full'));
    expect(stdout).toMatch(/^trained {5}to step 5: /m);
    expect(status).toBe(0);
  });
});

// the wrapper makes the terminal; without it there is none
const hasScript = spawnSync('script', ['--version']).status === 0;
describeWith(hasScript, 'a terminal that closes (Debian: bsdutils)')('a terminal that closes', () => {
  // in a session of its own a process hears of it by EIO alone, in that of the terminal by SIGHUP too
  it.each([
    ['with SIGHUP', ''],
    ['without SIGHUP', 'setsid '],
  ])('saves, and ends with 129: %s', async (name, before) => {
    const out = name.replaceAll(' ', '-');
    const train = `${before}${typed(`train ${tiny} --seconds 1000000 --out ${out}`)}; echo $? > ${out}/code`;
    // the shell stays until it has written the exit code
    const terminal = spawn('script', ['-qfc', `trap : HUP; ${train}`, '/dev/null'], { cwd: folder });
    let shown = '';
    terminal.stdout.on('data', (chunk: Buffer) => (shown += chunk.toString()));
    await until(() => shown.includes('bits/char'));
    expect(existsSync(checkpoint(out))).toBe(false);
    terminal.kill('SIGKILL');
    const code = join(folder, out, 'code');
    await until(() => existsSync(code) && statSync(code).size > 0);
    expect(readFileSync(code, 'utf8')).toBe('129\n');
    expect(stepOf(out)).toBeGreaterThan(0);
  });
});

it('training waits for a reader that pauses, and no line is lost', async () => {
  const [steps, most] = [10_000, 5000];
  const words = [
    'train',
    ...tiny.split(' '),
    '--steps',
    String(steps),
    '--save-every',
    '100',
    '--out',
    'slow',
  ];
  const child: ChildProcess = spawn(process.execPath, [...command, ...words, '--json'], { cwd: folder });
  const { stdout } = child;
  const ended = new Promise((resolve) => child.on('close', resolve));
  // nobody reads: the pipe buffers only a few hundred lines
  await until(() => existsSync(checkpoint('slow')));
  let step = 0;
  // on a busy machine this may look before training has come to wait: then it sees less, and still no fault
  for (let before = -1; step !== before; step = stepOf('slow')) {
    before = step;
    await pause(1000);
  }
  expect(step).toBeLessThan(most);
  let output = '';
  stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  expect(await ended).toBe(0);
  const events = output
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string; step: number })
    .filter(({ event }) => event === 'step');
  expect(events.map((one) => one.step)).toEqual(Array.from({ length: steps }, (_, k) => k + 1));
});

it('Ctrl-C ends a training run whose reader pauses', async () => {
  const words = [
    'train',
    ...tiny.split(' '),
    '--seconds',
    '1000000',
    '--save-every',
    '100',
    '--out',
    'paused',
  ];
  const child: ChildProcess = spawn(process.execPath, [...command, ...words, '--json'], { cwd: folder });
  let errorOutput = '';
  child.stderr?.on('data', (chunk: Buffer) => (errorOutput += chunk.toString()));
  const ended = new Promise((resolve) => child.on('close', resolve));
  await until(() => existsSync(checkpoint('paused')));
  // whether training already waits cannot be observed; the result must be the same if it does not
  await pause(2000);
  child.kill('SIGINT');
  await until(() => /^saved paused\/checkpoint\.safetensors at step \d+/m.test(errorOutput));
  child.stdout?.resume();
  expect(await ended).toBe(130);
});
