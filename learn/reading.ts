/** How the files of tables are read: the options that all commands share, and the format that a checkpoint stores. */
import * as v from 'valibot';
import { waysToRead, type ReadAs } from '../data/column';
import type { FileFormat, TableOptions } from '../data/table';
import type { Setting } from '../core/setting';
import { known, show } from '../terminal/arguments';
import { usage } from '../terminal/errors';
import { flagOf } from '../terminal/options';
import { missing } from './options';
import { splitList, type Given, type Task } from './task';

/** Options of every command that reads a table. */
export const readingSettings = {
  header: {
    ...{ kind: 'choice', names: () => ['yes', 'no'], label: 'Header', unit: 'yes/no' },
    help: 'whether the first row names the columns; otherwise they are column1, column2, …, or those of the training',
    otherwise: 'yes, unless it holds numbers only',
  },
  separator: {
    ...{ kind: 'text', label: 'Separator', unit: 'sign', must: 'one character, or tab' },
    help: 'what separates cells: one character, or tab',
    otherwise: 'by the first line',
  },
  kinds: {
    ...{ kind: 'text', label: 'Kinds', unit: 'list', must: 'COLUMN=HOW, separated by commas' },
    help: `how to read columns, as in zip=texts,price=comma,day=day/month/year: ${waysToRead.join(', ')}`,
    otherwise: 'by the first 10,000 rows',
  },
} as const satisfies Record<string, Setting>;

/** Options of the commands that use a model. */
export const usingSettings: Readonly<Record<string, Setting>> = Object.fromEntries(
  Object.entries({ ...readingSettings, missing }).map(([name, setting]) => [
    name,
    { ...setting, default: undefined, otherwise: 'as in training' },
  ]),
);

/** Options of reading as given on the command line. */
export type GivenReading = Partial<Record<keyof typeof readingSettings, string>>;

/** The options of reading a table. @throws CommandError for one that cannot be understood. */
export function readingOf(
  { header, separator, kinds }: GivenReading,
  command: string,
): Pick<TableOptions, 'header' | 'separator' | 'kinds'> {
  const sign = separator === 'tab' || separator === '\\t' ? '\t' : separator;
  if (sign !== undefined && !/^[^"\r\n\0]$/u.test(sign))
    throw usage(`${command}: --separator must be one character, or tab, got ${show(sign)}`);
  return {
    ...(header !== undefined && { header: header === 'yes' }),
    ...(sign !== undefined && { separator: sign }),
    ...(kinds !== undefined && { kinds: kindsIn(kinds, command) }),
  };
}

function kindsIn(text: string, command: string): Record<string, ReadAs> {
  const pairs = splitList(text).map((pair): [string, ReadAs] => {
    // the name of a column may hold a sign, too
    const cut = pair.lastIndexOf('=');
    const form = `${command}: --kinds must be COLUMN=HOW, separated by commas`;
    if (cut <= 0) throw usage(`${form}, got ${show(pair)}`, 'for example zip=texts,price=comma');
    return [pair.slice(0, cut), known(pair.slice(cut + 1), waysToRead, `${command}: --kinds must be one of`)];
  });
  return Object.fromEntries(pairs);
}

/** Refuses the options of tables where none is read. */
export function mustNotReadTable(given: Given, command: string, what: string): void {
  const name = Object.keys(usingSettings).find((one) => given[one] !== undefined);
  if (name !== undefined)
    throw usage(
      `${command}: --${flagOf(name)} must be left out with ${what}, got ${show(String(given[name]))}`,
      'it tells how a table is read',
    );
}

/** Schema of the format in a checkpoint. */
export const formatSchema = v.strictObject({
  kinds: v.record(v.string(), v.picklist(waysToRead)),
  names: v.optional(v.array(v.string())),
  header: v.optional(v.boolean()),
  separator: v.optional(v.string()),
});

/** The format that a checkpoint from before it was stored leaves to be inferred: only kinds that cannot be others. */
export function olderFormat(task: Task, note: unknown): FileFormat {
  const kinds = Object.entries(task.reads(note)).map(([name, kind]) => [
    name,
    kind === 'lists' ? undefined : kind,
  ]);
  const { header } = note as { header?: boolean };
  return { kinds: Object.fromEntries(kinds) as FileFormat['kinds'], ...(header === false && { header }) };
}
