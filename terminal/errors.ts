/** Errors of commands: a message, the fix, an exit code. A stack trace only with --debug. */
import { CommanderError } from 'commander';
import { createColors } from 'picocolors';
import { safe } from '../core/safe';
import { columnsOf, wrap } from './wrap';

/** 0 is success; 129 and above are the shell's own codes: a closed terminal, Ctrl-C, a closed pipe, SIGTERM. */
export const exitCodes = {
  ...{ failed: 1, usage: 2 },
  ...{ hungUp: 129, interrupted: 130, unheard: 141, terminated: 143 },
} as const;

/** An error whose message is meant for the user. */
export class CommandError extends Error {
  constructor(
    message: string,
    readonly exitCode: number,
    readonly fix?: string,
    cause?: unknown,
  ) {
    super(safe(message), { cause });
  }
}

/** Bad usage or input: exit code 2. */
export const usage = (message: string, fix?: string, cause?: unknown): CommandError =>
  new CommandError(message, exitCodes.usage, fix, cause);

/** A failure while running: exit code 1. */
export const failure = (message: string, fix?: string, cause?: unknown): CommandError =>
  new CommandError(message, exitCodes.failed, fix, cause);

/**
 * Runs `work`; an error becomes bad usage with a fix, its message kept.
 * @example using(() => readText(file), 'give a text file')
 */
export const using = <T>(work: () => T, fix?: string): T => turning(work, usage, fix);

/**
 * The same for work that writes what was asked for: an error becomes a failure.
 * @example saving(() => writeWhole(svg, picture), 'choose another file with --svg')
 */
export const saving = <T>(work: () => T, fix: string): T => turning(work, failure, fix);

function turning<T>(work: () => T, into: typeof usage, fix?: string): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw into((error as Error).message, fix, error);
  }
}

/** Prints an error on standard error and returns the exit code that goes with it. */
export function reportError(error: unknown, command: string, debug: boolean): number {
  const { message, fix, exitCode } = understand(error, command);
  const colors = createColors(process.stderr.isTTY && !process.env.NO_COLOR);
  if (exitCode !== 0) {
    const fitted = (text: string): string => wrap(safe(text), columnsOf(process.stderr));
    process.stderr.write(`${colors.red(fitted(message))}\n`);
    if (fix) process.stderr.write(`${fitted(`  fix: ${fix}`).replace('fix:', colors.dim('fix:'))}\n`);
    if (debug) process.stderr.write(`${safe(trace(error))}\n`);
  }
  return exitCode;
}

function understand(error: unknown, command: string): { message: string; fix?: string; exitCode: number } {
  const where = command || 'backstep';
  const help = `see ${['backstep', command].filter(Boolean).join(' ')} --help`;
  // a message of the library does not name the command
  const named = (message: string): string => {
    const named = message.startsWith(`${where}: `) || message.startsWith(`${where} `);
    return named ? message : `${where}: ${message}`;
  };
  if (error instanceof CommandError) {
    const { message, exitCode } = error;
    const fix = error.fix ?? (exitCode === exitCodes.usage ? help : undefined);
    return { message: named(message), exitCode, fix };
  }
  if (error instanceof CommanderError) {
    // --help and --version have already printed their text
    if (error.exitCode === 0) return { message: '', exitCode: 0 };
    return { message: `${where}: ${inOurWords(error)}`, fix: help, exitCode: exitCodes.usage };
  }
  // the library's own argument checks
  if (error instanceof RangeError || error instanceof TypeError)
    return { message: named(error.message), fix: help, exitCode: exitCodes.usage };
  const message = error instanceof Error ? error.message : String(error);
  return { message: named(message), fix: '--debug prints a stack trace', exitCode: exitCodes.failed };
}

/** Rewords commander's errors in the form of our own messages. */
function inOurWords({ code, message }: CommanderError): string {
  const [quoted = ''] = Array.from(message.matchAll(/'([^']*)'/g), ([, words]) => words);
  const [allowed, given] = Array.from(message.matchAll(/\d+/g), ([digits]) => digits).slice(-2);
  const near = /\(Did you mean (?:one of )?(.+)\?\)/.exec(message)?.[1];
  const hint = near === undefined ? '' : ` (did you mean ${near}?)`;
  switch (code) {
    case 'commander.help':
      return 'a command must be given, got none';
    case 'commander.unknownCommand':
      return `unknown command "${quoted}"${hint}`;
    case 'commander.unknownOption':
      return `unknown option "${quoted}"${hint}`;
    case 'commander.optionMissingArgument':
      return `${quoted} must have a value, got none`;
    case 'commander.missingArgument':
    case 'commander.missingMandatoryOptionValue':
      return `${quoted} must be given, got none`;
    case 'commander.excessArguments':
      return `at most ${allowed} argument${allowed === '1' ? '' : 's'} must be given, got ${given}`;
    default:
      return message.replace(/^error: /, '');
  }
}

function trace(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `\ncaused by ${trace(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
