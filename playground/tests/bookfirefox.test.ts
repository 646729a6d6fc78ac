/** The built book (`npm run docs`) in Firefox: an exercise, the search, the languages, and without a network. */
import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import { host } from '../../terminal/host';
import { bookFolder, firefoxPath, hasBook, hasFirefox } from './browser';

(hasFirefox && hasBook ? describe : describe.skip)(`the book, in ${firefoxPath}`, () => {
  let browser: Browser;
  let server: { url: string; close: () => Promise<void> };
  let page: Page;
  const errors: string[] = [];
  beforeAll(async () => {
    server = await host(bookFolder, 0);
    browser = await puppeteer.launch({ browser: 'firefox', executablePath: firefoxPath });
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });
  afterEach(() => expect(errors.splice(0)).toEqual([]));

  const open = async (address: string, width = 1280): Promise<void> => {
    page = await browser.newPage();
    await page.setViewport({ width, height: 800 });
    page.on('pageerror', (error) => errors.push(String(error)));
    await page.goto(new URL(address, server.url).href);
    await page.waitForFunction(() => '__vue_app__' in document.querySelector('#app')!);
  };
  const shows = (selector: string, text: string): Promise<unknown> =>
    page.waitForFunction(
      (where, words) => [...document.querySelectorAll(where)].some((one) => one.textContent?.includes(words)),
      {},
      selector,
      text,
    );

  test.each([1280, 360])(
    'an exercise is answered wrong, in another form, and right, at %d px',
    async (width) => {
      await open('/zh/book/elman', width);
      for (const [typed, verdict] of [
        ['一半', '请输入一个数'],
        ['0.5', '不对，答案更大。'],
        ['100 %', '正确。'],
        ['1', '正确。'],
      ]) {
        const input = await page.waitForSelector('.exercise input');
        await input!.evaluate((element) => (element.value = ''));
        await input!.type(typed);
        await input!.press('Enter');
        await shows('.exercise [role=status]', verdict);
      }
      await page.close();
    },
  );

  test('the search finds a word, and the language is switched', async () => {
    await open('/');
    await page.locator('.DocSearch-Button').click();
    await page.locator('#localsearch-input').fill('peephole');
    await page.locator('.VPLocalSearchBox .result[href*="/book/lstm"]').click();
    await shows('h1', 'Long short-term memory');
    await page.locator('.VPNavBar .language').click();
    await shows('h1', '长短期记忆网络');
    expect(await page.evaluate(() => document.documentElement.lang)).toBe('zh-CN');
    await page.close();
  });

  test('after one visit it is read without a network', async () => {
    await open('/book/elman');
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => true));
    await server.close();
    await page.goto(new URL('/book/rounding', server.url).href);
    await shows('h1', 'How far rounding may go');
    await page.close();
    // links to pages that are not kept
    expect(errors.splice(0).filter((error) => !error.includes('/assets/api_'))).toEqual([]);
  });
});
