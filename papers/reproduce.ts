/** Runs the trials of a paper that are left to run, and shows what all of them say. */
import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Bar, barFits } from '../terminal/bar';
import { readUtf8, readWhole, writeWhole } from '../io/files';
import { Records } from '../io/records';
import { fingerprint } from '../text/read';
import type { Figures, Measure, Paper, Size } from './paper';
import { runTrials } from './run';
import {
  finishedOf,
  finishedSchema,
  linesOf,
  trialsOf,
  type Finished,
  type Line,
  type Trial,
} from './trials';
import { saving, usage, using } from '../terminal/errors';
import { time } from '../run/told';
import { drawFigures } from './figures';
import { onInterrupt } from '../terminal/interrupt';
import { jsonLine, line, table } from '../terminal/output';

export interface PaperOptions {
  quick?: boolean;
  seeds?: number;
  data?: string;
  runs: string;
  fresh?: boolean;
  jobs: number;
  svg?: string;
  json?: boolean;
}

/** Returns the exit code. */
export async function reproduce(paper: Paper, options: PaperOptions): Promise<number> {
  const { quick = false, json = false, jobs, svg } = options;
  const size: Size = quick ? 'quick' : 'full';
  const digest = readData(paper, size, options.data);
  const file = join(options.runs, `${paper.name}${quick ? '-quick' : ''}.jsonl`);
  if (options.fresh) rmSync(file, { force: true });
  const records = saving(() => new Records(file, finishedSchema), 'choose another folder with --runs');
  const trials = trialsOf(paper, size, options.seeds);
  const done = (trial: Trial): Finished | undefined => finishedOf(trial, digest, records.all);
  const left = trials.filter((trial) => !done(trial));

  const say = json ? () => undefined : (text: string) => line(text);
  say(`${paper.citation}\n${paper.about.map((text) => `  ${text}`).join('\n')}`);
  if (quick) say('  quick: too small to compare with the published figures');
  if (paper.data && digest === null) say(`  without --data: ${paper.data.standIn}`);
  if (records.damaged > 0) say(`  ${records.damaged} unreadable lines of ${file} are ignored`);
  if (left.length < trials.length)
    say(`  ${trials.length - left.length} of ${trials.length} trials are already in ${file}`);

  const abort = new AbortController();
  const interrupt = onInterrupt(
    () => abort.abort(),
    () => undefined,
  );
  const bar = barFits() && !json ? new Bar() : undefined;
  const started = performance.now();
  try {
    await runTrials(
      left,
      ({ row, seed }) => ({
        paper: paper.name,
        size,
        row: row.name,
        seed,
        ...(options.data !== undefined && { dataFile: resolve(options.data) }),
      }),
      {
        jobs,
        signal: abort.signal,
        onFinished: ({ row, seed }, { figures, seconds }) => {
          const settings = row.settings;
          records.add({ row: row.name, seed, settings, data: digest, figures, seconds });
          bar?.clear();
          say(`${row.name}, seed ${seed}: ${inWords(figures, paper.measures)} (${seconds.toFixed(1)} s)`);
        },
        onProgress: (part) => {
          const before = trials.length - left.length;
          const rest = ((performance.now() - started) / 1000 / part) * (left.length - part);
          bar?.show((before + part) / trials.length, [
            `trial ${Math.floor(before + part)} of ${trials.length}`,
            `${time(part > 0 ? rest : Infinity)} left`,
          ]);
        },
      },
    );
  } finally {
    interrupt.done();
    bar?.clear();
  }

  const finished = trials.map(done).filter((one) => one !== undefined);
  const standIn = paper.data !== undefined && digest === null;
  const rows = paper.rows(size).map((row) => (standIn ? { ...row, published: {} } : row));
  const lines = linesOf(paper, rows, finished);
  if (json)
    jsonLine({
      paper: paper.name,
      size,
      citation: paper.citation,
      data: digest,
      lines,
      trials: finished,
    });
  else show(paper, lines);
  if (svg !== undefined && lines.length > 0) {
    const picture = await drawFigures(paper, lines);
    saving(() => writeWhole(svg, picture), 'choose another file with --svg');
    say(`wrote ${svg}`);
  }
  if (interrupt.code === undefined) return 0;
  say(`stopped: ${finished.length} of ${trials.length} trials are done; run the same command to continue`);
  return interrupt.code;
}

/** SHA-256 of the data file; null when there is none, which the quick size can do without. */
function readData({ name, data }: Paper, size: Size, file: string | undefined): string | null {
  if (!data) {
    if (file !== undefined)
      throw usage(`paper ${name}: --data must be left out, got ${file} (this paper needs no data)`);
    return null;
  }
  if (file === undefined) {
    if (size === 'quick') return null;
    throw usage(
      `paper ${name}: --data must be given, got none (${data.what})`,
      `backstep paper ${name} --data FILE, or --quick without a file`,
    );
  }
  const bytes = using(() => readWhole(file), data.what);
  using(() => data.read(readUtf8(file)), data.what);
  return fingerprint(bytes);
}

const inWords = (figures: Figures, measures: Paper['measures']): string =>
  Object.entries(measures)
    .filter(([key]) => key in figures)
    .map(([key, measure]) => `${measure.title} ${number(figures[key], measure)}`)
    .join(', ');

function show(paper: Paper, lines: readonly Line[]): void {
  line();
  table(
    ['', 'measure', 'published', 'here', 'seeds', 'seconds'],
    lines.map((one, k) => {
      const measure = paper.measures[one.measure];
      const first = lines[k - 1]?.row !== one.row;
      return [
        first ? one.row : '',
        measure.title,
        typeof one.published === 'number' ? number(one.published, measure) : (one.published ?? '–'),
        meanOf(one, measure),
        String(one.values.length),
        first ? one.seconds.toFixed(0) : '',
      ];
    }),
  );
}

/** `8.53 ± 0.02`; where not every seed reports it, of how many it is the mean. */
function meanOf({ mean, deviation, values }: Line, measure: Measure): string {
  const there = values.filter((value) => value !== null).length;
  if (mean === null) return `none of ${values.length}`;
  const text =
    deviation === null ? number(mean, measure) : `${number(mean, measure)} ± ${number(deviation, measure)}`;
  return there < values.length ? `${text} (${there} of ${values.length})` : text;
}

const number = (value: number | null, { digits }: Measure): string =>
  value === null
    ? '–'
    : value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
