/** Parses command-line arguments: numbers, names, and values of settings. */
import { shortened } from '../core/format';
import { nearest } from '../core/nearest';
import {
  parseDecimal,
  isWithinBounds,
  intervalInWords,
  settingInWords,
  valueOf,
  type Interval,
  type Setting,
  type Value,
} from '../core/setting';
import { usage } from './errors';

/** A parser of an option's argument, for commander. */
export type Parser<T> = (text: string) => T;

/** The place of an argument, for messages: `train: --hidden`. */
type Place = string;

/** A number in an interval; `1e6` is allowed. */
export const real =
  (place: Place, interval: Interval = {}): Parser<number> =>
  (text) => {
    const value = parseDecimal(text);
    if (isWithinBounds(interval, value)) return value;
    throw usage(`${place} must be ${intervalInWords(interval)}, got ${show(text)}`);
  };

/** A whole number of at least `least`. */
export const whole = (place: Place, least = 1, most?: number): Parser<number> =>
  real(place, { whole: true, least, most });

/** A value of a setting. */
export const setting =
  <S extends Setting>(place: Place, of: S): Parser<Value<S>> =>
  (text) => {
    if (of.kind === 'choice') known(text, of.names(), `${place} must be one of`);
    const value = valueOf(of, text);
    if (value !== undefined) return value;
    throw usage(`${place} must be ${settingInWords(of)}, got ${show(text)}`);
  };

/** One of a few names. */
export const oneOf =
  <T extends string>(place: Place, names: readonly T[]): Parser<T> =>
  (text) =>
    known(text, names, `${place} must be one of`);

/**
 * One of a few words.
 * @param must the beginning of the message; the allowed words follow.
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

export const show = (text: string): string => (text === '' ? "''" : shortened(text));

/** Quotes a word for a shell: `'my file.txt'`. */
export const quote = (word: string): string =>
  /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/** A command as the user can type it, from a clone or from an installed package. */
export const commandLine = (text: string): string =>
  `${process.argv[1].endsWith('.ts') ? 'npm run -s backstep --' : 'npx backstep'} ${text}`;
