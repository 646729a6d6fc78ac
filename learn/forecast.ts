/**
 * Forecasting: from the last `window` steps of a series to the next `horizon` values of its targets (many-to-one).
 *
 *   x [T, B, D]        the columns that are read, standardised with the training part's numbers; relative to the last
 *                      value of the window where the validation part leaves the training part's range, as trends do
 *   targets [B, K·H]   (y_{t+h} − y_t) / s_kh: how far target k moves in h steps, in units of the training part's usual
 *                      movement; the naive forecast, "as now", has a loss of 1
 */
import * as v from 'valibot';
import { must, mustBe } from '../core/check';
import { greatest, least } from '../core/reduce';
import type { Network } from '../bptt/network/network';
import { fill } from '../data/missing';
import { bootstrap, meanAbsoluteError, naiveError, rootMeanSquaredError } from '../data/metrics';
import { scaleOf } from '../data/standardise';
import type { Table } from '../data/table';
import { windows } from '../data/windows';
import { canvas } from '../draw/canvas';
import { sparkline } from '../draw/sparkline';
import { after, dateText, spacingOf, type Spacing } from './season';
import type { Examples, Given, Judgement, Parts, Predictions, Task } from './task';

const where = 'forecast';
const finite = v.pipe(v.number(), v.finite());
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
const names = v.array(v.string());
const noteSchema = v.strictObject({
  targets: v.pipe(names, v.minLength(1)),
  /** Columns that are read: the targets first. */
  inputs: names,
  date: v.nullable(v.string()),
  group: v.nullable(v.string()),
  horizon: count,
  window: count,
  season: v.nullable(count),
  missing: v.picklist(['refuse', 'previous', 'mean']),
  /** Of each column that is read. */
  scales: v.array(v.strictObject({ mean: finite, deviation: finite })),
  /** Whether a column is read relative to its last value in the window. */
  relative: v.array(v.boolean()),
  /** s_kh: of each target, for each step of the horizon. */
  movements: v.array(v.array(finite)),
  /** Of each target, what MASE divides by. */
  naive: v.array(finite),
  /** Steps in a series up to which it trained, by group; and the last date of them. */
  trained: v.record(v.string(), count),
  until: v.nullable(finite),
});
type Note = v.InferOutput<typeof noteSchema>;

/** One series: the values of its columns in the order of time. */
interface Series {
  name: string;
  steps: number;
  times?: Float64Array;
  /** As they are in the file, gaps filled; by the order of `inputs`. */
  columns: Float64Array[];
}

type Reading = Pick<Note, 'inputs' | 'date' | 'group' | 'missing'>;

/** The series of a table; sorted by date. */
function seriesOf(
  table: Table,
  { inputs, date, group, missing }: Reading,
  means?: readonly number[],
): Series[] {
  const groups = group === null ? undefined : table.column(group, 'texts', 'numbers').values;
  const rows = new Map<string, number[]>();
  for (let row = 0; row < table.rows; row++) {
    const name = String(groups?.[row] ?? '');
    const own = rows.get(name);
    if (own) own.push(row);
    else rows.set(name, [row]);
  }
  const times = date === null ? undefined : table.column(date, 'dates', 'numbers').values;
  const values = inputs.map((name) => table.column(name, 'numbers').values);
  return Array.from(rows, ([name, own]) => {
    if (times) sortByTime(table, own, times, date as string, group);
    const columns = values.map((all, k) => {
      const column = Float64Array.from(own, (row) => all[row]);
      const gap = column.findIndex(Number.isNaN);
      if (gap < 0) return column;
      const why =
        '--missing previous carries the value before on, --missing mean takes the mean of the training part';
      const got = `none in line ${table.lines[own[gap]]}`;
      must(missing !== 'refuse', `${where}: column ${inputs[k]}`, 'every row must have a value', got, why);
      const mean = means?.[k] ?? scaleOf(column).mean;
      return fill(
        column,
        missing,
        mean,
        missing === 'previous' && gap === 0 ? column.findIndex((x) => !Number.isNaN(x)) : 0,
      );
    });
    const series = { name, steps: own.length, columns };
    return times ? { ...series, times: Float64Array.from(own, (row) => times[row]) } : series;
  });
}

function sortByTime(
  table: Table,
  rows: number[],
  times: Float64Array,
  date: string,
  group: string | null,
): void {
  const place = `${where}: column ${date}`;
  const gap = rows.find((row) => Number.isNaN(times[row]));
  must(gap === undefined, place, 'every row must have a date', `none in line ${table.lines[gap ?? 0]}`);
  rows.sort((a, b) => times[a] - times[b] || a - b);
  for (let k = 1; k < rows.length; k++) {
    const twice = times[rows[k]] === times[rows[k - 1]];
    const lines = `${dateText(times[rows[k]])} in lines ${table.lines[rows[k - 1]]} and ${table.lines[rows[k]]}`;
    const why =
      group === null ? 'where the file holds several series, --group COLUMN tells them apart' : undefined;
    must(!twice, place, 'dates must differ', lines, why);
  }
}

/** Steps of a series at which its validation and its test begin. */
const cuts = (steps: number): [number, number] => [Math.round(0.7 * steps), Math.round(0.85 * steps)];

/** Windows of several series as examples. */
class Windows implements Examples {
  private readonly places: { series: Series; end: number }[];

  constructor(
    readonly series: readonly Series[],
    private readonly note: Note,
    range: (series: Series) => [from: number, to: number],
  ) {
    const { window: length, horizon } = note;
    this.places = series.flatMap((one) => {
      const [from, to] = range(one);
      if (Math.max(from, length) + horizon > to) return [];
      return windows(one.steps, { length, horizon, from, to }).map((end) => ({ series: one, end }));
    });
  }

  get count(): number {
    return this.places.length;
  }

  batch(rows: readonly number[]) {
    const { window: T, horizon: H, targets, scales, movements, relative } = this.note;
    const [B, D, O] = [rows.length, scales.length, targets.length * H];
    const x = new Float64Array(T * B * D);
    const wanted = new Float64Array(B * O);
    rows.forEach((row, b) => {
      const { series, end } = this.places[row];
      series.columns.forEach((column, d) => {
        const { deviation } = scales[d];
        const mean = relative[d] ? column[end - 1] : scales[d].mean;
        for (let t = 0; t < T; t++) x[(t * B + b) * D + d] = (column[end - T + t] - mean) / deviation;
      });
      for (let k = 0; k < targets.length; k++)
        for (let h = 0; h < H; h++) {
          const column = series.columns[k];
          wanted[b * O + k * H + h] = (column[end + h] - column[end - 1]) / movements[k][h];
        }
    });
    return { x: { shape: [T, B, D], numbers: x }, targets: { shape: [B, O], numbers: wanted } };
  }

  /** Target k, h steps behind the window of an example. */
  truth(row: number, k: number, h: number): number {
    const { series, end } = this.places[row];
    return series.columns[k][end + h];
  }

  /** What was known `back` steps before that. */
  known(row: number, k: number, h: number, back: number): number {
    const { series, end } = this.places[row];
    return series.columns[k][Math.max(0, end + h - back)];
  }

  timeOf(row: number, h: number): number {
    const { series, end } = this.places[row];
    return series.times?.[end + h] ?? end + h;
  }

  /** Examples of the series with the first one, in order. */
  get firstSeries(): number[] {
    const [first] = this.places;
    return this.places.flatMap(({ series }, row) => (series === first.series ? [row] : []));
  }
}

const ROWS_AT_ONCE = 512;

/** Outputs of a network as values, [examples, K·H]. */
function forecastsOf(
  network: Network,
  examples: Windows,
  { targets, horizon, movements }: Note,
): Float64Array {
  const O = targets.length * horizon;
  const all = new Float64Array(examples.count * O);
  for (let from = 0; from < examples.count; from += ROWS_AT_ONCE) {
    const rows = Array.from({ length: Math.min(ROWS_AT_ONCE, examples.count - from) }, (_, k) => from + k);
    const { output } = network.forward({ x: examples.batch(rows).x }, { predict: true });
    rows.forEach((row, b) => {
      for (let o = 0; o < O; o++) {
        const [k, h] = [Math.floor(o / horizon), o % horizon];
        all[row * O + o] = examples.known(row, k, 0, 1) + output.get(b, o) * movements[k][h];
      }
    });
  }
  return all;
}

const listOf = (text: unknown): string[] =>
  typeof text === 'string'
    ? text
        .split(',')
        .map((name) => name.trim())
        .filter(Boolean)
    : [];

function prepare(table: Table, given: Given): Note {
  const dates = table.columns.filter(({ kind }) => kind === 'dates');
  const date = (given.date as string | undefined) ?? (dates.length === 1 ? dates[0].name : null);
  const group = (given.group as string | undefined) ?? null;
  const numbers = table.columns.filter(
    ({ kind, name }) => kind === 'numbers' && name !== date && name !== group,
  );
  const found = numbers.map(({ name }) => name);
  const chosen = listOf(given.target);
  mustBe(
    chosen.length > 0 || found.length === 1,
    where,
    '--target must name what to forecast',
    'none',
    `columns of numbers: ${found.join(', ') || 'none'}`,
  );
  const targets = chosen.length > 0 ? chosen : found;
  const inputs = [...new Set([...targets, ...listOf(given.inputs)])];
  const {
    horizon,
    window: T,
    missing,
  } = given as { horizon: number; window: number; missing: Note['missing'] };
  const reading = { inputs, date, group, missing };
  const series = seriesOf(table, reading);
  const spacing = spacingIn(series);
  const season = (given.season as number | undefined) ?? spacing?.season ?? null;
  const enough = series.filter(({ steps }) => cuts(steps)[0] >= T + horizon);
  const most = Math.max(...series.map(({ steps }) => steps));
  const why = `--window ${T} and --horizon ${horizon}, in the first 70 %`;
  must(
    enough.length > 0,
    where,
    `a series must have at least ${Math.ceil((T + horizon) / 0.7)} rows`,
    most,
    why,
  );
  const trained = Object.fromEntries(enough.map(({ name, steps }) => [name, cuts(steps)[0]]));
  const training = (k: number): Float64Array[] =>
    enough.map(({ columns, name }) => columns[k].subarray(0, trained[name]));
  const joined = (parts: Float64Array[]): number[] => parts.flatMap((part) => Array.from(part));
  const movement = (k: number, h: number): number => {
    const steps = training(k).flatMap((y) => Array.from({ length: y.length - h }, (_, t) => y[t + h] - y[t]));
    return Math.sqrt(steps.reduce((sum, step) => sum + step * step, 0) / steps.length) || 1;
  };
  const relative = inputs.map((_, k) =>
    enough.some(({ columns, steps }) => leavesRange(columns[k], cuts(steps))),
  );
  const untils = enough.flatMap(({ times, name }) => (times ? [times[trained[name] - 1]] : []));
  return {
    ...reading,
    targets,
    horizon,
    window: T,
    season,
    relative,
    scales: inputs.map((_, k) => {
      const { mean, deviation } = scaleOf(joined(training(k)));
      return { mean, deviation: relative[k] ? movement(k, Math.ceil(T / 2)) : deviation };
    }),
    movements: targets.map((_, k) => Array.from({ length: horizon }, (_, h) => movement(k, h + 1))),
    naive: targets.map((_, k) => {
      const errors = training(k).map((y) => naiveError(y));
      return errors.reduce((sum, error) => sum + error, 0) / errors.length || 1;
    }),
    trained,
    until: untils.length > 0 ? Math.max(...untils) : null,
  };
}

/** Whether more than one in twenty values of the validation part lie outside of the range of the training part. */
function leavesRange(values: Float64Array, [first, second]: [number, number]): boolean {
  const training = values.subarray(0, first);
  const [low, high] = [least(training), greatest(training)];
  const outside = values.subarray(first, second).filter((x) => x < low || x > high);
  return outside.length > (second - first) / 20;
}

const spacingIn = (series: readonly Series[]): Spacing | undefined => {
  const dated = series.find(({ times }) => times && times.length > 1);
  return dated?.times && spacingOf(dated.times);
};

const meansOf = ({ scales }: Note): number[] => scales.map(({ mean }) => mean);
const read = (table: Table, note: Note): Series[] => seriesOf(table, note, meansOf(note));

function parts(table: Table, note: Note): Parts {
  const series = read(table, note).filter(({ name }) => name in note.trained);
  const of = (range: (cut: [number, number], steps: number) => [number, number]): Windows =>
    new Windows(series, note, ({ steps }) => range(cuts(steps), steps));
  const [training, validation, test] = [
    of(([first]) => [0, first]),
    of(([first, second]) => [first, second]),
    of(([, second], steps) => [second, steps]),
  ];
  return { training, ...(validation.count > 0 && { validation }), ...(test.count > 0 && { test }) };
}

/** Rows dated behind the training part, or all where there are no dates. */
function others(table: Table, note: Note): { examples: Examples; said: string } {
  const series = read(table, note);
  const { until } = note;
  const begin = ({ times }: Series): number =>
    times && until !== null
      ? (times.findIndex((time) => time > until) + times.length + 1) % (times.length + 1)
      : 0;
  const examples = new Windows(series, note, (one) => [begin(one), one.steps]);
  const fix = `${note.window} rows are read before the first that is forecast`;
  must(examples.count > 0, where, 'the file must hold rows to forecast', 'too few', fix);
  const said = until === null ? 'all rows' : `rows after ${dateText(until)}, where training ended`;
  return { examples, said };
}

interface Errors {
  mae: number;
  rmse: number;
  mase: number;
}

function judge(network: Network, given: Examples, _table: Table, note: Note): Judgement {
  const examples = given as Windows;
  const { targets, horizon, season, naive } = note;
  const O = targets.length * horizon;
  const forecast = forecastsOf(network, examples, note);
  const rows = Array.from({ length: examples.count }, (_, k) => k);
  const steps = Array.from({ length: horizon }, (_, h) => h);
  const flat = (of: (row: number, h: number) => number): number[] =>
    rows.flatMap((row) => steps.map((h) => of(row, h)));
  const seasonBack = (h: number): number => (season as number) * Math.ceil((h + 1) / (season as number));
  const byTarget = targets.map((name, k) => {
    const truth = flat((row, h) => examples.truth(row, k, h));
    const errors = (said: number[]): Errors => {
      const mae = meanAbsoluteError(said, truth);
      return { mae, rmse: rootMeanSquaredError(said, truth), mase: mae / naive[k] };
    };
    const ours = flat((row, h) => forecast[row * O + k * horizon + h]);
    const asNow = flat((row) => examples.known(row, k, 0, 1));
    const asBefore = season === null ? undefined : flat((row, h) => examples.known(row, k, h, seasonBack(h)));
    const figures = {
      model: errors(ours),
      naive: errors(asNow),
      ...(asBefore && { seasonalNaive: errors(asBefore) }),
    };
    const best =
      asBefore && figures.seasonalNaive && figures.seasonalNaive.mae < figures.naive.mae ? asBefore : asNow;
    const ratio = (drawn: readonly number[]): number => {
      let [a, b] = [0, 0];
      for (const row of drawn)
        for (let h = 0; h < horizon; h++) {
          const at = row * horizon + h;
          a += Math.abs(ours[at] - truth[at]);
          b += Math.abs(best[at] - truth[at]);
        }
      return a / b;
    };
    // errors of neighbours share most of their steps: they are drawn together
    const block = Math.max(horizon, Math.ceil(examples.count ** (1 / 3)));
    const interval = bootstrap(examples.count, ratio, { block, draws: 500 });
    return {
      name,
      ...figures,
      ratio: ratio(rows),
      interval,
      beside: best === asNow ? 'naive' : 'seasonal naive',
    };
  });
  return {
    figures: { windows: examples.count, targets: byTarget },
    lines: byTarget
      .flatMap((one) => [...table(one, season), verdict(one)])
      .concat(sparks(examples, forecast, note)),
    pictures: async () => ({ 'forecast.svg': await draw(examples, forecast, note) }),
  };
}

type Judged = {
  name: string;
  model: Errors;
  naive: Errors;
  seasonalNaive?: Errors;
  ratio: number;
  interval: [number, number];
  beside: string;
};

const figure = (x: number): string =>
  Math.abs(x) >= 1e5 || Math.abs(x) < 1e-3 ? x.toExponential(2) : String(Number(x.toPrecision(4)));

function table({ name, model, naive, seasonalNaive }: Judged, season: number | null): string[] {
  const row = (title: string, { mae, rmse, mase }: Errors): string =>
    `  ${title.padEnd(22)}${[mae, rmse, mase].map((x) => figure(x).padStart(10)).join('')}`;
  return [
    `  ${name.slice(0, 21).padEnd(22)}${['MAE', 'RMSE', 'MASE'].map((title) => title.padStart(10)).join('')}`,
    row('this model', model),
    row('naive (as now)', naive),
    ...(seasonalNaive ? [row(`naive (${season} steps ago)`, seasonalNaive)] : []),
  ];
}

/** In words, whether it was worth the trouble. */
function verdict({ name, ratio, interval: [low, high], beside }: Judged): string {
  const percent = (r: number): string => `${(100 * (1 - r)).toFixed(0)} %`;
  const range = `95 %: ${percent(high)} … ${percent(low)}`;
  if (high < 1) return `  ${name}: better than the ${beside} forecast by ${percent(ratio)} (${range})`;
  return low > 1
    ? `  ${name}: worse than the ${beside} forecast by ${(100 * (ratio - 1)).toFixed(0)} %; use that one`
    : `  ${name}: no better than the ${beside} forecast (by ${percent(ratio)}; ${range})`;
}

/** The last steps that were forecast one step before, beside the truth, in two lines. */
function sparks(examples: Windows, forecast: Float64Array, { targets, horizon }: Note): string[] {
  const shown = examples.firstSeries.slice(-48);
  const O = targets.length * horizon;
  const truth = shown.map((row) => examples.truth(row, 0, 0));
  const said = shown.map((row) => forecast[row * O]);
  const range: [number, number] = [Math.min(...truth, ...said), Math.max(...truth, ...said)];
  return [
    `  ${targets[0]}, the last ${shown.length} steps, each forecast one step before:`,
    `  truth     ${sparkline(truth, 48, range)}`,
    `  forecast  ${sparkline(said, 48, range)}`,
  ];
}

/** Forecast against truth, the last steps; one panel for the first target, of the first series. */
async function draw(
  examples: Windows,
  forecast: Float64Array,
  { targets, horizon, date }: Note,
): Promise<string> {
  const { Plot, document, style } = await canvas();
  const shown = examples.firstSeries.slice(-200);
  const O = targets.length * horizon;
  const at = (row: number, h: number): Date | number =>
    date === null ? examples.timeOf(row, h) : new Date(examples.timeOf(row, h));
  const points = (of: (row: number) => number, h: number) =>
    shown.map((row) => ({ x: at(row, h), y: of(row) }));
  const lines = [
    { name: 'truth', stroke: '#333', data: points((row) => examples.truth(row, 0, 0), 0) },
    { name: 'forecast, 1 step before', stroke: '#4e79a7', data: points((row) => forecast[row * O], 0) },
    ...(horizon > 1
      ? [
          {
            name: `${horizon} steps before`,
            stroke: '#e15759',
            data: points((row) => forecast[row * O + horizon - 1], horizon - 1),
          },
        ]
      : []),
  ];
  const svg = Plot.plot({
    ...{ document, width: 760, height: 380, style, marginLeft: 60 },
    x: { label: date ?? 'step', type: date === null ? 'linear' : 'utc' },
    y: { label: targets[0], grid: true, nice: true },
    marks: [
      Plot.frame({ stroke: '#ddd' }),
      ...lines.map(({ data, stroke }) => Plot.line(data, { x: 'x', y: 'y', stroke, strokeWidth: 1.3 })),
      ...lines.map(({ name, stroke }, k) =>
        Plot.text([name], {
          text: (d: string) => d,
          frameAnchor: 'top-left',
          dx: 8,
          dy: 8 + 16 * k,
          fill: stroke,
          fontWeight: 'bold',
        }),
      ),
    ],
  });
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return `${svg.outerHTML}\n`;
}

/** The next steps behind the last row of each series. */
function predict(network: Network, table: Table, note: Note): Predictions {
  const { window: T, horizon, targets, scales, movements, relative, date, group } = note;
  const series = read(table, note);
  const rows = series.flatMap((one) => {
    const { steps, columns, name, times } = one;
    const got = `${steps}${name === '' ? '' : ` of ${name}`}`;
    must(steps >= T, where, `a series must have at least ${T} rows`, got, 'the window that the model reads');
    const x = Array.from({ length: T }, (_, t) => [
      columns.map((column, d) => {
        const mean = relative[d] ? column[steps - 1] : scales[d].mean;
        return (column[steps - T + t] - mean) / scales[d].deviation;
      }),
    ]);
    const { output } = network.forward({ x }, { predict: true });
    const spacing = times && times.length > 1 ? spacingOf(times) : undefined;
    return Array.from({ length: horizon }, (_, h) => [
      ...(group === null ? [] : [name]),
      times && spacing && date !== null
        ? timeText(table, date, after(times[steps - 1], h + 1, spacing))
        : h + 1,
      ...targets.map((_, k) => columns[k][steps - 1] + output.get(0, k * horizon + h) * movements[k][h]),
    ]);
  });
  return { names: [...(group === null ? [] : [group]), date ?? 'step', ...targets], rows };
}

const timeText = (table: Table, date: string, time: number): string | number =>
  table.column(date).kind === 'dates' ? dateText(time) : time;

const trend = (names: string[]): [string, string] => [
  'trend',
  `${names.join(', ')}: read relative to the last value, for it leaves the range of the training part`,
];

/** The task. */
export const forecast: Task<Note> = {
  name: 'forecast',
  about: 'the next values of one or more series of numbers (CSV, TSV, JSON)',
  unit: 'squared error (the naive forecast has 1)',
  settings: {
    target: {
      kind: 'text',
      label: 'Target',
      unit: 'columns',
      must: 'names of columns',
      help: 'what to forecast, separated by commas',
      otherwise: 'the only column of numbers',
    },
    inputs: {
      kind: 'text',
      label: 'Inputs',
      unit: 'columns',
      must: 'names of columns',
      help: 'columns to read beside the targets',
    },
    date: {
      kind: 'text',
      label: 'Date',
      unit: 'column',
      must: 'the name of a column',
      help: 'what orders the rows',
      otherwise: 'the only column of dates',
    },
    group: {
      kind: 'text',
      label: 'Group',
      unit: 'column',
      must: 'the name of a column',
      help: 'what tells several series apart',
    },
    horizon: {
      kind: 'number',
      whole: true,
      least: 1,
      most: 10_000,
      default: 1,
      label: 'Horizon',
      unit: 'n',
      help: 'steps to forecast',
    },
    window: {
      kind: 'number',
      whole: true,
      least: 1,
      most: 100_000,
      default: 24,
      label: 'Window',
      unit: 'n',
      help: 'steps to read before',
    },
    season: {
      kind: 'number',
      whole: true,
      least: 1,
      label: 'Season',
      unit: 'n',
      help: 'steps after which things repeat',
      otherwise: 'by the dates',
    },
    missing: {
      kind: 'choice',
      label: 'Missing values',
      unit: 'how',
      default: 'refuse',
      help: 'what a missing value becomes',
      names: () => ['refuse', 'previous', 'mean'] as const,
    },
  },
  defaults: { hidden: 32, lr: 0.003 },
  note: noteSchema,
  fits(table, given) {
    const kinds = (kind: string): number => table.columns.filter((column) => column.kind === kind).length;
    if (given.horizon !== undefined || given.window !== undefined) return 'a horizon or a window is given';
    return kinds('dates') === 1 && kinds('numbers') >= 1 ? 'dates and numbers' : undefined;
  },
  prepare,
  parts,
  others,
  network: ({ inputs, targets, horizon }) => ({
    input: inputs.length,
    output: targets.length * horizon,
    loss: 'squared',
    topology: 'many-to-one',
  }),
  describe(source, note) {
    const { targets, inputs, horizon, window: T, date, season, relative } = note;
    const series = read(source, note);
    const steps = series.reduce((sum, one) => sum + one.steps, 0);
    const spacing = date === null ? '' : `, ${spacingIn(series)?.name ?? 'one date'}`;
    const extra = inputs.slice(targets.length);
    const many = series.length === 1 ? '' : ` in ${series.length} series`;
    const ahead = `${targets.join(', ')}, ${horizon} ${horizon === 1 ? 'step' : 'steps'} ahead`;
    const reads = `from ${T} steps${extra.length > 0 ? ` of it and ${extra.join(', ')}` : ''}`;
    const moving = inputs.filter((_, k) => relative[k]);
    return [
      ['series', `${source.name}: ${steps.toLocaleString('en-US')} steps${many}${spacing}`],
      ['forecast', `${ahead}, ${reads}${season === null ? '' : `; season ${season}`}`],
      ...(moving.length > 0 ? [trend(moving)] : []),
    ];
  },
  judge,
  predict,
};
