/** The pages of the book: their files, addresses and titles, in English and in its translations. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { translations, type Language } from './languages';
import { translated, updated } from './translation';

export const docs = join(__dirname, '..');

const FOLDERS = ['book', 'derive', 'guide'];

/** The English pages within docs/, such as `book/elman.md`. */
export const pages = (): string[] => [
  'index.md',
  ...FOLDERS.flatMap((folder) =>
    readdirSync(join(docs, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `${folder}/${name}`),
  ),
];

export const read = (file: string): string => readFileSync(join(docs, file), 'utf8');

/** The English pages that a language has a translation of. */
export const translatedPages = (language: Language): string[] =>
  pages().filter((file) => existsSync(join(docs, language, file)));

/** The pages that every translation must have; of the guides, it may have some. */
export const requiredPages = (): string[] => pages().filter((file) => !file.startsWith('guide/'));

/** Brings every translation into the order of its English page, with the English text where there is none yet. */
export function updateTranslations(): void {
  for (const language of translations)
    for (const file of new Set([...requiredPages(), ...translatedPages(language)])) {
      const path = join(docs, language, file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, updated(read(file), existsSync(path) ? readFileSync(path, 'utf8') : ''));
    }
}

/** `book/elman.md` → `/book/elman`. */
export const addressOf = (file: string): string => `/${file.replace(/(^|\/)index\.md$|\.md$/, '$1')}`;

/** A translated page; its links lead to translated pages where there are any. */
export function translatedPage(file: string, language: Language): string {
  const known = new Set(translatedPages(language).map(addressOf));
  return translated(read(file), read(`${language}/${file}`)).replace(
    /\]\((\/[^)#]*)/g,
    (whole, address: string) => (known.has(address) ? `](/${language}${address}` : whole),
  );
}

/** A module for VitePress: in each language the titles of its pages by the address of the English page. */
export function titlesModule(): string {
  const titlesOf = (language: Language): Record<string, string> =>
    Object.fromEntries(
      translatedPages(language).map((file) => {
        const [, title] = /^# (.*)$/m.exec(read(`${language}/${file}`)) ?? [];
        return [addressOf(file), title];
      }),
    );
  const titles = Object.fromEntries(translations.map((language) => [language, titlesOf(language)]));
  return `export const titles = ${JSON.stringify(titles, null, 2)};\n`;
}
