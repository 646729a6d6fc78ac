/** `backstep data`: shows how a table is read, before anything is trained on it. */
import type { Command } from 'commander';
import { addSettings } from '../terminal/options';
import type * as look from '../learn/look';
import { readingSettings } from '../learn/reading';

const examples = `
Examples:
  backstep data sales.csv
  backstep data reviews.jsonl --json
  backstep data measured.txt --header no --separator tab --kinds column1=day/month/year
  cut -f 1,3 big.tsv | backstep data -
`;

/** Adds the command to the program. */
export function add(program: Command): void {
  const command = program
    .command('data')
    .description('show what is in a table: columns, kinds, missing values, classes')
    .argument(
      '<file>',
      'a table (CSV, TSV, JSON, Parquet), CoNLL columns, piano rolls, or a folder; - for standard input',
    )
    .option('--json', 'one JSON object on standard output');
  addSettings(command, readingSettings);
  command.addHelpText('after', examples).action(async (file: string, options: look.LookOptions) => {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- readers of files load when they are needed
    await (require('../learn/look') as typeof look).look(file, options);
  });
}
