/** Says the texts of the page in the chosen language: its own, the names of registered things, and the engine's messages. */
import type { PageSettingName } from '../engine/settings';
import { en } from './en';

export type Key = keyof typeof en;

/** Registries whose things have names of their own in another language; a name that is missing there stays English. */
export interface Names {
  /** Labels of settings, and their help. */
  readonly setting: Readonly<Record<PageSettingName, string>>;
  readonly help: Readonly<Record<PageSettingName, string>>;
  readonly cell: Readonly<Record<string, string>>;
  readonly optimizer: Readonly<Record<string, string>>;
  /** Titles of the exercises, and their subjects. */
  readonly exercise: Readonly<Record<string, string>>;
  readonly subject: Readonly<Record<string, string>>;
  /** Titles of the real mistakes, and the harm that they did. */
  readonly mistake: Readonly<Record<string, string>>;
  readonly harm: Readonly<Record<string, string>>;
}

/** A language other than English. */
export interface Language {
  readonly words: Readonly<Record<Key, string>>;
  readonly names: Names;
  /**
   * Messages of the engine and their translations, with the same placeholders; the first that matches applies. `{names}` is
   * a list of names.
   */
  readonly messages: readonly (readonly [english: string, own: string])[];
}

type Placeholder<S extends string> = S extends `${string}{${infer P}}${infer Rest}`
  ? P | Placeholder<Rest>
  : never;
type Values<K extends Key> = [Placeholder<(typeof en)[K]>] extends [never]
  ? []
  : [values: Readonly<Record<Placeholder<(typeof en)[K]>, string | number>>];

let spoken: Language | undefined;

/** Chooses the language of every later text; undefined is English. */
export const speak = (language: Language | undefined): void => void (spoken = language);

/**
 * A text of the page.
 * @example say('flow.half', { steps: '3.00' }) // 'half after 3.00 steps'
 */
export const say = <K extends Key>(key: K, ...[values]: Values<K>): string =>
  filled((spoken?.words ?? en)[key], values ?? {});

/** The name of a registered thing; `english` is the one that it was registered with. */
export function nameOf(registry: keyof Names, name: string, english: string): string {
  const names: Readonly<Record<string, string>> = spoken?.names[registry] ?? {};
  return Object.hasOwn(names, name) ? names[name] : english;
}

/** A message of the engine, translated if the language knows it; else in English, with a note. */
export function engineSays(message: string): string {
  const own = translated(message);
  return own === message ? say('engine', { message }) : own;
}

/** A message of the engine or a part of one, translated if the language knows it. */
export function translated(message: string): string {
  for (const [english, own] of spoken?.messages ?? []) {
    const parts = partsOf(english, message);
    if (!parts) continue;
    const within = (name: string, part: string): string =>
      name === 'names' ? listed(part.split(/, | and /).map(translated)) : translated(part);
    return filled(own, Object.fromEntries(parts.map(([name, part]) => [name, within(name, part)])));
  }
  return message;
}

/** What stands at the placeholders of a pattern, if the message fits it. */
function partsOf(pattern: string, message: string): [name: string, part: string][] | undefined {
  const pieces = pattern.split(/\{(\w+)\}/);
  const names = pieces.filter((_, k) => k % 2 === 1);
  const fixed = pieces.filter((_, k) => k % 2 === 0).map((text) => text.replace(/[^\w\s]/g, '\\$&'));
  const found = new RegExp(`^${fixed.join('(.+?)')}$`, 's').exec(message);
  return found ? names.map((name, k) => [name, found[k + 1]]) : undefined;
}

const filled = (text: string, values: Readonly<Record<string, string | number>>): string =>
  text.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name]));

/** `x, hPrev and W` in words: each but the first after an `and`. */
export const listed = (items: readonly string[]): string =>
  items.length === 0 ? '' : items.reduce((one, other) => say('and', { one, other }));
