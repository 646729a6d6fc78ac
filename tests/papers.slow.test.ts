/** Papers at their quick sizes, from the command line. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { papers } from '../papers/list';
import { type Finished } from '../papers/trials';
import { backstepIn } from './command';
import { command } from './process';

const folder = mkdtempSync(join(tmpdir(), 'backstep-papers-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const options = { encoding: 'utf8', cwd: folder, env: { ...process.env, NO_COLOR: '1' } } as const;
const backstep = (...args: string[]) => spawnSync(process.execPath, [...command, ...args], options);

describe('every paper runs at its quick size', () => {
  it.each(papers.map((paper) => [paper.name, paper] as const))('%s', (name, paper) => {
    const { status, stderr, stdout } = backstep('paper', name, '--quick', '--json', '--runs', 'quick');
    expect([status, stderr]).toEqual([0, '']);
    const { trials } = JSON.parse(stdout) as { trials: Finished[] };
    const rows = paper.rows('quick');
    expect(new Set(trials.map((trial) => trial.row))).toEqual(new Set(rows.map((one) => one.name)));
    for (const { figures, seconds } of trials) {
      expect(Object.keys(paper.measures)).toEqual(expect.arrayContaining(Object.keys(figures)));
      expect(Object.keys(figures).length).toBeGreaterThan(0);
      for (const value of Object.values(figures)) expect(value === null || Number.isFinite(value)).toBe(true);
      expect(seconds).toBeGreaterThanOrEqual(0);
    }
  });
});

describe('backstep paper', () => {
  const quick = (...args: string[]) => backstep('paper', 'chorales', '--quick', ...args);
  const values = (stdout: string): unknown =>
    (JSON.parse(stdout) as { lines: { values: number[] }[] }).lines.map((line) => line.values);

  it('lists what there is', () => {
    const { status, stdout } = backstep('paper');
    expect(status).toBe(0);
    for (const { name, citation } of papers) {
      expect(stdout).toContain(name);
      expect(stdout).toContain(citation);
    }
  });

  it('runs a paper, keeps its trials, runs none of them twice, and draws them', () => {
    const first = quick('--runs', 'kept', '--svg', 'kept.svg');
    expect(first.stderr).toBe('');
    expect(first.status).toBe(0);
    expect(first.stdout).toMatch(/generated .*pieces.*: published figures do not apply/);
    expect(first.stdout).toMatch(/LSTM-12, Adam +test NLL +– +\d/);
    expect(readFileSync(join(folder, 'kept.svg'), 'utf8')).toMatch(/^<svg [^]*test NLL[^]*<\/svg>\n$/);
    const records = readFileSync(join(folder, 'kept', 'chorales-quick.jsonl'), 'utf8');

    const second = quick('--runs', 'kept', '--json');
    expect(second.status).toBe(0);
    expect(readFileSync(join(folder, 'kept', 'chorales-quick.jsonl'), 'utf8')).toBe(records);
    // one at a time, in another thread: bit-identical results
    const alone = quick('--runs', 'alone', '--json', '--jobs', '1');
    expect(values(alone.stdout)).toEqual(values(second.stdout));
  });

  it('goes on after Ctrl-C with the trials that are left', async () => {
    const args = ['paper', 'chorales', '--quick', '--runs', 'stopped', '--jobs', '1'];
    const child = spawn(process.execPath, [...command, ...args], options);
    let [output, asked] = ['', false];
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (!asked && output.includes('seed 1:')) asked = child.kill('SIGINT');
    });
    const status = await new Promise((resolve) => child.on('close', resolve));
    expect([status, output]).toEqual([130, expect.stringMatching(/stopped: \d of 7 trials are done/)]);
    const rest = backstep(...args);
    expect(rest.status).toBe(0);
    expect(rest.stdout).toMatch(/\d of 7 trials are already in .*chorales-quick\.jsonl/);
    const lines = readFileSync(join(folder, 'stopped', 'chorales-quick.jsonl'), 'utf8')
      .trim()
      .split('\n');
    expect(lines).toHaveLength(7);
  });

  it('a trial that fails is named, and ends the run with exit code 1', () => {
    const args = [...command, 'paper', 'lstm', '--quick', '--runs', 'failed'];
    const env = { ...options.env, BACKSTEP_MEMORY_MB: '0.1' };
    const { status, stderr } = spawnSync(process.execPath, args, { ...options, env });
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(/^paper: embedded Reber, .*, seed 1: memory: /),
    ]);
  });

  it.each([
    [['choral'], 'paper: the name must be one of .*, got choral\n.*did you mean chorales'],
    [['chorales'], 'paper chorales: --data must be given, got none .*Boulanger-Lewandowski.*ICML 2012'],
    [['chorales', '--data', 'missing.json'], 'read: missing.json must be a readable file, got no such file'],
    [
      ['chorales', '--data', 'wrong.json'],
      'paper chorales: pitches must be whole numbers in 21 … 108, got 300',
    ],
    [
      ['chorales', '--data', 'flat.json'],
      'paper chorales: the data must hold lists train, valid, test of pieces',
    ],
    [['lstm', '--data', 'flat.json'], 'paper lstm: --data must be left out, got flat.json'],
    [['chorales', '--quick', '--seeds', '0'], 'paper: --seeds must be a whole number in 1 … 1000, got 0'],
    [['chorales', '--quick', '--jobs', 'x'], 'paper: --jobs must be a whole number'],
  ])('%j: exit code 2 and the reason', async (args, reason) => {
    writeFileSync(join(folder, 'wrong.json'), '{"train": [[[300]]], "valid": [[[60]]], "test": [[[60]]]}');
    writeFileSync(join(folder, 'flat.json'), '{"train": [1, 2]}');
    const { status, stderr } = await backstepIn(folder, 'paper', ...args);
    expect(status).toBe(2);
    expect(stderr).toMatch(new RegExp(reason));
    expect(existsSync(join(folder, 'runs'))).toBe(false);
  });
});
