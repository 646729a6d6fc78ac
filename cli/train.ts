/** `backstep train`: trains a network on a file, and saves it as a checkpoint. */
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { trainingSettings } from '../bptt/train/settings';
import { known, show, whole } from '../terminal/arguments';
import { usage } from '../terminal/errors';
import { addSettings, settingOption } from '../terminal/options';
import type { Setting } from '../core/setting';
import { readCellChoice } from '../run/cellchoice';
import { readingSettings } from '../learn/reading';
import { tokenKinds } from '../learn/symbols';
import { sharedSettings, taskNames, taskSettings, tasks } from '../learn/tasks';
import type * as learn from '../learn/train';
import { readSchedule } from '../run/settings';

const examples = `
Tasks:
  text           the next character, word or byte pair of a text
${tasks.map(({ name, about }) => `  ${name.padEnd(15)}${about}`).join('\n')}

Without --task, the file decides if it clearly fits one task: .txt and .md are texts.

Examples:
  backstep train                                       the default text, for a minute
  backstep train --text book.txt --cell lstm --hidden 128 --seconds 600
  backstep train letters/*.txt --tokens words          several files, word by word
  backstep train book.txt --tokens gpt2/tokenizer.json byte pairs of a tokenizer of your own
  backstep train --text book.txt --steps 5000 --schedule warmup:100,cosine:5000
  backstep train --resume runs/book --steps 10000      continue where it stopped
  backstep train --resume runs/book --text new.txt     go on with another text
  backstep train --resume mine.safetensors --text a.txt  go on with a model that a program saved
  backstep train sales.csv --task forecast --target amount --horizon 7 --window 28
  backstep train reviews.csv --task classify --label stars --tokens words --class-weights balanced
  backstep train sensors.csv --task classify --group machine --label state --inputs force,heat
  backstep train sentences.conll --task tag
  backstep train pairs.tsv --task translate --tokens words --header no --inputs column1 --target column2
  backstep train names.csv --task generate --target name
  backstep train chorales.json --task music
  backstep train --json | jq 'select(.event == "validation")'

While it trains, it prints bits per character on the training text, a running mean over about the last ten steps, \
and beside them those on the validation text, the last 5 % of the text, when they were last measured. Fewer are better; \
guessing among K characters takes log2 K. In the events of --json, bits is the same mean, and loss is in nats per \
character (1 nat is 1.443 bits): of this step's batch alone, or of the validation text. With --tokens words, all is per word, and with a file of byte pairs per pair.

Ctrl-C saves and says how to go on; a second Ctrl-C stops at once. With --seed, --steps and --threads, runs are \
equal to the bit.
Exit codes: 0 done, 1 failed, 2 bad usage; stopped and saved: 129 by a closed terminal, 130 by Ctrl-C, 141 by a \
reader that has gone, 143 by SIGTERM.
`;

const taskSetting = {
  ...{ kind: 'choice', label: 'Task', unit: 'name', help: 'what to learn', otherwise: 'by the file' },
  names: () => ['text', ...taskNames],
} as const satisfies Setting;

/** Adds the command to the program. */
export function add(program: Command): void {
  const command = program
    .command('train')
    .description('train a network on a text, or on a table of your own')
    .argument(
      '[files...]',
      'one or more texts, a table (CSV, TSV, JSON, Parquet), CoNLL columns, piano rolls, or a folder with a subfolder for each class; - for standard input',
    )
    .addOption(settingOption('train', 'task', taskSetting));
  addSettings(command, trainingSettings, (name) => (name === 'cell' ? { read: readForwardCell } : {}));
  const own = {
    ...taskSettings,
    patience: sharedSettings.patience,
    plateau: sharedSettings.plateau,
    ...readingSettings,
  };
  addSettings(command, own, (name) => (name === 'tokens' ? { read: readTokens } : {}));
  command
    .option(
      '--save-every <steps>',
      'save every n steps, in addition to every 30 seconds',
      whole('train: --save-every'),
    )
    .option('--out <dir>', 'folder for checkpoint and loss curve (default: runs/NAME-OF-TEXT)')
    .option('--fresh', 'replace an earlier model in that folder instead of renaming it')
    .option('--resume <checkpoint>', 'resume from a checkpoint, or from its folder')
    .option('--json', 'one JSON object per line on standard output')
    .addHelpText('after', examples)
    .action(async (files: string[], options: learn.Options) => {
      // refused here, before any text is read
      const { schedule, steps = 1 } = options;
      if (schedule !== undefined) readSchedule(String(schedule), Number(steps));
      // eslint-disable-next-line @typescript-eslint/no-require-imports -- readers of files load when they are needed
      const { trainTask: train } = require('../learn/train') as typeof learn;
      process.exitCode = await train(files, options);
    });
}

/** The symbols of a text, or a file, which is read when the text is. */
const readTokens = (word: string): string =>
  existsSync(word) || /[./\\]/.test(word)
    ? word
    : known(word, tokenKinds, 'train: --tokens must be a file of byte pairs, or one of');

function readForwardCell(text: string): string {
  if (/^bi-?(directional|lstm|gru|rnn|elman)/i.test(text))
    throw usage(
      `train: --cell must predict what comes next, got ${show(text)} (it is bidirectional: in training it would see the characters it must predict, and when generating there is no future to read)`,
    );
  return readCellChoice(text, 'train: --cell');
}
