/**
 * Forecasting: from the last `window` steps of a series to the next `horizon` values of its targets (many-to-one).
 *
 *   x [T, B, D]        the input columns, standardized with the training part's statistics; relative to the last value
 *                      of the window if the validation part leaves the training part's range, as with a trend
 *   targets [B, K·H]   with the quantile loss [B, 3·K·H], each for three levels; (y_{t+h} − y_t) / s_kh: the change of target k after h steps, in units of its typical change in
 *                      the training part; the naive forecast, "as now", has a loss of 1
 */
import { must } from '../../core/check';
import { lossOf } from '../../losses';
import type { Network } from '../../bptt/network/network';
import type { Table } from '../../data/table';
import { date, group, inputs, lossSetting, missing, target } from '../options';
import { afterEachRow } from '../follow';
import { after, dateText, spacingOf } from '../season';
import { seriesOf, type Series } from '../series';
import { allOf, type Examples, type Parts, type Predictions, type Task } from '../task';
import { withDates } from './dates';
import { judge } from './judge';
import { forecastLosses, noteSchema, type Note } from './note';
import { prepare, spacingIn, where } from './prepare';
import { cuts, levelsOf, Windows } from './windows';

/** More windows than these take long and tell nothing more. */
const [MOST_VALIDATED, MOST_JUDGED] = [20_000, 100_000];

const meansOf = ({ scales }: Note): number[] => scales.map(({ mean }) => mean);
const read = (table: Table, note: Note): Series[] =>
  seriesOf(table, note, where, meansOf(note)).map((one) => withDates(one, note.dates));

function parts(table: Table, note: Note): Parts {
  const series = read(table, note).filter(({ name }) => name in note.trained);
  const of = (range: (cut: [number, number], steps: number) => [number, number], most?: number): Windows =>
    new Windows(series, note, ({ steps }) => range(cuts(steps), steps), most);
  const [training, validation, test] = [
    of(([first]) => [0, first]),
    of(([first, second]) => [first, second], MOST_VALIDATED),
    of(([, second], steps) => [second, steps], MOST_JUDGED),
  ];
  return { training, ...(validation.count > 0 && { validation }), ...(test.count > 0 && { test }) };
}

/** Rows dated after the training part, or all rows if there are no dates. */
function others(table: Table, note: Note): { examples: Examples; scope: string } {
  const series = read(table, note);
  const { until } = note;
  const begin = ({ times }: Series): number =>
    times && until !== null
      ? (times.findIndex((time) => time > until) + times.length + 1) % (times.length + 1)
      : 0;
  const examples = new Windows(series, note, (one) => [begin(one), one.steps], MOST_JUDGED);
  const fix = `${note.window} rows are read before the first that is forecast`;
  must(examples.count > 0, where, 'the file must hold rows to forecast', 'too few', fix);
  const scope = until === null ? 'all rows' : `rows after ${dateText(until)}, where training ended`;
  return { examples, scope };
}

/** The steps that follow the last row of each series. */
function predict(network: Network, table: Table, note: Note): Predictions {
  const { window: T, horizon, targets, scales, movements, relative, date, group } = note;
  const levels = levelsOf(note);
  const series = read(table, note);
  const rows = series.flatMap((one) => {
    const { steps, columns, name, times } = one;
    const got = name === '' ? steps : `${steps} of ${name}`;
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
      ...targets.flatMap((_, k) =>
        levels.map((_level, q) => {
          const change = output.get(0, (k * horizon + h) * levels.length + q);
          return columns[k][steps - 1] + change * movements[k][h];
        }),
      ),
    ]);
  });
  const named = (target: string): string[] =>
    levels.map((level) => (level === 0.5 ? target : `${target} ${100 * level} %`));
  return { names: [...(group === null ? [] : [group]), date ?? 'step', ...targets.flatMap(named)], rows };
}

const timeText = (table: Table, date: string, time: number): string | number =>
  table.column(date).kind === 'dates' ? dateText(time) : time;

const trend = (names: string[]): [string, string] => [
  'trend',
  `${names.join(', ')}: read relative to the last value, for it leaves the range of the training part`,
];

/** The definition of the task. */
export const forecast: Task<Note> = {
  name: 'forecast',
  about: 'the next values of one or more series of numbers (CSV, TSV, JSON, Parquet)',
  unit: ({ loss }) => (loss === 'squared' ? 'squared error (the naive forecast has 1)' : lossOf(loss).title),
  settings: {
    target,
    inputs,
    date,
    group,
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
      help: 'steps to read before a forecast',
    },
    loss: lossSetting(forecastLosses),
    season: {
      kind: 'number',
      whole: true,
      least: 1,
      label: 'Season',
      unit: 'n',
      help: 'period of a season, in steps',
      otherwise: 'by the dates',
    },
    missing,
    dates: {
      ...{ kind: 'switch', label: 'Dates' },
      help: 'also read the time of year, of week and of day of each date',
    },
  },
  defaults: { hidden: 32, lr: 0.003 },
  note: noteSchema,
  reads: ({ inputs, date: time, group: by }) => ({
    ...allOf([time, by], undefined),
    ...allOf(inputs, 'numbers'),
  }),
  follow: ({ window: T, group: by, inputs, missing: how }) =>
    afterEachRow(T, by, how === 'previous' ? inputs : []),
  withMissing: (note, how) => ({ ...note, missing: how }),
  fits(table, given) {
    const kinds = (kind: string): number => table.columns.filter((column) => column.kind === kind).length;
    if (given.horizon !== undefined || given.window !== undefined) return 'a horizon or a window is given';
    return kinds('dates') === 1 && kinds('numbers') >= 1 ? 'dates and numbers' : undefined;
  },
  prepare,
  parts,
  others,
  network: ({ scales, targets, horizon, loss }) => ({
    input: scales.length,
    output: targets.length * horizon * levelsOf({ loss }).length,
    loss,
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
    const also = [...extra, ...note.dates.map((circle) => `the place in the ${circle}`)];
    const reads = `from ${T} steps${also.length > 0 ? ` of it and ${also.join(', ')}` : ''}`;
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
