/** `backstep paper`: published results, run again: the paper's figures and ours side by side. */
import { cpus } from 'node:os';
import type { Command } from 'commander';
import { papers } from '../papers/list';
import type { Paper } from '../papers/paper';
import { oneOf, whole } from '../terminal/arguments';
import { line, table } from '../terminal/output';
import { reproduce, type PaperOptions } from '../papers/reproduce';

const examples = `
Examples:
  backstep paper                          list the papers
  backstep paper chorales --quick         a smoke test: seconds, not minutes
  backstep paper chorales --data jsb.json --svg chorales.svg

Each finished trial is saved at once in the folder of --runs. After Ctrl-C, run the same command again to \
run the remaining trials. Figures depend only on the seed, not on --jobs.
Exit codes: 0 done, 1 failed, 2 bad usage, 130 stopped by Ctrl-C.
`;

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
    .action(async (name: string | undefined, options: Partial<PaperOptions>) => {
      if (name === undefined) return list();
      const known = papers.map((paper) => paper.name);
      const paper = papers[known.indexOf(oneOf('paper: the name', known)(name))];
      process.exitCode = await reproduce(paper, { runs: 'runs/papers', jobs, ...options });
    });
}

function list(): void {
  table(
    ['', 'rows', 'trials', 'needs', ''],
    papers.map((paper) => [paper.name, ...counts(paper), paper.data ? '--data' : '', '']),
  );
  for (const { name, title, citation } of papers) {
    line();
    line(`${name}: ${title}`);
    line(`  ${citation}`);
  }
}

function counts(paper: Paper): string[] {
  const rows = paper.rows('full');
  return [String(rows.length), String(rows.reduce((sum, { seeds }) => sum + seeds, 0))];
}
