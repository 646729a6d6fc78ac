/** Tables of everything that is registered: cells, losses, optimizers, schedules and formats. */
import { kinds } from '../../cells/kinds';
import { lossNames, lossOf } from '../../losses';
import { schedules } from '../../bptt/train/schedules';
import { optimizerNames, optimizerOf } from '../../bptt/train/updates';
import { mustBeOneOf } from '../../core/check';
import { allFormats } from '../../io/formats';
import { say, type Language } from './languages';

type Row = readonly string[];
const code = (words: readonly string[]): string => words.map((word) => `\`${word}\``).join(', ');

type Title = Parameters<typeof say>[0];

const lists: Record<string, { head: readonly Title[]; rows: () => Row[] }> = {
  cells: {
    head: ['cell', 'forms on the command line', 'checked'],
    rows: () =>
      kinds.all.map(({ title, choices, variants }) => [
        title,
        code(Object.keys(choices)),
        Object.keys(variants).filter(Boolean).join('; '),
      ]),
  },
  losses: {
    head: ['loss', 'name', 'targets'],
    rows: () => lossNames().map((name) => [lossOf(name).title, code([name]), lossOf(name).targets]),
  },
  optimizers: {
    head: ['optimizer', 'name', 'options'],
    rows: () =>
      optimizerNames().map((name) => {
        const { title, defaults } = optimizerOf(name);
        return [title, code([name]), code(Object.keys(defaults))];
      }),
  },
  schedules: {
    head: ['schedule', 'options'],
    rows: () => schedules().map(([name, options]) => [code([name]), code(options)]),
  },
  formats: {
    head: ['format', 'export', 'import', 'what it holds'],
    rows: () =>
      allFormats().map(({ name, title, help, write, read }) => [
        title,
        write ? code([`--to ${name}`]) : '',
        read ? code([`--from ${name}`]) : '',
        help,
      ]),
  },
};

/** `cells`, `losses`, `optimizers`, `schedules` or `formats` as a table. */
export function registryList(what: string, where: string, language: Language = 'en'): string {
  const { head, rows } = lists[mustBeOneOf(what, Object.keys(lists), where, 'the list')];
  const line = (cells: Row): string => `| ${cells.join(' | ')} |`;
  return `${[line(head.map((title) => say(title, language))), line(head.map(() => '---')), ...rows().map(line)].join('\n')}\n`;
}
