/** Classification and tagging: accepted files, statistics of the training part alone, and learning. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { Random } from '../core/random/random';
import type { FlatNumbers } from '../bptt/network/batch/numbers';
import { readTable, type Table } from '../data/table';
import { classify } from '../learn/classify/classify';
import { columnsTable, columnsTables } from '../learn/columns';
import { folderTable } from '../learn/folder';
import { roundedUp } from '../learn/padding';
import { knownSymbols, symbolsOf } from '../learn/symbols';
import { tag } from '../learn/tag/tag';
import type { Given } from '../learn/task';
import { taskNames, taskOf } from '../learn/tasks';
import { backstepIn } from './command';
import { noteFor, resumesToTheBit, runTrainer, trainerFor } from './learning';

const tableOf = (text: string): Promise<Table> => readTable([text], { name: 'x.csv' });
/** DNA of unequal length with a word of one class or of the other in it, two thirds of the first class. */
const dna = (rows: number): string => {
  const random = new Random(2);
  const some = (n: number): string => Array.from({ length: n }, () => 'ACGT'[random.below(4)]).join('');
  const lines = Array.from({ length: rows }, (_, k) => {
    const label = k % 3 === 0 ? 'donor' : 'none';
    return `${some(2 + random.below(6))}${label === 'donor' ? 'GGGG' : 'TATA'}${some(random.below(4))},${label}`;
  });
  return `sequence,class\n${lines.join('\n')}\n`;
};

/** Two sensors of machines over time; one kind of machine swings. */
const machines = (count: number): string => {
  const random = new Random(3);
  const lines = Array.from({ length: count }, (_, k) =>
    Array.from({ length: 5 + (k % 4) }, (__, t) => {
      const swing = k % 2 === 0 ? Math.sin(2 * t) : 0;
      return `m${k},${t},${(100 + 5 * swing + 0.2 * random.normal()).toFixed(3)},7,${k % 2 === 0 ? 'worn' : 'new'}`;
    }).join('\n'),
  );
  return `machine,hour,force,mass,state\n${lines.join('\n')}\n`;
};

/** Sentences in which the tag of `run` depends on the token behind it. */
const sentences = (count: number): string => {
  const random = new Random(4);
  const nouns = ['dogs', 'cats', 'men'];
  return Array.from({ length: count }, () => {
    const noun = nouns[random.below(3)];
    return random.below(2) === 0
      ? `the DET\nrun NOUN\nof ADP\n${noun} NOUN`
      : `the DET\n${noun} NOUN\nrun VERB\nhome ADV\nnow ADV`;
  }).join('\n\n');
};

describe('classify', () => {
  it('takes the columns that are clearly the label and the sequence', async () => {
    const table = await tableOf(dna(60));
    expect(classify.fits(table, {})).toBe('sequence and class');
    expect(noteFor(classify, table)).toMatchObject({
      label: 'class',
      labels: ['none', 'donor'],
      weights: [1, 1],
      embedding: null,
      reads: { kind: 'symbols', column: 'sequence', tokens: 'characters' },
    });
  });

  it('each part has its share of every label, and rows of unequal length stand side by side', async () => {
    const table = await tableOf(dna(60));
    const { training, validation, test } = classify.parts(table, noteFor(classify, table));
    const shares = [training, validation, test].map((part) => {
      const { targets } = part!.batch(Array.from({ length: part!.count }, (_, k) => k));
      const { numbers } = targets as FlatNumbers;
      return [
        Array.from(numbers).filter((one) => one === 0).length,
        Array.from(numbers).filter((one) => one === 1).length,
      ];
    });
    expect(shares).toEqual([
      [28, 14],
      [6, 3],
      [6, 3],
    ]);
    const { x, lengths } = training.batch([0, 1, 2]);
    expect((x as { shape: number[] }).shape).toEqual([roundedUp(Math.max(...lengths!)), 3]);
  });

  it('symbols and scales come from the training part only', async () => {
    const table = await tableOf(machines(40));
    const note = noteFor(classify, table, { group: 'machine', inputs: 'force,mass', label: 'state' });
    const { reads } = note;
    expect(reads).toMatchObject({ kind: 'series', inputs: ['force', 'mass'] });
    const { training, test } = classify.parts(table, note);
    const values = (part: typeof training): number[] => {
      const { x, lengths } = part.batch(Array.from({ length: part.count }, (_, k) => k));
      const { shape, numbers } = x as { shape: number[]; numbers: Float64Array };
      const [, B, D] = shape;
      return lengths!.flatMap((n, b) => Array.from({ length: n }, (_, t) => numbers[(t * B + b) * D]));
    };
    const mean = (all: number[]): number => all.reduce((a, b) => a + b, 0) / all.length;
    expect(mean(values(training))).toBeCloseTo(0, 10);
    expect(Math.abs(mean(values(test!)))).toBeGreaterThan(1e-3);
  });

  it('says what is constant and what occurs once', async () => {
    const series = await tableOf(machines(20));
    const given = { group: 'machine', inputs: 'force,mass', label: 'state' };
    const said = (table: Table, options: Given): string =>
      classify
        .describe(table, noteFor(classify, table, options))
        .flat()
        .join('\n');
    expect(said(series, given)).toContain('always the same, so it tells nothing: mass');
    const rare = await tableOf(`${dna(30)}ACGT,odd\n`);
    expect(said(rare, {})).toContain('only once: odd; too rare to be learned or tested');
  });

  it('learns, and is better than always the most frequent label', async () => {
    const table = await tableOf(dna(240));
    const trainer = trainerFor('classify', table, { steps: 150 });
    await runTrainer(trainer);
    const note = noteFor(classify, table);
    const { test } = classify.parts(table, note);
    const { figures, lines } = classify.judge(trainer.network, test!, table, note);
    const { model, baseline, gain } = figures as {
      model: { accuracy: number };
      baseline: { accuracy: number };
      gain: [number, number];
    };
    expect(baseline.accuracy).toBeCloseTo(2 / 3, 2);
    expect(model.accuracy).toBeGreaterThan(0.9);
    expect(gain[0]).toBeGreaterThan(0);
    expect(lines.join('\n')).toMatch(/better than always "none" by \d+\.\d points of accuracy/);
  });

  it('learns with label smoothing, too', async () => {
    const table = await tableOf(dna(240));
    const given = { steps: 150, loss: 'smoothed' };
    const trainer = trainerFor('classify', table, given);
    expect(trainer.network.architecture.loss).toBe('smoothed');
    await runTrainer(trainer);
    const note = noteFor(classify, table, { loss: 'smoothed' });
    expect(classify.unit(note)).toMatch(/^cross-entropy with label smoothing/);
    const { figures } = classify.judge(trainer.network, classify.parts(table, note).test!, table, note);
    expect((figures.model as { accuracy: number }).accuracy).toBeGreaterThan(0.9);
  });

  it('the preparation of a checkpoint without a loss means the cross-entropy', async () => {
    const { loss, ...older } = noteFor(classify, await tableOf(dna(60)));
    expect(loss).toBe('softmax');
    expect(v.parse(classify.note, older)).toEqual({ ...older, loss });
  });

  it('balanced weights give every label the same sum', async () => {
    const table = await tableOf(dna(60));
    const note = noteFor(classify, table, { classWeights: 'balanced' });
    expect(note.weights).toEqual([42 / (2 * 28), 42 / (2 * 14)]);
    const { weights, targets } = classify.parts(table, note).training.batch([0, 1, 2, 3, 4]);
    const { numbers } = targets as FlatNumbers;
    expect((weights as FlatNumbers).numbers).toEqual(Array.from(numbers, (label) => note.weights[label]));
  });

  it.each([
    ['a,label\nx,1\ny,1\n', {}, 'column label: there must be at least two labels, got only 1'],
    ['a,label\nx,p\ny,q\n', {}, 'labels must occur more than once, got 2 labels of 2 sequences'],
    ['a,label\nxx,p\n,q\nyy,p\n', {}, 'column a: every row must hold a sequence, got none in line 3'],
    ['a,label\nxx,p\nyy,\nyy,p\n', {}, 'column label: every row must have a label, got none in line 3'],
    ['a,b\nxx,p\nyy,q\n', {}, '--label must name the column of the labels, got none (columns: a, b)'],
    ['a,label\n1,p\n2,q\n', { inputs: 'a' }, '--group must be given with columns of numbers'],
    [
      'id,a,label\ni,1,p\ni,2,q\n',
      { group: 'id', inputs: 'a' },
      'a id must have one label, got p and q for i in lines 2 and 3',
    ],
  ])('refuses %j %j', async (text, given, message) => {
    const table = await tableOf(text);
    expect(() => noteFor(classify, table, given)).toThrow(message);
  });

  it('reads a folder for each class', () => {
    const folder = mkdtempSync(join(tmpdir(), 'backstep-classes-'));
    try {
      for (const label of ['good', 'bad']) {
        mkdirSync(join(folder, label));
        for (let k = 0; k < 4; k++)
          writeFileSync(join(folder, label, `${k}.txt`), `\uFEFF${label} ${k} 🙂\r\n`);
      }
      writeFileSync(join(folder, '.hidden'), 'x');
      const table = folderTable(folder);
      expect(table.rows).toBe(8);
      expect(table.column('text', 'texts').values[0]).toBe('bad 0 🙂');
      expect(noteFor(classify, table)).toMatchObject({ label: 'label', reads: { column: 'text' } });
      const fitting = (table: Table) => taskNames.filter((name) => taskOf(name, '').fits(table, {}));
      expect(fitting(table)).toEqual(['classify']);
      // without classes it may be a text, which has to be asked for
      expect(fitting(folderTable(join(folder, 'good')))).toEqual([]);
      writeFileSync(join(folder, 'good', 'x.txt'), Uint8Array.from([0xff, 0x80]));
      expect(() => folderTable(folder)).toThrow(`files must be UTF-8 text, got ${join('good', 'x.txt')}`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('symbols', () => {
  it('are code points, or words and signs', () => {
    expect(symbolsOf('né🙂', 'characters')).toEqual(['n', 'é', '🙂']);
    expect(symbolsOf("Don't stop, 3 times!", 'words')).toEqual(["don't", 'stop', ',', '3', 'times', '!']);
  });

  it('one that occurs once is not known', () => {
    expect(
      knownSymbols([
        ['b', 'a', 'b'],
        ['a', 'b', 'c'],
      ]),
    ).toEqual(['b', 'a']);
  });
});

describe('tag', () => {
  it('reads columns of tokens and tags, those of CoNLL-U too', () => {
    const table = columnsTable(
      '-DOCSTART- O\r\n\r\nMark NNP B-PER\r\nworks VBZ O\r\n\r\n\r\nYes UH O\r\n',
      'x.conll',
    );
    expect(table.column('tokens', 'lists').values).toEqual([['Mark', 'works'], ['Yes']]);
    expect(table.column('tags', 'lists').values).toEqual([['B-PER', 'O'], ['O']]);
    const row = (id: string, form: string, pos: string): string =>
      [id, form, '_', pos, ...'______'].join('\t');
    const text = `# sent_id = 1\n${row('1-2', 'im', '_')}\n${row('1', 'in', 'ADP')}\n${row('2', 'dem', 'DET')}\n`;
    expect(columnsTable(text, 'x').column('tags', 'lists').values).toEqual([['ADP', 'DET']]);
  });

  it('knows CoNLL-U by the first sentence, however its sentences arrive', async () => {
    async function* arriving() {
      yield '# sent_id = 1\n1\tthe\t_\tDET\n\n';
      yield await Promise.resolve('1\tdog\t_\tNOUN\n\n');
    }
    const tokens: unknown[] = [];
    for await (const table of columnsTables(arriving(), 'standard input'))
      tokens.push(...table.column('tokens', 'lists').values);
    expect(tokens).toEqual([['the'], ['dog']]);
  });

  it.each([
    ['a X\nb\n', 'every line must have 2 columns, got 1 in line 2'],
    ['\n\n', 'it must hold sentences, got an empty file'],
  ])('refuses %j', (text, message) => expect(() => columnsTable(text, 'x.conll')).toThrow(message));

  it('refuses tokens without tags, and tags that the training does not have', () => {
    const bare = columnsTable('a\nb\n\na\n', 'x');
    expect(() => noteFor(tag, bare)).toThrow(
      'column tags: every token must have a tag, got 0 for the 2 of the sentence in line 1',
    );
    const table = columnsTable(sentences(40), 'x');
    expect(() => tag.others(columnsTable('the XX\n', 'y'), noteFor(tag, table))).toThrow(
      'tags must be among those of the training, got XX in the sentence in line 1',
    );
  });

  it('learns tags that depend on later tokens, as the most frequent tag of a token cannot', async () => {
    const table = columnsTable(sentences(200), 'x.conll');
    const trainer = trainerFor('tag', table, { steps: 80 });
    await runTrainer(trainer);
    const note = noteFor(tag, table);
    const { figures } = tag.judge(trainer.network, tag.parts(table, note).test!, table, note);
    const { model, baseline } = figures as Record<'model' | 'baseline', { accuracy: number }>;
    expect(model.accuracy).toBeGreaterThan(0.99);
    expect(baseline.accuracy).toBeLessThan(0.95);
    expect(figures.sequenceAccuracy).toBeGreaterThan(0.97);
    const { rows } = tag.predict(trainer.network, columnsTable('the\nrun\nof\nmen\n\nzebras', 'y'), note);
    expect(rows.map(([sentence, token, said]) => `${sentence} ${token} ${said}`).slice(0, 4)).toEqual([
      '1 the DET',
      '1 run NOUN',
      '1 of ADP',
      '1 men NOUN',
    ]);
    expect(rows[4].slice(0, 2)).toEqual([2, 'zebras']);
  });
});

describe.each([
  ['classify', () => tableOf(dna(60)), { classWeights: 'balanced', embedding: 3 }],
  ['classify', () => tableOf(machines(24)), { group: 'machine', inputs: 'force', label: 'state', layers: 2 }],
  ['tag', () => Promise.resolve(columnsTable(sentences(60), 'x')), { classWeights: 'balanced' }],
  ['tag', () => Promise.resolve(columnsTable(sentences(60), 'x')), { loss: 'smoothed' }],
] as [string, () => Promise<Table>, Given][])('%s', (name, make, given) => {
  resumesToTheBit(name, make, given);
});

describe('on the command line', () => {
  const folder = mkdtempSync(join(tmpdir(), 'backstep-classify-'));
  beforeAll(() => {
    writeFileSync(join(folder, 'dna.csv'), `\uFEFF${dna(60).replaceAll('\n', '\r\n')}`);
    writeFileSync(join(folder, 'x.conll'), sentences(40));
    writeFileSync(join(folder, 'bad.tsv'), 'a b c\nd e\n');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('data names the task that a file is for', async () => {
    expect((await backstepIn(folder, 'data', 'dna.csv')).stdout).toMatch(
      /--task classify \(sequence and class\)\n$/,
    );
    const { stdout } = await backstepIn(folder, 'data', 'x.conll');
    expect(stdout).toMatch(/^x\.conll: 40 rows, 2 columns; a token and its tag on each line\n/);
    expect(stdout).toMatch(/--task tag \(lists of tokens and tags\)\n$/);
  });

  it.each([
    [['train', 'bad.tsv', '--task', 'tag'], 'every line must have 3 columns, got 2 in line 2'],
    [
      ['train', 'dna.csv', '--horizon', '2', '--task', 'classify'],
      '--horizon must be left out with --task classify',
    ],
    [
      ['train', 'dna.csv', '--class-weights', 'some'],
      '--class-weights must be one of none, balanced, got some',
    ],
    [
      ['train', 'dna.csv', '--loss', 'huber'],
      'train: --loss must be one of softmax, smoothed with --task classify, got huber',
    ],
    [
      ['train', 'dna.csv', '--task', 'forecast', '--loss', 'smoothed'],
      'train: --loss must be one of squared, absolute, huber, quantile with --task forecast, got smoothed',
    ],
    [
      ['train', 'dna.csv', '--task', 'music', '--loss', 'softmax'],
      '--loss must be left out with --task music',
    ],
    [['train', 'dna.csv', '--label', 'klass'], 'got klass (did you mean class?)'],
    [['train', 'x.conll', '--embedding', '4', '--task', 'forecast'], '--embedding must be left out'],
  ])('%j is refused', async (words, message) => {
    const { status, stderr } = await backstepIn(folder, ...words);
    expect(stderr.replace(/\s+/g, ' ')).toContain(message);
    expect(status).toBe(2);
  });
});
