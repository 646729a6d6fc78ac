/** The table of a sweep's results: one line per combination, summarized over its seeds. */
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { meanAndDeviation } from '../papers/trials';
import { commandLine, quote } from '../terminal/arguments';
import { count } from '../core/format';
import { line, table } from '../terminal/output';
import type { Sweep } from './config';
import { reached } from './outcome';
import type { Ended } from './record';

/** Maximum number of printed lines; the file has all of them. */
const MOST = 40;

/** The trials of one combination, which differ only in their seeds. */
interface Group {
  varied: Readonly<Record<string, unknown>>;
  trials: Ended[];
  mean: number | null;
  deviation: number | null;
}

/** The best trial; undefined if there are no results. */
export const bestOf = (trials: readonly Ended[]): Ended | undefined =>
  trials
    .filter((trial) => reached(trial) !== null)
    .sort((a, b) => (reached(a) as number) - (reached(b) as number))
    .at(0);

/** Best combination first, by the seeds that did not diverge. */
export function groupsOf(trials: readonly Ended[]): Group[] {
  const groups = new Map<string, Ended[]>();
  for (const trial of trials) {
    const key = JSON.stringify({ ...trial.varied, seed: undefined });
    groups.set(key, [...(groups.get(key) ?? []), trial]);
  }
  return [...groups.values()]
    .map((own) => ({
      varied: own[0].varied,
      trials: own,
      ...meanAndDeviation(own.map(reached).filter((value) => value !== null)),
    }))
    .sort((a, b) => (a.mean ?? Infinity) - (b.mean ?? Infinity));
}

export function showTable({ columns }: Sweep, trials: readonly Ended[]): void {
  if (trials.length === 0) return;
  const names = columns.filter((name) => name !== 'seed');
  const groups = groupsOf(trials);
  line();
  table(
    [...names, 'bits/char', 'seeds', 'parameters', 'seconds'],
    groups.slice(0, MOST).map(({ varied, trials: own, mean, deviation }) => {
      const there = own.filter((trial) => reached(trial) !== null).length;
      return [
        ...names.map((name) => valueInWords(varied[name])),
        mean === null
          ? 'diverged'
          : mean.toFixed(3) + (deviation === null ? '' : ` ± ${deviation.toFixed(3)}`),
        there < own.length ? `${there} of ${own.length}` : String(own.length),
        count(own[0].parameters),
        own.reduce((sum, { seconds }) => sum + seconds, 0).toFixed(0),
      ];
    }),
  );
  if (groups.length > MOST) line(`and ${groups.length - MOST} more`);
  const best = bestOf(trials);
  if (!best) return;
  const { host, model } = best;
  const here = host === hostname();
  if (here && !existsSync(model)) line(`the best model is no longer in ${model}`);
  else
    line(
      `generate text with the best model${here ? '' : ` (on ${host})`}:\n  ${commandLine(`sample ${quote(model)}`)}`,
    );
}

/** A value of a setting: text, a number, or nothing. */
const valueInWords = (value: unknown): string =>
  (typeof value === 'string' ? value : JSON.stringify(value ?? 'none')).replaceAll('"', '');
