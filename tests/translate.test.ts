/** Translation: the accepted files, vocabularies of the training part alone, learning, and writing. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '../core/random/random';
import type { FlatNumbers } from '../bptt/network/batch/numbers';
import { chrF } from '../data/metrics';
import { readTable, type Table } from '../data/table';
import { translate } from '../learn/translate/translate';
import { backstepIn } from './command';
import { noteFor, resumesToTheBit, runTrainer, trainerFor } from './learning';

const tableOf = (text: string, header = true): Promise<Table> =>
  readTable([text], { name: 'x.tsv', ...(!header && { header }) });

/** Words of four letters, and the same reversed in capitals. */
const reversed = (rows: number): string => {
  const random = new Random(5);
  const lines = Array.from({ length: rows }, () => {
    const word = Array.from({ length: 2 + random.below(3) }, () => 'abcd'[random.below(4)]);
    return `${word.join('')}\t${word.toReversed().join('').toUpperCase()}`;
  });
  return `source\ttarget\n${lines.join('\n')}\n`;
};

describe('translate', () => {
  it('takes the columns by their names, or the only two of different texts', async () => {
    const named = await tableOf(reversed(30));
    expect(translate.fits(named, {})).toBe('pairs of source and target');
    const two = await readTable(['{"word": "ab", "sounds": ["A", "B"]}\n{"word": "b", "sounds": ["B"]}\n']);
    expect(translate.fits(two, {})).toBe('pairs of word and sounds');
    const labels = await tableOf('text\tmood\nab\tgood\nbc\tgood\ncd\tbad\nde\tbad\n');
    expect(translate.fits(labels, {})).toBeUndefined();
  });

  it('a target is its classes and the end, and a symbol that occurs once is unknown', async () => {
    const table = await tableOf('source\ttarget\nab\txy\nba\tyx\n', true);
    const note = { ...noteFor(translate, await tableOf(reversed(40))), known: ['a', 'b'] };
    const written = { ...note.written, known: ['x', 'y'] };
    const { examples } = translate.others(table, { ...note, written });
    const { x, lengths, targets, targetLengths } = examples.batch([0, 1]);
    expect(Array.from((x as FlatNumbers).numbers)).toEqual([1, 2, 2, 1]);
    expect([lengths, targetLengths]).toEqual([
      [2, 2],
      [3, 3],
    ]);
    expect(Array.from((targets as FlatNumbers).numbers)).toEqual([1, 2, 2, 1, 3, 3]);
    const odd = await tableOf('source\ttarget\nabz\txz\n');
    const one = translate.others(odd, { ...note, written }).examples.batch([0]);
    expect(Array.from((one.x as FlatNumbers).numbers)).toEqual([1, 2, 0]);
    expect(Array.from((one.targets as FlatNumbers).numbers)).toEqual([1, 0, 3]);
  });

  it('frequencies add up to one', async () => {
    const { written } = noteFor(translate, await tableOf(reversed(60)));
    expect(written.frequencies).toHaveLength(written.known.length + 2);
    expect(written.frequencies.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
  });

  it('learns to reverse, and writes what it learned', async () => {
    const table = await tableOf(reversed(400));
    const given = { hidden: 24, steps: 400, lr: 0.02, attention: 'general' };
    const trainer = trainerFor('translate', table, given);
    await runTrainer(trainer);
    const note = noteFor(translate, table, { attention: 'general' });
    const { figures, lines } = translate.judge(
      trainer.network,
      translate.parts(table, note).test!,
      table,
      note,
    );
    const { model, baseline, written, gain } = figures as {
      model: { bitsPerSymbol: number; tokenAccuracy: number };
      baseline: { bitsPerSymbol: number };
      written: { sequenceAccuracy: number; chrF: number; copied: { sequenceAccuracy: number } };
      gain: [number, number];
    };
    expect(model.tokenAccuracy).toBeGreaterThan(0.95);
    expect(model.bitsPerSymbol).toBeLessThan(0.2 * baseline.bitsPerSymbol);
    expect(written.sequenceAccuracy).toBeGreaterThan(0.9);
    expect(written.chrF).toBeGreaterThan(0.9);
    expect(written.copied.sequenceAccuracy).toBe(0);
    expect(gain[0]).toBeGreaterThan(0);
    expect(lines.join('\n')).toMatch(/better than each symbol by its frequency by \d\.\d\d bits per symbol/);
    const { names, rows } = translate.predict(trainer.network, await tableOf('source\nabc\n'), note);
    expect(names).toEqual(['row', 'target', 'probability']);
    expect(rows[0].slice(0, 2)).toEqual([1, 'CBA']);
  });

  it('words are joined by spaces, without attention there is no picture of it', async () => {
    const lines = Array.from({ length: 40 }, (_, k) => `a b${k % 3}\tx Y${k % 3}!`);
    const table = await tableOf(`${lines.join('\n')}\n`, false);
    const given = { tokens: 'words', inputs: 'column1', target: 'column2', attention: 'none' };
    const note = noteFor(translate, table, given);
    expect(note).toMatchObject({ source: 'column1', target: 'column2', characters: false });
    const trainer = trainerFor('translate', table, { ...given, steps: 3 });
    await runTrainer(trainer);
    const { pictures } = translate.judge(trainer.network, translate.parts(table, note).test!, table, note);
    expect(await pictures()).toEqual({});
    const { known } = note.written;
    expect([...known].sort()).toEqual(['!', 'x', 'y0', 'y1', 'y2']);
  });

  it.each([
    ['a\tb\n1\t2\n3\t4\n', {}, '--inputs must name the column to read, got none'],
    [
      'source\ttarget\nab\tx\n\ty\ncd\tz\n',
      {},
      'column source: every row must hold a sequence, got none in line 3',
    ],
    ['source\ttarget\nab\tx\ncd\ty\n', {}, 'column source: some symbol must occur twice, got none'],
    [
      'source\ttarget\naa\txx\n',
      { inputs: 'target' },
      'the columns to read and to write must differ, got target',
    ],
  ])('refuses %j %j', async (text, given, message) => {
    const table = await tableOf(text);
    expect(() => noteFor(translate, table, given)).toThrow(message);
  });

  it('two directions share the units of the decoder', async () => {
    const table = await tableOf(reversed(40));
    expect(() => trainerFor('translate', table, { hidden: 7 })).toThrow(
      'train: --hidden must be even, got 7 (the two directions share them; --direction forward takes any number)',
    );
    expect(trainerFor('translate', table, { hidden: 7, direction: 'forward' }).steps).toBe(0);
  });

  describe.each([[{}], [{ layers: 2, embedding: 3, attention: 'additive', direction: 'forward' }]])(
    '%j',
    (given) => {
      resumesToTheBit('translate', () => tableOf(reversed(40)), given);
    },
  );

  describe('on the command line', () => {
    const folder = mkdtempSync(join(tmpdir(), 'backstep-translate-'));
    afterAll(() => rmSync(folder, { recursive: true }));

    it('data names the task; the output of predict is CSV', async () => {
      writeFileSync(join(folder, 'x.tsv'), reversed(40).replaceAll('\n', '\r\n'));
      const { stdout } = await backstepIn(folder, 'data', 'x.tsv');
      expect(stdout).toMatch(/--task translate \(pairs of source and target\)\n$/);
    });

    it('an option of another task, and a score that does not exist, are refused', async () => {
      const refused = async (...words: string[]): Promise<string> => {
        const { status, stderr } = await backstepIn(folder, 'train', 'x.tsv', ...words);
        expect(status).toBe(2);
        return stderr;
      };
      expect(await refused('--window', '4', '--task', 'translate')).toContain('--window must be left out');
      expect(await refused('--attention', 'some')).toContain('--attention must be one of none, dot, general');
    });
  });
});

describe('chrF', () => {
  it('is 1 for equal texts and 0 for texts without a common character', () => {
    expect(chrF(['so it is', 'no'], ['so it is', 'no'])).toBe(1);
    expect(chrF(['abc'], ['xyz'])).toBe(0);
  });

  it('is the F-score of hand-counted n-grams', () => {
    // n = 1: 2 of 3 written, 2 of 2 wanted; n = 2: 1 of 2, 1 of 1; n = 3: 0 of 1, and 0 of 0 wanted
    const [p, r] = [(2 / 3 + 1 / 2 + 0) / 3, (1 + 1 + 0) / 3];
    expect(chrF(['abc'], ['ab'])).toBeCloseTo((5 * p * r) / (4 * p + r), 12);
  });

  it('counts a repeated n-gram as often as the reference has it', () => {
    // n = 1: one of two written, one of one wanted; n = 2: none
    const [p, r] = [1 / 2 / 2, 1 / 2];
    expect(chrF(['aa'], ['a'])).toBeCloseTo((5 * p * r) / (4 * p + r), 12);
  });
});
