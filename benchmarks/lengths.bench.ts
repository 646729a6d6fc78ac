/**
 * Benchmark of sequences of many lengths, of long ones, and of large batches that are only predicted, beside PyTorch: an
 * engine that plans ahead for a shape could lose there what it wins on batches of one shape.
 *
 *   node -r ./scripts/register.js benchmarks/lengths.bench.ts [gru16 gru64 gru256 scoring long fed windows]
 *     [--smallest] [--json] [--out FILE] [--rounds 3] [--clock cpu]
 *
 *   GRU …          training on batches of random lengths, each met for the first time, per time step; `beside` is training
 *                  on as many batches of their mean length
 *   one by one     the losses of sequences that all differ in length
 *   first pass     of a new network over a long sequence, forward and backward; `beside` is its second pass
 *   fed            the same of a network that is fed its own output
 *   recording      of that sequence's programs; `wanted` is in milliseconds
 *   windows        peak memory of a process that predicts many windows in one call
 *
 * Every engine runs in a process of its own with the same weights and inputs in float32, and is compared with this engine
 * in float64 before it is timed. The engines take turns; a ratio is the median of the ratios of neighboring turns.
 * --smallest only shows that the benchmark still runs; its figures mean nothing. --clock cpu measures processor time.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '../core/random/random';
import { median, type Clock } from '../measure/timing';
import { disagreement, type Workload } from '../measure/workloads';
import { machine } from './machine';
import { publish } from './output';
import { readCase, writeCase } from './peers/case';
import { Absent, Child, pythons } from './peers/child';
import type { Task } from './peers/host';
import { open } from './peers/lengths';
import { formatDecimal } from '../core/format';
import { table } from './table';
import { oneOf } from '../terminal/arguments';
import { clockOf, timed, roundsOf } from './options';
import { script, type Arguments } from '../scripts/script';

export interface LengthsRow {
  what: string;
  /** Of `ours` and `beside`. */
  unit: string;
  ours: number;
  /** The comparison within this engine. */
  beside?: number;
  /** Largest ratio of the two that is wanted, and the ratio. */
  most?: number;
  ratio?: number;
  /** PyTorch, the largest ratio of this engine to it that is wanted, and the ratio. */
  pytorch?: number;
  mostOfPytorch?: number;
  ratioToPytorch?: number;
  /** Largest value of `ours` that is wanted. */
  limit?: number;
}

interface Options {
  rounds: number;
  clock: Clock;
}

/** A task of an engine on a workload. */
interface Turn {
  engine: 'ours' | 'pytorch';
  workload: Workload;
  task: Task;
}

const python = join(__dirname, 'peers', 'pytorch.py');

async function start(engine: Turn['engine'], file: string): Promise<Child | undefined> {
  if (engine === 'ours') return Child.start('lengths:float32', file);
  for (const command of pythons()) {
    try {
      return await Child.start([command, python, '1'], file);
    } catch (error) {
      if (!(error instanceof Absent)) throw error;
    }
  }
  return undefined;
}

/** Starts the engine of each turn, checks its result, and runs `use`; an engine that is not installed is undefined. */
async function using<R>(
  turns: readonly Turn[],
  use: (children: readonly (Child | undefined)[]) => Promise<R>,
): Promise<R> {
  const folder = mkdtempSync(join(tmpdir(), 'backstep-lengths-'));
  const children: (Child | undefined)[] = [];
  try {
    for (const [k, { engine, workload }] of turns.entries()) {
      const file = join(folder, `${k}.json`);
      writeCase(workload, file);
      const child = await start(engine, file);
      children.push(child);
      if (!child) continue;
      const wanted = await open(readCase(file), 'float64').check();
      const wrong = disagreement(await child.check(), wanted, 'float32');
      if (wrong) throw new Error(`${child.about}, ${workload.name}: ${wrong}`);
    }
    return await use(children);
  } finally {
    for (const child of children) await child?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Median milliseconds of each turn, and the median ratio of the first to each; undefined where it is not installed. */
async function compare(
  turns: readonly Turn[],
  { rounds, clock }: Options,
): Promise<({ median: number; ratio: number } | undefined)[]> {
  return using(turns, async (children) => {
    const times: number[][] = turns.map(() => []);
    // the first round compiles
    for (let round = 0; round <= rounds; round++)
      for (const [k, child] of children.entries())
        if (child) times[k].push(median(await child.time(turns[k].task, 1, clock)));
    const measured = times.map((all) => all.slice(1));
    return measured.map((all) =>
      all.length === 0
        ? undefined
        : { median: median(all), ratio: median(all.map((time, k) => measured[0][k] / time)) },
    );
  });
}

async function peaks(
  workload: Workload,
  engines: readonly Turn['engine'][],
): Promise<(number | undefined)[]> {
  const found: (number | undefined)[] = [];
  for (const engine of engines)
    found.push(
      await using([{ engine, workload, task: 'forward' }], async ([child]) => child?.peakMegabytes()),
    );
  return found;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0);

type Measure = (smallest: boolean, options: Options) => Promise<LengthsRow[]>;

const training =
  (units: number): Measure =>
  async (smallest, options) => {
    const random = new Random(1);
    const [H, count, least, longest, B] = smallest ? [7, 4, 5, 9, 3] : [units, 100, 10, 200, 32];
    const lengths = Array.from({ length: count }, () => least + random.below(longest - least + 1));
    const mean = Math.round(sum(lengths) / count);
    const what = `GRU ${H}, ${count} lengths`;
    const workload: Workload = { name: what, cell: 'gru', D: 16, H, B, T: longest, lengths };
    const one = { ...workload, lengths: lengths.map(() => mean) };
    const [ours, beside, pytorch] = await compare(
      [
        { engine: 'ours', workload, task: 'train' },
        { engine: 'ours', workload: one, task: 'train' },
        { engine: 'pytorch', workload, task: 'train' },
      ],
      options,
    );
    if (!ours || !beside) return [];
    // the two differ a little in their numbers of steps
    const [steps, stepsBeside] = [sum(lengths), count * mean];
    const row: LengthsRow = {
      what,
      unit: 'µs per step',
      ours: (1000 * ours.median) / steps,
      beside: (1000 * beside.median) / stepsBeside,
      most: 1.2,
      ratio: (beside.ratio * stepsBeside) / steps,
    };
    if (!pytorch) return [row];
    const theirs = (1000 * pytorch.median) / steps;
    return [{ ...row, pytorch: theirs, mostOfPytorch: 1, ratioToPytorch: pytorch.ratio }];
  };

const scoring: Measure = async (smallest, options) => {
  const [count, D, H] = smallest ? [6, 5, 7] : [200, 32, 128];
  const lengths = new Random(1).shuffle(Array.from({ length: count }, (_, k) => k + 1));
  const workload: Workload = { name: 'one by one', cell: 'lstm', D, H, B: 1, T: count, lengths };
  const [ours, pytorch] = await compare(
    [
      { engine: 'ours', workload, task: 'forward' },
      { engine: 'pytorch', workload, task: 'forward' },
    ],
    options,
  );
  if (!ours) return [];
  const row = { what: `LSTM ${H}, ${count} sequences one by one`, unit: 'ms', ours: ours.median };
  if (!pytorch) return [row];
  return [{ ...row, pytorch: pytorch.median, mostOfPytorch: 0.5, ratioToPytorch: pytorch.ratio }];
};

const long: Measure = async (smallest, options) => {
  const T = smallest ? 50 : 10_000;
  const workload: Workload = { name: 'long', cell: 'gru', D: 16, H: 16, B: 1, T };
  const turn = (task: Task): Turn => ({ engine: 'ours', workload, task });
  const [first, second, record] = await compare([turn('train'), turn('again'), turn('record')], options);
  if (!first || !second || !record) return [];
  const [ours, beside] = [first.median, second.median];
  return [
    { what: `first pass, T = ${T}`, unit: 'ms', ours, beside, most: 1.3, ratio: second.ratio },
    { what: `recording, T = ${T}`, unit: 'ms', ours: record.median, limit: 5 },
  ];
};

const fed: Measure = async (smallest, options) => {
  const T = smallest ? 50 : 2000;
  const workload: Workload = { name: 'fed', cell: 'gru', D: 8, H: 16, B: 4, T, O: 8, feeds: true };
  const turn = (task: Task): Turn => ({ engine: 'ours', workload, task });
  const [first, second] = await compare([turn('train'), turn('again')], options);
  if (!first || !second) return [];
  const what = `first pass fed its own output, T = ${T}`;
  return [{ what, unit: 'ms', ours: first.median, beside: second.median, ratio: second.ratio }];
};

const windows: Measure = async (smallest) => {
  const [B, T, H] = smallest ? [40, 5, 7] : [10_000, 50, 64];
  const workload: Workload = { name: 'windows', cell: 'lstm', D: 8, H, B, T, O: 8, predicts: true };
  const [ours, pytorch] = await peaks(workload, ['ours', 'pytorch']);
  if (ours === undefined) return [];
  const row = { what: `${B} windows, T = ${T}, LSTM ${H}: peak memory`, unit: 'MB', ours };
  return pytorch === undefined
    ? [row]
    : [{ ...row, pytorch, mostOfPytorch: 1, ratioToPytorch: ours / pytorch }];
};

const measures: Readonly<Record<string, Measure>> = {
  gru16: training(16),
  gru64: training(64),
  gru256: training(256),
  scoring,
  long,
  fed,
  windows,
};

function show(rows: readonly LengthsRow[]): string {
  const times = (ratio?: number, most?: number): string[] => [
    ratio === undefined ? '–' : `${formatDecimal(ratio)}×`,
    most === undefined ? '' : `≤ ${most}×`,
  ];
  const body = rows.map((row) => [
    row.what,
    `${formatDecimal(row.ours)} ${row.unit}`,
    row.limit === undefined ? '' : `≤ ${row.limit} ${row.unit}`,
    formatDecimal(row.beside),
    ...times(row.ratio, row.most),
    formatDecimal(row.pytorch),
    ...times(row.ratioToPytorch, row.mostOfPytorch),
  ]);
  return table(['', 'backstep', 'wanted', 'beside', 'ratio', 'wanted', 'PyTorch', 'ratio', 'wanted'], body);
}

const config = {
  allowPositionals: true,
  options: timed('3'),
} as const;

async function main({ values, positionals }: Arguments<typeof config>): Promise<void> {
  const { smallest } = values;
  const clock = clockOf(values.clock);
  const options: Options = { rounds: smallest ? 1 : roundsOf(values.rounds), clock };
  const all = Object.keys(measures).filter((name) => !smallest || !['gru64', 'gru256'].includes(name));
  const rows: LengthsRow[] = [];
  const chosen = positionals.map(oneOf('what to measure', Object.keys(measures)));
  for (const name of chosen.length > 0 ? chosen : all)
    rows.push(...(await measures[name](smallest, options)));
  publish({ lengths: rows }, values);
  if (values.json) return;
  console.log(`${machine()}\n${show(rows)}`);
}

void script(__filename, config, main);
