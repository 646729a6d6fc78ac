/** `backstep paper`: reproduces published results, and shows the paper's figures beside ours. */
import { cpus } from 'node:os';
import type { Command } from 'commander';
import { writeWhole } from '../io/files';
import { Experiment } from '../papers/experiment';
import { drawFigures } from '../papers/figures';
import { papers } from '../papers/list';
import type { Figures, Measure, Paper } from '../papers/paper';
import type { Line } from '../papers/trials';
import { oneOf, whole } from '../terminal/arguments';
import { ProgressBar, barFits } from '../terminal/bar';
import { saving } from '../terminal/errors';
import { onInterrupt } from '../terminal/interrupt';
import { jsonLine, line, table } from '../terminal/output';
import { time } from '../core/format';

const examples = `
Examples:
  backstep paper                          list the papers
  backstep paper chorales --quick         a smoke test: seconds, not minutes
  backstep paper chorales --data jsb.json --svg chorales.svg

Each finished trial is saved at once in the folder of --runs. After Ctrl-C, run the same command again to \
run the remaining trials. Figures depend only on the seed, not on --jobs.
Exit codes: 0 done, 1 failed, 2 bad usage, 130 stopped by Ctrl-C.
`;

interface PaperFlags {
  quick?: boolean;
  seeds?: number;
  data?: string;
  runs: string;
  fresh?: boolean;
  jobs: number;
  svg?: string;
  json?: boolean;
}

/** Adds the command to the program. */
export function add(program: Command): void {
  const at = (option: string): string => `paper: --${option}`;
  const jobs = Math.min(2, cpus().length);
  program
    .command('paper')
    .description('reproduce a published result')
    .argument('[name]', `${papers.map(({ name }) => name).join(', ')}; default: list them`)
    .option('--quick', 'tiny sizes and one seed, as a smoke test')
    .option(
      '--seeds <n>',
      'run every row with seeds 1 … n (default: set by each row)',
      whole(at('seeds'), 1, 1000),
    )
    .option('--data <file>', 'data file, for a paper that needs one')
    .option('--runs <folder>', 'folder of finished trials', 'runs/papers')
    .option('--fresh', 'run finished trials again')
    .option(
      '--jobs <n>',
      `trials run in parallel, each on its own thread (default: ${jobs})`,
      whole(at('jobs'), 1, 64),
    )
    .option('--svg <file>', 'draw the figures')
    .option('--json', 'one JSON object on standard output')
    .addHelpText('after', examples)
    .action(async (name: string | undefined, flags: Partial<PaperFlags>) => {
      if (name === undefined) return list();
      const known = papers.map((paper) => paper.name);
      const paper = papers[known.indexOf(oneOf('paper: the name', known)(name))];
      process.exitCode = await reproduce(paper, { runs: 'runs/papers', jobs, ...flags });
    });
}

function list(): void {
  table(
    ['', 'rows', 'trials', 'needs', ''],
    papers.map((paper) => [paper.name, ...counts(paper), paper.data ? '--data' : '', '']),
  );
  for (const { name, title, citation, figuresFrom } of papers) {
    line();
    line(`${name}: ${title}`);
    line(`  ${citation}`);
    line(`  published figures: ${figuresFrom}`);
  }
}

function counts(paper: Paper): string[] {
  const rows = paper.rows('full');
  return [String(rows.length), String(rows.reduce((sum, { seeds }) => sum + seeds, 0))];
}

/** Runs the command; returns the exit code. */
async function reproduce(paper: Paper, flags: PaperFlags): Promise<number> {
  const { quick = false, json = false, seeds, data, runs, fresh, jobs, svg } = flags;
  const size = quick ? 'quick' : 'full';
  const experiment = new Experiment(paper, { size, seeds, dataFile: data, folder: runs, fresh });
  const say = json ? () => undefined : (text: string) => line(text);
  introduction(experiment, quick).forEach(say);
  const code = await runLeft(experiment, jobs, say, barFits() && !json ? new ProgressBar() : undefined);

  const { finished, trials, digest } = experiment;
  const lines = experiment.lines();
  const { name, citation, figuresFrom } = paper;
  if (json) jsonLine({ paper: name, size, citation, figuresFrom, data: digest, lines, trials: finished });
  else show(paper, lines);
  if (svg !== undefined && lines.length > 0) {
    const picture = await drawFigures(paper, lines);
    saving(() => writeWhole(svg, picture), 'choose another file with --svg');
    say(`wrote ${svg}`);
  }
  if (code === undefined) return 0;
  say(`stopped: ${finished.length} of ${trials.length} trials are done; run the same command to continue`);
  return code;
}

/** The lines that are printed before any trial runs. */
function introduction({ paper, file, standIn, damaged, left, trials }: Experiment, quick: boolean): string[] {
  const known = trials.length - left.length;
  return [
    `${paper.citation}\n${paper.about.map((text) => `  ${text}`).join('\n')}`,
    `  published figures: ${paper.figuresFrom}`,
    ...(quick ? ['  quick: too small to compare with the published figures'] : []),
    ...(standIn ? [`  without --data: ${paper.data?.standIn}`] : []),
    ...(damaged > 0 ? [`  ${damaged} unreadable lines of ${file} are ignored`] : []),
    ...(known > 0 ? [`  ${known} of ${trials.length} trials are already in ${file}`] : []),
  ];
}

/** Runs the remaining trials, or until a signal; returns the signal's exit code, if any. */
async function runLeft(
  experiment: Experiment,
  jobs: number,
  say: (text: string) => void,
  bar: ProgressBar | undefined,
): Promise<number | undefined> {
  const { paper, trials, left } = experiment;
  const before = trials.length - left.length;
  const abort = new AbortController();
  const interrupt = onInterrupt(
    () => abort.abort(),
    () => undefined,
  );
  const started = performance.now();
  try {
    await experiment.run({
      jobs,
      signal: abort.signal,
      onFinished: ({ row, seed }, { figures, seconds }) => {
        bar?.clear();
        say(`${row.name}, seed ${seed}: ${inWords(figures, paper.measures)} (${seconds.toFixed(1)} s)`);
      },
      onProgress: (part) => {
        const rest = ((performance.now() - started) / 1000 / part) * (left.length - part);
        bar?.show((before + part) / trials.length, [
          `trial ${Math.floor(before + part)} of ${trials.length}`,
          `${time(part > 0 ? rest : Infinity)} left`,
        ]);
      },
    });
  } finally {
    interrupt.done();
    bar?.clear();
  }
  return interrupt.code;
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

/** `8.53 ± 0.02`; if not every seed reports the measure, with the number of seeds in the mean. */
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
