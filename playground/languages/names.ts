/** The languages of the page: their names in links, and how each names itself. */
export const languages = { en: 'English', zh: '简体中文' } as const;

export type LanguageName = keyof typeof languages;
export const languageNames = Object.keys(languages) as LanguageName[];

export const isLanguage = (name: unknown): name is LanguageName =>
  typeof name === 'string' && Object.hasOwn(languages, name);

/** The first of a reader's languages, as browsers list them, that the page speaks; English if there is none. */
export const preferredOf = (wanted: readonly string[]): LanguageName =>
  wanted.map((tag) => tag.toLowerCase().split('-')[0]).find(isLanguage) ?? 'en';
