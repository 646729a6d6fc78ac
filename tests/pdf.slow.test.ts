/** The book as one document, and as a PDF. Each runs in a process of its own: jest cannot load the DOM library. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { hasChromium } from '../playground/tests/browser';

const site = mkdtempSync(join(tmpdir(), 'backstep-pdf-'));
afterAll(() => rmSync(site, { recursive: true }));

const root = join(__dirname, '..');

/** Calls a function of docs/build/pdf.ts; its result, or its error as a text. */
function call(
  name: 'wholeBook' | 'printBook',
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): unknown {
  const code = `require(${JSON.stringify(join(root, 'docs', 'build', 'pdf.ts'))}).${name}(...${JSON.stringify(args)})
    .then((result) => result, (error) => error.message).then((result) => console.log(JSON.stringify(result)));`;
  const hook = ['-r', join(root, 'scripts', 'register.js')];
  const { stdout, stderr } = spawnSync(process.execPath, [...hook, '-e', code], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  if (!stdout) throw new Error(stderr);
  return JSON.parse(stdout) as unknown;
}

const page = (lang: string, links: readonly string[], text: string): string =>
  `<!doctype html><html lang="${lang}"><head><link rel="stylesheet" href="/style.css"></head><body><aside class="VPSidebar">${links
    .map((link) => `<a class="link" href="${link}">a page</a>`)
    .join('')}</aside><div class="vp-doc">${text}</div></body></html>`;
const english = ['/', '/b', '/a'];
const chinese = ['/zh/', '/zh/a', '/b'];
const figure =
  '<iframe class="playground" src="/play.html#x" title="A figure" style="height:300px;"></iframe>';
const files: Record<string, string> = {
  'index.html': page(
    'en',
    english,
    '<h1 id="home">Home</h1><p><a href="/a#why">why</a> <a href="#home">top</a></p>',
  ),
  'a.html': page('en', english, '<h1 id="a">A</h1><h2 id="why">Why</h2><details>Because.</details>'),
  'b.html': page('en', english, `<h1 id="b">B</h1><a href="https://example.org">elsewhere</a>${figure}`),
  'zh/index.html': page('zh-CN', chinese, '<h1 id="home">首页</h1><a href="/zh/a">甲</a>'),
  'zh/a.html': page('zh-CN', chinese, '<h1 id="a">甲</h1>'),
  'style.css': 'main { break-before: page }',
  'play.html': '<!doctype html><p>a figure',
};
for (const [name, text] of Object.entries(files)) {
  mkdirSync(dirname(join(site, name)), { recursive: true });
  writeFileSync(join(site, name), text);
}

test('the document has all pages in the order of the navigation, and links between them', () => {
  const html = call('wholeBook', [site, 'en']) as string;
  expect([...html.matchAll(/<h1[^>]*>(\w+)/g)].map(([, title]) => title)).toEqual(['Home', 'B', 'A']);
  const ids = new Set([...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
  const links = [...html.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id);
  expect(links).toHaveLength(3 + 2);
  expect(links.filter((id) => !ids.has(id))).toEqual([]);
  expect(html).toContain('href="https://example.org"');
  expect(html).toMatch(/<details open/);
});

test('a translation has its own pages, and leaves out those that are English', () => {
  const html = call('wholeBook', [site, 'zh']) as string;
  expect(html).toContain('<html lang="zh-CN">');
  expect([...html.matchAll(/<h1[^>]*>([^<]+)/g)].map(([, title]) => title)).toEqual(['首页', '甲']);
});

(hasChromium ? test : test.skip)('a PDF is written for each language', () => {
  const paths = call('printBook', [site]) as string[];
  expect(paths).toEqual([join(site, 'backstep-en.pdf'), join(site, 'backstep-zh.pdf')]);
  for (const path of paths) {
    const pdf = readFileSync(path, 'latin1');
    expect(pdf).toMatch(/^%PDF-/);
    // contents and pages, each on a sheet of its own
    expect(pdf.match(/\/Type \/Page\b/g)).toHaveLength(path.endsWith('en.pdf') ? 4 : 3);
  }
});

test('without Chromium, the error says where it was looked for', () =>
  expect(call('printBook', [site], { CHROMIUM: join(site, 'none') })).toBe(
    `docs: printing the book must have Chromium, got none at ${join(site, 'none')} (CHROMIUM names another place)`,
  ));
