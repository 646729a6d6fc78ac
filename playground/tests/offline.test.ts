/** The page without a network: after one visit it loads and trains, in both languages, and a new version replaces it. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { writeServiceWorker } from '../../scripts/offline';
import { chromiumPath, hasChromium, pageFolder, Visitor } from './browser';
import { quick, reaches, show } from './visits';

/** The kept versions, once the service worker has kept all files. */
const versions = (page: Page): Promise<string[]> =>
  page.evaluate(async () => {
    await navigator.serviceWorker.ready;
    return caches.keys();
  });

/** Waits for something that the page itself learns asynchronously. */
async function until(page: Page, holds: () => Promise<boolean>): Promise<void> {
  while (!(await page.evaluate(holds))) await page.waitForTimeout(50);
}

/** A server in front of another that redirects `/index.html` to `/`, as some do. */
async function redirecting(url: string): Promise<Server> {
  const server = createServer((request, response) => {
    if (request.url === '/index.html') return response.writeHead(308, { location: '/' }).end();
    return void fetch(new URL(request.url!, url)).then(async ({ headers, body }) => {
      response.writeHead(200, { 'content-type': headers.get('content-type')! });
      for await (const part of body!) response.write(part);
      response.end();
    });
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  return server;
}

(hasChromium ? describe : describe.skip)(`without a network, in ${chromiumPath}`, () => {
  let folder: string;
  let visitor: Visitor;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'backstep-site-'));
    cpSync(pageFolder, folder, { recursive: true });
    visitor = await Visitor.arrive(folder);
  });
  afterEach(async () => {
    await visitor.leave();
    rmSync(folder, { recursive: true });
  });

  test('the page loads, trains, loads what it has not shown yet, and changes its language', async () => {
    const { page, complaints } = await visitor.visit(`lang=en&${quick}`);
    await reaches(page, 2);
    expect(await versions(page)).toHaveLength(1);
    await visitor.close();
    await page.context().setOffline(true);
    await page.reload();
    await reaches(page, 5);
    await show(page, 'Your cell');
    await page.getByText('Every gradient is proved').waitFor();
    await page.getByRole('img', { name: 'Data flow of the cell leaky' }).waitFor();
    await page.locator('#bar select').selectOption('zh');
    await page.getByText('每个梯度都已证明').waitFor();
    await show(page, '推导');
    await page.getByText('乘积把梯度传给它的两个因子').waitFor();
    expect(complaints).toEqual([]);
  });

  test('a new version is shown at once and replaces the old one when no page of it is open', async () => {
    const { page } = await visitor.visit(quick);
    const [first] = await versions(page);
    const file = join(folder, 'index.html');
    writeFileSync(file, readFileSync(file, 'utf8').replace('<html', '<html data-version="2"'));
    writeServiceWorker(folder);
    await page.reload();
    expect(await page.locator('html').getAttribute('data-version')).toBe('2');
    await until(page, async () => (await navigator.serviceWorker.ready).waiting !== null);
    // while a page of the old version is open, so is its cache
    expect((await versions(page)).includes(first)).toBe(true);
    await page.goto('about:blank');
    await page.goto(visitor.url);
    await until(page, async () => (await caches.keys()).length === 1);
    expect(await versions(page)).not.toEqual([first]);
  });

  test('where the texts of a language do not arrive, the page works in English', async () => {
    const assets = join(folder, 'assets');
    for (const name of readdirSync(assets)) if (/^zh-/.test(name)) rmSync(join(assets, name));
    const { page } = await visitor.visit(`lang=zh&${quick}`);
    await reaches(page, 2);
    await page.getByRole('button', { name: 'Pause' }).waitFor();
    expect(await page.evaluate(() => document.documentElement.lang)).toBe('en');
  });

  test('it loads again where the server redirects its file to its folder', async () => {
    const server = await redirecting(visitor.url);
    const { page } = await visitor.visit(quick);
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/#${quick}`);
    await reaches(page, 2);
    await versions(page);
    await page.context().setOffline(true);
    server.closeAllConnections();
    server.close();
    await page.reload();
    await reaches(page, 2);
  });

  test('nothing is fetched from elsewhere, and nothing is kept that is not of the site', async () => {
    const { page, complaints } = await visitor.visit(quick);
    await versions(page);
    const kept = await page.evaluate(async () => {
      const [name] = await caches.keys();
      const cache = await caches.open(name);
      return (await cache.keys()).map(({ url }) => url);
    });
    expect(kept.filter((url) => !url.startsWith(visitor.url))).toEqual([]);
    expect(kept).toContain(`${visitor.url}index.html`);
    expect(kept.length).toBeGreaterThan(8);
    expect(complaints).toEqual([]);
  });
});
