/**
 * Classification: from a sequence of symbols or of numbers to its label (many-to-one).
 *
 *   x [T, B] or [T, B, D]   indices of symbols, or values standardized with the training part's statistics; rows of
 *                           unequal length are padded
 *   targets [B]             the index of the label
 */
import { must } from '../../core/check';
import { lossOf } from '../../losses';
import type { Network } from '../../bptt/network/network';
import { greatest, least } from '../../core/programs/reduce';
import type { Table } from '../../data/table';
import { countsOf } from '../counts';
import { judgeLabels } from '../labels';
import { date, group, inputs, label, labelLosses, lossSetting, missing, sequence, tokens } from '../options';
import { whenGroupEnds } from '../follow';
import { likeliestOf, runAll } from '../outputs';
import { allOf, type Examples, type Judgement, type Parts, type Predictions, type Task } from '../task';
import { noteSchema, type Note } from './note';
import { guess, splitTable, prepare } from './prepare';
import { Labelled, labelsIn, rowsOf, where } from './sequences';

/** The indices of the labels of some sequences. @throws RangeError for a label that is not in the training part. */
function numbersOf(labels: readonly string[], { label, labels: known }: Note): number[] {
  const strange = labels.find((text) => !known.includes(text));
  const place = `${where}: column ${label}`;
  must(
    strange === undefined,
    place,
    `labels must be among those of the training`,
    strange,
    known.slice(0, 10).join(', '),
  );
  return labels.map((text) => known.indexOf(text));
}

function parts(table: Table, note: Note): Parts {
  const { rows, width } = rowsOf(table, note);
  const labels = labelsIn(table, note.label, note.reads) as string[];
  const numbers = numbersOf(labels, note);
  const { training, validation, test } = splitTable(table, labels, note.reads);
  const of = (part: readonly number[]): Labelled =>
    new Labelled(
      part.map((row) => rows[row]),
      width,
      part.map((row) => numbers[row]),
      note.weights,
    );
  return {
    training: of(training),
    ...(validation.length > 0 && { validation: of(validation) }),
    ...(test.length > 0 && { test: of(test) }),
  };
}

function others(table: Table, note: Note): { examples: Examples; scope: string } {
  const labels = labelsIn(table, note.label, note.reads);
  must(labels !== undefined, where, `the table must have the column ${note.label}`, table.names.join(', '));
  const { rows, width } = rowsOf(table, note);
  return { examples: new Labelled(rows, width, numbersOf(labels, note), note.weights), scope: 'all rows' };
}

/** The predicted label of each example, and its probability. */
function labelsOf(network: Network, examples: Examples): { label: number; probability: number }[] {
  const all: { label: number; probability: number }[] = [];
  runAll(network, examples, (example, row, output) => {
    const O = output.shape[1];
    all[example] = likeliestOf(Array.from({ length: O }, (_, k) => output.get(row, k)));
  });
  return all;
}

function judge(network: Network, examples: Examples, _table: Table, { labels, reads }: Note): Judgement {
  const { labels: truth } = examples as Labelled;
  return judgeLabels({
    labels,
    truth: truth.map((label) => [label]),
    model: labelsOf(network, examples).map(({ label }) => [label]),
    // labels are sorted by their frequency in training
    rule: truth.map(() => [0]),
    ruleName: `always "${labels[0]}"`,
    unit: reads.kind === 'series' ? 'series' : 'sequences',
  });
}

function predict(network: Network, table: Table, note: Note, before = 0): Predictions {
  const { rows, width, names } = rowsOf(table, note);
  const examples = new Labelled(
    rows,
    width,
    rows.map(() => 0),
    note.weights,
  );
  const predicted = labelsOf(network, examples);
  const first =
    note.reads.kind === 'series' ? note.reads.group : table.separator === 'folder' ? 'file' : 'row';
  return {
    names: [first, note.label, 'probability'],
    rows: predicted.map(({ label, probability }, k) => {
      const name = names[k];
      return [typeof name === 'number' ? before + name : name, note.labels[label], probability];
    }),
  };
}

function describe(table: Table, note: Note): [string, string][] {
  const { label, labels, reads, longest, embedding } = note;
  const { rows, width, cut } = rowsOf(table, note);
  const lengths = rows.map(({ length }) => length / Math.max(1, width));
  const range = `${least(lengths)} … ${greatest(lengths)}`;
  const all = labelsIn(table, label, reads) as string[];
  const { training } = splitTable(table, all, reads);
  const counts = new Map(countsOf(training.map((row) => all[row])));
  const once = labels.filter((text) => counts.get(text) === 1);
  const shown = labels.slice(0, 6).map((text) => `${text} ${counts.get(text) ?? 0}`);
  const constant =
    reads.kind === 'series'
      ? reads.inputs.filter((name) => {
          const { values } = table.column(name, 'numbers');
          return least(values) === greatest(values);
        })
      : [];
  const what =
    reads.kind === 'series'
      ? `${reads.inputs.join(', ')} of each ${reads.group}`
      : `${reads.tokens} of ${reads.column}, ${reads.known.length} known${embedding === null ? '' : `, embedded in ${embedding}`}`;
  const left = cut === 0 ? '' : `; of ${cut} only the first ${longest} steps are read (--longest)`;
  return [
    ['sequences', `${table.name}: ${rows.length.toLocaleString('en-US')} of ${range} steps: ${what}${left}`],
    ['labels', `${labels.length} in ${label}: ${shown.join(', ')}${labels.length > 6 ? ', …' : ''}`],
    ...(once.length > 0
      ? [
          [
            '',
            `only once: ${once.slice(0, 5).join(', ')}${once.length > 5 ? ', …' : ''}; too rare to be learned or tested`,
          ] as [string, string],
        ]
      : []),
    ...(constant.length > 0
      ? [['', `always the same, so it tells nothing: ${constant.join(', ')}`] as [string, string]]
      : []),
  ];
}

/** The definition of the task. */
export const classify: Task<Note> = {
  name: 'classify',
  about: 'the label of a text, of a list of symbols or of a series (CSV, TSV, JSON, a folder for each class)',
  unit: ({ loss }) => `${lossOf(loss).title} (guessing among K labels has ln K)`,
  settings: { label, inputs, group, date, missing, tokens, loss: lossSetting(labelLosses), ...sequence },
  defaults: { hidden: 64, lr: 0.003 },
  note: noteSchema,
  reads: ({ label: labels, reads }) => ({
    ...allOf([labels, reads.group, reads.kind === 'series' ? reads.date : null], undefined),
    ...(reads.kind === 'symbols' ? { [reads.column]: 'texts' } : allOf(reads.inputs, 'numbers')),
  }),
  withMissing: ({ reads, ...note }, how) =>
    reads.kind === 'series' ? { ...note, reads: { ...reads, missing: how } } : undefined,
  follow: ({ reads }) => (reads.kind === 'series' ? whenGroupEnds(reads.group) : undefined),
  fits(table, given) {
    if (given.horizon !== undefined || given.window !== undefined) return undefined;
    const { label, column } = guess(table);
    if (given.label !== undefined && !table.columns.every(({ kind }) => kind === 'lists'))
      return 'a label is given';
    return label !== undefined && column !== undefined ? `${column} and ${label}` : undefined;
  },
  prepare,
  parts,
  others,
  network: ({ labels, reads, both, embedding, loss }) => ({
    input: reads.kind === 'series' ? reads.inputs.length : reads.known.length + 1,
    ...{ embedding, both, output: labels.length, loss, topology: 'many-to-one' },
  }),
  describe,
  judge,
  predict,
};
