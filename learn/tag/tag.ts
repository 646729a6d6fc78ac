/**
 * Tagging: a label for each step of a sequence (many-to-many), bidirectional by default.
 *
 *   x [T, B]         indices of tokens; rows of unequal length are padded
 *   targets [T, B]   the index of the tag of each token
 */
import { must, mustBe } from '../../core/check';
import { lossOf } from '../../losses';
import type { Network } from '../../bptt/network/network';
import type { Batch } from '../../bptt/network/batch/batch';
import { greatest, least } from '../../core/programs/reduce';
import { padded } from '../../data/epoch';
import { split } from '../../data/split';
import type { Table } from '../../data/table';
import { countsOf, weightsOf } from '../counts';
import { judgeLabels } from '../labels';
import { inputs, label, labelLosses, lossSetting, sequence } from '../options';
import { likeliestOf, runAll } from '../outputs';
import { paddedRows } from '../padding';
import { coderOf, embeddingOf, knownSymbols } from '../symbols';
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
import { noteSchema, type Note } from './note';

const where = 'tag';
const TAGS = /^(tags?|labels?|ner|pos|upos|xpos)$/i;

/** The two list columns that are clearly tokens and tags. */
function guess(table: Table): { tokens: string; tags: string } | undefined {
  const lists = table.columns.filter(({ kind }) => kind === 'lists').map(({ name }) => name);
  const tags = lists.filter((name) => TAGS.test(name));
  const tokens = lists.filter((name) => !TAGS.test(name));
  return tags.length === 1 && tokens.length === 1 ? { tokens: tokens[0], tags: tags[0] } : undefined;
}

/** The tokens of each sentence. @throws RangeError for a sentence without any. */
function tokensIn(table: Table, column: string): string[][] {
  const rows = table.column(column, 'lists').values.map((list) => list.map(String));
  const empty = rows.findIndex(({ length }) => length === 0);
  must(
    empty < 0,
    `${where}: column ${column}`,
    'a sentence must have tokens',
    `none in line ${table.lineOf(empty)}`,
  );
  return rows;
}

/** The tags of each sentence, one for each token. */
function tagsIn(table: Table, column: string, tokens: readonly (readonly string[])[]): string[][] {
  const rows = table.column(column, 'lists').values.map((list) => list.map(String));
  rows.forEach(({ length }, k) => {
    if (length === tokens[k].length) return;
    const got = `${length} for the ${tokens[k].length} of the sentence in line ${table.lineOf(k)}`;
    must(false, `${where}: column ${column}`, 'every token must have a tag', got);
  });
  return rows;
}

/** Sentences with a tag for each token, as indices. */
class Tagged implements Examples {
  readonly lengths: number[];

  constructor(
    private readonly rows: readonly (readonly number[])[],
    readonly tags: readonly (readonly number[])[],
    /** Tags by the baseline rule. */
    readonly usual: readonly (readonly number[])[],
    private readonly weights: readonly number[],
  ) {
    this.lengths = rows.map(({ length }) => length);
  }

  get count(): number {
    return this.rows.length;
  }

  batch(rows: readonly number[]): Batch {
    const of = (all: readonly (readonly number[])[]) => rows.map((row) => all[row]);
    const read = paddedRows(of(this.rows), 0);
    const { x: targets } = padded(of(this.tags), 0, read.x.shape[0]);
    const weighted = this.weights.some((weight) => weight !== 1);
    return {
      ...{ ...read, targets },
      // weights of padding have no effect
      ...(weighted && {
        weights: { shape: targets.shape, numbers: targets.numbers.map((tag) => this.weights[tag]) },
      }),
    };
  }
}

function prepare(table: Table, given: Given): Note {
  const found = guess(table);
  const [asked] = splitList(given.inputs);
  const tokens = (asked as string | undefined) ?? found?.tokens;
  const tags = (given.label as string | undefined) ?? found?.tags;
  const lists = table.columns.filter(({ kind }) => kind === 'lists').map(({ name }) => name);
  const why = `columns of lists: ${lists.join(', ') || 'none'}`;
  mustBe(tokens !== undefined, where, '--inputs must name the column of the tokens', 'none', why);
  mustBe(tags !== undefined, where, '--label must name the column of the tags', 'none', why);
  const rows = tokensIn(table, tokens);
  const labels = tagsIn(table, tags, rows);
  const { training } = split(rows.length);
  const counts = countsOf(training.flatMap((row) => labels[row]));
  const place = `${where}: column ${tags}`;
  must(counts.length > 1, place, 'there must be at least two tags', `only ${counts[0][0]}`);
  const words = training.map((row) => rows[row]);
  const known = knownSymbols(words);
  must(known.length > 0, `${where}: column ${tokens}`, 'some token must occur twice', 'none');
  const seen = [...new Set([...known, ...words.flat()])];
  const names = counts.map(([tag]) => tag);
  return {
    ...{ tokens, tags, labels: names, weights: weightsOf(given.classWeights, counts) },
    ...{ seen, known: known.length, usual: usualOf(seen, names, training, rows, labels) },
    longest: given.longest as number,
    loss: given.loss as Note['loss'],
    both: given.direction === 'both',
    embedding: embeddingOf(given.embedding, known.length + 1),
  };
}

/** The most frequent tag of each token in the training part. */
function usualOf(
  seen: readonly string[],
  names: readonly string[],
  training: readonly number[],
  rows: readonly (readonly string[])[],
  labels: readonly (readonly string[])[],
): number[] {
  const places = new Map(seen.map((token, k) => [token, k]));
  const numbers = new Map(names.map((tag, k) => [tag, k]));
  const counts = seen.map(() => new Uint32Array(names.length));
  for (const row of training)
    rows[row].forEach(
      (token, t) => counts[places.get(token) as number][numbers.get(labels[row][t]) as number]++,
    );
  return counts.map((own) => own.indexOf(Math.max(...own)));
}

/** Sentences as indices; those of another file may lack tags. */
function sentencesOf(table: Table, note: Note, wanted?: readonly number[]): Tagged {
  const tokens = tokensIn(table, note.tokens);
  const tags = tagsIn(table, note.tags, tokens);
  const rows = wanted ?? tokens.map((_, k) => k);
  const numbers = new Map(note.labels.map((tag, k) => [tag, k]));
  const numberOf = (tag: string, row: number): number => {
    const number = numbers.get(tag);
    const place = `${where}: column ${note.tags}`;
    if (number === undefined)
      must(
        false,
        place,
        'tags must be among those of the training',
        `${tag} in the sentence in line ${table.lineOf(row)}`,
        note.labels.slice(0, 12).join(', '),
      );
    return number;
  };
  const code = coderOf(note.seen);
  const { longest, known, usual, weights } = note;
  const short = rows.map((row) => code(tokens[row].slice(0, longest)));
  return new Tagged(
    short.map((row) => row.map((number) => (number > known ? 0 : number))),
    rows.map((row) => tags[row].slice(0, longest).map((tag) => numberOf(tag, row))),
    // for an unknown token, the most frequent tag overall
    short.map((row) => row.map((number) => (number === 0 ? 0 : usual[number - 1]))),
    weights,
  );
}

function parts(table: Table, note: Note): Parts {
  const { training, validation, test } = split(table.rows);
  return {
    training: sentencesOf(table, note, training),
    ...(validation.length > 0 && { validation: sentencesOf(table, note, validation) }),
    ...(test.length > 0 && { test: sentencesOf(table, note, test) }),
  };
}

/** The predicted tag of each token, and its probability. */
function tagsOf(network: Network, examples: Examples): { label: number; probability: number }[][] {
  const all: { label: number; probability: number }[][] = [];
  const lengths = examples.lengths as readonly number[];
  runAll(network, examples, (example, row, output) => {
    const O = output.shape[2];
    all[example] = Array.from({ length: lengths[example] }, (_, t) =>
      likeliestOf(Array.from({ length: O }, (__, k) => output.get(t, row, k))),
    );
  });
  return all;
}

function judge(network: Network, examples: Examples, _table: Table, { labels }: Note): Judgement {
  const { tags, usual } = examples as Tagged;
  return judgeLabels({
    labels,
    truth: tags,
    model: tagsOf(network, examples).map((row) => row.map(({ label }) => label)),
    rule: usual,
    ruleName: "each token's usual tag",
    unit: 'tokens',
    sequences: 'sentences',
  });
}

function predict(network: Network, table: Table, note: Note, before = 0): Predictions {
  const tokens = tokensIn(table, note.tokens);
  const code = coderOf(note.seen.slice(0, note.known));
  // sentences are not cut: in a long one, too, each token gets a tag
  const rows = tokens.map(code);
  const none = rows.map((row) => row.map(() => 0));
  const predicted = tagsOf(network, new Tagged(rows, none, none, note.weights));
  return {
    names: ['sentence', 'token', 'tag', 'probability'],
    rows: predicted.flatMap((row, k) =>
      row.map(({ label, probability }, t) => [before + k + 1, tokens[k][t], note.labels[label], probability]),
    ),
  };
}

function describe(table: Table, note: Note): [string, string][] {
  const rows = tokensIn(table, note.tokens);
  const lengths = rows.map(({ length }) => length);
  const cut = lengths.filter((length) => length > note.longest).length;
  const left = cut === 0 ? '' : `; of ${cut} only the first ${note.longest} tokens are read (--longest)`;
  const { labels, known, seen, embedding } = note;
  const sum = lengths.reduce((a, b) => a + b, 0);
  return [
    [
      'sentences',
      `${table.name}: ${rows.length.toLocaleString('en-US')} of ${least(lengths)} … ${greatest(lengths)} tokens, ${sum.toLocaleString('en-US')} in all${left}`,
    ],
    [
      'tokens',
      `${known} known of ${seen.length} in the training part${embedding === null ? '' : `, embedded in ${embedding}`}; one that occurs once is read as unknown`,
    ],
    ['tags', `${labels.length}: ${labels.slice(0, 12).join(', ')}${labels.length > 12 ? ', …' : ''}`],
  ];
}

/** The definition of the task. */
export const tag: Task<Note> = {
  name: 'tag',
  about: 'a label for each token of a sentence (CoNLL columns, JSON lines with "tokens" and "tags")',
  unit: ({ loss }) => `${lossOf(loss).title} (guessing among K tags has ln K)`,
  settings: { label, inputs, loss: lossSetting(labelLosses), ...sequence },
  defaults: { hidden: 64, lr: 0.003 },
  note: noteSchema,
  columns: true,
  reads: ({ tokens, tags }) => allOf([tokens, tags], 'lists'),
  fits: (table) => {
    const found = guess(table);
    return found && `lists of ${found.tokens} and ${found.tags}`;
  },
  prepare,
  parts,
  others: (table, note) => ({ examples: sentencesOf(table, note), scope: 'all sentences' }),
  network: ({ known, labels, both, embedding, loss }) => ({
    input: known + 1,
    ...{ embedding, both, output: labels.length, loss, topology: 'many-to-many' },
  }),
  describe,
  judge,
  predict,
};
