/** `backstep sample`: text from a trained model. */
import type { Command } from 'commander';
import { real, whole } from '../terminal/arguments';
import { write } from '../text/write';

const examples = `
Examples:
  backstep sample runs/moby-dick
  backstep sample runs/moby-dick/checkpoint.safetensors --prime "Call me" --temperature 0.5
  backstep sample runs/moby-dick --top-k 5 --length 10000 --seed 7 > story.txt

The same seed gives the same text. Low temperatures repeat what is common, high ones invent.
`;

/** Adds the command to the program. */
export function addSample(program: Command): void {
  program
    .command('sample')
    .description('write text with a trained model')
    .argument('<checkpoint>', 'a checkpoint.safetensors, or the folder it lies in')
    .option(
      '--temperature <t>',
      'how bold to choose; 0 always takes the likeliest',
      real('sample: --temperature', (t) => t >= 0, '>= 0'),
      0.8,
    )
    .option('--top-k <k>', 'choose among the k likeliest only (default: all)', whole('sample: --top-k'))
    .option('--prime <text>', 'text to go on from (default: the start of a line)')
    .option('--length <n>', 'characters to write', whole('sample: --length'), 500)
    .option('--seed <n>', 'seed of the choices', whole('sample: --seed', 0, 2 ** 32 - 1), 0)
    .addHelpText('after', examples)
    .action(write);
}
