/** The settings of `backstep train` that a trial can have, as a configuration states them. */
import * as v from 'valibot';
import { executorNames } from '../core/executor';
import { known } from '../terminal/arguments';
import { knownCell } from '../text/cellchoice';
import { usage } from '../terminal/errors';
import { MOST_LAYERS, settingsSchema } from '../text/settings';

const { cell, layers, hidden, batch, seq, optimizer, lr, dropout, seed, dtype } = settingsSchema.entries;
const values = {
  ...{ cell, layers, hidden, batch, seq, optimizer, lr, dropout, seed, dtype },
  executor: v.picklist(executorNames),
  text: v.string(),
  /** null for none, among the values of a list. */
  embedding: v.nullable(hidden),
  schedule: v.string(),
  clip: v.union([lr, v.literal('off')]),
  steps: hidden,
};
export type Name = keyof typeof values;
const names = Object.keys(values) as Name[];

/** What a value must be; one of a list of names where nothing is said here. */
const inWords: Partial<Record<Name, string>> = {
  lr: 'a number > 0',
  dropout: 'a number >= 0 and < 1',
  layers: `a whole number in 1 … ${MOST_LAYERS}`,
  seed: 'a whole number in 0 … 4294967295',
  text: 'the name of a file',
  embedding: 'a whole number >= 1, or null',
  schedule: 'text, as for --schedule',
  clip: 'a number > 0, or "off"',
};
/** Settings that no trial can have, and why. */
const refused: Record<string, string> = {
  seconds: 'what a trial reaches must not depend on the machine: give steps',
  threads: 'trials run side by side, each on one thread: --jobs says how many',
};

export const isNumeric = (name: Name): boolean => [1, 0.5].some((one) => v.is(values[name], one));
/** Draws of such a setting from a range are rounded. */
export const isWhole = (name: Name): boolean => isNumeric(name) && !v.is(values[name], 0.5);

/** @throws CommandError for a name that is none of a setting, or of one that no trial can have. */
export function nameOf(given: string, place: string): Name {
  if (Object.hasOwn(refused, given))
    throw usage(`sweep: ${place}: ${given} must be left out, got one (${refused[given]})`);
  return known(given, names, `sweep: ${place} must be among`);
}

/**
 * A value that the setting can have.
 * @throws CommandError when it cannot.
 */
export function checked(name: Name, value: unknown, place: string): unknown {
  if (name === 'cell') return knownCell(value, `sweep: ${place}: cell`);
  const schema = values[name];
  const result = v.safeParse(schema, value);
  if (result.success) return result.output ?? undefined;
  const where = `sweep: ${place}: ${name} must be`;
  if ('options' in schema && schema.type === 'picklist')
    return known(value, schema.options as readonly string[], `${where} one of`);
  throw usage(
    `${where} ${inWords[name] ?? 'a whole number >= 1'}, got ${JSON.stringify(value)}`,
    Array.isArray(value) ? 'lists of values belong to "vary"' : undefined,
  );
}
