/**
 * Translation: from one sequence of symbols to another (encoder-decoder, with attention).
 *
 *   x [S, B]         indices of the symbols of the source; rows of unequal length are padded
 *   targets [T, B]   classes of the symbols to write, then the end
 */
import { mustBe } from '../../core/check';
import { greatest, least } from '../../core/programs/reduce';
import type { Network } from '../../bptt/network/network';
import { split } from '../../data/split';
import type { Column } from '../../data/column';
import type { Table } from '../../data/table';
import { judgeWritten } from '../judgewritten';
import { inputs, sequence, target, tokens } from '../options';
import {
  coderOf,
  embeddingOf,
  isSequence,
  joinedSymbols,
  knownSymbols,
  symbolsIn,
  type TokenKind,
} from '../symbols';
import {
  allOf,
  splitList,
  type Examples,
  type Given,
  type Judgement,
  type Parts,
  type Predictions,
  type Task,
} from '../task';
import { beam, decoderOf, endOf, Pairs, startOf, writeAll, writtenRows, writtenFrom } from '../written';
import { attentions, noteSchema, type Note } from './note';
import { drawAttention, type Attended } from './pictures';

const where = 'translate';
const SOURCE = /^(sources?|src|inputs?|from|questions?)$/i;
const TARGET = /^(targets?|tgt|outputs?|to|translations?|answers?)$/i;
/** Pairs in the picture of the attention, and the most symbols of each. */
const [PICTURED, MOST_PICTURED] = [3, 40];

/** Whether most values of a column differ, as those of texts do and those of labels do not. */
const differs = ({ values }: Column): boolean =>
  2 * new Set(Array.from<unknown, string>(values as unknown[], String)).size > values.length;

/** The two columns that are clearly source and target: by their names, or because there are only two sequences. */
function guess(table: Table): { source?: string; target?: string } {
  const all = table.columns.filter(isSequence);
  const named = (names: RegExp): string[] =>
    all.filter(({ name }) => names.test(name)).map(({ name }) => name);
  const [sources, targets] = [named(SOURCE), named(TARGET)];
  if (sources.length === 1 && targets.length === 1) return { source: sources[0], target: targets[0] };
  const two = table.columns.length === 2 && all.length === 2 && all.every(differs);
  return two ? { source: all[0].name, target: all[1].name } : {};
}

const cut = (rows: readonly string[][], longest: number): string[][] =>
  rows.map((row) => row.slice(0, longest));

function prepare(table: Table, given: Given): Note {
  const found = guess(table);
  const [asked] = splitList(given.inputs);
  const source = (asked as string | undefined) ?? found.source;
  const written = (given.target as string | undefined) ?? found.target;
  const names = table.columns.filter(isSequence).map(({ name }) => name);
  const why = `columns of texts or lists: ${names.join(', ') || 'none'}`;
  mustBe(source !== undefined, where, '--inputs must name the column to read', 'none', why);
  mustBe(written !== undefined, where, '--target must name the column to write', 'none', why);
  mustBe(source !== written, where, 'the columns to read and to write must differ', source);
  const kind = given.tokens as TokenKind;
  const longest = given.longest as number;
  const of = (column: string): string[][] => cut(symbolsIn(table, column, kind, where), longest);
  const [from, to] = [of(source), of(written)];
  const { training } = split(table.rows);
  const known = knownSymbols(training.map((row) => from[row]));
  const vocabulary = writtenFrom(
    training.map((row) => to[row]),
    given,
  );
  for (const [column, symbols] of Object.entries({ [source]: known, [written]: vocabulary.known }))
    mustBe(symbols.length > 0, `${where}: column ${column}`, 'some symbol must occur twice', 'none');
  return {
    ...{ source, target: written, tokens: kind, known },
    characters: kind === 'characters' && table.column(written).kind === 'texts',
    embedding: embeddingOf(given.embedding, known.length + 1),
    written: vocabulary,
    attention: given.attention as Note['attention'],
    longest,
    both: given.direction === 'both',
  };
}

/** The symbols of the sources, and the pairs; without targets for prediction. */
function pairsOf(
  table: Table,
  note: Note,
  rows?: readonly number[],
  withTargets = true,
): Pairs & { read: string[][] } {
  const { source, target: column, tokens: kind, longest, known, written } = note;
  const some = rows ?? Array.from({ length: table.rows }, (_, row) => row);
  const of = (name: string): string[][] => {
    const all = cut(symbolsIn(table, name, kind, where), longest);
    return some.map((row) => all[row]);
  };
  const read = of(source);
  return Object.assign(new Pairs(read.map(coderOf(known)), 0, withTargets ? of(column) : [], written), {
    read,
  });
}

function parts(table: Table, note: Note): Parts {
  const { training, validation, test } = split(table.rows);
  return {
    training: pairsOf(table, note, training),
    ...(validation.length > 0 && { validation: pairsOf(table, note, validation) }),
    ...(test.length > 0 && { test: pairsOf(table, note, test) }),
  };
}

/** The attention of the first pairs, for what the network writes itself. */
function attended(network: Network, pairs: ReturnType<typeof pairsOf>, { written }: Note): Attended[] {
  const rows = Array.from({ length: Math.min(PICTURED, pairs.count) }, (_, row) => row);
  const code = coderOf(written.known);
  return writeAll(network, pairs, written, { rows }).map(({ symbols }, row) => {
    const { x, lengths } = pairs.source([row]);
    const inputs = [startOf(written), ...code(symbols)].map((k) => [k]);
    const { attention } = network.forward({ x, lengths, inputs }, { predict: true });
    const source = pairs.read[row].slice(0, MOST_PICTURED);
    const shown = [...symbols, 'end'].slice(0, MOST_PICTURED);
    const weights = shown.map((_, t) => source.map((__, s) => attention?.get(t, 0, s) ?? 0));
    return { source, written: shown, weights };
  });
}

function judge(network: Network, examples: Examples, _table: Table, note: Note): Judgement {
  const pairs = examples as ReturnType<typeof pairsOf>;
  const join = (symbols: readonly string[]): string => joinedSymbols(symbols, note.characters);
  const sources = pairs.read.map((symbols) => joinedSymbols(symbols, note.tokens === 'characters'));
  const whole = { join, sources, copied: pairs.read };
  return {
    ...judgeWritten(network, { pairs, written: note.written, whole }).judgement,
    pictures: async (): Promise<Record<string, string>> =>
      note.attention === 'none'
        ? {}
        : { 'attention.svg': await drawAttention(attended(network, pairs, note)) },
  };
}

function predict(network: Network, table: Table, note: Note, before = 0): Predictions {
  const all = writeAll(network, pairsOf(table, note, undefined, false), note.written);
  return writtenRows(all, note, before);
}

function describe(table: Table, note: Note): [string, string][] {
  const { source, target: column, tokens: kind, longest, known, written, attention, embedding } = note;
  const lengthsOf = (name: string): number[] =>
    symbolsIn(table, name, kind, where).map(({ length }) => length);
  const [from, to] = [lengthsOf(source), lengthsOf(column)];
  const long = [...from, ...to].filter((length) => length > longest).length;
  const left =
    long === 0 ? '' : `; of ${long} sequences only the first ${longest} symbols are read (--longest)`;
  const side = (lengths: number[], name: string, size: number, width: number | null): string =>
    `${name}, ${least(lengths)} … ${greatest(lengths)} symbols, ${size} known${width === null ? '' : `, embedded in ${width}`}`;
  return [
    ['pairs', `${table.name}: ${table.rows.toLocaleString('en-US')}${left}`],
    ['reads', side(from, source, known.length, embedding)],
    ['writes', side(to, column, written.known.length, written.embedding)],
    ['attention', attention === 'none' ? 'none: what is read passes through the states' : attention],
  ];
}

/** The definition of the task. */
export const translate: Task<Note> = {
  name: 'translate',
  about: 'one sequence from another: pairs of texts or lists of symbols (TSV, CSV, JSON lines)',
  unit: () => 'cross-entropy per symbol (guessing among K symbols has ln K)',
  settings: {
    ...{ inputs, target, tokens, beam },
    ...{ longest: sequence.longest, direction: sequence.direction, embedding: sequence.embedding },
    attention: {
      ...{ kind: 'choice', names: () => attentions, default: 'general', label: 'Attention', unit: 'name' },
      help: 'attention of the decoder to the source',
    },
  },
  defaults: { hidden: 128, lr: 0.003 },
  note: noteSchema,
  reads: ({ source, target: column }) => allOf([source, column], 'texts'),
  fits: (table) => {
    const { source, target: column } = guess(table);
    // the names of the files in a folder are no sequences to translate
    return source === undefined || table.separator === 'folder'
      ? undefined
      : `pairs of ${source} and ${column}`;
  },
  prepare,
  parts,
  others: (table, note) => ({ examples: pairsOf(table, note), scope: 'all pairs' }),
  network: ({ known, both, embedding, written, attention }) => ({
    ...{ topology: 'encoder-decoder', loss: 'softmax', input: known.length + 1, embedding, both },
    output: endOf(written) + 2,
    decoder: { ...decoderOf(written), ...(attention !== 'none' && { attention }) },
  }),
  describe,
  judge,
  predict,
};
