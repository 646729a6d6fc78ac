/**
 * Generation: from one vector or class to a sequence of symbols (one-to-many). The vector is read in one step, whose states
 * start the layers that write.
 *
 *   x [1, B, D]      classes as one-hot and standardized numbers
 *   targets [T, B]   classes of the symbols to write, then the end
 */
import { mustBe } from '../../core/check';
import { greatest, least } from '../../core/programs/reduce';
import type { Network } from '../../bptt/network/network';
import { split } from '../../data/split';
import type { Table } from '../../data/table';
import { judgeWritten } from '../judgewritten';
import { inputs, sequence, target, tokens } from '../options';
import { isSequence, joinedSymbols, symbolsIn, type TokenKind } from '../symbols';
import {
  splitList,
  type Examples,
  type Given,
  type Judgement,
  type Parts,
  type Predictions,
  type Task,
} from '../task';
import { decoderOf, endOf, Pairs, writeAll, writtenRows, writtenFrom } from '../written';
import { noteSchema, type Note } from './note';
import { drawPositions } from './pictures';
import { columnInput, inputText, vectorsOf, where, inputsWidth } from './vectors';

/** Sequences that the report shows. */
const SHOWN = 6;

function prepare(table: Table, given: Given): Note {
  const names = table.columns.filter(isSequence).map(({ name }) => name);
  const asked = given.target as string | undefined;
  const column = asked ?? (names.length === 1 ? names[0] : undefined);
  const why = `columns of texts or lists: ${names.join(', ') || 'none'}`;
  mustBe(column !== undefined, where, '--target must name the column to write', 'none', why);
  const kind = given.tokens as TokenKind;
  const longest = given.longest as number;
  const rows = symbolsIn(table, column, kind, where).map((row) => row.slice(0, longest));
  const { training } = split(table.rows);
  const others = table.columns.filter(
    (one) => one.name !== column && one.kind !== 'lists' && one.kind !== 'dates',
  );
  const chosen = given.inputs === undefined ? others.map(({ name }) => name) : splitList(given.inputs);
  mustBe(
    chosen.length > 0,
    where,
    '--inputs must name columns to read',
    'none',
    `columns: ${table.names.join(', ')}`,
  );
  mustBe(!chosen.includes(column), where, 'the columns to read and to write must differ', column);
  const written = writtenFrom(
    training.map((row) => rows[row]),
    { ...given, beam: 1 },
  );
  mustBe(written.known.length > 0, `${where}: column ${column}`, 'some symbol must occur twice', 'none');
  return {
    target: column,
    inputs: chosen.map((name) => columnInput(table, name, training)),
    tokens: kind,
    characters: kind === 'characters' && table.column(column).kind === 'texts',
    ...{ written, longest },
  };
}

/** The pairs of some rows; without targets for prediction. */
function pairsOf(
  table: Table,
  note: Note,
  some?: readonly number[],
  withTargets = true,
): Pairs & { rows: readonly number[] } {
  const { inputs: read, target: column, tokens: kind, longest, written } = note;
  const rows = some ?? Array.from({ length: table.rows }, (_, row) => row);
  const symbols = withTargets ? symbolsIn(table, column, kind, where) : [];
  const cut = withTargets ? rows.map((row) => symbols[row].slice(0, longest)) : [];
  return Object.assign(new Pairs(vectorsOf(table, read, rows), inputsWidth(read), cut, written), { rows });
}

function parts(table: Table, note: Note): Parts {
  const { training, validation, test } = split(table.rows);
  return {
    training: pairsOf(table, note, training),
    ...(validation.length > 0 && { validation: pairsOf(table, note, validation) }),
    ...(test.length > 0 && { test: pairsOf(table, note, test) }),
  };
}

function judge(network: Network, examples: Examples, table: Table, note: Note): Judgement {
  const pairs = examples as ReturnType<typeof pairsOf>;
  const { judgement, byPosition } = judgeWritten(network, { pairs, written: note.written });
  const n = Math.min(SHOWN, pairs.count);
  const rows = Array.from({ length: n }, (_, k) => Math.floor((k * pairs.count) / n));
  const drawn = writeAll(network, pairs, note.written, { rows, drawn: true });
  const shown = drawn.map(
    ({ symbols }, k) =>
      `  ${inputText(table, note.inputs, pairs.rows[rows[k]])} → ${joinedSymbols(symbols, note.characters)}`,
  );
  return {
    ...judgement,
    lines: [...judgement.lines, '  drawn from the model:', ...shown],
    pictures: async () => ({ 'positions.svg': await drawPositions(byPosition) }),
  };
}

/** A sequence for each row, drawn with a fixed seed. */
function predict(network: Network, table: Table, note: Note, before = 0): Predictions {
  const pairs = pairsOf(table, note, undefined, false);
  return writtenRows(writeAll(network, pairs, note.written, { drawn: true, before }), note, before);
}

function describe(table: Table, note: Note): [string, string][] {
  const { inputs: read, target: column, tokens: kind, longest, written } = note;
  const lengths = symbolsIn(table, column, kind, where).map(({ length }) => length);
  const long = lengths.filter((length) => length > longest).length;
  const left = long === 0 ? '' : `; of ${long} only the first ${longest} symbols are read (--longest)`;
  const what = read.map((one) =>
    one.kind === 'classes' ? `${one.column} (${one.classes.length} classes)` : one.column,
  );
  const width = written.embedding === null ? '' : `, embedded in ${written.embedding}`;
  return [
    ['rows', `${table.name}: ${table.rows.toLocaleString('en-US')}${left}`],
    ['reads', what.join(', ')],
    [
      'writes',
      `${column}, ${least(lengths)} … ${greatest(lengths)} symbols, ${written.known.length} known${width}`,
    ],
  ];
}

/** The definition of the task. */
export const generate: Task<Note> = {
  name: 'generate',
  about: 'a sequence from one vector or class: names, words, lists of symbols (CSV, TSV, JSON lines)',
  unit: () => 'cross-entropy per symbol (guessing among K symbols has ln K)',
  settings: { inputs, target, tokens, longest: sequence.longest, embedding: sequence.embedding },
  defaults: { hidden: 128, lr: 0.003 },
  note: noteSchema,
  reads: ({ inputs: read, target: column }) => ({
    [column]: undefined,
    ...Object.fromEntries(read.map((one) => [one.column, one.kind === 'numbers' ? 'numbers' : 'texts'])),
  }),
  // a text with a label is clearly a classification; the other direction has to be asked for
  fits: () => undefined,
  prepare,
  parts,
  others: (table, note) => ({ examples: pairsOf(table, note), scope: 'all rows' }),
  network: ({ inputs: read, written }) => ({
    ...{ topology: 'encoder-decoder', loss: 'softmax', input: inputsWidth(read) },
    output: endOf(written) + 2,
    decoder: decoderOf(written),
  }),
  describe,
  judge,
  predict,
};
