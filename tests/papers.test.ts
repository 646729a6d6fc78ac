/** The framework for papers: selection of trials, and summaries of results. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { papers } from '../papers/list';
import type { PaperRow } from '../papers/paper';
import { finishedOf, resultLines, meanAndDeviation, trialsOf, type Finished } from '../papers/trials';

const folder = mkdtempSync(join(tmpdir(), 'backstep-papers-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const finished = (
  row: string,
  seed: number,
  test: number | null,
  more: Partial<Finished> = {},
): Finished => ({
  row,
  seed,
  settings: { hidden: 3 },
  data: null,
  figures: { test },
  seconds: 1,
  ...more,
});
const row = (name: string, seeds: number): PaperRow => ({
  name,
  settings: { hidden: 3 },
  published: { test: 9 },
  seeds,
  run: () => ({ test: 1 }),
});

describe('trials', () => {
  const paper = { ...papers[0], measures: { test: { title: 'test', digits: 1 } } };
  const rows = [row('a', 3), row('b', 1)];

  it('go seed by seed, so that a run that is stopped has something to say of every row', () => {
    const names = (seeds?: number): string[] =>
      trialsOf({ ...paper, rows: () => rows }, 'full', seeds).map(
        (trial) => `${trial.row.name}${trial.seed}`,
      );
    expect(names()).toEqual(['a1', 'b1', 'a2', 'a3']);
    expect(names(2)).toEqual(['a1', 'b1', 'a2', 'b2']);
  });

  it('are done only under the same row, seed, settings and data', () => {
    const trial = { row: rows[0], seed: 2 };
    const one = finished('a', 2, 1);
    expect(finishedOf(trial, null, [one])).toBe(one);
    const others: Partial<Finished>[] = [
      { row: 'b' },
      { seed: 1 },
      { settings: { hidden: 4 } },
      { data: 'x' },
    ];
    for (const other of others) expect(finishedOf(trial, null, [{ ...one, ...other }])).toBeUndefined();
  });

  it('give mean and sample deviation, worked by hand', () => {
    expect(meanAndDeviation([1, 2, 6])).toEqual({ mean: 3, deviation: Math.sqrt(7) });
    expect(meanAndDeviation([4])).toEqual({ mean: 4, deviation: null });
    expect(meanAndDeviation([])).toEqual({ mean: null, deviation: null });
  });

  it('that have nothing to report of a measure are counted, not averaged', () => {
    const lines = resultLines(paper, rows, [
      finished('a', 3, 5),
      finished('a', 1, null),
      finished('a', 2, 1),
    ]);
    expect(lines).toEqual([
      {
        row: 'a',
        measure: 'test',
        published: 9,
        mean: 3,
        deviation: Math.sqrt(8),
        values: [null, 1, 5],
        seconds: 3,
      },
    ]);
  });
});

describe('every paper', () => {
  it.each(papers.map((paper) => [paper.name, paper] as const))('%s is stated in full', (_name, paper) => {
    for (const size of ['full', 'quick'] as const) {
      const rows = paper.rows(size);
      expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
      for (const { published, settings, seeds } of rows) {
        expect(Object.keys(paper.measures)).toEqual(expect.arrayContaining(Object.keys(published)));
        // finished trials are identified by their settings, which must survive serialization
        expect(JSON.parse(JSON.stringify(settings))).toEqual(settings);
        expect(seeds).toBeGreaterThanOrEqual(1);
      }
    }
    expect(paper.rows('full').some(({ published }) => Object.keys(published).length > 0)).toBe(true);
  });
});
