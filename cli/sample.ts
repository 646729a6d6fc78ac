/** `backstep sample`: samples text from a trained model. */
import type { Command } from 'commander';
import { trainingSettings } from '../bptt/train/settings';
import { real, whole } from '../terminal/arguments';
import { settingOption } from '../terminal/options';
import { write } from '../text/write';

const examples = `
Examples:
  backstep sample runs/moby-dick
  backstep sample runs/moby-dick/checkpoint.safetensors --prime "Call me" --temperature 0.5
  backstep sample runs/moby-dick --top-k 5 --length 10000 --seed 7 > story.txt

The same seed gives the same text. Low temperatures repeat common phrases, high ones invent.
`;

/** Adds the command to the program. */
export function add(program: Command): void {
  program
    .command('sample')
    .description('generate text with a trained model')
    .argument('<checkpoint>', 'a checkpoint.safetensors, or its folder')
    .option(
      '--temperature <t>',
      'sampling temperature; 0 always picks the most likely symbol',
      real('sample: --temperature', { least: 0 }),
      0.8,
    )
    .option(
      '--top-k <k>',
      'choose only among the k most likely symbols (default: all)',
      whole('sample: --top-k'),
    )
    .option('--prime <text>', 'text to continue (default: the start of a line)')
    .option(
      '--length <n>',
      'characters to generate, or words or byte pairs if the model writes them',
      whole('sample: --length'),
      500,
    )
    .addOption(
      settingOption('sample', 'seed', { ...trainingSettings.seed, help: 'random seed' }, { fills: true }),
    )
    .addHelpText('after', examples)
    .action(write);
}
