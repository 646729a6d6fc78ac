#!/usr/bin/env node
/** The command line: registers the commands and reports errors. */
import { Command } from 'commander';
import { reportError } from '../terminal/errors';
import '../terminal/output'; // reports errors in writing output without a stack trace
import { version } from '../terminal/version';
import { columnsOf, wrap } from '../terminal/wrap';

/** Interface of a command's file: it adds the command to the program. */
interface CommandFile {
  add(program: Command): void;
}

/**
 * The commands, each in a file of the same name, in the order of the help. Only the requested command is loaded, by
 * require: import() finds no TypeScript file when run from source.
 */
/* eslint-disable @typescript-eslint/no-require-imports */
const commands: Record<string, () => CommandFile> = {
  train: () => require('./train') as CommandFile,
  sample: () => require('./sample') as CommandFile,
  data: () => require('./data') as CommandFile,
  predict: () => require('./predict') as CommandFile,
  evaluate: () => require('./evaluate') as CommandFile,
  check: () => require('./check') as CommandFile,
  grade: () => require('./grade') as CommandFile,
  referee: () => require('./referee') as CommandFile,
  conformance: () => require('./conformance') as CommandFile,
  suite: () => require('./suite') as CommandFile,
  verify: () => require('./verify') as CommandFile,
  sweep: () => require('./sweep') as CommandFile,
  worker: () => require('./worker') as CommandFile,
  play: () => require('./play') as CommandFile,
  export: () => require('./export') as CommandFile,
  import: () => require('./import') as CommandFile,
  trace: () => require('./trace') as CommandFile,
  flow: () => require('./flow') as CommandFile,
  spectrum: () => require('./spectrum') as CommandFile,
  clockwork: () => require('./clockwork') as CommandFile,
  hopfield: () => require('./hopfield') as CommandFile,
  bench: () => require('./bench') as CommandFile,
  paper: () => require('./paper') as CommandFile,
};
/* eslint-enable @typescript-eslint/no-require-imports */

export const commandNames = Object.keys(commands);

/** Width of help texts: that of the terminal, up to a readable maximum, which is also used for pipes. */
const helpWidth = (): number => Math.min(100, columnsOf(process.stdout));

/** Runs a command; sets process.exitCode. */
export async function main(words: readonly string[]): Promise<void> {
  const wanted = words.find((word) => word in commands) ?? '';
  const debug = words.includes('--debug');
  const program = new Command('backstep')
    .description('Recurrent neural networks, trained by backpropagation through time.')
    .version(version(), '--version')
    .option('--debug', 'print a stack trace for an error')
    .helpCommand(false)
    .exitOverride()
    // wrapped below instead, because commander does not wrap the text that follows its help
    .configureHelp({ helpWidth: Infinity })
    .configureOutput({
      writeOut: (text) => void process.stdout.write(wrap(text, helpWidth())),
      // all errors are printed in one form, below
      outputError: () => undefined,
    });
  const asked = wanted === '' ? Object.values(commands) : [commands[wanted]];
  for (const load of asked) load().add(program);
  for (const command of program.commands) command.option('--debug', 'print a stack trace for an error');
  try {
    await program.parseAsync(words, { from: 'user' });
  } catch (error) {
    process.exitCode = reportError(error, wanted, debug);
  }
}

if (require.main === module) void main(process.argv.slice(2));
