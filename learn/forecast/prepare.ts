/**
 * Determines what the file and the options leave open: targets, dates, the season, and scales of the training part
 * alone.
 */
import { must, mustBe } from '../../core/check';
import { joined } from '../../core/join';
import { greatest, least } from '../../core/programs/reduce';
import { naiveError } from '../../data/metrics';
import { scaleOf } from '../../data/standardise';
import type { Table } from '../../data/table';
import { spacingOf, type Spacing } from '../season';
import { seriesOf, type Series } from '../series';
import { splitList, type Given } from '../task';
import type { Note } from './note';
import { circlesOf } from './dates';
import { cuts } from './windows';

export const where = 'forecast';

export function prepare(table: Table, given: Given): Note {
  const dates = table.columns.filter(({ kind }) => kind === 'dates');
  const date = (given.date as string | undefined) ?? (dates.length === 1 ? dates[0].name : null);
  const group = (given.group as string | undefined) ?? null;
  const numbers = table.columns.filter(
    ({ kind, name }) => kind === 'numbers' && name !== date && name !== group,
  );
  const found = numbers.map(({ name }) => name);
  const chosen = splitList(given.target);
  mustBe(
    chosen.length > 0 || found.length === 1,
    where,
    '--target must name what to forecast',
    'none',
    `columns of numbers: ${found.join(', ') || 'none'}`,
  );
  const targets = chosen.length > 0 ? chosen : found;
  const inputs = [...new Set([...targets, ...splitList(given.inputs)])];
  const {
    horizon,
    window: T,
    missing,
    loss,
  } = given as { horizon: number; window: number } & Pick<Note, 'missing' | 'loss'>;
  const reading = { inputs, date, group, missing };
  const series = seriesOf(table, reading, where);
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
  targets.forEach((name, k) => {
    const moves = training(k).some((y) => least(y) < greatest(y));
    must(moves, `${where}: column ${name}`, 'a target must change in the training part', 'one value only');
  });
  const movement = (k: number, h: number): number => {
    let [sum, count] = [0, 0];
    for (const y of training(k)) {
      for (let t = h; t < y.length; t++) {
        const step = y[t] - y[t - h];
        sum += step * step;
      }
      count += Math.max(0, y.length - h);
    }
    return Math.sqrt(sum / count) || 1;
  };
  const relative = inputs.map((_, k) =>
    enough.some(({ columns, steps }) => leavesRange(columns[k], cuts(steps))),
  );
  const dated = date !== null && table.column(date).kind === 'dates';
  const circles = given.dates === true ? circlesOf(dated ? spacing : undefined, where) : [];
  // sines and cosines are read as they are
  const waves = circles.flatMap(() => [0, 1]);
  const untils = enough.flatMap(({ times, name }) => (times ? [times[trained[name] - 1]] : []));
  return {
    ...reading,
    targets,
    loss,
    horizon,
    window: T,
    season,
    dates: circles,
    relative: [...relative, ...waves.map(() => false)],
    scales: [
      ...inputs.map((_, k) => {
        const { mean, deviation } = scaleOf(joined(Float64Array, training(k)));
        return { mean, deviation: relative[k] ? movement(k, Math.ceil(T / 2)) : deviation };
      }),
      ...waves.map(() => ({ mean: 0, deviation: 1 })),
    ],
    movements: targets.map((_, k) => Array.from({ length: horizon }, (_, h) => movement(k, h + 1))),
    naive: targets.map((_, k) => {
      const errors = training(k).map((y) => naiveError(y));
      return errors.reduce((sum, error) => sum + error, 0) / errors.length || 1;
    }),
    trained,
    until: untils.length > 0 ? Math.max(...untils) : null,
  };
}

/** Whether more than 5 % of the values of the validation part lie outside the range of the training part. */
function leavesRange(values: Float64Array, [first, second]: [number, number]): boolean {
  const training = values.subarray(0, first);
  const [low, high] = [least(training), greatest(training)];
  let outside = 0;
  for (let t = first; t < second; t++) outside += Number(values[t] < low || values[t] > high);
  return outside > (second - first) / 20;
}

/** The spacing of the dates. */
export const spacingIn = (series: readonly Series[]): Spacing | undefined => {
  const dated = series.find(({ times }) => times && times.length > 1);
  return dated?.times && spacingOf(dated.times);
};
