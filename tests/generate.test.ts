/** Generation: what is read and written, learning, and drawing sequences. */
import { readTable, type Table } from '../data/table';
import type { FlatNumbers } from '../bptt/network/batch/numbers';
import { generate } from '../learn/generate/generate';
import { vectorsOf } from '../learn/generate/vectors';
import { noteFor, resumesToTheBit, runTrainer, trainerFor } from './learning';

const tableOf = (text: string): Promise<Table> => readTable([text], { name: 'x.csv' });
/** A word that depends on a class, and a number of letters that depends on a number. */
const words = (rows: number): string => {
  const lines = Array.from({ length: rows }, (_, k) => {
    const [kind, size] = [k % 2 === 0 ? 'up' : 'down', 1 + (k % 3)];
    return `${(kind === 'up' ? 'ab' : 'cd').repeat(size)},${kind},${size}`;
  });
  return `word,kind,size\n${lines.join('\n')}\n`;
};
const TARGET = { target: 'word' };

describe('generate', () => {
  it('reads classes as one-hot and numbers standardized, side by side', async () => {
    const table = await tableOf(words(60));
    const { inputs } = noteFor(generate, table, TARGET);
    expect(inputs).toMatchObject([
      { kind: 'classes', column: 'kind' },
      { kind: 'numbers', column: 'size' },
    ]);
    const vector = vectorsOf(
      table,
      [
        { kind: 'classes', column: 'kind', classes: ['down', 'up'] },
        { kind: 'numbers', column: 'size', mean: 2, deviation: 0.5 },
      ],
      [0, 1],
    );
    expect(vector.map((row) => Array.from(row))).toEqual([
      [0, 1, -2],
      [1, 0, 0],
    ]);
    const { x } = generate.parts(table, noteFor(generate, table, TARGET)).training.batch([0, 1, 2]);
    expect((x as FlatNumbers).shape).toEqual([1, 3, 3]);
  });

  it('a table is never clearly for it, because a label may be read or written', async () => {
    expect(generate.fits(await tableOf(words(6)), {})).toBeUndefined();
  });

  it('learns what the inputs determine, and draws it', async () => {
    const table = await tableOf(words(240));
    const trainer = trainerFor('generate', table, { ...TARGET, hidden: 16, steps: 200, lr: 0.03 });
    await runTrainer(trainer);
    const note = noteFor(generate, table, TARGET);
    const { figures, lines } = generate.judge(
      trainer.network,
      generate.parts(table, note).test!,
      table,
      note,
    );
    const { model, baseline, gain } = figures as {
      model: { bitsPerSymbol: number; tokenAccuracy: number };
      baseline: { bitsPerSymbol: number };
      gain: [number, number];
    };
    expect(model.bitsPerSymbol).toBeLessThan(0.1 * baseline.bitsPerSymbol);
    expect(model.tokenAccuracy).toBeGreaterThan(0.95);
    expect(gain[0]).toBeGreaterThan(0);
    expect(lines.join('\n')).toMatch(/drawn from the model:\n {2}(up|down), [123] → [abcd]+/);
    const { names, rows } = generate.predict(
      trainer.network,
      await tableOf('kind,size\nup,2\ndown,1\n'),
      note,
    );
    expect(names).toEqual(['row', 'word', 'probability']);
    expect(rows.map(([, word]) => word)).toEqual(['abab', 'cd']);
  });

  it.each([
    ['a,b\n1,2\n', {}, '--target must name the column to write, got none'],
    ['word\nab\nab\n', {}, '--inputs must name columns to read, got none (columns: word)'],
    [
      'word,size\nab,1\nba,2\n',
      { inputs: 'word,size' },
      'the columns to read and to write must differ, got word',
    ],
    ['word,size\nab,1\ncd,2\n', {}, 'column word: some symbol must occur twice, got none'],
    ['word,size\nab,1\n,2\n', {}, 'column word: every row must hold a sequence, got none in line 3'],
  ])('refuses %j %j', async (text, given, message) => {
    const table = await tableOf(text);
    expect(() => noteFor(generate, table, given)).toThrow(message);
  });

  it('refuses missing numbers and unknown classes, with the line', async () => {
    const note = noteFor(generate, await tableOf(words(60)), TARGET);
    const other = async (text: string): Promise<unknown> => generate.others(await tableOf(text), note);
    await expect(other('word,kind,size\nab,up,1\nab,up,\n')).rejects.toThrow(
      'column size: every row must have a value, got none in line 3',
    );
    await expect(other('word,kind,size\nab,left,1\n')).rejects.toThrow(
      'column kind: classes must be among those of the training, got left in line 2',
    );
  });

  resumesToTheBit('generate', () => tableOf(words(60)), TARGET);
});
