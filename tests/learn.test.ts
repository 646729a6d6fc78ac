/** Tasks on tables: prepared from the training part alone, trained, resumed bit for bit, evaluated and predicted. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { Random } from '../core/random/random';
import { readTable, type Table } from '../data/table';
import { decodeCheckpoint, encodeCheckpoint } from '../io/checkpoint';
import { forecast } from '../learn/forecast/forecast';
import { Windows } from '../learn/forecast/windows';
import { after, dateText, spacingOf } from '../learn/season';
import { seriesOf } from '../learn/series';
import { newSettings, ownOptions } from '../learn/settings';
import { taskNames, taskOf } from '../learn/tasks';
import type { Given, Task } from '../learn/task';
import { TaskTrainer } from '../learn/trainer';
import { backstep, backstepIn } from './command';

const task = taskOf('forecast', '');
const DAY = 86_400_000;

/** Days with a season of seven, which a window of seven forecasts without error. */
const seasonal = (days: number, noise = 0): string => {
  const random = new Random(1);
  const rows = Array.from({ length: days }, (_, k) => {
    const value = 10 + 3 * Math.sin((2 * Math.PI * k) / 7) + noise * random.normal();
    return `${dateText(Date.UTC(2024, 0, 1) + k * DAY)},${value.toFixed(4)},${k % 5}`;
  });
  return `day,sold,price\n${rows.join('\n')}\n`;
};

const tableOf = (text: string): Promise<Table> => readTable([text], { name: 'x.csv' });
const noteOf = (table: Table, given: Given = {}) =>
  forecast.prepare(table, ownOptions(task, { target: 'sold', ...given }));

function trainerOf(table: Table, given: Given, own: Task = task): TaskTrainer {
  const note = own.prepare(table, ownOptions(own, { target: 'sold', ...given }));
  const settings = newSettings(
    own,
    { hidden: 8, batch: 8, threads: 1, ...given },
    'x.csv',
    'a'.repeat(64),
    'wasm',
  );
  return TaskTrainer.begin(own, note, table, settings);
}

async function run(trainer: TaskTrainer, until = Infinity): Promise<string> {
  const abort = new AbortController();
  await trainer.start();
  try {
    return await trainer.run({
      signal: abort.signal,
      onStep: ({ step }) => {
        trainer.validateWhenDue();
        if (step >= until) abort.abort();
      },
    });
  } finally {
    trainer.close();
  }
}

describe('forecast', () => {
  it('every number of the preparation comes from the training part only', async () => {
    const text = seasonal(100);
    const note = noteOf(await tableOf(text), { inputs: 'price', horizon: 2 });
    // values after the training part, 70 of 100 rows, must have no influence
    const lines = text.trim().split('\n');
    const other = lines.map((line, k) => (k > 70 ? line.replace(/,.*/, ',12.5,3') : line)).join('\n');
    expect(noteOf(await tableOf(other), { inputs: 'price', horizon: 2 })).toEqual(note);
    expect(note).toMatchObject({ targets: ['sold'], inputs: ['sold', 'price'], date: 'day', season: 7 });
    expect(note.scales[1].mean).toBeCloseTo(2, 12);
    expect(note.until).toBe(Date.UTC(2024, 0, 70));
  });

  it('a series that leaves the range of its training part is read relative to its last value', async () => {
    const rows = Array.from({ length: 60 }, (_, k) => `${k * k}\n`).join('');
    const note = forecast.prepare(await tableOf(`sold\n${rows}`), ownOptions(task, { window: 4 }));
    expect(note.relative).toEqual([true]);
    expect(noteOf(await tableOf(seasonal(100))).relative).toEqual([false]);
  });

  it('no window of a part forecasts a step of another', async () => {
    const table = await tableOf(seasonal(100));
    const note = noteOf(table, { window: 7, horizon: 3 });
    const { training, validation, test } = forecast.parts(table, note);
    // steps 0…69, 70…84 and 85…99: forecast steps lie within each part
    expect([training, validation, test].map((part) => part?.count)).toEqual([61, 13, 13]);
  });

  it('columns in order and without gaps are read where they lie, others are copied', async () => {
    const [head, ...rows] = seasonal(60).trim().split('\n');
    const reads = { inputs: ['sold'], date: 'day', group: null, missing: 'refuse' } as const;
    const [inOrder, turned] = await Promise.all(
      [rows, rows.toReversed()].map((r) => tableOf([head, ...r].join('\n'))),
    );
    const sold = (table: Table) => table.column('sold', 'numbers').values;
    expect(seriesOf(inOrder, reads, '')[0].columns[0]).toBe(sold(inOrder));
    expect(seriesOf(turned, reads, '')[0].columns[0]).toEqual(sold(inOrder));
  });

  it('of too many windows, runs of neighbors are taken evenly, the last ones among them', async () => {
    const rows = Array.from({ length: 30_000 }, (_, k) => `${k}\n`).join('');
    const table = await tableOf(`sold\n${rows}`);
    const note = forecast.prepare(table, ownOptions(task, { window: 4 }));
    const series = seriesOf(table, note, '');
    const [all, some] = [Infinity, 5500].map((most) => new Windows(series, note, () => [0, 30_000], most));
    expect([all.count, all.all, some.count, some.all]).toEqual([29_996, 29_996, 5000, 29_996]);
    // the value of step k is k: these are the steps that are forecast
    const steps = Array.from({ length: some.count }, (_, row) => some.truth(row, 0, 0));
    expect(new Set(steps).size).toBe(5000);
    expect([0, 1000, 2000, 3000, 4000].map((row) => steps[row])).toEqual([4, 7253, 14_502, 21_751, 29_000]);
    expect(steps[4999]).toBe(29_999);
    expect(some.lastOfFirst(2).map((row) => some.truth(row, 0, 0))).toEqual([29_998, 29_999]);
    expect(all.truth(7253 - 4, 0, 0)).toBe(7253);
  });

  it('of too many windows of many short series, no more are taken either', async () => {
    const rows = Array.from({ length: 9000 }, (_, k) => `${k},s${Math.floor(k / 30)}\n`).join('');
    const table = await tableOf(`sold,shop\n${rows}`);
    const note = forecast.prepare(table, ownOptions(task, { window: 4, target: 'sold', group: 'shop' }));
    const series = seriesOf(table, note, '');
    const [all, some] = [Infinity, 3500].map((most) => new Windows(series, note, () => [0, 30], most));
    expect([all.count, some.count, some.all]).toEqual([300 * 26, 3000, 300 * 26]);
    const stepsOf = (windows: Windows): number[] =>
      Array.from({ length: windows.count }, (_, row) => windows.truth(row, 0, 0));
    const [every, taken] = [all, some].map(stepsOf);
    expect(taken).toEqual([0, 3400, 6800].flatMap((from) => every.slice(from, from + 1000)));
  });

  it('rows are sorted by their dates, whatever their order in the file', async () => {
    const [head, ...rows] = seasonal(60).trim().split('\n');
    const [a, b] = await Promise.all([rows, rows.toReversed()].map((r) => tableOf([head, ...r].join('\n'))));
    const note = noteOf(a);
    expect(noteOf(b)).toEqual(note);
    const [x, y] = [a, b].map((table) => forecast.parts(table, note).training.batch([0, 5]));
    expect(x).toEqual(y);
  });

  it('learns a season, and says that it is better than the naive forecast', async () => {
    const table = await tableOf(seasonal(200));
    const trainer = trainerOf(table, { window: 7, steps: 250, season: 1, lr: 0.01 });
    await run(trainer);
    const note = noteOf(table, { window: 7, season: 1 });
    const { test } = forecast.parts(table, note);
    const { figures, lines } = forecast.judge(trainer.network, test!, table, note);
    const [{ model, naive, interval }] = figures.targets as never[] as {
      model: { mae: number };
      naive: { mae: number };
      interval: [number, number];
    }[];
    expect(model.mae).toBeLessThan(0.3 * naive.mae);
    expect(interval[1]).toBeLessThan(1);
    expect(lines.join('\n')).toMatch(/sold: better than the naive forecast by \d+ %/);
  });

  it.each(['absolute', 'huber'])('learns a season with the %s loss, too', async (loss) => {
    const table = await tableOf(seasonal(200));
    const given = { window: 7, season: 1, loss };
    const trainer = trainerOf(table, { ...given, steps: 250, lr: 0.01 });
    expect(trainer.network.architecture.loss).toBe(loss);
    await run(trainer);
    const note = noteOf(table, given);
    const { figures } = forecast.judge(trainer.network, forecast.parts(table, note).test!, table, note);
    const [{ model, naive }] = figures.targets as { model: { mae: number }; naive: { mae: number } }[];
    expect(model.mae).toBeLessThan(0.3 * naive.mae);
  });

  it('the quantile loss forecasts an interval that holds about four of five values', async () => {
    const table = await tableOf(seasonal(600, 1));
    const given = { window: 7, season: 7, horizon: 2, loss: 'quantile' };
    const trainer = trainerOf(table, { ...given, steps: 400, lr: 0.01 });
    await run(trainer);
    const note = noteOf(table, given);
    expect(trainer.network.architecture.output).toBe(6);
    const { training } = forecast.parts(table, note);
    const { figures, lines } = forecast.judge(trainer.network, training, table, note);
    const [{ coverage }] = figures.targets as { coverage: number }[];
    expect(coverage).toBeGreaterThan(0.7);
    expect(coverage).toBeLessThan(0.9);
    expect(lines.join('\n')).toContain('of the values lie inside the interval of 80 %');
    const { names, rows } = forecast.predict(trainer.network, table, note);
    expect(names).toEqual(['day', 'sold 10 %', 'sold', 'sold 90 %']);
    for (const [, low, middle, high] of rows as [string, number, number, number][])
      expect(low < middle && middle < high).toBe(true);
  });

  it('the preparation of a checkpoint without a loss means the squared error', async () => {
    const table = await tableOf(seasonal(60));
    const { loss, ...older } = noteOf(table);
    expect(loss).toBe('squared');
    expect(v.parse(forecast.note, older)).toEqual({ ...older, loss });
  });

  it('says that a forecast of a random walk is no better than the naive one', async () => {
    const random = new Random(5);
    let at = 0;
    const rows = Array.from({ length: 600 }, () => `${(at += random.normal()).toFixed(4)}\n`).join('');
    const table = await tableOf(`sold\n${rows}`);
    const trainer = trainerOf(table, { window: 6, steps: 120 });
    await run(trainer);
    const note = noteOf(table, { window: 6 });
    const { lines } = forecast.judge(trainer.network, forecast.parts(table, note).test!, table, note);
    expect(lines.join('\n')).toMatch(/sold: (no better|worse) than the naive forecast/);
  });

  it('predicts the days behind the last one, by group', async () => {
    const one = seasonal(40).trim().split('\n').slice(1);
    const text = [
      'day,sold,price,shop',
      ...one.map((row) => `${row},a`),
      ...one.slice(0, 35).map((row) => `${row},b`),
    ];
    const table = await tableOf(text.join('\n'));
    const given = { window: 7, horizon: 2, group: 'shop' };
    const { network } = trainerOf(table, given);
    const { names, rows } = forecast.predict(network, table, noteOf(table, given));
    expect(names).toEqual(['shop', 'day', 'sold']);
    expect(rows.map(([shop, day]) => [shop, day])).toEqual([
      ['a', '2024-02-10'],
      ['a', '2024-02-11'],
      ['b', '2024-02-05'],
      ['b', '2024-02-06'],
    ]);
  });

  it.each([
    [{ target: 'solt' }, 'a column must be one of day, sold, price, got solt (did you mean sold?)'],
    [{ target: 'day' }, 'column day: it must hold numbers, got dates'],
    [
      { window: 90 },
      'a series must have at least 130 rows, got 60 (--window 90 and --horizon 1, in the first 70 %)',
    ],
    [{ target: '' }, '--target must name what to forecast, got none (columns of numbers: sold, price)'],
  ])('refuses %j', async (given, message) => {
    const table = await tableOf(seasonal(60));
    expect(() => noteOf(table, given)).toThrow(message);
  });

  it('refuses a target that never changes in the training part', async () => {
    const table = await tableOf(seasonal(60).replaceAll(/(-\d\d),.*/g, '$1,7,1'));
    expect(() => noteOf(table)).toThrow(
      'column sold: a target must change in the training part, got one value only',
    );
  });

  it('says so when the target never changes in the test part', async () => {
    const lines = seasonal(60).split('\n');
    const table = await tableOf(
      lines.map((line, k) => (k > 40 ? line.replace(/,.*/, ',7,1') : line)).join('\n'),
    );
    const given = { window: 7 };
    const { network } = trainerOf(table, given);
    const note = noteOf(table, given);
    const { test } = forecast.parts(table, note);
    expect(test && forecast.judge(network, test, table, note).lines).toContain(
      '  sold: the naive forecast makes no error here; use that one',
    );
  });

  it('refuses to forecast a series that is shorter than the window', async () => {
    const given = { window: 7 };
    const table = await tableOf(seasonal(60));
    const { network } = trainerOf(table, given);
    const short = await tableOf(seasonal(5));
    expect(() => forecast.predict(network, short, noteOf(table, given))).toThrow(
      'a series must have at least 7 rows, got 5 (the window that the model reads)',
    );
  });

  it('refuses missing values and repeated dates, unless it is told what they mean', async () => {
    const lines = seasonal(60).trim().split('\n');
    const gap = await tableOf(
      lines.map((line, k) => (k === 9 ? line.replace(/,.*/, ',NA,1') : line)).join('\n'),
    );
    expect(() => noteOf(gap)).toThrow(
      'column sold: every row must have a value, got none in line 10 (--missing previous',
    );
    expect(noteOf(gap, { missing: 'previous' }).missing).toBe('previous');
    const twice = await tableOf([...lines, lines[5]].join('\n'));
    expect(() => noteOf(twice)).toThrow(
      'column day: dates must differ, got 2024-01-05 in lines 6 and 62 (where the file holds several series, --group COLUMN tells them apart)',
    );
  });
});

describe('training', () => {
  it.each([
    ['by a limit', { steps: 40, patience: 'off' }],
    ['by early stopping', { steps: 400, patience: 3, lr: 0.05 }],
  ])('a run that is interrupted and resumed ends with the same bytes: %s', async (_, given) => {
    const table = await tableOf(seasonal(120, 1));
    const options = { window: 7, dropout: 0.1, ...given };
    const whole = trainerOf(table, options);
    const stopped = await run(whole);
    const first = trainerOf(table, options);
    expect(await run(first, 17)).toBe('aborted');
    const read = decodeCheckpoint(encodeCheckpoint(first.checkpoint()));
    const second = TaskTrainer.resume(table, first.settings, read);
    expect(second.steps).toBe(17);
    expect(await run(second)).toBe(stopped);
    expect(second.checkpoint().best).toBeUndefined();
    expect(encodeCheckpoint(second.checkpoint())).toEqual(encodeCheckpoint(whole.checkpoint()));
  });

  it('stops when nothing gets better, and puts the best weights back', async () => {
    const table = await tableOf(seasonal(120, 3));
    const trainer = trainerOf(table, { window: 7, steps: 2000, patience: 2, lr: 0.05 });
    expect(await run(trainer)).toBe('patience');
    const losses = trainer.curves.validation.points;
    const best = losses.reduce((a, b) => (b.loss < a.loss ? b : a));
    expect(trainer.steps).toBe(best.step);
    expect(losses.at(-1)!.step).toBeGreaterThan(best.step);
  });

  it('its gradients are right', async () => {
    const table = await tableOf(seasonal(80));
    expect(trainerOf(table, { window: 7, horizon: 2 }).gradcheck().verdict).toBe('right');
  });
});

describe('spacing', () => {
  it.each([
    [[2020, 0, 31], 'monthly', 12, '2020-05-31'],
    [[2020, 0, 1], 'monthly', 12, '2020-05-01'],
  ] as const)('months from %j go on at their ends', ([y, m, d], name, season, next) => {
    const times = [0, 1, 2, 3].map((k) => after(Date.UTC(y, m, d), k, { name: '', season: null, months: 1 }));
    const spacing = spacingOf(times);
    expect([spacing.name, spacing.season]).toEqual([name, season]);
    expect(dateText(after(times[3], 1, spacing))).toBe(next);
  });

  it('hours, days, weeks, quarters, years', () => {
    const of = (step: number): [string, number | null] => {
      const { name, season } = spacingOf(Array.from({ length: 9 }, (_, k) => k * step));
      return [name, season];
    };
    expect([of(DAY / 24), of(DAY), of(7 * DAY), of(1000)]).toEqual([
      ['hourly', 24],
      ['daily', 7],
      ['weekly', 52],
      ['even', null],
    ]);
    const calendar = (months: number) => [0, 1, 2, 3, 4].map((k) => Date.UTC(2000, k * months, 1));
    expect([spacingOf(calendar(3)).name, spacingOf(calendar(12)).name]).toEqual(['quarterly', 'yearly']);
  });
});

describe('on the command line', () => {
  const folder = mkdtempSync(join(tmpdir(), 'backstep-learn-'));
  beforeAll(() => {
    writeFileSync(join(folder, 'sales.csv'), seasonal(60));
    writeFileSync(join(folder, 'plain.csv'), 'a,b\n1,2\n');
    writeFileSync(join(folder, 'empty.csv'), '');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('export writes the preparation in the folder or beside the file', async () => {
    const table = await tableOf(seasonal(60));
    writeFileSync(join(folder, 'run.safetensors'), encodeCheckpoint(trainerOf(table, {}).checkpoint()));
    const exported = async (format: string, out: string): Promise<unknown> => {
      const { status } = await backstepIn(folder, 'export', 'run.safetensors', '--to', format, '--out', out);
      expect(status).toBe(0);
      const path =
        out === 'pytorch' ? 'pytorch/preparation.json' : out.replace(/\.\w+$/, '.preparation.json');
      return JSON.parse(readFileSync(join(folder, path), 'utf8')) as unknown;
    };
    const kinds = { day: 'year-month-day', sold: 'point' };
    const format = { kinds, names: ['day', 'sold', 'price'], header: true, separator: ',' };
    const wanted = { task: 'forecast', preparation: noteOf(table), format };
    expect(await exported('torch-script-py', 'pytorch')).toEqual(wanted);
    expect(await exported('onnx', 'model.onnx')).toEqual(wanted);
  });

  it('data says what was understood of a file', async () => {
    const { stdout, status } = await backstepIn(folder, 'data', 'sales.csv');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^sales\.csv: 60 rows, 3 columns; cells separated by commas\n/);
    expect(stdout).toMatch(/ {2}day {4}dates {3}2024-01-01 … 2024-02-29, daily\n/);
    expect(stdout).toMatch(/train: --task forecast \(dates and numbers\)\n$/);
    const { stdout: json } = await backstepIn(folder, 'data', 'sales.csv', '--json');
    expect(JSON.parse(json)).toMatchObject({ event: 'data', rows: 60, tasks: [{ task: 'forecast' }] });
  });

  it.each([
    [['data', 'empty.csv'], 'data: table: empty.csv: it must hold rows, got an empty file'],
    [
      ['train', 'plain.csv'],
      'train: --task must be given for plain.csv, got none (its columns fit no task clearly)',
    ],
    [
      ['train', 'sales.csv', '--task', 'forcast'],
      `train: --task must be one of text, ${taskNames.join(', ')}, got forcast`,
    ],
    [['train', '--task', 'forecast'], 'train: a file must be given with --task forecast, got none'],
    [
      ['train', 'sales.csv', '--target', 'sold', '--seq', '5'],
      'train: --seq must be left out with --task forecast, got 5',
    ],
    [
      ['train', '--text', 'sales.csv', '--horizon', '5'],
      'train: --horizon must be left out with --task text, got 5',
    ],
    [['predict', 'sales.csv', 'sales.csv'], 'the file is damaged or not a checkpoint'],
  ])('%j is refused', async (words, message) => {
    const { status, stderr } = await backstepIn(folder, ...words);
    expect(stderr.replace(/\s+/g, ' ')).toContain(message);
    expect(status).toBe(2);
  });

  it('help names every task', async () => {
    const { stdout } = await backstep('train', '--help');
    expect(stdout).toContain('forecast');
    expect(stdout).toMatch(/--horizon <n>\s+steps to forecast \(default: 1\)/);
  });
});
