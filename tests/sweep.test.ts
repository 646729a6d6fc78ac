/** Sweeps: parsing of a configuration, its trials, and the table of results. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { choiceNames } from '../cells/kinds';
import { bestOf, groupsOf } from '../sweep/table';
import type { Ended } from '../sweep/record';
import { runTrial } from '../sweep/trial';
import { Trainer } from '../text/trainer';
import { readText } from '../text/read';
import { sizes, small, sweepsIn } from './sweeps';

const folder = mkdtempSync(join(tmpdir(), 'backstep-sweep-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const { sweepOf } = sweepsIn(folder);
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
    ['an unknown setting', { fixed: { hiden: 3 } }, 'fixed must be among text, cell, '],
    ['a name that every object has', { fixed: { toString: 3 } }, 'fixed must be among text, cell, '],
    [
      'seconds',
      { fixed: { ...small, seconds: 3 } },
      'fixed: seconds must be left out, got one (results must not depend on the speed of the machine: give steps)',
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
      'vary: lr must have from < to, got from 1 to 0.1',
    ],
    [
      'a logarithm of 0',
      { fixed: small, draws: 2, vary: { dropout: { from: 0, to: 0.5, scale: 'log' } } },
      'vary: dropout must have 0 < from < to',
    ],
    [
      'an end out of range',
      { fixed: small, draws: 2, vary: { dropout: { from: 0, to: 1 } } },
      'vary: dropout must be a number >= 0 and < 1, got 1',
    ],
    [
      'a wrong name',
      { fixed: small, vary: { cell: ['gru', 'transformer'] } },
      `vary: cell must be a file, or one of ${choiceNames().join(', ')}, got transformer`,
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
      'fixed: clip must be a number > 0, or off, got "no"',
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
