/** `backstep train`: a character model of a text, from the first step to a checkpoint that can be sampled. */
import type { Command } from 'commander';
import { executorNames } from '../core/executor';
import { oneOf, real, show, whole } from '../terminal/arguments';
import { usage } from '../terminal/errors';
import { cellNames, readCell } from '../text/cellchoice';
import type { OptimizerName } from '../bptt/train/optimizers';
import { optimizerNames } from '../bptt/train/updates';
import { defaults, dtypes, MOST_LAYERS, readSchedule, scheduleForms } from '../text/settings';
import { train, type TrainOptions } from '../text/run';

const examples = `
Examples:
  backstep train                                       the default text, for a minute
  backstep train --text book.txt --cell lstm --hidden 128 --seconds 600
  backstep train --text book.txt --steps 5000 --schedule warmup:100,cosine:5000
  backstep train --resume runs/book --steps 10000      go on where it stopped
  backstep train --json | jq 'select(.event == "validation")'

While it trains: bits per character on the text that is learnt, a running mean over about the last ten steps, \
and beside it those on the validation text, the last 5 % of it, when they were last measured. Fewer are better; \
guessing among K characters takes log2 K. In the events of --json, bits is the same mean, and loss is in nats per \
character (1 nat is 1.443 bits): of this step's batch alone, or of the validation text.

Ctrl-C saves and says how to go on; a second Ctrl-C stops at once. With --seed, --steps and --threads, runs are \
equal to the bit.
Exit codes: 0 done, 1 failed, 2 bad usage; stopped and saved: 129 by a closed terminal, 130 by Ctrl-C, 141 by a \
reader that has gone, 143 by SIGTERM.
`;

/** Adds the command to the program. */
export function addTrain(program: Command): void {
  const at = (option: string): string => `train: --${option}`;
  const d = defaults;
  program
    .command('train')
    .description('train a character model on a text')
    .option('--text <file>', 'text to train on, in UTF-8 (default: a novel, installed with a clone)')
    .option(
      '--cell <name or file>',
      `${cellNames.join(', ')} (default: ${d.cell}); or a file with the equations of your own`,
      readForwardCell,
    )
    .option('--layers <n>', `layers (default: ${d.layers})`, whole(at('layers'), 1, MOST_LAYERS))
    .option('--hidden <n>', `units in each layer (default: ${d.hidden})`, whole(at('hidden')))
    .option(
      '--embedding <n>',
      'width of an embedding of the characters (default: none)',
      whole(at('embedding')),
    )
    .option('--batch <n>', `streams of text in a batch (default: ${d.batch})`, whole(at('batch')))
    .option('--seq <n>', `time steps per chunk of backpropagation (default: ${d.seq})`, whole(at('seq')))
    .option(
      '--optimizer <name>',
      `${optimizerNames().join(', ')} (default: ${d.optimizer})`,
      oneOf(at('optimizer'), optimizerNames() as OptimizerName[]),
    )
    .option(
      '--lr <rate>',
      `learning rate (default: ${d.lr})`,
      real(at('lr'), (x) => x > 0, '> 0'),
    )
    .option(
      '--schedule <name>',
      `${scheduleForms.join(', ')}; warmup:STEPS before it (default: ${d.schedule})`,
    )
    .option('--clip <norm>', `maximum global gradient norm, or off (default: ${d.clip})`, readClip)
    .option(
      '--dropout <p>',
      `fraction of units dropped after each layer (default: ${d.dropout})`,
      real(at('dropout'), (x) => x >= 0 && x < 1, '>= 0 and < 1'),
    )
    .option(
      '--seed <n>',
      `seed of weights, dropout and samples (default: ${d.seed})`,
      whole(at('seed'), 0, 2 ** 32 - 1),
    )
    .option('--dtype <type>', `${dtypes.join(' or ')} (default: ${d.dtype})`, oneOf(at('dtype'), dtypes))
    .option('--steps <n>', 'stop after this step, counting resumed steps too', whole(at('steps')))
    .option(
      '--seconds <s>',
      `stop after this many seconds (default: ${d.seconds} without --steps)`,
      real(at('seconds'), (x) => x > 0, '> 0'),
    )
    .option(
      '--save-every <steps>',
      'save every n steps, in addition to every 30 seconds',
      whole(at('save-every')),
    )
    .option('--out <dir>', 'folder for checkpoint and loss curve (default: runs/NAME-OF-TEXT)')
    .option('--fresh', 'replace an earlier model in that folder instead of renaming it')
    .option('--resume <checkpoint>', 'resume from a checkpoint, or from its folder')
    .option(
      '--executor <name>',
      `${executorNames.join(', ')}: how to compute (default: the fastest available)`,
      oneOf(at('executor'), executorNames),
    )
    .option(
      '--threads <n>',
      'threads that split each batch (default: up to 4, if that is faster)',
      whole(at('threads'), 1, 64),
    )
    .option('--json', 'one JSON object per line on standard output')
    .addHelpText('after', examples)
    .action(async (options: TrainOptions) => {
      // refused here, before any text is read
      if (options.schedule !== undefined) readSchedule(options.schedule, options.steps ?? 1);
      process.exitCode = await train(options);
    });
}

function readForwardCell(text: string): string {
  if (/^bi-?(directional|lstm|gru|rnn|elman)/i.test(text))
    throw usage(
      `train: --cell must predict what comes next, got ${show(text)} (it is bidirectional: in training it would see the characters it must predict, and when generating there is no future to read)`,
    );
  return readCell(text, 'train: --cell');
}

function readClip(text: string): number | 'off' {
  if (text === 'off') return 'off';
  return real('train: --clip', (x) => x > 0, '> 0, or off')(text);
}
