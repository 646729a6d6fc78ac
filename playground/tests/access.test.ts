/** Accessibility of the page: keyboard, phone, light and dark mode, and the findings of axe. */
import { readFileSync } from 'node:fs';
import { linkIn } from '../engine/settings';
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

  const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
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
        await page.evaluate(axe);
        for (const [k, name] of tabNames.entries()) {
          await page.getByRole('tab').nth(k).click();
          await page.waitForTimeout(300);
          const found = await page.evaluate(async () => {
            const { violations } = await (
              globalThis as never as {
                axe: {
                  run: () => Promise<{
                    violations: { id: string; impact: string; nodes: { html: string }[] }[];
                  }>;
                };
              }
            ).axe.run();
            return violations
              .filter(({ impact }) => impact === 'serious' || impact === 'critical')
              .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`);
          });
          expect([name, found]).toEqual([name, []]);
          expect([name, await page.locator('th:visible', { hasNotText: /\S/ }).count()]).toEqual([name, 0]);
          const sticksOut = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          expect([name, viewport.width, sticksOut]).toEqual([name, viewport.width, 0]);
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
