#!/usr/bin/env node
/** The command line: one entry, one file for each command. */
import { Command } from 'commander';
import { report } from '../terminal/errors';
import '../terminal/output'; // what cannot be written must not end in a stack trace
import { version } from '../terminal/version';
import { columnsOf, wrap } from '../terminal/wrap';
import type * as Bench from './bench';
import type * as Check from './check';
import type * as ExportCommand from './export';
import type * as FlowCommand from './flow';
import type * as Clockwork from './clockwork';
import type * as HopfieldCommand from './hopfield';
import type * as ImportCommand from './import';
import type * as PaperCommand from './paper';
import type * as Play from './play';
import type * as Referee from './referee';
import type * as Sample from './sample';
import type * as SpectrumCommand from './spectrum';
import type * as Sweep from './sweep';
import type * as Train from './train';
import type * as Verify from './verify';
import type * as WorkerCommand from './worker';

/**
 * Commands and the files that add them. Only the file of the command that is asked for is loaded, by require: import()
 * finds no TypeScript file when run from source.
 */
/* eslint-disable @typescript-eslint/no-require-imports */
const commands: Record<string, () => (program: Command) => void> = {
  train: () => (require('./train') as typeof Train).addTrain,
  sample: () => (require('./sample') as typeof Sample).addSample,
  check: () => (require('./check') as typeof Check).addCheck,
  referee: () => (require('./referee') as typeof Referee).addReferee,
  verify: () => (require('./verify') as typeof Verify).addVerify,
  sweep: () => (require('./sweep') as typeof Sweep).addSweep,
  worker: () => (require('./worker') as typeof WorkerCommand).addWorker,
  play: () => (require('./play') as typeof Play).addPlay,
  export: () => (require('./export') as typeof ExportCommand).addExport,
  import: () => (require('./import') as typeof ImportCommand).addImport,
  flow: () => (require('./flow') as typeof FlowCommand).addFlow,
  spectrum: () => (require('./spectrum') as typeof SpectrumCommand).addSpectrum,
  clockwork: () => (require('./clockwork') as typeof Clockwork).addClockwork,
  hopfield: () => (require('./hopfield') as typeof HopfieldCommand).addHopfield,
  bench: () => (require('./bench') as typeof Bench).addBench,
  paper: () => (require('./paper') as typeof PaperCommand).addPaper,
};
/* eslint-enable @typescript-eslint/no-require-imports */

/** Columns of a help text: those of the terminal, up to what is comfortable to read, which is what a pipe gets. */
const helpWidth = (): number => Math.min(100, columnsOf(process.stdout));

/** Runs a command; what it comes to is in process.exitCode. */
export async function main(words: readonly string[]): Promise<void> {
  const wanted = words.find((word) => word in commands) ?? '';
  const debug = words.includes('--debug');
  const program = new Command('backstep')
    .description('Recurrent neural networks, trained by backpropagation through time.')
    .version(version(), '--version')
    .option('--debug', 'print a stack trace for an error')
    .helpCommand(false)
    .exitOverride()
    // help is broken to the width of the terminal here: of what stands at the end of it commander breaks nothing
    .configureHelp({ helpWidth: Infinity })
    .configureOutput({
      writeOut: (text) => void process.stdout.write(wrap(text, helpWidth())),
      // errors are told in one form, below
      outputError: () => undefined,
    });
  const asked = wanted === '' ? Object.values(commands) : [commands[wanted]];
  for (const load of asked) load()(program);
  for (const command of program.commands) command.option('--debug', 'print a stack trace for an error');
  try {
    await program.parseAsync(words, { from: 'user' });
  } catch (error) {
    process.exitCode = report(error, wanted, debug);
  }
}

if (require.main === module) void main(process.argv.slice(2));
