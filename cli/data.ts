/** `backstep data`: shows how a table is read, before anything is trained on it. */
import type { Command } from 'commander';
import type * as look from '../learn/look';

const examples = `
Examples:
  backstep data sales.csv
  backstep data reviews.jsonl --json
  cut -f 1,3 big.tsv | backstep data -
`;

/** Adds the command to the program. */
export function add(program: Command): void {
  program
    .command('data')
    .description('show what is in a table: columns, kinds, missing values, classes')
    .argument(
      '<file>',
      'a table of CSV, TSV, JSON or Parquet, CoNLL columns, piano rolls or a folder; - is standard input',
    )
    .option('--json', 'one JSON object on standard output')
    .addHelpText('after', examples)
    .action(async (file: string, options: { json?: boolean }) => {
      // eslint-disable-next-line @typescript-eslint/no-require-imports -- readers of files load when they are needed
      await (require('../learn/look') as typeof look).look(file, options);
    });
}
