/** Accessibility of the page: keyboard, phone, light and dark mode, and the findings of axe. */
import { linkIn } from '../engine/settings';
import { seriousFindings, sticksOut } from './axe';
import { inChromium, quick, reaches, tabNames } from './visits';

inChromium('access', (open) => {
  // a worker that never answers
  const noRun = 'Worker = class { addEventListener() {} postMessage() {} }';
  test.each([
    ['while training', ''],
    ['before the first run', noRun],
  ])('tabs by keyboard %s', async (_, before) => {
    const page = await open(quick, {}, before);
    await page.getByRole('tab', { name: 'Train' }).focus();
    for (const name of [...tabNames.slice(1), tabNames[0]]) {
      await page.keyboard.press('ArrowRight');
      expect(await page.evaluate(() => document.activeElement?.textContent)).toBe(name);
      expect(await page.locator('[role=tabpanel]:visible').count()).toBe(1);
    }
  });

  test.each([
    ['light', 'en'],
    ['dark', 'en'],
    ['light', 'zh'],
  ] as const)(
    '%s, %s: axe finds nothing serious, and nothing sticks out on a phone',
    async (colorScheme, language) => {
      for (const viewport of [
        { width: 1280, height: 800 },
        { width: 360, height: 720 },
      ]) {
        const page = await open(linkIn(language, `against=gru&${quick}`), { colorScheme, viewport });
        await reaches(page, 3);
        for (const [k, name] of tabNames.entries()) {
          await page.getByRole('tab').nth(k).click();
          await page.waitForTimeout(300);
          const found = await seriousFindings(page);
          expect([name, found]).toEqual([name, []]);
          expect([name, await page.locator('th:visible', { hasNotText: /\S/ }).count()]).toEqual([name, 0]);
          expect([name, viewport.width, await sticksOut(page)]).toEqual([name, viewport.width, 0]);
          const cut = await page
            .locator('button:visible')
            .evaluateAll((buttons) =>
              buttons
                .filter((button) => button.scrollWidth > button.clientWidth)
                .map((button) => button.textContent),
            );
          expect([name, viewport.width, cut]).toEqual([name, viewport.width, []]);
        }
      }
    },
  );

  test('light and dark by hand', async () => {
    const page = await open(quick, { colorScheme: 'light' });
    const ground = (): Promise<string> =>
      page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await ground();
    await page.getByRole('button', { name: 'Dark' }).click();
    expect(await ground()).not.toBe(light);
    await page.getByRole('button', { name: 'Light' }).click();
    expect(await ground()).toBe(light);
  });
});
