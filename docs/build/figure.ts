/** Draws the book's figures, each by its own script, when the book is built. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Language } from './languages';

/** The folder of the book's figures, beside its pages. */
const FIGURES = join(__dirname, '..', '.book', 'public', 'figures');

/** The figures that a page asked for, each in one language. */
const wanted = new Map<string, { name: string; language: Language }>();

/** A figure of the book: HTML, and a caption in Markdown. */
export const captioned = (html: string, caption: string): string =>
  `<figure>\n${html}\n\n<figcaption>\n\n${caption}\n\n</figcaption>\n</figure>\n`;

/** The place of a figure in the page; it is drawn once all pages are known. */
export function figureOf(name: string, caption: string, language: Language): string {
  const path = `${language}/${name}.svg`;
  wanted.set(path, { name, language });
  // an attribute has no typeset formulas
  const alt = caption.replace(/\$/g, '').replace(/"/g, '&quot;');
  return captioned(`<img src="/figures/${path}" alt="${alt}" />`, caption);
}

/** Draws every figure that a page asked for. */
export async function drawBookFigures(): Promise<void> {
  for (const [path, { name, language }] of wanted) {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- its name stands in a page
    const { draw } = require(join(__dirname, '..', 'figures', `${name}.ts`)) as {
      draw: (language: Language) => Promise<string>;
    };
    mkdirSync(join(FIGURES, language), { recursive: true });
    writeFileSync(join(FIGURES, path), `${await draw(language)}\n`);
  }
}
