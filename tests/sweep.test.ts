/** Sweeps: what a configuration stands for, and that every trial is run once, whatever happens. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cellNames } from '../text/cellchoice';
import { readSweep } from '../sweep/config';
import { bestOf, groupsOf } from '../sweep/table';
import type { Ended } from '../sweep/record';
import { runTrial, type Part } from '../sweep/trial';
import { Trainer } from '../text/trainer';
import { readText } from '../text/read';
import { command } from './process';

const folder = mkdtempSync(join(tmpdir(), 'backstep-sweep-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const options = { encoding: 'utf8', cwd: folder, env: { ...process.env, NO_COLOR: '1' } } as const;
const backstep = (...args: string[]) => spawnSync(process.execPath, [...command, ...args], options);

writeFileSync(join(folder, 'text.txt'), 'she sells sea shells by the sea shore\n'.repeat(40));
const sizes = { text: 'text.txt', steps: 20, batch: 2, seq: 5 };
const small = { ...sizes, hidden: 6 };
const write = (name: string, config: unknown): string => {
  const file = join(folder, `${name}.json`);
  writeFileSync(file, typeof config === 'string' ? config : JSON.stringify(config));
  return file;
};
const sweepOf = (config: unknown) => readSweep(write('some', config));
const labels = (config: unknown): string[] => sweepOf(config).trials.map(({ label }) => label);

describe('a configuration', () => {
  it('without draws is every combination, with every seed', () => {
    expect(labels({ fixed: sizes, vary: { cell: ['gru', 'lstm'], hidden: [4, 8] }, seeds: 2 })).toEqual([
      ...['gru, hidden 4, seed 0', 'gru, hidden 4, seed 1', 'gru, hidden 8, seed 0', 'gru, hidden 8, seed 1'],
      ...[
        'lstm, hidden 4, seed 0',
        'lstm, hidden 4, seed 1',
        'lstm, hidden 8, seed 0',
        'lstm, hidden 8, seed 1',
      ],
    ]);
  });

  it('settings reach the trial; what it leaves out is the default of training', () => {
    const [one] = sweepOf({
      fixed: { ...small, clip: 'off', schedule: 'step:5:0.5' },
      vary: { embedding: [null, 3] },
    }).trials;
    expect(one.settings).toMatchObject({
      hidden: 6,
      clip: null,
      cell: 'gru',
      optimizer: 'adam',
      steps: 20,
      seconds: null,
      threads: 1,
    });
    expect(one.settings.schedule).toEqual({ name: 'step', every: 5, factor: 0.5 });
    expect('embedding' in one.settings).toBe(false);
  });

  it('draws lie in their ranges, repeat, and more of them begin with the same ones', () => {
    const config = (draws: number, drawSeed = 0) => ({
      ...{ fixed: sizes, draws, drawSeed },
      vary: { lr: { from: 0.001, to: 0.1, scale: 'log' }, hidden: { from: 4, to: 9 }, cell: ['gru', 'lstm'] },
    });
    const drawn = sweepOf(config(40)).trials.map(({ settings }) => settings);
    for (const { lr, hidden } of drawn) {
      expect(lr >= 0.001 && lr <= 0.1).toBe(true);
      expect([4, 5, 6, 7, 8, 9]).toContain(hidden);
    }
    // on a logarithmic scale, half of them lie below the geometric mean
    const below = drawn.filter(({ lr }) => lr < 0.01).length;
    expect(below).toBeGreaterThan(10);
    expect(below).toBeLessThan(30);
    expect(labels(config(10))).toEqual(labels(config(40)).slice(0, 10));
    expect(labels(config(10, 1))).not.toEqual(labels(config(10)));
  });

  it('ids depend on the settings and the contents of the text, not on where it lies or what else varies', () => {
    const id = (fixed: object, vary: object = {}): string => sweepOf({ fixed, vary }).trials[0].id;
    writeFileSync(join(folder, 'copy.txt'), readFileSync(join(folder, 'text.txt')));
    writeFileSync(join(folder, 'other.txt'), 'peter piper picked a peck of pickled pepper\n'.repeat(40));
    const first = id({ ...small, cell: 'lstm' });
    expect(id({ ...small, text: 'copy.txt' }, { cell: ['lstm', 'gru'] })).toBe(first);
    expect(id({ ...small, text: 'other.txt', cell: 'lstm' })).not.toBe(first);
    expect(id({ ...small, cell: 'lstm', seed: 1 })).not.toBe(first);
  });

  it('may begin with a byte order mark, and have the lines of another system', () => {
    const text = JSON.stringify({ fixed: small }, null, 2).replaceAll('\n', '\r\n');
    expect(labels(`\ufeff${text}`)).toEqual(['the only one']);
  });

  it('a trial that is drawn twice is run once', () => {
    expect(labels({ fixed: small, vary: { cell: ['gru', 'gru', 'lstm'] } })).toEqual(['gru', 'lstm']);
  });

  it.each<[string, unknown, string]>([
    ['no JSON', '{', 'must be JSON, got'],
    ['no object', [1], 'some.json must hold an object, got a list'],
    [
      'an unknown part',
      { fixd: {} },
      'some.json must be made of fixed, vary, draws, drawSeed, seeds, got fixd',
    ],
    ['an unknown setting', { fixed: { hiden: 3 } }, 'fixed must be among cell, '],
    ['a name that every object has', { fixed: { toString: 3 } }, 'fixed must be among cell, '],
    [
      'seconds',
      { fixed: { ...small, seconds: 3 } },
      'fixed: seconds must be left out, got one (what a trial reaches must not depend on the machine: give steps)',
    ],
    [
      'threads',
      { vary: { threads: [1, 2] } },
      'vary: threads must be left out, got one (trials run side by side',
    ],
    ['no steps', { fixed: { text: 'text.txt' } }, 'steps must be fixed or varied, got neither'],
    [
      'a setting in both',
      { fixed: small, vary: { hidden: [1] } },
      'hidden must be fixed or varied, got both',
    ],
    [
      'seeds and a seed',
      { fixed: { ...small, seed: 1 }, seeds: 2 },
      'seed must be left out, got one (seeds: 2 stands for 0 … 1)',
    ],
    [
      'an empty list',
      { fixed: small, vary: { cell: [] } },
      'vary: cell must be a list of values, got an empty one',
    ],
    ['no list', { fixed: small, vary: { cell: 'gru' } }, 'vary: cell must be a list of values, got "gru"'],
    [
      'a range without draws',
      { fixed: small, vary: { lr: { from: 0.1, to: 1 } } },
      'vary: lr must be a list of values, got a range',
    ],
    [
      'a range of names',
      { fixed: small, draws: 2, vary: { cell: { from: 1, to: 2 } } },
      'vary: cell must be a list of values, got {"from":1,"to":2}',
    ],
    [
      'a range that is none',
      { fixed: small, draws: 2, vary: { lr: { from: 1, to: 0.1 } } },
      'vary: lr must range from less to more, got 1 to 0.1',
    ],
    [
      'a logarithm of 0',
      { fixed: small, draws: 2, vary: { dropout: { from: 0, to: 0.5, scale: 'log' } } },
      'vary: dropout must range from more than 0',
    ],
    [
      'an end out of range',
      { fixed: small, draws: 2, vary: { dropout: { from: 0, to: 1 } } },
      'vary: dropout must be a number >= 0 and < 1, got 1',
    ],
    [
      'a wrong name',
      { fixed: small, vary: { cell: ['gru', 'transformer'] } },
      `vary: cell must be a file, or one of ${cellNames.join(', ')}, got transformer`,
    ],
    [
      'a name that is none',
      { fixed: { ...small, executor: 5 } },
      'fixed: executor must be one of wasm-256, wasm, reproducible, plain, got 5',
    ],
    [
      'half a unit',
      { fixed: sizes, vary: { hidden: [8, 1.5] } },
      'vary: hidden must be a whole number >= 1, got 1.5',
    ],
    ['half a draw', { fixed: small, draws: 1.5 }, 'draws must be a whole number, got 1.5'],
    [
      'a clip of other words',
      { fixed: { ...small, clip: 'no' } },
      'fixed: clip must be a number > 0, or "off", got "no"',
    ],
    [
      'more trials than anybody waits for',
      { fixed: small, vary: { lr: [1, 2] }, seeds: 1e9 },
      'trials must be at most 100000, got 2000000000',
    ],
    [
      'a schedule that is none',
      { fixed: { ...small, schedule: 'fast' } },
      'the only trial: schedule must be constant, step:',
    ],
    [
      'settings that do not fit together',
      { fixed: { ...small, cell: 'clockwork' } },
      'the only trial: hidden must be a multiple of 4 with cell clockwork, got 6',
    ],
    [
      'a text too short',
      { fixed: { ...small, batch: 500 } },
      'the only trial: text must hold at least 2501 symbols for training',
    ],
    ['a text that is missing', { fixed: { ...small, text: 'none.txt' } }, 'some.json: text: '],
    ['no draws', { fixed: small, draws: 0 }, 'draws must be >=1, got 0'],
  ])('with %s is refused', (_what, config, message) => {
    expect(() => sweepOf(config)).toThrow(message);
  });
});

it.each(cellNames)(
  'a trial (%s) that is stopped goes on from where it was, and ends with the same figures',
  async (cell) => {
    const { settings } = sweepOf({ fixed: { ...sizes, cell, hidden: 8, steps: 60, dropout: 0.2 } }).trials[0];
    const text = readText(join(folder, 'text.txt'));
    const run = (name: string, abort?: AbortController) => {
      const parts: Part[] = [];
      const onProgress = (part: Part): void => {
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
    // killed after its last step, before anybody took note: nothing is left to train
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

it('a trial whose last step went too far has diverged, which only the validation finds out', async () => {
  const { settings } = sweepOf({ fixed: small }).trials[0];
  const text = readText(join(folder, 'text.txt'));
  const { signal } = new AbortController();
  const far = jest.spyOn(Trainer.prototype, 'validate').mockReturnValueOnce({ loss: Infinity, symbols: 1 });
  const outcome = await runTrial(settings, {
    folder: join(folder, 'far'),
    text,
    signal,
    onProgress: () => undefined,
  });
  far.mockRestore();
  expect(outcome).toMatchObject({ status: 'diverged', training: null, validation: null });
});

describe('the table', () => {
  const ended = (id: string, varied: object, validation: number | null): Ended => ({
    ...{ id, varied: { ...varied }, settings: {}, validation, training: validation },
    ...{ status: validation === null ? 'diverged' : 'done', parameters: 1, seconds: 1, host: 'h', model: id },
  });

  it('groups seeds, best first; what diverged is counted, and last', () => {
    const trials = [
      ended('a', { lr: 1, seed: 0 }, null),
      ended('b', { lr: 1, seed: 1 }, null),
      ended('c', { lr: 0.1, seed: 0 }, 3),
      ended('d', { lr: 0.1, seed: 1 }, 5),
      ended('e', { lr: 0.01, seed: 0 }, 2),
      ended('f', { lr: 0.01, seed: 1 }, null),
    ];
    expect(groupsOf(trials).map(({ varied, mean, deviation }) => [varied.lr, mean, deviation])).toEqual([
      [0.01, 2, null],
      [0.1, 4, Math.SQRT2],
      [1, null, null],
    ]);
    expect(bestOf(trials)?.id).toBe('e');
    expect(bestOf(trials.slice(0, 2))).toBeUndefined();
  });
});

describe('the command', () => {
  type Line = { id: string; status: string; seconds: number; validation: number; model: string };
  const linesOf = (out: string): Line[] =>
    readFileSync(join(folder, out, 'trials.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
  /** What does not depend on when and where it ran, in the order of the ids. */
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
      const child = spawn(
        process.execPath,
        [...command, 'sweep', 'grid.json', '--out', 'killed', '--jobs', '2', '--json'],
        { cwd: folder },
      );
      let seen = 0;
      child.stdout.on('data', (chunk: Buffer) => {
        seen += chunk.toString().split('"event":"trial"').length - 1;
        if (seen >= 2) child.kill('SIGKILL');
      });
      const signal = await new Promise((resolve) => child.on('close', (_code, by) => resolve(by)));
      if (signal === 'SIGKILL') kills++;
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
    const child = spawn(
      process.execPath,
      [...command, 'sweep', write('long', long), '--out', 'shared', '--jobs', '1'],
      { cwd: folder },
    );
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    // the first trial has ended: the second one runs
    while (!output.includes('bits/char')) await new Promise((resolve) => setTimeout(resolve, 20));
    const { status, stderr } = backstep('sweep', 'long.json', '--out', 'shared');
    expect(stderr).toMatch(
      /^sweep: shared must be used by one sweep at a time, got a second one \(process \d+ on /,
    );
    expect(status).toBe(1);
    child.kill('SIGINT');
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(130);
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
