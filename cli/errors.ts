/** What a command says when it cannot go on: a sentence, the fix, an exit code. A stack trace only with --debug. */
import { CommanderError } from 'commander';
import { createColors } from 'picocolors';
import { safe } from './safe';

/** 0 is success; 130 and 143 are the shell's own codes for a stop by Ctrl-C, a closed pipe, and SIGTERM. */
export const exitCodes = { failed: 1, usage: 2, interrupted: 130, unheard: 141, terminated: 143 } as const;

/** An error whose message is meant for the user. */
export class CommandError extends Error {
  constructor(
    message: string,
    readonly exitCode: number,
    readonly fix?: string,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}

/** Something the user gave cannot be used: exit code 2. */
export const usage = (message: string, fix?: string, cause?: unknown): CommandError =>
  new CommandError(message, exitCodes.usage, fix, cause);

/** Something went wrong on the way: exit code 1. */
export const failure = (message: string, fix?: string, cause?: unknown): CommandError =>
  new CommandError(message, exitCodes.failed, fix, cause);

/**
 * Runs `work`; an error becomes bad usage with a fix, its message kept.
 * @example using(() => readText(file), 'give a text file')
 */
export function using<T>(work: () => T, fix?: string): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw usage((error as Error).message, fix, error);
  }
}

/** Prints an error on standard error and returns the exit code that goes with it. */
export function report(error: unknown, command: string, debug: boolean): number {
  const { message, fix, exitCode } = understand(error, command);
  const colors = createColors(process.stderr.isTTY && !process.env.NO_COLOR);
  if (exitCode !== 0) {
    process.stderr.write(`${colors.red(safe(message))}\n`);
    if (fix) process.stderr.write(`  ${colors.dim('fix:')} ${fix}\n`);
    if (debug) process.stderr.write(`${trace(error)}\n`);
  }
  return exitCode;
}

function understand(error: unknown, command: string): { message: string; fix?: string; exitCode: number } {
  const help = `${['backstep', command].filter(Boolean).join(' ')} --help lists what there is`;
  const where = command || 'backstep';
  if (error instanceof CommandError) {
    const { message, exitCode } = error;
    return { message, exitCode, fix: error.fix ?? (exitCode === exitCodes.usage ? help : undefined) };
  }
  if (error instanceof CommanderError) {
    // --help and --version have printed what was asked for
    if (error.exitCode === 0) return { message: '', exitCode: 0 };
    if (error.code === 'commander.help')
      return { message: `${where}: a command must be given, got none`, fix: help, exitCode: 2 };
    const [message, ...more] = error.message.replace(/^error: /, '').split('\n');
    const hint = more.join(' ').replace(/^\(D/, 'd').replace(/\)$/, '');
    return { message: `${where}: ${message}`, fix: hint || help, exitCode: exitCodes.usage };
  }
  // the library's own checks of what it was given
  if (error instanceof RangeError || error instanceof TypeError)
    return {
      message: error.message,
      fix: 'see the message; --debug shows where it comes from',
      exitCode: exitCodes.usage,
    };
  const message = error instanceof Error ? error.message : String(error);
  return {
    message: `${where}: ${message}`,
    fix: '--debug shows where this comes from',
    exitCode: exitCodes.failed,
  };
}

function trace(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `\ncaused by ${trace(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
