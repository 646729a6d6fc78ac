/** `backstep data`: describes how a file was read. */
import type { CellFormat } from '../data/cells';
import type { Column, ColumnOf } from '../data/column';
import type { Table } from '../data/table';
import { sparkline } from '../draw/sparkline';
import { greatest, least } from '../core/programs/reduce';
import { safe } from '../core/safe';
import { columnsOf } from '../terminal/wrap';
import { asJson, line } from '../terminal/output';
import { readingOf, type GivenReading } from './reading';
import { dateText, spacingOf } from './season';
import { tasks } from './tasks';
import { tableOf } from './source';

const MOST_CLASSES = 20;
const MOST_NAMED = 6;
const WIDTH = 24;

/** Facts about a column, most important first. */
interface About {
  name: string;
  kind: string;
  /** How the cells are written, if they show it. */
  format?: CellFormat | undefined;
  missing: number;
  facts: string;
  picture: string;
}

const short = (x: number): string => String(Number(x.toPrecision(5)));

function ofNumbers({ values, format }: ColumnOf<'numbers'>): [facts: string, picture: string] {
  let [low, high, mean, count] = [Infinity, -Infinity, 0, 0];
  for (const x of values) {
    if (Number.isNaN(x)) continue;
    [low, high] = [Math.min(low, x), Math.max(high, x)];
    mean += (x - mean) / ++count;
  }
  if (count === 0) return ['no value', ''];
  const written = format === 'comma' ? ', decimal comma' : '';
  const facts = low === high ? `always ${short(low)}` : `${short(low)} … ${short(high)}, mean ${short(mean)}`;
  return [`${facts}${written}`, sparkline(values, WIDTH)];
}

function ofDates({ values, format }: ColumnOf<'dates'>): [facts: string, picture: string] {
  const there = values.filter((x) => !Number.isNaN(x));
  if (there.length === 0) return ['no value', ''];
  const ascending = there.every((time, k) => k === 0 || time >= there[k - 1]);
  const sorted = Float64Array.from(there).sort();
  const twice = sorted.reduce((n, time, k) => n + Number(k > 0 && time === sorted[k - 1]), 0);
  const facts = [
    `${dateText(sorted[0])} … ${dateText(sorted[sorted.length - 1])}`,
    twice > 0 ? `${twice} repeated` : spacingOf(sorted).name,
    ascending ? '' : 'not sorted',
    format === undefined || format.startsWith('year') ? '' : `written ${format}`,
  ];
  return [facts.filter(Boolean).join(', '), ''];
}

/** The classes with their counts, or the lengths if nearly all texts differ. */
function ofTexts(values: readonly string[]): [facts: string, picture: string] {
  const there = values.filter((text) => text !== '');
  const counts = new Map<string, number>();
  for (const text of there) counts.set(text, (counts.get(text) ?? 0) + 1);
  if (counts.size <= MOST_CLASSES && counts.size < there.length) {
    const classes = [...counts].sort((a, b) => b[1] - a[1]);
    const named = classes.slice(0, MOST_NAMED).map(([text, n]) => `${safe(text)} ${n}`);
    const more = classes.length > MOST_NAMED ? ', …' : '';
    const once = classes.filter(([, n]) => n === 1).length;
    const facts = `${counts.size} classes: ${named.join(', ')}${more}${once > 0 ? ` (${once} only once)` : ''}`;
    return [
      facts,
      sparkline(
        classes.map(([, n]) => n),
        WIDTH,
        [0, 0],
      ),
    ];
  }
  const symbols = new Set<string>();
  const lengths = Uint32Array.from(there, (text) => {
    let length = 0;
    for (const symbol of text) {
      symbols.add(symbol);
      length++;
    }
    return length;
  });
  return [`${counts.size} different, ${range(lengths)} characters, ${symbols.size} symbols`, ''];
}

const range = (lengths: readonly number[] | Uint32Array): string => {
  const [low, high] = [least(lengths), greatest(lengths)];
  return lengths.length === 0 ? 'no' : low === high ? `${low}` : `${low} … ${high}`;
};

function ofLists(values: readonly (readonly unknown[])[]): [facts: string, picture: string] {
  const items = new Set(values.slice(0, 10_000).flat().map(String)).size;
  return [`lists of ${range(values.map(({ length }) => length))} items, ${items} different`, ''];
}

function about(table: Table, column: Column): About {
  const [facts, picture] =
    column.kind === 'numbers'
      ? ofNumbers(column)
      : column.kind === 'dates'
        ? ofDates(column)
        : column.kind === 'texts'
          ? ofTexts(column.values)
          : ofLists(column.values);
  const format = 'format' in column ? { format: column.format } : {};
  return { name: column.name, kind: column.kind, ...format, missing: table.missing(column), facts, picture };
}

const separators: Record<string, string> = { '\t': 'tabs', ',': 'commas', ';': 'semicolons', '|': 'bars' };

const kinds: Record<string, string | undefined> = {
  json: 'JSON',
  parquet: 'Parquet',
  columns: 'a token and its tag on each line',
  folder: 'a file for each row',
  pieces: 'piano rolls',
};

export interface LookOptions extends GivenReading {
  json?: boolean;
}

/** Prints how a file was read. */
export async function look(file: string, { json = false, ...given }: LookOptions): Promise<void> {
  const table = await tableOf(file, undefined, readingOf(given, 'data'));
  const columns = table.columns.map((column) => about(table, column));
  const fitting = tasks.flatMap((task) => {
    const why = task.fits(table, {});
    return why === undefined ? [] : [{ task: task.name, why }];
  });
  const kind = table.separator in kinds ? table.separator : 'separated';
  if (json) {
    const described = columns.map(({ picture: _picture, ...rest }) => rest);
    return line(asJson({ event: 'data', file, kind, rows: table.rows, columns: described, tasks: fitting }));
  }
  const how = kinds[kind] ?? `cells separated by ${separators[table.separator] ?? table.separator}`;
  line(`${table.name}: ${table.rows.toLocaleString('en-US')} rows, ${columns.length} columns; ${how}`);
  const widest = Math.min(24, Math.max(...columns.map(({ name }) => name.length)));
  const room = Math.max(20, Math.min(110, columnsOf(process.stdout)) - widest - 12);
  for (const { name, kind: of, missing, facts, picture } of columns) {
    const description = missing > 0 ? `${missing} missing; ${facts}` : facts;
    // if space is short, the sparkline is dropped first
    const shown =
      picture !== '' && description.length + WIDTH + 2 <= room ? `${description}  ${picture}` : description;
    line(`  ${safe(name).slice(0, widest).padEnd(widest)}  ${of.padEnd(8)}${shown}`.trimEnd());
  }
  const next = fitting.map(({ task, why }) => `${task} (${why})`).join(', ');
  line(next === '' ? 'train: --task must be given' : `train: --task ${next}`);
}
