/** Reading what stands on the command line: numbers and names. */
import { nearest } from '../core/nearest';
import { usage } from './errors';

/** A parser of an option's argument, for commander. */
export type Parser<T> = (text: string) => T;

/** Says where an argument stands: `train: --hidden`. */
type Place = string;

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** A whole number of at least `least`; `1e6` will do. */
export const whole =
  (place: Place, least = 1, most = Number.MAX_SAFE_INTEGER): Parser<number> =>
  (text) => {
    const value = DECIMAL.test(text) ? Number(text) : NaN;
    if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
    const range = most === Number.MAX_SAFE_INTEGER ? `>= ${least}` : `in ${least} … ${most}`;
    throw usage(`${place} must be a whole number ${range}, got ${show(text)}`);
  };

/** A number in an interval, with or without its ends. */
export const real =
  (place: Place, fits: (value: number) => boolean, range: string): Parser<number> =>
  (text) => {
    const value = DECIMAL.test(text) ? Number(text) : NaN;
    if (Number.isFinite(value) && fits(value)) return value;
    throw usage(`${place} must be a number${range && ` ${range}`}, got ${show(text)}`);
  };

/** One of a few names. */
export const oneOf =
  <T extends string>(place: Place, names: readonly T[]): Parser<T> =>
  (text) =>
    known(text, names, `${place} must be one of`);

/**
 * One of a few words.
 * @param must begins the message: the words follow.
 * @throws CommandError for anything else, with the word that was probably meant.
 */
export function known<T extends string>(given: unknown, words: readonly T[], must: string): T {
  const found = words.find((word) => word === given);
  if (found !== undefined) return found;
  const text = String(given);
  const near = nearest(text, words);
  throw usage(
    `${must} ${words.join(', ')}, got ${typeof given === 'string' ? show(text) : JSON.stringify(given)}`,
    near === undefined ? undefined : `did you mean ${near}?`,
  );
}

export const show = (text: string): string =>
  text === '' ? "''" : text.length > 60 ? `${text.slice(0, 57)}…` : text;

/** A word as a shell takes it: `'my file.txt'`. */
export const quote = (word: string): string =>
  /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/** A command as whoever started this process can type it: from a clone, or where the package is installed. */
export const commandLine = (text: string): string =>
  `${process.argv[1].endsWith('.ts') ? 'npm run -s backstep --' : 'npx backstep'} ${text}`;
