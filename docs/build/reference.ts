/** The reference: typedoc's pages of everything that index.ts exports, and their list for the sidebar. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { keepShapes } from './shapes';

const docs = join(__dirname, '..');
const root = join(docs, '..');

interface Item {
  title: string;
  path?: string | null;
  children?: Item[];
}

export function writeReference(book: string): void {
  const out = join(book, 'api');
  const args = [
    ['--plugin', 'typedoc-plugin-markdown'],
    ['--tsconfig', join(root, 'tsconfig.json')],
    ['--out', out],
    ['--readme', 'none'],
    ['--entryFileName', 'index.md'],
    ['--navigationJson', join(book, 'navigation.json')],
    ['--disableSources', 'true'],
    ['--hidePageHeader', 'true'],
    ['--hideBreadcrumbs', 'true'],
    ['--sort', 'source-order'],
    ['--treatWarningsAsErrors', 'false'],
    ['--logLevel', 'Error'],
    [join(root, 'index.ts')],
  ].flat();
  const typedoc = join(docs, 'node_modules', '.bin', 'typedoc');
  const { status } = spawnSync(typedoc, args, { cwd: docs, stdio: 'inherit' });
  if (status !== 0) throw new Error(`docs: typedoc must succeed, got exit code ${status}`);
  for (const name of readdirSync(out, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.md')) continue;
    const page = join(out, name);
    writeFileSync(page, keepShapes(readFileSync(page, 'utf8')));
  }
  const items = JSON.parse(readFileSync(join(book, 'navigation.json'), 'utf8')) as Item[];
  const entry = ({ title, path, children }: Item): object => ({
    text: title,
    ...(path && { link: `/api/${path.replace(/(^|\/)index\.md$|\.md$/, '$1')}` }),
    ...(children && { items: children.map(entry), collapsed: false }),
  });
  const sidebar = JSON.stringify(items.map(entry), null, 2);
  writeFileSync(join(book, '.vitepress', 'sidebar.mjs'), `export const apiSidebar = ${sidebar};\n`);
}
