/** The page in English and Chinese: how a language is chosen, and that no text of the other one is left. */
import type { Page } from 'playwright-core';
import { tabNames } from '../engine/settings';
import { en } from '../languages/en';
import { zh } from '../languages/zh';
import { inChromium, link, quick, reaches, setting } from './visits';

const language = (page: Page): Promise<string> => page.evaluate(() => document.documentElement.lang);
const choose = async (page: Page, name: string): Promise<void> => {
  const loaded = page.waitForEvent('load');
  await page.locator('#bar select').selectOption(name);
  await loaded;
};

/** Every text and label that is visible, but for what users type, code and numbers. */
const texts = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const shown = [...document.querySelectorAll<HTMLElement>('body *')].filter(
      (element) =>
        element.checkVisibility() &&
        !element.closest('textarea, .sample, code, pre, math, svg, [lang], dd, noscript, script'),
    );
    const own = (element: Element): string[] =>
      [...element.childNodes]
        .filter((node) => node.nodeType === Node.TEXT_NODE)
        .map((node) => node.textContent ?? '');
    const labels = (element: Element): string[] =>
      ['aria-label', 'title', 'placeholder', 'aria-valuetext'].map(
        (name) => element.getAttribute(name) ?? '',
      );
    return shown
      .flatMap((element) => [...own(element), ...labels(element)])
      .filter((text) => text.trim() !== '');
  });

inChromium('languages', (open) => {
  test('the switch changes all, by keyboard too; the language stays in link and storage', async () => {
    const page = await open(`cell=gru&${quick}&tab=flow`);
    await reaches(page, 2);
    expect([await language(page), await page.title()]).toEqual(['en', en.title]);
    expect(setting(page, 'lang')).toBeUndefined();
    await page.getByLabel('Language').focus();
    const loaded = page.waitForEvent('load');
    await page.keyboard.press('ArrowDown');
    await loaded;
    await page.getByRole('tab', { name: '梯度流', selected: true }).waitFor();
    expect([await language(page), await page.title()]).toEqual(['zh', zh.words.title]);
    expect(link(page)).toBe('lang=zh&task=text&cell=gru&hidden=8&batch=2&seq=8&window=8&tab=flow');
    await reaches(page, 2);
    await page.goto(new URL('/', page.url()).href);
    await page.getByRole('tab', { name: zh.words['tab.train'], selected: true }).waitFor();
    await page.goBack();
    await page.getByRole('tab', { name: '梯度流', selected: true }).waitFor();

    await choose(page, 'en');
    await page.getByRole('tab', { name: 'Gradient flow', selected: true }).waitFor();
    expect(setting(page, 'lang')).toBeUndefined();
  });

  test('a link states the language of a page that it opens elsewhere', async () => {
    const page = await open(`lang=zh&${quick}`);
    await page.getByRole('button', { name: '暂停' }).waitFor();
    const wrong = await open(`lang=tlh&${quick}`);
    await wrong.getByText('The link contains invalid values: lang: tlh').waitFor();
    await wrong.evaluate(() => (location.hash = 'lang=zh&task=sine'));
    await wrong.getByRole('button', { name: '暂停' }).waitFor();
    expect(setting(wrong, 'task')).toBe('sine');
  });

  test('a browser that prefers Chinese has it, unless English is chosen', async () => {
    const page = await open(quick, { locale: 'zh-CN' });
    await page.getByRole('button', { name: '暂停' }).waitFor();
    expect(setting(page, 'lang')).toBe('zh');
    await choose(page, 'en');
    await page.getByRole('button', { name: 'Pause' }).waitFor();
    expect(setting(page, 'lang')).toBe('en');
  });

  test('an embedded figure speaks the language of its link', async () => {
    const page = await open('embed&lang=zh&tab=derive.gru');
    await page.getByText('旧状态在四处被读取').waitFor();
    expect(link(page)).toMatch(/^embed&lang=zh&/);
    expect(await page.getByRole('link', { name: '在演练场中打开' }).getAttribute('href')).toBe(
      `#${link(page).replace('embed&', '')}`,
    );
  });

  test('what was typed into an editor is there after a change of language', async () => {
    const page = await open(`${quick}&tab=cell`);
    const text = page.locator('textarea.mono:visible');
    await page.getByText('Every gradient is proved').waitFor();
    const mine = (await text.inputValue()).replace('cell leaky', 'cell mine').replace(' + dz @ Wh.T', '');
    await text.fill(mine);
    await page.getByText('Not right').waitFor();
    await choose(page, 'zh');
    await page.getByText('不正确：dWx').waitFor();
    expect(await text.inputValue()).toBe(mine);
  });

  test('no English is left in any tab of the Chinese page', async () => {
    const page = await open(`lang=zh&against=gru&${quick}`, { reducedMotion: 'reduce' });
    await page.getByText('写的文本').first().waitFor();
    const tabs = page.locator('[role=tab]');
    for (let k = 0; k < (await tabs.count()); k++) {
      await tabs.nth(k).click();
      if (tabNames[k] === 'check') await page.getByText(/^全部 \d+ 个梯度一致。$/).waitFor();
      if (tabNames[k] === 'memory') await page.getByRole('button', { name: '回忆' }).click();
      await page.waitForTimeout(1000);
      const found = (await texts(page)).filter((text) => /\b(the|of|is|and|step|from|with|a)\b/i.test(text));
      expect([k, found]).toEqual([k, []]);
    }
  });
});
