/**
 * Determines what the file and the options leave open: the label column, the input columns, and the training
 * statistics.
 */
import { must, mustBe } from '../../core/check';
import { scaleOf } from '../../data/standardise';
import { split, type Split } from '../../data/split';
import type { Column } from '../../data/column';
import type { Table } from '../../data/table';
import { countsOf, weightsOf } from '../counts';
import { seriesOf } from '../series';
import { embeddingOf, isSequence, knownSymbols, symbolsIn, type TokenKind } from '../symbols';
import { splitList, type Given } from '../task';
import type { Note, Reads } from './note';
import { labelsIn, where, wordsIn } from './sequences';

const LABEL = /^(labels?|class(es)?|categor(y|ies)|species|sentiment)$/i;
const MOST_CLASSES = 50;

/** Whether a column has few distinct values that repeat, as labels do. */
function repeats({ kind, values }: Column): boolean {
  if (kind !== 'texts') return false;
  const different = new Set(values).size;
  return different >= 2 && different <= MOST_CLASSES && 2 * different <= values.length;
}

/** The columns that are clearly the label and the input; undefined if that is ambiguous. */
export function guess(table: Table): { label?: string; column?: string } {
  const texts = table.columns.filter(isSequence);
  const named = table.columns.filter(({ name, kind }) => LABEL.test(name) && kind !== 'dates');
  const repeating = texts.filter(repeats);
  const label = named.length === 1 ? named[0] : repeating.length === 1 ? repeating[0] : undefined;
  const others = texts.filter((column) => column !== label && column.name !== 'file');
  return { label: label?.name, column: others.length === 1 ? others[0].name : undefined };
}

/** Splits the sequences stratified by label, or by whole groups; independent of the seed of a run. */
export function splitTable(table: Table, labels: readonly string[], reads: Reads): Split {
  const whole = reads.kind === 'symbols' ? reads.group : null;
  if (whole === null) return split(labels.length, { by: 'classes', classes: labels });
  return split(labels.length, { by: 'groups', groups: wordsIn(table, whole) });
}

function readsOf(table: Table, given: Given, label: string): Reads {
  const inputs = splitList(given.inputs);
  const group = (given.group as string | undefined) ?? null;
  const kindOf = (name: string): string => table.column(name).kind;
  const { column } = guess(table);
  const numeric =
    inputs.length > 0
      ? inputs.every((name) => kindOf(name) === 'numbers')
      : group !== null && column === undefined;
  if (!numeric) {
    const found = table.columns.filter(
      ({ kind, name }) => (kind === 'texts' || kind === 'lists') && name !== label,
    );
    const chosen =
      inputs.length > 0
        ? inputs
        : found.length === 1
          ? [found[0].name]
          : column === undefined
            ? []
            : [column];
    const why = `columns of texts: ${found.map(({ name }) => name).join(', ') || 'none'}; series of numbers need --group COLUMN`;
    mustBe(
      chosen.length === 1,
      where,
      '--inputs must name one column to read',
      chosen.join(', ') || 'none',
      why,
    );
    return { kind: 'symbols', column: chosen[0], tokens: given.tokens as TokenKind, known: [], group };
  }
  const why = 'rows with the same value in it are one sequence';
  mustBe(group !== null, where, '--group must be given with columns of numbers', 'none', why);
  const dates = table.columns.filter(({ kind }) => kind === 'dates');
  const date = (given.date as string | undefined) ?? (dates.length === 1 ? dates[0].name : null);
  const numbers = table.columns
    .filter(({ kind, name }) => kind === 'numbers' && ![label, group, date].includes(name))
    .map(({ name }) => name);
  const missing = given.missing as 'refuse';
  return { kind: 'series', inputs: inputs.length > 0 ? inputs : numbers, group, date, missing, scales: [] };
}

/** Chooses all settings that are not given. @throws RangeError or TypeError if that is impossible. */
export function prepare(table: Table, given: Given): Note {
  const label = (given.label as string | undefined) ?? guess(table).label;
  const known = table.names.join(', ');
  mustBe(
    label !== undefined,
    where,
    '--label must name the column of the labels',
    'none',
    `columns: ${known}`,
  );
  table.column(label, 'texts', 'numbers');
  const reads = readsOf(table, given, label);
  const all = labelsIn(table, label, reads) as string[];
  const { training } = splitTable(table, all, reads);
  const counts = countsOf(training.map((row) => all[row]));
  const place = `${where}: column ${label}`;
  must(counts.length > 1, place, 'there must be at least two labels', `only ${counts[0][0]}`);
  const [, most] = counts[0];
  must(
    most > 1,
    place,
    'labels must occur more than once',
    `${counts.length} labels of ${all.length} sequences`,
  );
  const filled =
    reads.kind === 'symbols' ? withSymbols(table, reads, training) : withScales(table, reads, training);
  return {
    label,
    labels: counts.map(([text]) => text),
    weights: weightsOf(given.classWeights, counts),
    longest: given.longest as number,
    loss: given.loss as Note['loss'],
    both: given.direction === 'both',
    embedding: filled.kind === 'symbols' ? embeddingOf(given.embedding, filled.known.length + 1) : null,
    reads: filled,
  };
}

function withSymbols(table: Table, reads: Reads & { kind: 'symbols' }, training: readonly number[]): Reads {
  const rows = symbolsIn(table, reads.column, reads.tokens, where);
  const known = knownSymbols(training.map((row) => rows[row]));
  const why = 'a symbol that occurs once tells nothing';
  must(known.length > 0, `${where}: column ${reads.column}`, 'some symbol must occur twice', 'none', why);
  return { ...reads, known };
}

function withScales(table: Table, reads: Reads & { kind: 'series' }, training: readonly number[]): Reads {
  const series = seriesOf(table, reads, where);
  const scales = reads.inputs.map((_, d) =>
    scaleOf(training.flatMap((row) => Array.from(series[row].columns[d]))),
  );
  return { ...reads, scales };
}
