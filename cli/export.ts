/** `backstep export`: writes a trained network in the formats of other engines. */
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { decodeCheckpoint } from '../io/checkpoint';
import { fileIn, readWhole, writeWhole } from '../io/files';
import { allFormats, exportOptions, ONE, writers } from '../io/formats';
import { oneOf, quote } from '../terminal/arguments';
import { saving, usage, using } from '../terminal/errors';
import { count } from '../core/format';
import { addSettings, flagOf } from '../terminal/options';
import { line, noteLine } from '../terminal/output';
import { CHECKPOINT } from '../run/settings';
import type * as learn from '../learn/preparation';
import { settingsIn } from '../text/trainer';

interface ExportOptions extends Record<string, unknown> {
  to: string;
  out?: string;
}

const examples = (): string => `
Formats:
${allFormats()
  .filter(({ write }) => write)
  .map(({ name, help }) => `  ${name.padEnd(16)}${help}`)
  .join('\n')}

Examples:
  backstep export runs/moby-dick --to onnx
  backstep export runs/moby-dick --to onnx --states --out step.onnx
  backstep export runs/moby-dick --to torch-script-py --out pytorch
  backstep export runs/sales --to onnx                 with the columns and scales as JSON beside it
  torchrun --nproc_per_node 2 pytorch/model.py --train 100 --text book.txt
`;

/** Adds the command to the program. */
export function add(program: Command): void {
  const names = Object.keys(writers());
  const command = program
    .command('export')
    .description('write a trained network in the format of another framework')
    .argument('<checkpoint>', 'a checkpoint.safetensors, or its folder')
    .requiredOption('--to <format>', names.join(', '), oneOf('export: --to', names))
    .option('--out <path>', 'the file or folder to write (default: next to the checkpoint)');
  for (const [name, { options = {} }] of Object.entries(writers()))
    for (const [option, setting] of Object.entries(options))
      addSettings(command, { [option]: { ...setting, help: `${name}: ${setting.help}` } });
  command.addHelpText('after', examples()).action(exportTo);
}

function exportTo(given: string, options: ExportOptions): void {
  const format = writers()[options.to];
  const misplaced = Object.keys(exportOptions()).find(
    (key) => options[key] !== undefined && !Object.hasOwn(format.options ?? {}, key),
  );
  if (misplaced !== undefined) {
    const [owner] = Object.entries(writers()).find(([, { options: own }]) => own && misplaced in own) ?? [];
    throw usage(
      `export: --${flagOf(misplaced)} must be left out with --to ${options.to}, got it`,
      `use it only with --to ${owner}`,
    );
  }
  const file = using(() => fileIn(given, CHECKPOINT));
  const bytes = using(() => readWhole(file), 'create one with backstep train or backstep import');
  const checkpoint = using(
    () => decodeCheckpoint(bytes, { file }),
    'the file is damaged or not a checkpoint; backstep import reads files of other frameworks',
  );
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- tasks load when they are needed
  const { preparationOf, preparationPath, withBestWeights } = require('../learn/preparation') as typeof learn;
  withBestWeights(checkpoint);
  const preparation = using(() => preparationOf(checkpoint), 'the file is damaged');
  const { batch: B, seq: T, clip, schedule, begun, plateau } = settingsIn(checkpoint) ?? {};
  if (plateau !== undefined && options.to === 'torch-script-py')
    noteLine('export: the plateau of the run is not exported; model.py --train keeps the learning rate');
  const exported = {
    ...checkpoint,
    ...{ B, T, clip: clip ?? undefined, schedule, begun },
    ...(preparation && { preparation }),
  };
  const files = using(() => format.files(exported, options), 'try another format: --to safetensors');
  const out = options.out ?? join(dirname(file), format.path);
  const all = Object.entries(files).map(
    ([name, contents]) => [name === ONE ? out : join(out, name), contents] as const,
  );
  const beside =
    preparation === undefined
      ? []
      : [[preparationPath(out, !(ONE in files)), `${JSON.stringify(preparation, null, 2)}\n`] as const];
  for (const [path, contents] of [...all, ...beside]) {
    saving(() => writeWhole(path, contents), 'choose another path with --out');
    line(`wrote ${path} (${count(Math.ceil(contents.length / 1024))} kB)`);
  }
  line(`use   ${format.use(out, exported, options, quote)}`);
}
