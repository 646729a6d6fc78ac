/** Evaluates a forecast: its errors compared with naive forecasts, and whether the difference is significant. */
import type { Network } from '../../bptt/network/network';
import { count, rounded } from '../../core/format';
import { bootstrap, meanAbsoluteError, rootMeanSquaredError } from '../../data/metrics';
import type { Table } from '../../data/table';
import type { Examples, Judgement } from '../task';
import type { Note } from './note';
import { drawForecast, sparks } from './pictures';
import { forecastsOf, levelsOf, type Windows } from './windows';

interface Errors {
  mae: number;
  rmse: number;
  mase: number;
}

/** Evaluates the network on examples that were not used for training. */
export function judge(network: Network, given: Examples, _table: Table, note: Note): Judgement {
  const examples = given as Windows;
  const { targets, horizon, season, naive } = note;
  const O = targets.length * horizon;
  const byLevel = forecastsOf(network, examples, note);
  const forecast = byLevel[levelsOf(note).indexOf(0.5)];
  const coverage = coverageOf(byLevel, examples, note);
  const rows = Array.from({ length: examples.count }, (_, k) => k);
  const steps = Array.from({ length: horizon }, (_, h) => h);
  const flat = (of: (row: number, h: number) => number): number[] =>
    rows.flatMap((row) => steps.map((h) => of(row, h)));
  const seasonBack = (h: number): number => (season as number) * Math.ceil((h + 1) / (season as number));
  const byTarget = targets.map((name, k) => {
    const truth = flat((row, h) => examples.truth(row, k, h));
    const errors = (predicted: number[]): Errors => {
      const mae = meanAbsoluteError(predicted, truth);
      return { mae, rmse: rootMeanSquaredError(predicted, truth), mase: mae / naive[k] };
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
    // errors of neighboring windows are correlated: the bootstrap draws them in blocks
    const block = Math.max(horizon, Math.ceil(examples.count ** (1 / 3)));
    const interval = bootstrap(examples.count, ratio, { block, draws: 500 });
    return {
      name,
      ...(coverage && { coverage: coverage[k] }),
      ...figures,
      ratio: ratio(rows),
      interval,
      beside: best === asNow ? 'naive' : 'seasonal naive',
    };
  });
  return {
    figures: { windows: examples.count, of: examples.all, targets: byTarget },
    lines: part(examples)
      .concat(
        byTarget.flatMap((one) => [...table(one, season), verdict(one), ...covered(one, levelsOf(note))]),
      )
      .concat(sparks(examples, forecast, note)),
    pictures: async () => ({ 'forecast.svg': await drawForecast(examples, forecast, note) }),
  };
}

type Judged = {
  name: string;
  /** Share of the values inside the interval, if one is forecast. */
  coverage?: number;
  model: Errors;
  naive: Errors;
  seasonalNaive?: Errors;
  ratio: number;
  interval: [number, number];
  beside: string;
};

/** Says how many windows were evaluated, if there are more. */
const part = ({ count: some, all }: Windows): string[] =>
  some < all ? [`  ${count(some)} of ${count(all)} windows, in runs of 1,000 evenly over them`] : [];

const figure = (x: number): string => rounded(x, 4);

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

/** A sentence on whether the network beats the naive forecasts. */
function verdict({ name, ratio, interval: [low, high], beside }: Judged): string {
  // in a part where the target stays the same
  if (!Number.isFinite(ratio)) return `  ${name}: the ${beside} forecast makes no error here; use that one`;
  const percent = (r: number): string => `${(100 * (1 - r)).toFixed(0)} %`;
  const range = `95 %: ${percent(high)} … ${percent(low)}`;
  if (high < 1) return `  ${name}: better than the ${beside} forecast by ${percent(ratio)} (${range})`;
  return low > 1
    ? `  ${name}: worse than the ${beside} forecast by ${(100 * (ratio - 1)).toFixed(0)} %; use that one`
    : `  ${name}: no better than the ${beside} forecast (by ${percent(ratio)}; ${range})`;
}

/** Share of the values of each target inside the interval; undefined if none is forecast. */
function coverageOf(byLevel: Float64Array[], examples: Windows, note: Note): number[] | undefined {
  const { targets, horizon } = note;
  if (byLevel.length === 1) return undefined;
  const [low, high] = [byLevel[0], byLevel[byLevel.length - 1]];
  return targets.map((_, k) => {
    let inside = 0;
    for (let row = 0; row < examples.count; row++)
      for (let h = 0; h < horizon; h++) {
        const at = (row * targets.length + k) * horizon + h;
        const y = examples.truth(row, k, h);
        if (low[at] <= y && y <= high[at]) inside++;
      }
    return inside / (examples.count * horizon);
  });
}

/** How many of the values lie inside the interval that is forecast. */
function covered({ name, coverage }: Judged, levels: readonly number[]): string[] {
  if (coverage === undefined) return [];
  const percent = (fraction: number): string => `${(100 * fraction).toFixed(0)} %`;
  const width = levels[levels.length - 1] - levels[0];
  return [`  ${name}: ${percent(coverage)} of the values lie inside the interval of ${percent(width)}`];
}
