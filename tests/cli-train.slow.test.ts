/** Training from the command line, as users do it: real processes, real files. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backstepIn } from './command';
import { command } from './process';
import { tokenizer } from './tokenizers';

const root = join(__dirname, '..');
let folder: string;
let text: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'backstep-cli-'));
  text = join(folder, 'poem.txt');
  writeFileSync(text, 'round and round the ragged rock the ragged rascal ran\n'.repeat(60));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Run {
  status: number | null;
  stdout: string;
  stderr: string;
}
function backstep(...args: string[]): Run {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...command, ...args], {
    encoding: 'utf8',
    cwd: folder,
    env: { ...process.env, NO_COLOR: '1' },
  });
  return { status, stdout, stderr };
}
const small = ['--hidden', '8', '--batch', '2', '--seq', '8'];
const bytes = (name: string): Buffer => readFileSync(join(folder, name, 'checkpoint.safetensors'));

describe('train', () => {
  it('trains, samples, saves, draws, checks its gradients, says what comes next', () => {
    const { status, stdout } = backstep('train', '--text', text, ...small, '--steps', '30', '--out', 'a');
    expect(status).toBe(0);
    expect(stdout).toMatch(/gradients {3}right/);
    expect(stdout).toMatch(/next:\n.*sample .*checkpoint\.safetensors/);
    expect(bytes('a').length).toBeGreaterThan(1000);
    expect(readFileSync(join(folder, 'a', 'loss.svg'), 'utf8')).toMatch(/^<svg[^]*<\/svg>\s*$/);
  });

  it('is the same to the byte from run to run, and after stopping and resuming', () => {
    const train = (out: string, ...more: string[]): void => {
      const { status, stderr } = backstep(
        'train',
        '--text',
        text,
        ...small,
        '--dropout',
        '0.2',
        '--out',
        out,
        ...more,
      );
      expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
    };
    train('b', '--steps', '24');
    train('c', '--steps', '24');
    expect(bytes('c').equals(bytes('b'))).toBe(true);
    train('d', '--steps', '11');
    expect(bytes('d').equals(bytes('b'))).toBe(false);
    const { status } = backstep('train', '--resume', join('d', 'checkpoint.safetensors'), '--steps', '24');
    expect(status).toBe(0);
    expect(bytes('d').equals(bytes('b'))).toBe(true);
  });

  it('a clockwork network goes on where its clock stood', () => {
    // 5 steps per chunk with periods 1, 2, 4, 8: every chunk starts at another phase
    const sizes = ['--cell', 'clockwork', '--hidden', '8', '--batch', '2', '--seq', '5', '--threads', '1'];
    const train = (...args: string[]): number | null => backstep('train', ...args).status;
    expect(train('--text', text, ...sizes, '--steps', '12', '--out', 'clock')).toBe(0);
    expect(train('--text', text, ...sizes, '--steps', '7', '--out', 'stopped')).toBe(0);
    expect(train('--resume', 'stopped', '--steps', '12')).toBe(0);
    expect(bytes('stopped').equals(bytes('clock'))).toBe(true);
  });

  it('prints one JSON object per line for machines', () => {
    const { status, stdout } = backstep(
      'train',
      '--text',
      text,
      ...small,
      '--steps',
      '5',
      '--out',
      'e',
      '--json',
    );
    expect(status).toBe(0);
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string });
    expect(events.length).toBeGreaterThan(2);
    expect(events.every(({ event }) => typeof event === 'string')).toBe(true);
  });

  it('Ctrl-C saves and says how to go on', async () => {
    const args = ['train', '--text', text, ...small, '--seconds', '60', '--out', 'f'];
    const child = spawn(process.execPath, [...command, ...args], { cwd: folder });
    let output = '';
    const read = (chunk: Buffer): void => {
      const before = /step /.test(output);
      output += chunk.toString();
      if (!before && /step /.test(output)) child.kill('SIGINT');
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    const status = await new Promise((resolve) => child.on('close', resolve));
    expect(status).toBe(130);
    expect(output).toMatch(/--resume/);
    expect(existsSync(join(folder, 'f', 'checkpoint.safetensors'))).toBe(true);
  });

  const empty = (): string => (writeFileSync(join(folder, 'empty.txt'), ''), 'empty.txt');
  const binary = (): string => (
    writeFileSync(join(folder, 'b.bin'), Buffer.from([65, 255, 0, 254])),
    'b.bin'
  );
  const short = (): string => (writeFileSync(join(folder, 'short.txt'), 'too short'), 'short.txt');
  it.each<[string, () => string[], number, RegExp]>([
    ['a missing text', () => ['--text', 'none.txt'], 2, /none\.txt/],
    ['an empty text', () => ['--text', empty()], 2, /empty/],
    ['a binary text', () => ['--text', binary()], 2, /UTF-8/],
    ['a text shorter than one sequence', () => ['--text', short()], 2, /at least/],
    ['an unknown cell', () => ['--text', text, '--cell', 'lstn'], 2, /--cell.*one of.*got lstn/],
    [
      'a cell that reads from the end',
      () => ['--text', text, '--cell', 'bidirectional'],
      2,
      /--cell must predict what comes next, got bidirectional \(.*no future to read/,
    ],
    [
      'units that modules cannot share',
      () => ['--text', text, '--cell', 'clockwork', '--hidden', '30'],
      2,
      /--hidden must be a multiple of 4 with --cell clockwork, got 30[^]*--hidden 32/,
    ],
    ['a size of zero', () => ['--text', text, '--hidden', '0'], 2, /--hidden.*>= 1.*got 0/],
    ['a size that is no number', () => ['--text', text, '--batch', 'many'], 2, /--batch.*got many/],
    ['a misspelled option', () => ['--text', text, '--hiden', '8'], 2, /--hiden/],
    ['a schedule that is none', () => ['--text', text, '--schedule', 'cosin:9'], 2, /schedule/],
    ['a checkpoint that is none', () => ['--resume', text], 2, /checkpoint/],
  ])('refuses %s', async (_what, args, status, message) => {
    const run = await backstepIn(folder, 'train', ...args(), '--out', 'refused');
    expect(run.status).toBe(status);
    expect(run.stderr).toMatch(message);
    expect(run.stderr).not.toMatch(/^\s+at /m);
    expect(existsSync(join(folder, 'refused', 'checkpoint.safetensors'))).toBe(false);
  });

  it('what it proposes for a tiny text works to the end', async () => {
    const file = 'tiny.txt';
    for (let symbols = 2; symbols <= 10; symbols++) {
      writeFileSync(join(folder, file), 'abcdefghij'.slice(0, symbols));
      const given = ['train', '--text', file, '--hidden', '4', '--steps', '2', '--threads', '1'];
      const refused = await backstepIn(folder, ...given);
      expect(refused.status).toBe(2);
      const fix = /fix: (--batch \d+(?: --seq \d+)?), or a longer text/.exec(refused.stderr)?.[1] ?? 'none';
      const { status, stdout, stderr } = backstep(...given, ...fix.split(' '), '--out', `tiny${symbols}`);
      expect({ symbols, fix, status, stderr }).toEqual({ symbols, fix, status: 0, stderr: '' });
      expect(stdout).toMatch(/gradients {3}right/);
    }
  });

  it('names a truncated checkpoint and overwrites nothing', () => {
    backstep('train', '--text', text, ...small, '--steps', '3', '--out', 'g');
    const whole = bytes('g');
    const file = join(folder, 'g', 'checkpoint.safetensors');
    writeFileSync(file, whole.subarray(0, whole.length - 100));
    const run = backstep('train', '--resume', file, '--steps', '6');
    expect(run.status).toBe(2);
    expect(run.stderr).toMatch(/checkpoint\.safetensors/);
    expect(bytes('g').length).toBe(whole.length - 100);
  });
});

describe('sample', () => {
  it('is repeatable, starts with the prime, and says which symbols it does not know', async () => {
    backstep('train', '--text', text, ...small, '--steps', '5', '--out', 'h');
    const words = ['sample', join('h', 'checkpoint.safetensors'), '--length', '40'];
    const sample = (...more: string[]) => backstepIn(folder, ...words, ...more);
    const first = backstep(...words, '--seed', '7');
    expect(first.status).toBe(0);
    expect([...first.stdout.trimEnd()].length).toBeGreaterThan(10);
    expect((await sample('--seed', '7')).stdout).toBe(first.stdout);
    expect((await sample('--seed', '8')).stdout).not.toBe(first.stdout);
    const unknown = await sample('--prime', 'rock Ω');
    expect(unknown.status).toBe(0);
    expect(unknown.stderr).toMatch(/Ω/);
    expect((await sample('--temperature', '-1')).status).toBe(2);
    expect((await sample('--top-k', '0')).status).toBe(2);
    expect((await backstepIn(folder, 'sample', 'none.safetensors')).stderr).toMatch(/none\.safetensors/);
  });
});

describe('check and verify', () => {
  it('check exits 0 on right gradients and 2 on a cell it does not know', async () => {
    const { status, stdout } = backstep('check', 'elman', '--mutants');
    expect(status).toBe(0);
    expect(stdout).toMatch(/mutation score (\d+)\/\1 = 100\.0 % .*exact alone \1;/);
    expect(stdout).toMatch(/elman tanh .* proved +45\/45 +ok/);
    expect(stdout).toMatch(/^proved, that is equal over a prime field, at any weights:$/m);
    expect(stdout).toMatch(/^ {2}in 12 of 12 cases truncated runs: /m);
    expect(stdout).toMatch(/^a wrong gradient passes with an estimated probability of \de-1\d at most$/m);
    expect((await backstepIn(folder, 'check', 'elmann')).status).toBe(2);
  });

  it('verify exits 1 on a vector that does not agree, and goes on to the next file', async () => {
    const good = join(root, 'tests/golden/lstm_1l.json');
    writeFileSync(
      join(folder, 'bad.json'),
      readFileSync(good, 'utf8')
        .replace(/"loss":\{"type"/, '"los":{"type"')
        .replace('"kind"', '"kin"'),
    );
    const { status, stdout } = backstep('verify', 'bad.json', good);
    expect(status).toBe(1);
    expect(stdout).toMatch(/bad\.json.*FAIL/);
    expect(stdout).toMatch(/1 of 2 agree/);
    expect((await backstepIn(folder, 'verify', good)).status).toBe(0);
  });

  it('an unknown command is bad usage', async () => {
    expect(backstep('trian').status).toBe(2);
    expect((await backstepIn(folder, '--help')).stdout).toMatch(/train[^]*sample[^]*check[^]*verify/);
  });
});

test('a model of byte pairs is trained, resumed and asked', () => {
  writeFileSync(join(folder, 'tokenizer.json'), tokenizer());
  writeFileSync(join(folder, 'cats.txt'), " the cat, they'll see in 12\n".repeat(40));
  writeFileSync(join(folder, 'dogs.txt'), ' the dogs\n'.repeat(80));
  const tokens = ['--tokens', 'tokenizer.json'];
  const trained = backstep('train', 'cats.txt', ...tokens, ...small, '--steps', '2', '--out', 'pairs');
  expect(trained).toMatchObject({ status: 0, stderr: '' });
  expect(trained.stdout).toMatch(
    /^text {8}cats\.txt: [\d,]+ byte pairs for training, \d+ for validation; 275 known$/m,
  );
  expect(trained.stdout).toMatch(/bits\/pair in training/);
  const resumed = backstep('train', '--resume', 'pairs', '--steps', '3', '--text', 'dogs.txt');
  expect(resumed.stderr).toMatch(/read with the vocabulary of the checkpoint: 275 byte pairs\n/);
  expect(resumed.status).toBe(0);
  expect(backstep('train', '--resume', 'pairs', '--steps', '4', ...tokens)).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('train: --tokens must stay byte pairs with --resume') as string,
  });
  const written = backstep('sample', 'pairs', '--length', '50', '--prime', 'é😀');
  expect([written.status, written.stdout.startsWith('é😀')]).toEqual([0, true]);
  expect(backstep('train', 'cats.txt', '--tokens', 'wrds').stderr).toContain(
    'train: --tokens must be a file of byte pairs, or one of characters, words, got wrds',
  );
});
