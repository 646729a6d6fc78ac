/**
 * Translations of the book's pages. A translated page holds prose only: each of its blocks stands below the hash of the
 * English block that it translates. Order, formulas, code, figures and everything generated come from the English page.
 */
import { createHash } from 'node:crypto';

/** A part of an English page between blank lines; a fence is one block. */
interface Block {
  /** The whole block. */
  markdown: string;
  /** What is to be translated: its prose, or the caption of a figure; empty if it is the same in every language. */
  prose: string;
  line: number;
}

/** The fences whose body is prose: a caption, or a question. */
const CAPTIONED = /^```(diagram|network|playground|figure|exercise|try) /;
const CHINESE = /\p{Script=Han}/u;

/** The blocks of a page, in order. */
export function blocksOf(markdown: string): Block[] {
  const found = markdown.matchAll(/^( *)```[^]*?^\1```$|^(?! *```).*\S.*(?:\n(?! *```).*\S.*)*/gm);
  return Array.from(found, ({ 0: text, index }) => ({
    markdown: text,
    prose: proseOf(text),
    line: markdown.slice(0, index).split('\n').length,
  }));
}

function proseOf(block: string): string {
  if (block.trimStart().startsWith('```'))
    return CAPTIONED.test(block) ? block.split('\n').slice(1, -1).join('\n').trim() : '';
  // a formula has words if there is a space in one of its texts
  const words = block
    .replace(/\$\$[^]+?\$\$|\$[^$\n]+?\$/g, (tex) =>
      (tex.match(/\\text\{[^}]*\}/g) ?? []).filter((text) => text.includes(' ')).join(),
    ) // prettier-ignore
    .replace(/<[^>]*>/g, '');
  return /\p{L}/u.test(words) && !CHINESE.test(words) ? block : '';
}

/** What a translation refers to the English block by; line breaks do not count. */
export const hashOf = (prose: string): string =>
  createHash('sha256').update(prose.replace(/\s+/g, ' ').trim()).digest('hex').slice(0, 8);

/** The translations of a page by the hash of what they translate, in the order of the page. */
export function translationsOf(translation: string): Map<string, string> {
  const [, ...parts] = translation.split(/^<!-- ([0-9a-f]{8}) -->$/m);
  return new Map(parts.flatMap((part, k) => (k % 2 === 0 ? [[part, parts[k + 1].trim()] as const] : [])));
}

/** The English page with the prose of its translation; what is not translated stays English. */
export function translated(english: string, translation: string): string {
  const known = translationsOf(translation);
  return blocksOf(english)
    .map(({ markdown, prose }) => {
      const text = known.get(hashOf(prose));
      if (!prose || text === undefined) return markdown;
      const [heading] = /^#+ .*$/m.exec(prose) ?? [];
      // a heading keeps its address
      const own = heading ? `${text} {#${addressOf(heading)}}` : text;
      // the caption of a figure is the body of its fence
      return markdown === prose ? own : markdown.replace(/(?<=\n)[^]*(?=\n```$)/, () => own);
    })
    .join('\n\n');
}

const addressOf = (heading: string): string =>
  (heading.toLowerCase().match(/[a-z0-9]+/g) ?? []).join('-').replace(/^(?=\d)/, '_');

/** Formulas without their words, code, addresses and numbers. */
function factsOf(prose: string): Set<string> {
  const facts: string[] = [];
  const without = (text: string, part: RegExp): string =>
    text.replace(part, (whole, address?: string) => {
      facts.push((typeof address === 'string' ? address : whole).replace(/\\text\{[^}]*\}|\s/g, ''));
      return ' ';
    });
  const parts = [/`[^`]+`/g, /\$\$[^]+?\$\$|\$[^$]+?\$/g, /\]\(([^)]+)\)/g];
  const rest = parts.reduce(without, prose);
  without(rest, /(?<![\d.,])\d+(?:[.,]\d+)*/g);
  return new Set(facts);
}

/**
 * What is missing, out of date or different in a translation, as messages; none if it is complete.
 * @param file the page within docs/, such as `book/elman.md`
 */
export function problemsOf(english: string, translation: string, file: string, folder: string): string[] {
  const own = translationsOf(translation);
  const blocks = new Map(
    blocksOf(english).flatMap((block) => (block.prose ? [[hashOf(block.prose), block]] : [])),
  );
  const begin = (text: string): string => JSON.stringify(text.replace(/\s+/g, ' ').slice(0, 60));
  const missing = [...blocks]
    .filter(([hash]) => !CHINESE.test(own.get(hash) ?? ''))
    .map(
      ([hash, { line, prose }]) =>
        `docs/${file}:${line}: ${begin(prose)} must be translated below <!-- ${hash} --> in docs/${folder}/${file}`,
    );
  const stale = [...own]
    .filter(([hash]) => !blocks.has(hash))
    .map(
      ([hash, text]) =>
        `docs/${folder}/${file}: <!-- ${hash} --> ${begin(text)} must translate a block of docs/${file}, got one that has changed or is gone`,
    );
  const different = [...own].flatMap(([hash, text]) => {
    const block = blocks.get(hash);
    if (!block || !CHINESE.test(text)) return [];
    const [wanted, got] = [factsOf(block.prose), factsOf(text)];
    const lost = [...wanted].filter((fact) => !got.has(fact));
    const added = [...got].filter((fact) => !wanted.has(fact) && !/^\d+$/.test(fact));
    return [...lost.map((fact) => `lacks ${fact}`), ...added.map((fact) => `adds ${fact}`)].map(
      (what) =>
        `docs/${folder}/${file}: <!-- ${hash} --> ${begin(text)} ${what} (docs/${file}:${block.line})`,
    );
  });
  return [...missing, ...stale, ...different];
}

/** A translation brought into the order of the English page, with the English text wherever there is no translation yet. */
export function updated(english: string, translation: string): string {
  const own = translationsOf(translation);
  const wanted = new Map(
    blocksOf(english).flatMap(({ prose }) => (prose ? [[hashOf(prose), prose] as const] : [])),
  );
  // a translation of what has changed stays behind the one that it followed
  const behind = new Map<string, string[]>();
  let last = '';
  for (const hash of own.keys())
    if (wanted.has(hash)) last = hash;
    else behind.set(last, [...(behind.get(last) ?? []), hash]);
  const order = ['', ...wanted.keys()].flatMap((hash) => [hash, ...(behind.get(hash) ?? [])]).slice(1);
  return order.map((hash) => `<!-- ${hash} -->\n\n${own.get(hash) ?? wanted.get(hash)}\n`).join('\n');
}
