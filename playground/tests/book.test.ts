/** The built book (`npm run docs`) in Chromium: reading, exercises, search, both languages, and without a network. */
import type { Page } from 'playwright-core';
import { seriousFindings, sticksOut } from './axe';
import { bookFolder, chromiumPath, hasBook, hasChromium, Visitor, type Visit } from './browser';

const phone = { viewport: { width: 360, height: 720 } };
const desktop = { viewport: { width: 1280, height: 800 } };

(hasChromium && hasBook ? describe : describe.skip)(`the book, in ${chromiumPath}`, () => {
  let visitor: Visitor;
  const visits: Visit[] = [];
  beforeEach(async () => {
    visitor = await Visitor.arrive(bookFolder);
  });
  afterEach(async () => {
    const complaints = visits.splice(0).flatMap((visit) => visit.complaints);
    await visitor.leave();
    expect(complaints).toEqual([]);
  });
  const open = async (...how: Parameters<Visitor['visit']>): Promise<Page> => {
    const visit = await visitor.visit(...how);
    visits.push(visit);
    return visit.page;
  };
  /** Waits until the page reacts: its server has rendered it before. */
  const reacts = (page: Page): Promise<unknown> =>
    page.waitForFunction(() => '__vue_app__' in document.querySelector('#app')!);

  test.each([
    ['/book/elman', 'light', desktop],
    ['/book/elman', 'light', phone],
    ['/book/elman', 'dark', desktop],
    ['/zh/book/elman', 'light', phone],
    ['/derive/lstm', 'light', desktop],
    ['/zh/derive/lstm', 'light', phone],
  ] as const)(
    '%s, %s: axe finds nothing serious, and nothing sticks out',
    async (address, colorScheme, viewport) => {
      const page = await open(address, { colorScheme, ...viewport });
      await reacts(page);
      // VitePress names its button without the keys that it shows
      expect(await seriousFindings(page, '.DocSearch-Button')).toEqual([]);
      expect(await sticksOut(page)).toBe(0);
    },
  );

  test('an exercise is answered wrong, in another form, and right', async () => {
    const page = await open('/book/elman');
    await reacts(page);
    const exercise = page.getByRole('region', { name: 'Exercise' }).last();
    const answer = async (text: string): Promise<void> => {
      await exercise.getByLabel('Your answer').fill(text);
      await exercise.getByRole('button', { name: 'Check' }).click();
    };
    await answer('half');
    await exercise.getByText('Enter a number').waitFor();
    await answer('0.5');
    await exercise.getByText('Not yet: the answer is smaller.').waitFor();
    expect(await exercise.getByText('Answer: 0.32').isVisible()).toBe(false);
    for (const text of ['8/25', '32 %', '0.32']) {
      await answer('0.1');
      await exercise.getByText('Not yet: the answer is larger.').waitFor();
      await answer(text);
      await exercise.getByText('Right.').waitFor();
    }
    expect(await exercise.getByText('Answer: 0.32').isVisible()).toBe(true);
  });

  test('by keyboard alone: to the text, to an exercise, and its answer', async () => {
    const page = await open('/zh/book/elman');
    await reacts(page);
    await page.keyboard.press('Tab');
    const focused = (): Promise<string | null> => page.evaluate(() => document.activeElement!.textContent);
    expect(await focused()).toBe('跳到正文');
    await page.keyboard.press('Enter');
    const isAnswer = (): Promise<boolean> =>
      page.evaluate(() => document.activeElement!.matches('.exercise input'));
    for (let key = 0; key < 60 && !(await isAnswer()); key++) await page.keyboard.press('Tab');
    expect(await isAnswer()).toBe(true);
    await page.keyboard.type('0.5');
    await page.keyboard.press('Enter');
    await page.getByText('不对，答案更大。').waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('显示答案');
    await page.keyboard.press('Enter');
    await page.getByText('答案： 1', { exact: true }).waitFor();
  });

  test.each([
    ['/', 'Search', 'peephole', '/book/lstm'],
    ['/zh/', '搜索', '窥视孔', '/zh/book/lstm'],
  ])('the search of %s finds a word', async (address, button, word, found) => {
    const page = await open(address);
    await reacts(page);
    await page.getByRole('button', { name: button }).first().click();
    await page.locator('#localsearch-input').fill(word);
    await page.locator(`.VPLocalSearchBox .result[href*="${found}"]`).first().click();
    await page.waitForURL(`**${found}*`);
    await page.locator('main', { hasText: word }).waitFor();
  });

  test.each([desktop, phone])('the language is switched on the same page', async (viewport) => {
    const page = await open('/book/gru', viewport);
    await reacts(page);
    const change = async (to: string): Promise<void> => {
      await page.locator('.VPNavBar .language', { hasText: to }).click();
    };
    await change('中文');
    await page.waitForURL('**/zh/book/gru');
    await page.getByRole('heading', { level: 1, name: '门控循环单元' }).waitFor();
    expect(await page.evaluate(() => document.documentElement.lang)).toBe('zh-CN');
    await change('English');
    await page.waitForURL(/[^h]\/book\/gru$/);
    await page.getByRole('heading', { level: 1, name: 'Gated recurrent units' }).waitFor();
  });

  test('a figure trains where it stands, and its figures are drawn in the language of the page', async () => {
    const page = await open('/zh/book/training');
    await reacts(page);
    const frame = page.frameLocator('iframe.playground').first();
    await page.locator('iframe.playground').first().scrollIntoViewIfNeeded();
    await frame.getByRole('button', { name: '播放' }).click();
    await frame.locator('.readout b').first().filter({ hasText: /[1-9]/ }).waitFor();
    expect(await page.locator('img[src*="/figures/"]').count()).toBe(
      await page.locator('img[src*="/figures/zh/"]').count(),
    );
  });

  test('on a phone, the frame of a figure is as high as what it shows', async () => {
    const page = await open('/book/elman', phone);
    await reacts(page);
    await page.locator('iframe.playground').first().scrollIntoViewIfNeeded();
    await page.frameLocator('iframe.playground').first().locator('.card:visible canvas').first().waitFor();
    await page.waitForFunction(() => {
      const frame = document.querySelector<HTMLIFrameElement>('iframe.playground')!;
      const { scrollHeight, clientHeight } = frame.contentDocument!.documentElement;
      return frame.clientHeight > 340 && scrollHeight === clientHeight;
    });
  });

  test('after one visit it is read without a network', async () => {
    const page = await open('/book/elman');
    await page.evaluate(() => navigator.serviceWorker.ready);
    await visitor.close();
    await page.context().setOffline(true);
    await page.goto(new URL('/zh/book/rounding', page.url()).href);
    await reacts(page);
    await page.getByRole('heading', { level: 1, name: '舍入误差能有多大' }).waitFor();
    const image = page.locator('img[src*="/figures/"]').first();
    expect(await image.evaluate((element: HTMLImageElement) => element.decode().then(() => true))).toBe(true);
    const exercise = page.getByRole('region', { name: '练习' }).first();
    await exercise.getByRole('textbox').fill('1/128');
    await exercise.getByRole('button', { name: '检查' }).click();
    await exercise.getByText('正确。').waitFor();
    visits[0].complaints.length = 0; // what it asks the network for in vain
  });
});
