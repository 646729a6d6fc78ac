/** Sweeps in threads: every trial runs exactly once, even after failures. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { choiceNames } from '../cells/kinds';
import { runTrial, type TrialProgress } from '../sweep/trial';
import { readText } from '../text/read';
import { command } from './process';
import { started } from './running';
import { sizes, small, sweepsIn } from './sweeps';

const folder = mkdtempSync(join(tmpdir(), 'backstep-sweep-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const options = { encoding: 'utf8', cwd: folder, env: { ...process.env, NO_COLOR: '1' } } as const;
const backstep = (...args: string[]) => spawnSync(process.execPath, [...command, ...args], options);

const { write, sweepOf } = sweepsIn(folder);

it.each(choiceNames())(
  'a trial (%s) that is stopped goes on from where it was, and ends with the same figures',
  async (cell) => {
    const { settings } = sweepOf({ fixed: { ...sizes, cell, hidden: 8, steps: 60, dropout: 0.2 } }).trials[0];
    const text = readText(join(folder, 'text.txt'));
    const run = (name: string, abort?: AbortController) => {
      const parts: TrialProgress[] = [];
      const onProgress = (part: TrialProgress): void => {
        parts.push(part);
        if (parts.length === 25) abort?.abort();
      };
      const signal = (abort ?? new AbortController()).signal;
      return runTrial(settings, { folder: join(folder, cell, name), text, signal, onProgress }).then(
        (outcome) => ({
          outcome,
          parts,
        }),
      );
    };
    const whole = await run('whole');
    const first = await run('parts', new AbortController());
    const second = await run('parts');
    expect([first.outcome, first.parts.length, second.parts.length]).toEqual([undefined, 25, 35]);
    expect([...first.parts, ...second.parts]).toEqual(whole.parts);
    expect(whole.outcome).toMatchObject({ status: 'done', parameters: expect.any(Number) as number });
    // the last 5 %
    const end = whole.parts.slice(-3).map(({ bits }) => bits);
    expect(whole.outcome?.training).toBeCloseTo(end.reduce((sum, bits) => sum + bits, 0) / 3, 10);
    // killed after its last step, before it was recorded: nothing is left to train
    const third = await run('parts');
    expect(third.parts).toEqual([]);
    const elsewhere = { seconds: 0, model: '' };
    for (const { outcome } of [second, third])
      expect({ ...outcome, ...elsewhere }).toEqual({ ...whole.outcome, ...elsewhere });
    const models = ['whole', 'parts'].map((name) =>
      readFileSync(join(folder, cell, name, 'checkpoint.safetensors')),
    );
    expect(models[0].equals(models[1])).toBe(true);
  },
);

describe('the command', () => {
  type Line = { id: string; status: string; seconds: number; validation: number; model: string };
  const linesOf = (out: string): Line[] =>
    readFileSync(join(folder, out, 'trials.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
  /** Results without anything that depends on when and where they were computed, sorted by id. */
  const figuresOf = (out: string) =>
    linesOf(out)
      .map((line) => ({ ...line, seconds: 0, model: '' }))
      .sort((a, b) => a.id.localeCompare(b.id));
  const config = {
    fixed: { ...small, steps: 300 },
    vary: { cell: ['gru', 'elman'], lr: [0.01, 0.02] },
    seeds: 2,
  };

  beforeAll(() => write('grid', config));

  it('runs each trial once, says which was best, and keeps its model', () => {
    const { status, stdout, stderr } = backstep('sweep', 'grid.json', '--out', 'whole', '--jobs', '2');
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const lines = linesOf('whole');
    expect(new Set(lines.map(({ id }) => id)).size).toBe(8);
    expect(stdout).toMatch(/^8 trials; results in whole\/trials\.jsonl\n/);
    expect(stdout).toMatch(/\ncell +lr +bits\/char +seeds +parameters +seconds\n/);
    const best = lines.sort((a, b) => a.validation - b.validation)[0];
    expect(stdout).toContain(best.model);
    expect(backstep('sample', best.model, '--length', '20').status).toBe(0);
    // all is done: nothing is run, and the same table is shown
    const again = backstep('sweep', 'grid.json', '--out', 'whole');
    expect(again.stdout).toMatch(/^8 trials, 0 left to run/);
    expect(again.stdout.slice(again.stdout.indexOf('\ncell'))).toBe(stdout.slice(stdout.indexOf('\ncell')));
    expect(linesOf('whole')).toHaveLength(8);
  });

  it('another configuration in the same folder: what was run before stands in the columns of now', () => {
    const vary = { hidden: [6], cell: ['elman', 'gru'] };
    write('other', { fixed: { ...sizes, steps: 300, lr: 0.01 }, vary, seeds: 2 });
    const { stdout } = backstep('sweep', 'other.json', '--out', 'whole');
    expect(stdout).toMatch(/^4 trials, 0 left to run/);
    const [head, ...rows] = stdout.slice(stdout.indexOf('\nhidden') + 1).split('\n', 3);
    expect(head).toMatch(/^hidden +cell +bits/);
    const columns = rows.map((row) => row.split(/ {2,}/));
    expect(columns.map(([hidden, cell, , seeds]) => `${hidden} ${cell} ${seeds}`).sort()).toEqual([
      '6 elman 2',
      '6 gru 2',
    ]);
  });

  it('models may be removed: what they reached stays', () => {
    rmSync(join(folder, 'whole', 'models'), { recursive: true });
    const { status, stdout } = backstep('sweep', 'grid.json', '--out', 'whole');
    expect(stdout).toMatch(/^8 trials, 0 left to run[^]*\nthe best model is no longer in whole\/models\//);
    expect(status).toBe(0);
  });

  it('killed without warning again and again, no trial is lost or run twice; figures are those of an undisturbed run', async () => {
    let kills = 0;
    for (let ended = 0; ended < 8 && kills < 20; ended = linesOf('killed').length) {
      const run = started(folder, ['sweep', 'grid.json', '--out', 'killed', '--jobs', '2', '--json']);
      await run.says('"event":"trial"', 2).catch(() => undefined); // the last ones may be fewer
      if ((await run.kill('SIGKILL')).signal === 'SIGKILL') kills++;
    }
    expect(kills).toBeGreaterThan(0);
    expect(backstep('sweep', 'grid.json', '--out', 'killed', '--jobs', '1').status).toBe(0);
    expect(figuresOf('killed')).toEqual(figuresOf('whole'));
  });

  it('--fresh forgets nothing for the sake of a queue that is not there', () => {
    const before = readFileSync(join(folder, 'whole', 'trials.jsonl'), 'utf8');
    const queue = ['--queue', 'redis://127.0.0.1:1'];
    expect(backstep('sweep', 'grid.json', '--out', 'whole', '--fresh', ...queue).status).toBe(2);
    expect(readFileSync(join(folder, 'whole', 'trials.jsonl'), 'utf8')).toBe(before);
  });

  it('lists trials without running them', () => {
    const { status, stdout } = backstep('sweep', 'grid.json', '--dry-run', '--out', 'dry');
    expect([status, stdout.split('\n').length]).toEqual([0, 10]);
    expect(stdout).toMatch(/^[0-9a-f]{16} {2}gru, lr 0\.01, seed 0\n/);
    expect(() => linesOf('dry')).toThrow('ENOENT');
  });

  it('a trial that diverges is a result, with no figure; a line that is damaged is run again', () => {
    write('wild', { fixed: { ...small, optimizer: 'sgd', clip: 'off' }, vary: { lr: [0.1, 1e38] } });
    const { status, stdout } = backstep('sweep', 'wild.json', '--out', 'wild');
    expect(status).toBe(0);
    expect(stdout).toMatch(/\n1e\+38 +diverged +0 of 1 /);
    const file = join(folder, 'wild', 'trials.jsonl');
    const [first, second] = readFileSync(file, 'utf8').split('\n');
    writeFileSync(file, `${first}\n${second.slice(0, 50)}`);
    const again = backstep('sweep', 'wild.json', '--out', 'wild');
    expect(again.stdout).toMatch(/^2 trials, 1 left to run.*\n1 unreadable lines of .* are ignored\n/);
    expect(backstep('sweep', 'wild.json', '--out', 'wild').stdout).toMatch(/^2 trials, 0 left to run/);
  });

  it('a trial that cannot be run is told, and tried again the next time', () => {
    write('hindered', { fixed: small });
    const { id } = sweepOf({ fixed: small }).trials[0];
    const blocked = join(folder, 'hindered', 'models', id);
    backstep('sweep', 'hindered.json', '--out', 'hindered');
    writeFileSync(join(blocked, 'checkpoint.safetensors'), 'none');
    rmSync(join(folder, 'hindered', 'trials.jsonl'));
    const { status, stdout } = backstep('sweep', 'hindered.json', '--out', 'hindered');
    expect(status).toBe(1);
    expect(stdout).toMatch(
      /\nthe only one: failed: checkpoint: .*checkpoint\.safetensors must be a whole checkpoint/,
    );
    expect(linesOf('hindered')).toMatchObject([{ id, status: 'failed' }]);
    rmSync(blocked, { recursive: true });
    expect(backstep('sweep', 'hindered.json', '--out', 'hindered').status).toBe(0);
    expect(linesOf('hindered').map((line) => line.status)).toEqual(['failed', 'done']);
  });

  it('two sweeps in one folder: the second is refused; Ctrl-C saves what runs, and begins nothing more', async () => {
    const long = { fixed: { ...small, steps: undefined }, vary: { steps: [20, 1e6, 1e6 + 1, 1e6 + 2] } };
    const first = started(folder, ['sweep', write('long', long), '--out', 'shared', '--jobs', '1']);
    // the first trial has ended: the second one runs
    await first.says('bits/char');
    const { status, stderr } = backstep('sweep', 'long.json', '--out', 'shared');
    expect(stderr).toMatch(
      /^sweep: shared must be used by one sweep at a time, got a second one \(process \d+ on /,
    );
    expect(status).toBe(1);
    expect((await first.kill('SIGINT')).status).toBe(130);
    const ids = sweepOf(long).trials.map(({ id }) => id);
    expect(readdirSync(join(folder, 'shared', 'models')).sort()).toEqual(ids.slice(0, 2).sort());
    expect(linesOf('shared')).toMatchObject([{ id: ids[0], status: 'done' }]);
    expect(backstep('sample', `shared/models/${ids[1]}`, '--length', '5').status).toBe(0);
    // the folder is free
    expect(backstep('sweep', 'grid.json', '--out', 'shared', '--dry-run').status).toBe(0);
    expect(existsSync(join(folder, 'shared', 'sweep.lock'))).toBe(false);
  });

  it.each<[string, string[], RegExp]>([
    ['no configuration', [], /^sweep: config must be given, got none/],
    [
      'a configuration that is missing',
      ['none.json'],
      /^sweep: read: none\.json must be a readable file, got no such file/,
    ],
    [
      'a folder that cannot be made',
      ['grid.json', '--out', 'text.txt/x'],
      /^sweep: --out must be a writable folder, got text\.txt\/x/,
    ],
    [
      'an address that is none',
      ['grid.json', '--out', 'q', '--queue', 'localhost'],
      /^sweep: --queue must be the address of a Redis server, got localhost\n {2}fix: --queue redis:/,
    ],
    [
      'a server that is not there',
      ['grid.json', '--out', 'q', '--queue', 'redis://:secret@127.0.0.1:9'],
      /^sweep: --queue must be a reachable Redis server, got redis:\/\/127\.0\.0\.1:9: /,
    ],
    [
      'jobs that are none',
      ['grid.json', '--jobs', '0'],
      /^sweep: --jobs must be a whole number in 1 … 256, got 0/,
    ],
  ])('refuses %s', (_what, args, message) => {
    const { status, stderr } = backstep('sweep', ...args);
    expect(stderr).toMatch(message);
    expect(status).not.toBe(0);
  });
});
