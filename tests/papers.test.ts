/** The frame that papers stand in: trials, threads, the command. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { papers } from '../papers/list';
import type { Row } from '../papers/paper';
import { finishedOf, linesOf, spread, trialsOf, type Finished } from '../papers/trials';
import { backstepIn } from './command';
import { command } from './process';

const folder = mkdtempSync(join(tmpdir(), 'backstep-papers-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const options = { encoding: 'utf8', cwd: folder, env: { ...process.env, NO_COLOR: '1' } } as const;
const backstep = (...args: string[]) => spawnSync(process.execPath, [...command, ...args], options);

const finished = (
  row: string,
  seed: number,
  test: number | null,
  more: Partial<Finished> = {},
): Finished => ({
  row,
  seed,
  settings: { hidden: 3 },
  data: null,
  figures: { test },
  seconds: 1,
  ...more,
});
const row = (name: string, seeds: number): Row => ({
  name,
  settings: { hidden: 3 },
  published: { test: 9 },
  seeds,
  run: () => ({ test: 1 }),
});

describe('trials', () => {
  const paper = { ...papers[0], measures: { test: { title: 'test', digits: 1 } } };
  const rows = [row('a', 3), row('b', 1)];

  it('go seed by seed, so that a run that is stopped has something to say of every row', () => {
    const names = (seeds?: number): string[] =>
      trialsOf({ ...paper, rows: () => rows }, 'full', seeds).map(
        (trial) => `${trial.row.name}${trial.seed}`,
      );
    expect(names()).toEqual(['a1', 'b1', 'a2', 'a3']);
    expect(names(2)).toEqual(['a1', 'b1', 'a2', 'b2']);
  });

  it('are done only under the same row, seed, settings and data', () => {
    const trial = { row: rows[0], seed: 2 };
    const one = finished('a', 2, 1);
    expect(finishedOf(trial, null, [one])).toBe(one);
    const others: Partial<Finished>[] = [
      { row: 'b' },
      { seed: 1 },
      { settings: { hidden: 4 } },
      { data: 'x' },
    ];
    for (const other of others) expect(finishedOf(trial, null, [{ ...one, ...other }])).toBeUndefined();
  });

  it('give mean and sample deviation, worked by hand', () => {
    expect(spread([1, 2, 6])).toEqual({ mean: 3, deviation: Math.sqrt(7) });
    expect(spread([4])).toEqual({ mean: 4, deviation: null });
    expect(spread([])).toEqual({ mean: null, deviation: null });
  });

  it('that have nothing to report of a measure are counted, not averaged', () => {
    const lines = linesOf(paper, rows, [finished('a', 3, 5), finished('a', 1, null), finished('a', 2, 1)]);
    expect(lines).toEqual([
      {
        row: 'a',
        measure: 'test',
        published: 9,
        mean: 3,
        deviation: Math.sqrt(8),
        values: [null, 1, 5],
        seconds: 3,
      },
    ]);
  });
});

describe('every paper', () => {
  it.each(papers.map((paper) => [paper.name, paper] as const))('%s is stated in full', (_name, paper) => {
    for (const size of ['full', 'quick'] as const) {
      const rows = paper.rows(size);
      expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
      for (const { published, settings, seeds } of rows) {
        expect(Object.keys(paper.measures)).toEqual(expect.arrayContaining(Object.keys(published)));
        // settings are what a finished trial is known by: they must survive being written down
        expect(JSON.parse(JSON.stringify(settings))).toEqual(settings);
        expect(seeds).toBeGreaterThanOrEqual(1);
      }
    }
    expect(paper.rows('full').some(({ published }) => Object.keys(published).length > 0)).toBe(true);
  });
});

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
    const kept = readFileSync(join(folder, 'kept', 'chorales-quick.jsonl'), 'utf8');

    const second = quick('--runs', 'kept', '--json');
    expect(second.status).toBe(0);
    expect(readFileSync(join(folder, 'kept', 'chorales-quick.jsonl'), 'utf8')).toBe(kept);
    // one at a time, in another thread: the same figures to the bit
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
