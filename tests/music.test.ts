/** Music: the accepted files, frequencies of the training part alone, and learning. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '../core/random/random';
import type { FlatNumbers } from '../bptt/network/batch/numbers';
import { readTable } from '../data/table';
import { music } from '../learn/music/music';
import { holdsPieces, piecesTable } from '../learn/pieces';
import { classify } from '../learn/classify/classify';
import { chords, type Piece } from '../tasks/chords';
import { backstepIn } from './command';
import { noteFor, resumesToTheBit, runTrainer, trainerFor } from './learning';

/** Two chords that alternate, with a third note in every fourth step: only a memory of two steps tells it. */
const waltz = (pieces: number): Piece[] =>
  Array.from({ length: pieces }, (_, k) =>
    Array.from({ length: 12 + (k % 5) }, (__, t) => [
      ...(t % 2 === 0 ? [60, 64] : [62, 65]),
      ...(t % 4 === 0 ? [72] : []),
    ]),
  );
const tableOf = (pieces: unknown) => piecesTable(JSON.stringify(pieces), 'x.json');

describe('music', () => {
  it('reads pieces alone, by part, and in lines', async () => {
    expect(tableOf([[[60], [62, 64]]]).column('notes', 'lists').values).toEqual([[[60], [62, 64]]]);
    const parts = tableOf({ train: waltz(2), valid: waltz(1), test: waltz(3) });
    expect(parts.column('part', 'texts').values).toEqual(['train', 'train', 'valid', 'test', 'test', 'test']);
    const { training, validation, test } = music.parts(parts, noteFor(music, parts));
    expect([training, validation, test].map((part) => part?.count)).toEqual([2, 1, 3]);
    const lines = await readTable(['{"voices": [[60], [62, 64]]}\n{"voices": [[], [62]]}\n'], {
      name: 'x.jsonl',
    });
    expect(music.fits(lines, {})).toBe('lists of notes in voices');
    expect(classify.fits(parts, {})).toBeUndefined();
  });

  it.each([
    ['{"train": [[[60]]]}', true],
    [' [ [ [60], []]]', true],
    ['[{"a": [[1]]}]', false],
    ['{"notes": [[60]]}\n', false],
    ['a,b\n', false],
  ])('%j holds pieces: %p', (text, holds) => expect(holdsPieces(text)).toBe(holds));

  it('reads at each step the one before, and silence at first', () => {
    const table = tableOf([[[60], [60, 64], []], ...waltz(9)]);
    const note = noteFor(music, table);
    const { x, targets, lengths } = music.others(table, note).examples.batch([0]);
    const sounding = ({ shape, numbers }: FlatNumbers): number[][] =>
      Array.from({ length: lengths![0] }, (_, t) =>
        Array.from({ length: shape[2] }, (__, k) => k).filter((k) => numbers[t * shape[2] + k] === 1),
      );
    expect(sounding(targets as FlatNumbers)).toEqual([[39], [39, 43], []]);
    expect(sounding(x as FlatNumbers)).toEqual([[], [39], [39, 43]]);
  });

  it('the frequencies of notes are those of the training part alone', () => {
    const train = [[[60], [60], [], [60]]];
    const note = noteFor(music, tableOf({ train, test: [[[61], [62]]] }));
    const of = (rates: readonly number[]): number => rates[60 - 21];
    expect(of(note.rates.overall)).toBe(4 / 6);
    // after silence 2 of 2, after the note 1 of 2
    expect([note.rates.silent, note.rates.sounding].map(of)).toEqual([3 / 4, 2 / 4]);
    expect(note.rates.overall[61 - 21]).toBe(1 / 6);
  });

  it.each([
    [[[[60.5]]], 'column notes: a note must be a whole number in 0…127, got 60.5'],
    [[[[60], 7]], 'column notes: a step must be a list of notes, got 7'],
    [[[[60]], []], 'column notes: a piece must have steps, got none in line 2'],
    [{ train: [[[60]]], other: [[[60]]] }, 'a part must be called train, valid or test, got other'],
    [{ test: [[[60]]] }, 'there must be a part called train, got none'],
  ])('refuses %j', (pieces, message) => {
    expect(() => noteFor(music, tableOf(pieces))).toThrow(message);
  });

  it('refuses JSON that holds no pieces', () => {
    expect(() => piecesTable('[[[60', 'x')).toThrow('table: x: it must be JSON');
    expect(() => tableOf({ train: 3 })).toThrow('"train" must be a list of pieces, got 3');
    expect(() => tableOf([[[60]], 5])).toThrow('piece 2 must be a list of steps, got 5');
    expect(() => tableOf(null)).toThrow('it must be a list of pieces, or an object of such lists, got null');
    expect(() => tableOf([])).toThrow('it must hold pieces, got none');
  });

  it('notes outside the piano widen the range to that of MIDI, and those outside of it are refused', () => {
    const note = noteFor(music, tableOf(waltz(4)));
    expect(note).toMatchObject({ lowest: 21, pitches: 88 });
    expect(() => music.others(tableOf([[[12]]]), note)).toThrow(
      'notes must be in 21…108, as in the training, got 12 in line 1',
    );
    expect(noteFor(music, tableOf([...waltz(4), [[12]]]))).toMatchObject({ lowest: 0, pitches: 128 });
  });

  it('learns what each note by its own last step does not tell', async () => {
    const table = tableOf(waltz(60));
    const trainer = trainerFor('music', table, { hidden: 16, steps: 150, lr: 0.03 });
    await runTrainer(trainer);
    const note = noteFor(music, table);
    const { figures, lines } = music.judge(trainer.network, music.parts(table, note).test!, table, note);
    const { model, baselines, gain } = figures as {
      model: { bitsPerStep: number; f1: number };
      baselines: { lastStep: { bitsPerStep: number } };
      gain: [number, number];
    };
    expect(model.bitsPerStep).toBeLessThan(0.5 * baselines.lastStep.bitsPerStep);
    expect(model.f1).toBeGreaterThan(0.9);
    expect(gain[0]).toBeGreaterThan(0);
    expect(lines.join('\n')).toMatch(
      /better than each note predicted by its own last step by \d+\.\d\d bits/,
    );
    const { names, rows } = music.predict(trainer.network, tableOf([waltz(1)[0]]), note);
    expect(names).toEqual(['piece', 'step', 'notes']);
    expect(rows).toHaveLength(16);
    expect(rows.map(([, step]) => step)).toEqual(Array.from({ length: 16 }, (_, k) => 13 + k));
    expect(rows[0][2]).toMatch(/60 64/);
  });

  it('the bits are the loss, per step and in base two', () => {
    const table = tableOf({ train: waltz(4), test: waltz(5) });
    const note = noteFor(music, table);
    const { network } = trainerFor('music', table);
    const test = music.parts(table, note).test!;
    const { loss } = network.forward(test.batch([0, 1, 2, 3, 4]));
    const { model } = music.judge(network, test, table, note).figures as { model: { bitsPerStep: number } };
    expect(model.bitsPerStep).toBeCloseTo(loss / Math.LN2, 5);
  });

  resumesToTheBit('music', () => Promise.resolve(tableOf(waltz(40))));

  describe('on the command line', () => {
    const folder = mkdtempSync(join(tmpdir(), 'backstep-music-'));
    beforeAll(() => {
      const random = new Random(1);
      const pieces = Array.from({ length: 20 }, () => chords(random, 12));
      writeFileSync(join(folder, 'x.json'), JSON.stringify({ train: pieces, test: pieces.slice(0, 3) }));
    });
    afterAll(() => rmSync(folder, { recursive: true }));

    it('data names the task, and an option of another task is refused', async () => {
      const { stdout } = await backstepIn(folder, 'data', 'x.json');
      expect(stdout).toMatch(/^x\.json: 23 rows, 2 columns; piano rolls\n/);
      expect(stdout).toMatch(/--task music \(lists of notes in notes\)\n$/);
      const { status, stderr } = await backstepIn(folder, 'train', 'x.json', '--class-weights', 'balanced');
      expect(stderr).toContain('--class-weights must be left out with --task music');
      expect(status).toBe(2);
    });
  });
});
