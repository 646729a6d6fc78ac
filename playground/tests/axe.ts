/** What axe finds on a page. */
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';

interface Axe {
  run: (
    what: Document | { exclude: string[] },
  ) => Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }>;
}

const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

/** Its serious and critical findings, with the elements that they are about; `without` selects what is not examined. */
export async function seriousFindings(page: Page, without?: string): Promise<string[]> {
  await page.evaluate(axe);
  return page.evaluate(async (exclude) => {
    const { violations } = await (globalThis as never as { axe: Axe }).axe.run(
      exclude === undefined ? document : { exclude: [exclude] },
    );
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`);
  }, without);
}

/** By how many pixels something sticks out at the right. */
export const sticksOut = (page: Page): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
