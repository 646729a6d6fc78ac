/** Runs a script of `benchmarks/` or `scripts/`, whose usage is the comment at the top of its file. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { unknown } from '../core/equations/error';
import { CommandError, exitCodes, reportError, usage } from '../terminal/errors';

/** The arguments that a configuration describes. */
export type Arguments<C extends ParseArgsConfig> = ReturnType<typeof parseArgs<C>>;

/**
 * Parses the arguments and runs `main`. `--help` prints the comment at the top of the file. Wrong arguments give a message
 * and exit code 2, any other error its stack trace and exit code 1.
 * @param config as for `parseArgs`; without one, the script takes no arguments.
 * @example void script(__filename, { options: { rounds: { type: 'string', default: '7' } } }, ({ values }) => measure(values))
 */
export async function script<const C extends ParseArgsConfig>(
  file: string,
  config: C,
  main: (given: Arguments<C>) => unknown,
): Promise<void> {
  const name = basename(file).replace(/(\.bench)?\.[tj]s$/, '');
  const isHelp = ['--help', '-h'].some((word) => process.argv.slice(2).includes(word));
  try {
    if (isHelp) process.stdout.write(`${usageIn(readFileSync(file, 'utf8'))}\n`);
    else await main(parsed(config));
  } catch (error) {
    if (error instanceof CommandError) {
      const { message, exitCode, fix = '--help prints the usage' } = error;
      process.exitCode = reportError(new CommandError(message, exitCode, fix), name, false);
    } else {
      console.error(error);
      process.exitCode = exitCodes.failed;
    }
  }
}

/** The comment at the top of a file, as text. */
export function usageIn(source: string): string {
  const [, comment = ''] = /^\/\*\*([^]*?)\*\//.exec(source) ?? [];
  return comment.replace(/^ *\* ?/gm, '').trim();
}

function parsed<C extends ParseArgsConfig>(config: C): Arguments<C> {
  try {
    return parseArgs<C>(config);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (!code?.startsWith('ERR_PARSE_ARGS')) throw error;
    throw usage(inOurWords(code, message, Object.keys(config.options ?? {})));
  }
}

/** Rewords the errors of `parseArgs` in the form of our own messages. */
function inOurWords(code: string, message: string, options: readonly string[]): string {
  const [, quoted = ''] = /'([^']*)'/.exec(message) ?? [];
  const [option] = quoted.split(' ');
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION')
    return unknown(
      'option',
      option,
      options.map((one) => `--${one}`),
    );
  if (code === 'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL') return `unknown argument "${quoted}"`;
  return message.includes('does not take')
    ? `${option} takes no value`
    : `${option} must have a value, got none`;
}
