/** `backstep evaluate`: evaluates a trained model on a file, compared with simple baselines. */
import type { Command } from 'commander';
import { usingSettings } from '../learn/reading';
import type * as use from '../learn/use';
import { addSettings } from '../terminal/options';

const examples = `
Examples:
  backstep evaluate runs/sales sales.csv               on the part that training never saw
  backstep evaluate runs/sales newer.csv --out figures
  backstep evaluate runs/sales newer.csv --json
  backstep evaluate runs/moby-dick other.txt           bits per character, beside a trigram

Of the file that the model was trained on, only the test part counts; of another file with dates, only the rows after \
the last one of the training; of any other, all rows. Of a text that the model was trained on, only the validation part counts. The interval, by bootstrap, shows how much a figure may differ by chance.
`;

/** Adds the command to the program. */
export function add(program: Command): void {
  const command = program
    .command('evaluate')
    .description('measure a trained model on a table or a text')
    .argument('<checkpoint>', 'a checkpoint.safetensors, or its folder')
    .argument(
      '<file>',
      'a table (CSV, TSV, JSON, Parquet), CoNLL columns, piano rolls, a text, or a folder; - for standard input',
    )
    .option('--out <dir>', 'folder for pictures (default: none)')
    .option('--json', 'one JSON object on standard output');
  addSettings(command, usingSettings);
  command
    .addHelpText('after', examples)
    .action(async (checkpoint: string, file: string, options: use.UseOptions) => {
      // eslint-disable-next-line @typescript-eslint/no-require-imports -- readers of files load when they are needed
      await (require('../learn/use') as typeof use).evaluateModel(checkpoint, file, options);
    });
}
