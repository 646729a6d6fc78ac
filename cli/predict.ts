/** `backstep predict`: predicts a file with a trained model. */
import type { Command } from 'commander';
import { usingSettings } from '../learn/reading';
import type * as use from '../learn/use';
import { addSettings } from '../terminal/options';

const examples = `
Examples:
  backstep predict runs/sales sales.csv
  backstep predict runs/sales sales.csv --out forecast.csv
  tail -n 100 sensor.jsonl | backstep predict runs/sensor - --json
  tail -f sensor.jsonl | backstep predict runs/sensor - --json --follow

The file needs the columns that the model was trained on, without labels. A forecast continues after the last row of each \
series; a classifier gives the label of each row, group or file, and a tagger that of each token, with probabilities; a \
translator or generator writes a sequence for each row, and a model of music a continuation of each piece. The file is \
prepared as in training: scales, symbols and labels are in the checkpoint.

From standard input, a row, a sentence or a piece is predicted as soon as it has arrived, a series when the input ends; with --follow, \
a forecast is made after each row, and a series is labeled when the next one begins.
`;

/** Adds the command to the program. */
export function add(program: Command): void {
  const command = program
    .command('predict')
    .description('apply a trained model to a table')
    .argument('<checkpoint>', 'a checkpoint.safetensors, or its folder')
    .argument(
      '<file>',
      'a table (CSV, TSV, JSON, Parquet), CoNLL columns, piano rolls, or a folder; - for standard input',
    )
    .option('--out <file>', 'the file to write (default: standard output)')
    .option('--json', 'JSON lines instead of CSV')
    .option('--follow', 'predict series of standard input while they arrive');
  addSettings(command, usingSettings);
  command
    .addHelpText('after', examples)
    .action(async (checkpoint: string, file: string, options: use.UseOptions) => {
      // eslint-disable-next-line @typescript-eslint/no-require-imports -- readers of files load when they are needed
      await (require('../learn/use') as typeof use).predict(checkpoint, file, options);
    });
}
