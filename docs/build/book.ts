/**
 * Builds the book into docs/site: its pages with all content that is generated from the project, the figures, and the
 * reference from the docstrings.
 *
 *   npm run docs             (once before: npm ci --prefix docs)
 *   npm run docs -- --serve  the same, and serves it
 *
 * docs/.book is recreated on every run.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expand } from './fences';
import { drawFigures } from './figure';
import { buildEmbedded } from './playground';
import { typeset } from './formulas';
import { writeReference } from './reference';

const docs = join(__dirname, '..');
const book = join(docs, '.book');

const pages = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory())
      return /^(\.|node_modules|build|figures|site)/.test(entry.name) ? [] : pages(path);
    return entry.name.endsWith('.md') && entry.name !== 'README.md' ? [path] : [];
  });

function run(command: string, ...args: string[]): void {
  const { status } = spawnSync(command, args, { cwd: docs, stdio: 'inherit' });
  if (status !== 0)
    throw new Error(`docs: ${command} ${args.join(' ')} must succeed, got exit code ${status}`);
}

async function main(): Promise<void> {
  const vitepress = join(docs, 'node_modules', '.bin', 'vitepress');
  if (!existsSync(vitepress)) {
    console.error('docs: what builds the book must be installed, got nothing (run npm ci --prefix docs)');
    process.exitCode = 2;
    return;
  }
  rmSync(book, { recursive: true, force: true });
  for (const path of pages(docs)) {
    const file = relative(docs, path);
    const target = join(book, file);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, typeset(expand(readFileSync(path, 'utf8'), `docs/${file}`)));
  }
  cpSync(join(docs, '.vitepress'), join(book, '.vitepress'), { recursive: true });
  if (existsSync(join(docs, 'images')))
    cpSync(join(docs, 'images'), join(book, 'public', 'images'), { recursive: true });
  writeReference(book);
  await drawFigures();
  await buildEmbedded(join(book, 'public'));
  run(vitepress, 'build', book);
  if (process.argv.includes('--serve')) run(vitepress, 'preview', book);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
