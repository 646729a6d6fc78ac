/** Expands the book's fences with content from the project itself, so that the book cannot go out of date. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { drawingOf, equationsOf, equationsText } from './equations';
import { exerciseOf } from './exercise';
import { figureOf } from './figure';
import type { Language } from './languages';
import { registryList } from './lists';
import { networkDiagram } from './network';
import { embeddedPage, tryIt } from './playground';
import { programOutput } from './program';
import { sourceOf } from './source';

const root = join(__dirname, '..', '..');

type Fence = (words: string[], body: string, where: string, language: Language) => string;

/**
 *   ```source FILE NAME…        declarations of a file, with the comments above them
 *   ```cell CELL forward        that part of a cell's text; also shapes, backward, jacobian, and options NAME=VALUE
 *   ```equations CELL forward   the same, typeset; also backward, jacobian
 *   ```diagram CELL             the data flow of a cell, drawn from its forward equations, or the way back, `backward`; the body is the caption
 *   ```network TOPOLOGY         a network, unrolled or folded=true; the body is the caption
 *   ```playground LINK         the page in the state of that link, `task=sine&tab=time height=600 card=network`; the body is the caption
 *   ```try LINK                what to try, with a link that opens the page in that state
 *   ```exercise 0.9 ** 20 within=0.005   a question whose answer is checked; the body is the question, ---, and the reason
 *   ```figure NAME              what docs/figures/NAME.ts draws; the body is the caption
 *   ```ts run                   a program, with what it prints beneath
 *   ```list WHAT               a table of all cells, losses, optimizers, schedules or formats
 *   ```include FILE             a page from elsewhere in the project, its headings one level down
 */
const fences: Record<string, Fence> = {
  source: ([file, ...names], _body, where, language) => sourceOf(file, names, where, language),
  cell: (words, _body, where) => equationsText(words, where),
  equations: (words, _body, where) => equationsOf(words, where),
  diagram: (words, body, where) => drawingOf(words, body.trim(), where),
  network: (words, body, _where, language) => networkDiagram(words, body.trim(), language),
  playground: (words, body, where, language) => embeddedPage(words, body.trim(), where, language),
  try: (words, body, where, language) => tryIt(words, body.trim(), where, language),
  exercise: (words, body, where) => exerciseOf(words, body, where),
  figure: ([name], body, _where, language) => figureOf(name, body.trim(), language),
  'ts run': (_words, body, where) => programOutput(body, where),
  list: ([what], _body, where, language) => registryList(what, where, language),
  include: ([file]) => included(file),
};

/** Expands all fences of a page. */
export function expand(markdown: string, file: string, language: Language = 'en'): string {
  return markdown.replace(/^```(\w.*)\n([^]*?)^```$/gm, (whole, info: string, body: string, at: number) => {
    const kind = Object.keys(fences).find((name) => info === name || info.startsWith(`${name} `));
    if (!kind) return whole;
    const where = `${file}:${markdown.slice(0, at).split('\n').length}`;
    const words = info.slice(kind.length).split(/\s+/).filter(Boolean);
    return fences[kind](words, body, where, language);
  });
}

/** Replaces links to files that are not pages of the book by the names of those files. */
const included = (file: string): string =>
  readFileSync(join(root, file), 'utf8')
    .replace(/^(#+ )/gm, '#$1')
    .replace(
      /\[[^\]]+\]\((?![a-z]+:|[/#])([^)]+)\)/g,
      (_whole, target: string) => `\`${join(dirname(file), target)}\``,
    );
