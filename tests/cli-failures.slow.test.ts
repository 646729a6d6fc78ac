/** Failures of a training run, and what they leave: real processes, real signals, real files. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeCheckpoint } from '../io/checkpoint';
import { command } from './process';
import { started, type Running } from './running';

const small = ['--hidden', '6', '--batch', '2', '--seq', '5', '--dropout', '0.1'];
/** Steps or seconds that no test waits for. */
const LONG = '1000000';
const folder = mkdtempSync(join(tmpdir(), 'backstep-failures-'));
const text = join(folder, 'text.txt');
// a pass over it takes 24 steps, so that the runs below go round several times
writeFileSync(text, 'she sells sea shells by the sea shore\n'.repeat(7));
afterAll(() => rmSync(folder, { recursive: true }));

const options = { encoding: 'utf8', cwd: folder, env: { ...process.env, NO_COLOR: '1' } } as const;
const backstep = (...args: string[]) => spawnSync(process.execPath, [...command, ...args], options);
const train = (out: string, ...more: string[]) => ['train', '--text', text, ...small, '--out', out, ...more];
const checkpoint = (out: string): string => join(folder, out, 'checkpoint.safetensors');
const rescued = (out: string): string => join(folder, out, 'checkpoint.rescued.safetensors');
const start = (...args: string[]): Running => started(folder, args);

it('SIGTERM ends a run that is still laying its network out', async () => {
  // this takes a minute or more before the first step
  const long = ['--hidden', '2', '--batch', '1', '--seq', '10000', '--layers', '8'];
  const book = join(folder, 'book.txt');
  writeFileSync(book, 'she sells sea shells by the sea shore\n'.repeat(800));
  const run = start('train', '--text', book, ...long, '--threads', '1', '--steps', '1', '--out', 'laying');
  // the last that is printed before
  await run.says('output');
  expect((await run.kill('SIGTERM')).signal).toBe('SIGTERM');
});

it('Ctrl-C says what a second one does, and ends the run with 130, however often it comes', async () => {
  const run = start(...train('twice', '--seconds', LONG));
  await run.says('step 1 ');
  run.child.kill('SIGINT');
  await run.says('press Ctrl-C again to stop at once, without saving');
  expect((await run.kill('SIGINT')).status).toBe(130);
});

it('a loss that is no number stops the run at that step, leaves the last good checkpoint, and keeps the last good weights', () => {
  expect(backstep(...train('good', '--steps', '3')).status).toBe(0);
  const before = readFileSync(checkpoint('good'));
  const { status, stderr } = backstep(
    ...train('good', '--steps', '50', '--optimizer', 'sgd', '--lr', '1e38', '--clip', 'off'),
  );
  expect(status).toBe(1);
  expect(stderr).toMatch(
    /^train: fit: step \d+: .* must .*finite.*\n {2}fix: --lr .*; the last good weights are in good\/checkpoint\.rescued\.safetensors; resume with --resume /,
  );
  expect(readFileSync(checkpoint('good')).equals(before)).toBe(true);
  const { network } = decodeCheckpoint(readFileSync(rescued('good')));
  expect(network.parameters.flat.data.every(Number.isFinite)).toBe(true);
  expect(backstep('sample', rescued('good'), '--length', '3').status).toBe(0);
});

it('a thread that dies stops the run; from the weights that are kept it ends as if nothing had happened', () => {
  const shared = ['--threads', '2', '--steps', '40'];
  expect(backstep(...train('untroubled', ...shared)).status).toBe(0);
  // ends the worker at its 20th answer
  const trouble = `const { isMainThread } = require('node:worker_threads');
    const { store } = Atomics;
    let answers = 0;
    Atomics.store = (...given) => (isMainThread || ++answers < 20 ? store(...given) : process.exit(3));`;
  writeFileSync(join(folder, 'trouble.js'), trouble);
  const args = [...command, ...train('troubled', ...shared, '--save-every', '7')];
  const { status, stderr } = spawnSync(
    process.execPath,
    ['-r', join(folder, 'trouble.js'), ...args],
    options,
  );
  expect(stderr).toMatch(
    /^train: parallel: worker 1 of 1 stopped \(exit code 3\) \(fit: step \d+; the weights are those of step \d+\)\n {2}fix: the last good weights are in troubled\/checkpoint\.rescued\.safetensors; resume with --resume troubled\/checkpoint\.rescued\.safetensors\n$/,
  );
  expect(status).toBe(1);
  const stepsIn = (file: string) => decodeCheckpoint(readFileSync(file)).optimizer?.steps ?? NaN;
  expect(stepsIn(rescued('troubled'))).toBeGreaterThan(stepsIn(checkpoint('troubled')));
  expect(backstep('train', '--resume', rescued('troubled')).status).toBe(0);
  expect(readFileSync(checkpoint('troubled')).equals(readFileSync(checkpoint('untroubled')))).toBe(true);
});

it('a checkpoint that cannot be written is told; training goes on, and the next one can', async () => {
  const args = ['--steps', '150', '--save-every', '10'];
  expect(backstep(...train('free', ...args)).status).toBe(0);
  const blocked = checkpoint('blocked');
  mkdirSync(blocked, { recursive: true });
  const run = start(...train('blocked', ...args));
  await run.says('try to save again');
  rmSync(blocked, { recursive: true });
  const { status, output } = await run.end;
  expect(output).toMatch(
    / blocked\/checkpoint\.safetensors must .* \(EISDIR\); training continues, and will try to save again$/m,
  );
  expect(status).toBe(0);
  expect(readFileSync(blocked).equals(readFileSync(checkpoint('free')))).toBe(true);
});

it('a folder that has gone by the end does not take the weights with it', async () => {
  const home = { TMPDIR: mkdtempSync(join(folder, 'tmp-')) };
  const run = started(folder, train('gone', '--seconds', LONG), home);
  await run.says('step 1 ');
  rmSync(join(folder, 'gone'), { recursive: true });
  writeFileSync(join(folder, 'gone'), 'in the way');
  const { status, output } = await run.kill('SIGINT');
  expect(status).toBe(1);
  const [, reason, file] =
    /^train: write: (.*)\n {2}fix: .*; the last good weights are in (\S+); resume/m.exec(output) ?? [];
  expect(reason).toMatch(/^gone\/checkpoint\.safetensors must be writable, got a path through something/);
  expect(file.startsWith(home.TMPDIR)).toBe(true);
  expect(decodeCheckpoint(readFileSync(file)).optimizer?.steps).toBeGreaterThan(0);
});

it('a sample that diverges is reported, and training continues', () => {
  // relu states grow while the network reads its own output, but not in a few steps of training
  const wild = [
    '--cell',
    'elman-relu',
    '--layers',
    '2',
    '--hidden',
    '64',
    '--lr',
    '0.02',
    '--optimizer',
    'rmsprop',
  ];
  const { status, stderr } = backstep(...train('wild', ...wild, '--steps', '1'));
  expect(stderr).toMatch(
    /^sample at step 1: generate: the output must be finite, got .*; training continues\n$/,
  );
  expect(status).toBe(0);
});

it('a disk that takes no more is named, and the checkpoint before stays whole', () => {
  const args = train('full', '--steps', '4');
  expect(backstep(...args).status).toBe(0);
  const before = readFileSync(checkpoint('full'));
  // the system refuses files beyond 4 kB; without the trap it would kill the process
  const limited = `trap '' XFSZ; ulimit -f 4; exec "$0" "$@"`;
  const resumed = ['train', '--resume', 'full', '--steps', '8'];
  const { status, stderr } = spawnSync(
    'bash',
    ['-c', limited, process.execPath, ...command, ...resumed],
    options,
  );
  expect(stderr).toMatch(
    /^train: write: full\/checkpoint\.safetensors must be writable, got a file that is too large/m,
  );
  expect(status).toBe(1);
  expect(readFileSync(checkpoint('full')).equals(before)).toBe(true);
  expect(readdirSync(join(folder, 'full')).sort()).toEqual(['checkpoint.safetensors', 'loss.svg']);
});

it.each([
  ['a file where the folder should be', () => text],
  ['a folder inside a file', () => join(text, 'run')],
])('%s is refused before the training', (_what, out) => {
  const { status, stdout, stderr } = backstep(...train(out(), '--steps', '4'));
  expect(stderr).toMatch(
    /^train: --out must be a writable folder, got .*text\.txt.*\n {2}fix: choose another folder/,
  );
  expect(status).toBe(1);
  expect(stdout).toBe('');
});

it('runs of other texts in the same folder are kept, each, and it is said where; --fresh replaces', () => {
  const other = (name: string): string => join(folder, 'again', `checkpoint.previous${name}.safetensors`);
  const models = [0, 1, 2].map((seed) => {
    const { status, stdout } = backstep(
      ...train('again', '--steps', '3', '--seed', String(seed), '--save-every', '1'),
    );
    expect(status).toBe(0);
    const place = ['', 'checkpoint.previous.safetensors', 'checkpoint.previous-2.safetensors'][seed];
    const found = /^ +the earlier model is now again\/(.*)$/m.exec(stdout) ?? ['', ''];
    expect(found[1]).toBe(place);
    return readFileSync(checkpoint('again'));
  });
  expect([other(''), other('-2')].map((file) => readFileSync(file).equals(models[0]))).toEqual([true, false]);
  expect(readFileSync(other('-2')).equals(models[1])).toBe(true);

  // the earlier run, which was copied, is resumed: it must not replace another one either
  expect(backstep('train', '--resume', other(''), '--steps', '4').status).toBe(0);
  expect(readFileSync(other('-3')).equals(models[2])).toBe(true);
  const names = readdirSync(join(folder, 'again'));
  expect(backstep(...train('again', '--steps', '3', '--fresh')).status).toBe(0);
  expect(readdirSync(join(folder, 'again'))).toEqual(names);
  expect(readFileSync(checkpoint('again')).equals(models[0])).toBe(true);
});

it('a second run in the same folder is refused while the first one trains', async () => {
  const first = start(...train('shared', '--seconds', LONG, '--save-every', '1'));
  await first.says('step 1 ');
  const second = backstep(...train('shared', '--steps', '3'));
  const { status } = await first.kill('SIGINT');
  const { pid } = first.child;
  expect(second.stderr).toMatch(
    new RegExp(
      `^train: shared must be used by one run at a time, got a second one \\(process ${pid} on .*\n  fix: wait, or use another folder by --out DIR; if that process no longer runs, delete shared/train\\.lock\n$`,
    ),
  );
  expect([status, second.status]).toEqual([130, 1]);
  expect(readdirSync(join(folder, 'shared'))).toEqual(['checkpoint.safetensors']);
  // files left by a killed run do not lock others out
  writeFileSync(join(folder, 'shared', 'train.lock'), `${pid} ${hostname()}\n`);
  expect(backstep('train', '--resume', 'shared', '--steps', LONG, '--seconds', '0.1').status).toBe(0);
});

it('a run that was killed after its last step is finished by going on with it', () => {
  expect(backstep(...train('whole', '--steps', '3')).status).toBe(0);
  const picture = readFileSync(join(folder, 'whole', 'loss.svg'));
  for (const left of [
    () => undefined,
    () => writeFileSync(join(folder, 'whole', 'loss.svg'), 'an older one'),
  ]) {
    rmSync(join(folder, 'whole', 'loss.svg'));
    left();
    if (existsSync(join(folder, 'whole', 'loss.svg'))) utimesSync(join(folder, 'whole', 'loss.svg'), 1, 1);
    const { status, stdout } = backstep('train', '--resume', 'whole', '--steps', '3');
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /^trained {5}to step 3: 0 characters [^]*\nresult {6}\d\.\d+ bits\/char in training/m,
    );
    expect(readFileSync(join(folder, 'whole', 'loss.svg')).equals(picture)).toBe(true);
  }
  expect(backstep('train', '--resume', 'whole', '--steps', '3').status).toBe(2);
});

describe('resume', () => {
  beforeAll(() => expect(backstep(...train('base', '--steps', '3')).status).toBe(0));
  it.each<[string, () => string[], RegExp]>([
    ['another size', () => ['--hidden', '7'], /^train: --hidden must stay 6 with --resume, got 7 /],
    ['no further steps', () => [], /^train: --steps must be more than the 3 steps already trained, got 3/],
  ])('refuses %s', (_what, more, message) => {
    const { status, stderr } = backstep('train', '--resume', 'base', ...more());
    expect(stderr).toMatch(message);
    expect(status).toBe(2);
  });

  it('takes another text, from its beginning, but none that has changed', () => {
    writeFileSync(join(folder, 'other.txt'), 'another text\n'.repeat(40));
    const { status, stdout, stderr } = backstep(
      'train',
      '--resume',
      'base',
      '--text',
      'other.txt',
      '--steps',
      '4',
      '--out',
      'other',
    );
    expect(stderr).toMatch(
      /^train: a new text, read with the vocabulary of the checkpoint: \d+ characters, which leave \d+\.\d % of it unknown\n/,
    );
    expect(stdout).toContain('text        other.txt: ');
    expect(status).toBe(0);
    writeFileSync(join(folder, 'other.txt'), 'a changed text\n'.repeat(40));
    const changed = backstep('train', '--resume', 'other', '--steps', '5');
    expect(changed.stderr).toMatch(
      /^train: the text must be the one that the checkpoint was trained on, got a different one/,
    );
    expect(changed.status).toBe(2);
  });

  it('takes another learning rate', () => {
    expect(backstep('train', '--resume', 'base', '--steps', '4', '--lr', '0.001').status).toBe(0);
  });
});

describe('a closed pipe', () => {
  const piped = (words: string, lines: number) =>
    spawnSync(
      'bash',
      ['-c', `"$0" "$@" ${words} | head -n ${lines}; echo "\${PIPESTATUS[0]}"`, process.execPath, ...command],
      options,
    );

  it('ends a training run in good order', () => {
    const { stdout, stderr } = piped(
      `train --text ${text} ${small.join(' ')} --steps ${LONG} --json --out piped`,
      2,
    );
    expect(stdout).toMatch(/^\{"event":"start"[^]*\n141\n$/);
    expect(stderr).toMatch(/^saved piped\/checkpoint\.safetensors at step \d+; resume with/m);
    expect(existsSync(checkpoint('piped'))).toBe(true);
  });

  it('ends sampling without a word', () => {
    mkdirSync(join(folder, 'sampled'));
    expect(backstep(...train('sampled', '--steps', '2')).status).toBe(0);
    const { stdout, stderr } = piped('sample sampled --length 1000000', 1);
    expect(stdout.endsWith('\n0\n')).toBe(true);
    expect(stderr).toBe('');
  });
});
