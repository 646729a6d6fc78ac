/**
 * Builds the book into docs/site: its pages with all content that is generated from the project, the figures, and the
 * reference from the docstrings.
 *
 *   npm run docs             (once before: npm ci --prefix docs)
 *   npm run docs -- --serve  the same, and serves it
 *   npm run docs -- --pdf    the same, and writes docs/site/backstep-en.pdf and -zh.pdf with Chromium
 *   npm run docs -- --translate  only brings the translations into the order of the English pages
 *
 * docs/.book is recreated on every run.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expand } from './fences';
import { drawBookFigures } from './figure';
import { typesetMarkdown } from './formulas';
import { translations, type Language } from './languages';
import {
  docs,
  pages,
  read,
  titlesModule,
  translatedPage,
  translatedPages,
  updateTranslations,
} from './pages';
import { printBook } from './pdf';
import { gapsOf, isChapter } from './sections';
import { buildEmbedded } from './playground';
import { writeReference } from './reference';
import { writeServiceWorker } from '../../scripts/offline';
import { script, type Arguments } from '../../scripts/script';
import { failure, usage } from '../../terminal/errors';

const book = join(docs, '.book');
const site = join(docs, 'site');

function run(command: string, ...args: string[]): void {
  const { status } = spawnSync(command, args, { cwd: docs, stdio: 'inherit' });
  if (status !== 0)
    throw failure(
      `${command} ${args.join(' ')} must succeed, got exit code ${status}`,
      'see its messages above',
    );
}

function write(file: string, markdown: string, language: Language): void {
  const target = join(book, file);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, typesetMarkdown(expand(markdown, `docs/${file}`, language)));
}

const config = {
  options: {
    serve: { type: 'boolean', default: false },
    pdf: { type: 'boolean', default: false },
    translate: { type: 'boolean', default: false },
  },
} as const;

async function main({ values }: Arguments<typeof config>): Promise<void> {
  if (values.translate) return updateTranslations();
  const vitepress = join(docs, 'node_modules', '.bin', 'vitepress');
  if (!existsSync(vitepress)) throw usage('VitePress must be installed, got nothing', 'npm ci --prefix docs');
  const gaps = pages()
    .filter(isChapter)
    .flatMap((file) => gapsOf(read(file), file));
  if (gaps.length > 0) throw usage(gaps.join('\n'), 'every section of a chapter needs these parts');
  rmSync(book, { recursive: true, force: true });
  for (const file of pages()) write(file, read(file), 'en');
  for (const language of translations)
    for (const file of translatedPages(language))
      write(join(language, file), translatedPage(file, language), language);
  cpSync(join(docs, '.vitepress'), join(book, '.vitepress'), { recursive: true });
  writeFileSync(join(book, '.vitepress', 'titles.mjs'), titlesModule());
  if (existsSync(join(docs, 'images')))
    cpSync(join(docs, 'images'), join(book, 'public', 'images'), { recursive: true });
  writeReference(book);
  await drawBookFigures();
  await buildEmbedded(join(book, 'public'));
  run(vitepress, 'build', book);
  // the reference and the printed book are large: they are read with a network
  writeServiceWorker(site, /^(api\/|assets\/api_)|\.pdf$/);
  if (values.pdf) for (const path of await printBook(site)) console.log(path);
  if (values.serve) run(vitepress, 'preview', book);
}

void script(__filename, config, main);
