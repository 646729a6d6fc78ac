/**
 * Music: which notes sound next? (many-to-many, one yes-or-no output for each note)
 *
 *   x [T, B, K]         the notes of the step before, as K bits; silence before the first step
 *   targets [T, B, K]   the notes of the step
 *
 * Source: Boulanger-Lewandowski, Bengio & Vincent 2012, "Modeling temporal dependencies in high-dimensional sequences".
 */
import { must, mustBe } from '../../core/check';
import { Random } from '../../core/random/random';
import { greatest, least } from '../../core/programs/reduce';
import type { Network } from '../../bptt/network/network';
import { split, type Split } from '../../data/split';
import type { Table } from '../../data/table';
import { inputs, sequence } from '../options';
import {
  allOf,
  splitList,
  type Examples,
  type Given,
  type Parts,
  type Predictions,
  type Task,
} from '../task';
import { judge } from './judge';
import { noteSchema, type Note } from './note';
import { bitsOf, Pieces, piecesIn, where, type Piece } from './pieces';

/** The 88 keys of a piano. */
const PIANO = { lowest: 21, pitches: 88 };
const MIDI = { lowest: 0, pitches: 128 };
/** Steps that `predict` writes after each piece. */
const CONTINUATION = 16;

const holdsNotes = (values: readonly (readonly unknown[])[]): boolean =>
  values.some(([first]) => Array.isArray(first) && first.every((note) => typeof note === 'number'));

/** List columns whose items are lists of numbers. */
const guess = (table: Table): string[] =>
  table.columns.flatMap((column) =>
    column.kind === 'lists' && holdsNotes(column.values) ? [column.name] : [],
  );

const partNames: Record<string, keyof Split> = {
  ...{ train: 'training', training: 'training', test: 'test' },
  ...{ valid: 'validation', validation: 'validation', dev: 'validation' },
};

/** The parts of a file that is divided already, else a random division that does not depend on the seed of a run. */
function partsOf(table: Table, part: string | null): Split {
  if (part === null) return split(table.rows);
  const found: Split = { training: [], validation: [], test: [] };
  table.column(part, 'texts').values.forEach((name, row) => {
    const own = partNames[name.toLowerCase()] as keyof Split | undefined;
    const known = 'a part must be called train, valid or test';
    if (own === undefined) must(false, `${where}: column ${part}`, known, name || 'nothing');
    else found[own].push(row);
  });
  must(found.training.length > 0, `${where}: column ${part}`, 'there must be a part called train', 'none');
  return found;
}

function prepare(table: Table, given: Given): Note {
  const found = guess(table);
  const [asked] = splitList(given.inputs);
  const notes = (asked as string | undefined) ?? (found.length === 1 ? found[0] : undefined);
  const why = `columns of lists of notes: ${found.join(', ') || 'none'}`;
  mustBe(notes !== undefined, where, '--inputs must name the column of the pieces', 'none', why);
  const pieces = piecesIn(table, notes);
  const part = table.columns.some(({ name, kind }) => name === 'part' && kind === 'texts') ? 'part' : null;
  const training = partsOf(table, part).training.map((row) => pieces[row]);
  const { lowest, pitches } = PIANO;
  const fits = pieces.flat(2).every((pitch) => pitch >= lowest && pitch < lowest + pitches);
  const range = fits ? PIANO : MIDI;
  const longest = given.longest as number;
  return { notes, part, ...range, longest, rates: ratesOf(training, { ...range, longest }) };
}

/** Frequencies of each note; one more of both kinds is counted, so that none is 0 or 1. */
function ratesOf(
  training: readonly Piece[],
  { longest, ...range }: Pick<Note, 'lowest' | 'pitches' | 'longest'>,
): Note['rates'] {
  const { pitches: K } = range;
  const counts = Array.from({ length: 2 }, () => ({ on: new Float64Array(K), all: new Float64Array(K) }));
  for (const piece of training) {
    const bits = bitsOf(piece.slice(0, longest), range);
    bits.forEach((bit, j) => {
      const before = j < K ? 0 : bits[j - K];
      counts[before].on[j % K] += bit;
      counts[before].all[j % K]++;
    });
  }
  const [silent, sounding] = counts;
  const probabilities = (on: Float64Array, all: Float64Array): number[] =>
    Array.from(on, (n, k) => (n + 1) / (all[k] + 2));
  const both = (of: 'on' | 'all'): Float64Array => silent[of].map((n, k) => n + sounding[of][k]);
  return {
    overall: probabilities(both('on'), both('all')),
    silent: probabilities(silent.on, silent.all),
    sounding: probabilities(sounding.on, sounding.all),
  };
}

/** The pieces of some rows. @throws RangeError for a note outside the range of the network. */
function examplesOf(table: Table, note: Note, rows?: readonly number[]): Pieces {
  const pieces = piecesIn(table, note.notes);
  const { lowest, pitches } = note;
  pieces.forEach((piece, row) => {
    const strange = piece.flat().find((pitch) => pitch < lowest || pitch >= lowest + pitches);
    if (strange === undefined) return;
    const must88 = `notes must be in ${lowest}…${lowest + pitches - 1}, as in the training`;
    must(false, `${where}: column ${note.notes}`, must88, `${strange} in line ${table.lineOf(row)}`);
  });
  return new Pieces(rows ? rows.map((row) => pieces[row]) : pieces, note);
}

function parts(table: Table, note: Note): Parts {
  const { training, validation, test } = partsOf(table, note.part);
  const of = (rows: readonly number[]): Examples => examplesOf(table, note, rows);
  return {
    training: of(training),
    ...(validation.length > 0 && { validation: of(validation) }),
    ...(test.length > 0 && { test: of(test) }),
  };
}

/** The steps that the network writes after each piece, drawn with a fixed seed. */
function predict(network: Network, table: Table, note: Note, before = 0): Predictions {
  const { lowest, pitches: K, longest } = note;
  const rows = examplesOf(table, { ...note, longest: Infinity }).pieces.flatMap((whole, k) => {
    const random = new Random(before + k);
    const read: Piece = [[], ...whole.slice(-longest)];
    const numbers = bitsOf(read, note);
    let { output, states } = network.forward(
      { x: { shape: [read.length, 1, K], numbers } },
      { predict: true },
    );
    return Array.from({ length: CONTINUATION }, (_, step): (string | number)[] => {
      const last = output.shape[0] - 1;
      const sounding = Array.from({ length: K }, (__, pitch) => lowest + pitch).filter(
        (pitch) => random.uniform() < 1 / (1 + Math.exp(-output.get(last, 0, pitch - lowest))),
      );
      const x = { shape: [1, 1, K], numbers: bitsOf([sounding], note) };
      ({ output, states } = network.forward({ x }, { from: states, predict: true }));
      return [before + k + 1, whole.length + step + 1, sounding.join(' ')];
    });
  });
  return { names: ['piece', 'step', 'notes'], rows };
}

function describe(table: Table, note: Note): [string, string][] {
  const pieces = piecesIn(table, note.notes);
  const lengths = pieces.map(({ length }) => length);
  const cut = lengths.filter((length) => length > note.longest).length;
  const left = cut === 0 ? '' : `; of ${cut} only the first ${note.longest} steps are read (--longest)`;
  const sum = lengths.reduce((a, b) => a + b, 0);
  const sounding = pieces.flatMap((piece) => piece.map(({ length }) => length));
  const notes = new Set(pieces.flat(2));
  const mean = sounding.reduce((a, b) => a + b, 0) / sounding.length;
  const { lowest, pitches } = note;
  return [
    [
      'pieces',
      `${table.name}: ${pieces.length.toLocaleString('en-US')} of ${least(lengths)} … ${greatest(lengths)} steps, ${sum.toLocaleString('en-US')} in all${left}`,
    ],
    [
      'notes',
      `${notes.size} different, ${mean.toFixed(1)} at a step; the network writes ${lowest} … ${lowest + pitches - 1}`,
    ],
    ...(note.part === null ? [] : [['', 'divided into parts by the file'] as [string, string]]),
  ];
}

/** The definition of the task. */
export const music: Task<Note> = {
  name: 'music',
  about: 'the notes of the next step of a piece (JSON piano rolls: lists of steps, each a list of notes)',
  unit: () => 'cross-entropy in nats per step, the sum over all notes',
  settings: { inputs, longest: sequence.longest },
  defaults: { hidden: 128, lr: 0.01 },
  note: noteSchema,
  reads: ({ notes, part }) => ({ ...allOf([part], 'texts'), [notes]: 'lists' }),
  fits: (table) => {
    const found = guess(table);
    return found.length === 1 ? `lists of notes in ${found[0]}` : undefined;
  },
  prepare,
  parts,
  others: (table, note) => ({ examples: examplesOf(table, note), scope: 'all pieces' }),
  network: ({ pitches }) => ({
    ...{ input: pitches, output: pitches, loss: 'bernoulli', topology: 'many-to-many' },
  }),
  describe,
  judge,
  predict,
};
