/**
 * The whole book as one PDF in each language, printed by Chromium from the built site: all pages in the order of the
 * navigation, with a list of contents, links between them, and pictures of the interactive figures.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import { chromiumPath } from '../../playground/tests/browser';
import { host } from '../../terminal/host';
import { translations, type Language } from './languages';

/** Width of the text on A4, in CSS pixels. */
const WIDTH = 680;

/** Writes `backstep-LANGUAGE.pdf` of every language into the site; returns their paths. */
export async function printBook(site: string): Promise<string[]> {
  if (!existsSync(chromiumPath))
    throw new Error(
      `docs: printing the book must have Chromium, got none at ${chromiumPath} (CHROMIUM names another place)`,
    );
  const server = await host(site, 0);
  const browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] });
  try {
    const paths: string[] = [];
    for (const language of ['en', ...translations] as const) {
      const path = join(site, `backstep-${language}.pdf`);
      await print(browser, server.url, await wholeBook(site, language), path);
      paths.push(path);
    }
    return paths;
  } finally {
    await browser.close();
    await server.close();
  }
}

/** All pages of a language as one HTML document. */
export async function wholeBook(site: string, language: Language): Promise<string> {
  const { parseHTML } = await import('linkedom');
  const home = language === 'en' ? '/' : `/${language}/`;
  const read = (address: string): Document =>
    parseHTML(readFileSync(join(site, `${address.replace(/\/$/, '/index')}.html`), 'utf8')).document;
  const first = read(home);
  const links = [...first.querySelectorAll('.VPSidebar a.link')].map((link) => link.getAttribute('href')!);
  const own = links.filter((address) => language === 'en' || address.startsWith(home));
  const places = new Map(own.map((address, k) => [address, `page${k}`]));
  const chapters = own.map((address) => {
    const doc = read(address).querySelector('.vp-doc')!;
    const place = places.get(address)!;
    for (const element of doc.querySelectorAll('[id]')) element.id = `${place}-${element.id}`;
    for (const link of doc.querySelectorAll('a[href]')) {
      const [, to, hash] = /^([^#]*)#?(.*)$/.exec(link.getAttribute('href')!)!;
      const target = to === '' ? place : places.get(to);
      if (target) link.setAttribute('href', hash ? `#${target}-${hash}` : `#${target}`);
    }
    // what a reader unfolds is open on paper
    for (const details of doc.querySelectorAll('details')) details.setAttribute('open', '');
    return {
      place,
      title: doc
        .querySelector('h1')!
        .textContent.replace(/\u200b/g, '')
        .trim(),
      doc,
    };
  });
  const contents = chapters.map(({ place, title }) => `<li><a href="#${place}">${title}</a></li>`);
  const styles = [...first.querySelectorAll('link[rel~="stylesheet"]')].map((link) => link.outerHTML);
  return `<!doctype html><html lang="${first.documentElement.lang}"><head><meta charset="utf-8"><title>Backstep</title>
${styles.join('\n')}</head><body class="whole-book"><nav class="contents"><p class="title">Backstep</p><ol>${contents.join('')}</ol></nav>
${chapters.map(({ place, doc }) => `<main class="vp-doc" id="${place}">${doc.innerHTML}</main>`).join('\n')}</body></html>`;
}

async function print(browser: Browser, url: string, html: string, path: string): Promise<void> {
  const { parseHTML } = await import('linkedom');
  const { document } = parseHTML(html);
  const files = new Map<string, Buffer>();
  for (const frame of document.querySelectorAll('iframe.playground')) {
    const image = document.createElement('img');
    image.setAttribute('class', 'playground');
    image.setAttribute('alt', frame.getAttribute('title')!);
    image.setAttribute('src', `/whole-book/${files.size}.png`);
    const height = Number(/height: ?(\d+)px/.exec(frame.getAttribute('style')!)![1]);
    const address = new URL(frame.getAttribute('src')!, url).href;
    files.set(`${url}whole-book/${files.size}.png`, await pictureOf(browser, address, height));
    frame.replaceWith(image);
  }
  files.set(`${url}whole-book/`, Buffer.from(`<!doctype html>${document.documentElement.outerHTML}`));
  const page = await browser.newPage({ viewport: { width: WIDTH, height: 1000 } });
  await page.route(`${url}whole-book/**`, (route) => {
    const address = route.request().url();
    const contentType = address.endsWith('.png') ? 'image/png' : 'text/html; charset=utf-8';
    return route.fulfill({ body: files.get(address), contentType });
  });
  await page.goto(`${url}whole-book/`, { waitUntil: 'networkidle' });
  const missing = await page.evaluate(() =>
    [...document.images].filter(({ naturalWidth }) => naturalWidth === 0).map(({ src }) => src),
  );
  if (missing.length > 0)
    throw new Error(`docs: all pictures must be found, got none at ${missing.join(', ')}`);
  await page.pdf({
    path,
    ...{ format: 'A4', preferCSSPageSize: true, printBackground: true, outline: true, tagged: true },
    ...{ displayHeaderFooter: true, headerTemplate: '<span></span>' },
    footerTemplate:
      '<div style="width: 100%; text-align: center; font-size: 9px"><span class="pageNumber"></span></div>',
  });
  await page.close();
}

/** The interactive figure at an address, as it is before a reader touches it. */
async function pictureOf(browser: Browser, address: string, height: number): Promise<Buffer> {
  const page = await browser.newPage({ viewport: { width: WIDTH, height } });
  await page.goto(address, { waitUntil: 'networkidle' });
  const picture = await page.screenshot();
  await page.close();
  return picture;
}
