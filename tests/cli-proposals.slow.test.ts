/** Commands that messages propose work: each is extracted, run to its end, and trains. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeCheckpoint } from '../io/checkpoint';
import { backstepProcessIn, type Ran } from './command';

const folder = mkdtempSync(join(tmpdir(), 'backstep-proposals-'));
afterAll(() => rmSync(folder, { recursive: true }));

const run = (...words: string[]): Ran => backstepProcessIn(folder, ...words);
const weightsIn = (out: string): number[] => {
  const { network } = decodeCheckpoint(readFileSync(join(folder, out, 'checkpoint.safetensors')));
  return Array.from(network.parameters.flat.data);
};

/** The leading options of a fix: `--batch 1 --seq 2, or a longer text`. */
const optionsIn = (stderr: string): string[] =>
  /\n {2}fix: ((?:--[\w-]+ [^\s,]*[^\s,:] ?)+)/.exec(stderr)?.[1].trim().split(' ') ?? [];

/** The words of a command that is proposed, after the name of the program. */
function commandIn(printed: string, begins: string): string[] {
  const [found] = printed.split('\n').filter((line) => line.includes(` ${begins}`));
  expect(found).toBeDefined();
  return found.slice(found.indexOf(begins)).split(' ');
}

describe('a text that is too short for the defaults', () => {
  /** Runs the command, adding the proposed options, until it succeeds. */
  function walk(text: string, options: Record<string, string>): Ran {
    writeFileSync(join(folder, 'text.txt'), text);
    const all: Record<string, string> = { '--steps': '2', '--hidden': '4', ...options };
    for (let trial = 0; trial < 4; trial++) {
      const ran = run(
        'train',
        '--text',
        'text.txt',
        '--out',
        'tiny',
        '--fresh',
        ...Object.entries(all).flat(),
      );
      if (ran.status === 0) return ran;
      expect(ran.status).toBe(2);
      const proposed = optionsIn(ran.stderr);
      expect(proposed).not.toEqual([]);
      for (let k = 0; k < proposed.length; k += 2) all[proposed[k]] = proposed[k + 1];
    }
    throw new Error('what was proposed did not work');
  }

  test.each<[what: string, text: string, options?: Record<string, string>]>([
    ['2 symbols', 'ab'],
    ['3 symbols', 'abc', { '--cell': 'clockwork', '--hidden': '5' }],
    ['5 symbols', 'abcde', { '--threads': '2' }],
    ['8 symbols in layers', 'abcdefgh', { '--layers': '2', '--embedding': '3' }],
    ['10 symbols', 'abcdefghij', { '--cell': 'lstm' }],
    ['one symbol only', 'aaaaaa'],
    ['line ends only', '\n\n\n'],
    ['one line', 'hi\n'],
    ['a mark of the byte order', '\ufeffab'],
    ['one stream of the default length', 'ab'.repeat(20)],
  ])('%s', (_what, text, options = {}) => {
    expect(walk(text, options).stdout).toContain('gradients');
  });

  test('a single symbol has nothing that follows it', () => {
    writeFileSync(join(folder, 'text.txt'), 'a');
    const { status, stderr } = run('train', '--text', 'text.txt');
    expect(stderr).toMatch(/^train: --text must hold at least .*, got 1 .*\n {2}fix: a longer text\n$/);
    expect(status).toBe(2);
  });
});

describe('a run whose schedule has ended', () => {
  const SPENT = 'the schedule has ended: the learning rate is 0, and further steps change nothing';
  const rates = (stdout: string): number[] =>
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string; learningRate: number })
      .filter(({ event }) => event === 'step')
      .map(({ learningRate }) => learningRate);
  let first: Ran;
  beforeAll(() => {
    writeFileSync(join(folder, 'shells.txt'), 'she sells sea shells by the sea shore\n'.repeat(7));
    const size = ['--hidden', '4', '--batch', '2', '--seq', '5'];
    const limits = ['--steps', '6', '--schedule', 'warmup:2,cosine:4'];
    first = run('train', '--text', 'shells.txt', '--out', 'run', ...size, ...limits);
  });

  test('goes on by the command that it ends with, under a schedule of its own, and learns', () => {
    expect(first.status).toBe(0);
    expect(first.stderr).toBe('');
    const words = commandIn(first.stdout, 'train --resume');
    expect(words.slice(3)).toEqual(['--steps', '12', '--schedule', 'cosine']);
    const before = weightsIn('run');
    const { status, stdout, stderr } = run(...words, '--json', '--out', 'onward');
    expect([status, stderr]).toEqual([0, '']);
    expect(rates(stdout)).toHaveLength(6);
    expect(rates(stdout).every((rate) => rate > 0)).toBe(true);
    expect(weightsIn('onward')).not.toEqual(before);
  });

  test('goes on by the fix where nothing is left to do', () => {
    const { status, stderr } = run('train', '--resume', 'run');
    expect(status).toBe(2);
    expect(stderr).toContain('train: --steps must be more than the 6 steps already trained, got 6');
    const ran = run('train', '--resume', 'run', '--out', 'fixed', ...optionsIn(stderr));
    expect([ran.status, ran.stderr]).toEqual([0, '']);
  });

  test('with more steps alone it warns once, before the first of them, and proposes what helps', () => {
    const { status, stdout, stderr } = run(
      'train',
      '--resume',
      'run',
      '--steps',
      '9',
      '--out',
      'same',
      '--json',
    );
    expect(status).toBe(0);
    expect(rates(stdout)).toEqual([0, 0, 0]);
    expect(stderr.split(SPENT)).toHaveLength(2);
    expect(weightsIn('same')).toEqual(weightsIn('run'));
    expect(commandIn(stderr, 'train --resume').slice(2)).toEqual(
      'same/checkpoint.safetensors --steps 12 --schedule cosine'.split(' '),
    );
  });

  test('so does a new run that is longer than its schedule, at the first step that changes nothing', () => {
    const size = ['--hidden', '4', '--batch', '2', '--seq', '5'];
    const limits = ['--steps', '5', '--schedule', 'cosine:3'];
    const ran = run('train', '--text', 'shells.txt', '--out', 'long', '--json', ...size, ...limits);
    expect(ran.status).toBe(0);
    expect(rates(ran.stdout).map((rate) => rate > 0)).toEqual([true, true, true, false, false]);
    expect(ran.stderr.split(SPENT)).toHaveLength(2);
  });

  test('a schedule that does not end is not spoken of', () => {
    const ran = run('train', '--resume', 'run', '--schedule', 'step:4:0.5', '--steps', '9', '--out', 'steps');
    expect([ran.status, ran.stderr]).toEqual([0, '']);
    expect(commandIn(ran.stdout, 'train --resume').slice(3)).toEqual(['--seconds', '60']);
  });
});
