/** The page in Firefox: it trains without errors, and computes the same numbers as Node. */
import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import { host } from '../../terminal/host';
import { Session } from '../engine/session';
import { fromLink } from '../engine/settings';
import { firefoxPath, hasFirefox, pageFolder } from './browser';
import { quick, tabNames } from './visits';

(hasFirefox ? describe : describe.skip)(`the page in ${firefoxPath}`, () => {
  let browser: Browser;
  let server: { url: string; close: () => Promise<void> };
  let errors: string[];
  beforeAll(async () => {
    server = await host(pageFolder, 0);
    browser = await puppeteer.launch({ browser: 'firefox', executablePath: firefoxPath });
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  const open = async (link: string): Promise<Page> => {
    const page = await browser.newPage();
    errors = [];
    page.on('pageerror', (error) => errors.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') errors.push(message.text());
    });
    await page.goto(`${server.url}#${link}`);
    return page;
  };
  const press = (page: Page, name: string): Promise<void> => page.locator(`::-p-aria(${name})`).click();
  const reaches = (page: Page, least: number): Promise<unknown> =>
    page.waitForFunction((n) => Number(document.querySelector('.readout b')?.textContent) >= n, {}, least);

  /** The text of the file that a button saves. */
  const saved = async (page: Page, name: string): Promise<string> => {
    await page.evaluate(() => {
      const create = URL.createObjectURL.bind(URL);
      URL.createObjectURL = (blob) => {
        Object.assign(globalThis, { savedFile: (blob as Blob).text() });
        return create(blob);
      };
    });
    await press(page, name);
    return page.evaluate(() => (globalThis as never as { savedFile: Promise<string> }).savedFile);
  };

  test.each([`cell=lstm&against=gru&${quick}`, 'task=adding&cell=elman&seed=5'])(
    '%s: every number is the one that Node computes',
    async (settings) => {
      const page = await open(settings);
      await reaches(page, 12);
      await press(page, 'Pause');
      const [, ...rows] = (await saved(page, 'Save curve (CSV)')).trim().split('\n');
      const session = new Session(fromLink(settings).settings);
      const expected = rows.slice(0, 40).map(() => {
        const points = session.step();
        return [points[0].step, ...points.flatMap(({ loss, norm }) => [loss, norm])].join();
      });
      expect(rows.slice(0, 40)).toEqual(expected);
      expect(errors).toEqual([]);
      await page.close();
    },
  );

  test('every tab has content, and no error is reported', async () => {
    const page = await open(quick);
    await reaches(page, 3);
    for (const name of tabNames) {
      await page.locator(`[role=tab]::-p-text(${name})`).click();
      await page.waitForFunction(
        (title) =>
          document.querySelector('[role=tab][aria-selected=true]')?.textContent === title &&
          (document.querySelector('[role=tabpanel]:not([hidden])')?.textContent ?? '').length > 40,
        {},
        name,
      );
    }
    expect(errors).toEqual([]);
    await page.close();
  });
});
