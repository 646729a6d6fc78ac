/** The reader's language: the one chosen on the page, kept in the browser's storage if available, or the browser's. */
import { isLanguage, preferredOf, type LanguageName } from '../languages/names';
import type { Language } from '../languages/say';

const KEY = 'backstep.language';

/** A catalogue is loaded when it is needed; English is part of the page. */
const catalogues: Readonly<Record<LanguageName, () => Promise<Language | undefined>>> = {
  en: () => Promise.resolve(undefined),
  zh: async () => (await import('../languages/zh')).zh,
};
export const catalogueOf = (name: LanguageName): Promise<Language | undefined> => catalogues[name]();

const preferred = (): LanguageName => preferredOf(navigator.languages);

export function readLanguage(): LanguageName {
  try {
    const kept = localStorage.getItem(KEY);
    return isLanguage(kept) ? kept : preferred();
  } catch {
    return preferred();
  }
}

export function keepLanguage(name: LanguageName): void {
  try {
    localStorage.setItem(KEY, name);
  } catch {
    // without storage, the link alone holds the language
  }
}

/** Whether a link need not state the language: English, for a browser that prefers it. */
export const isUsual = (name: LanguageName): boolean => name === 'en' && preferred() === 'en';
