/** Draws the book's figures, each by its own script, when the book is built. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The folder of the book's figures, beside its pages. */
export const FIGURES = join(__dirname, '..', '.book', 'public', 'figures');

const wanted = new Set<string>();

/** A figure of the book: HTML, and a caption in Markdown. */
export const captioned = (html: string, caption: string): string =>
  `<figure>\n${html}\n\n<figcaption>\n\n${caption}\n\n</figcaption>\n</figure>\n`;

/** The place of a figure in the page; it is drawn once all pages are known. */
export function figureOf(name: string, caption: string): string {
  wanted.add(name);
  return captioned(`<img src="/figures/${name}.svg" alt="${caption.replace(/"/g, '&quot;')}" />`, caption);
}

/** Draws every figure that a page asked for. */
export async function drawBookFigures(): Promise<void> {
  mkdirSync(FIGURES, { recursive: true });
  for (const name of wanted) {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- its name stands in a page
    const { draw } = require(join(__dirname, '..', 'figures', `${name}.ts`)) as {
      draw: () => Promise<string>;
    };
    writeFileSync(join(FIGURES, `${name}.svg`), `${await draw()}\n`);
  }
}
