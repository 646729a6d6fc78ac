/** A browser for the tests of a file: opens pages, closes them after each test, and fails on any page error. */
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { chromiumPath, hasChromium, Visitor, type Visit } from './browser';

export const tabNames = [
  'Train',
  'Step through time',
  'Gradient flow',
  'Check',
  'Derive',
  'Your cell',
  'Memory',
];
/** Settings large enough to see the page train, and small enough for a busy machine. */
export const quick = 'hidden=8&batch=2&seq=8&window=8';

type Open = (...visit: Parameters<Visitor['visit']>) => Promise<Page>;

/** `describe` for tests of the built page in Chromium; skipped without Chromium. */
export function inChromium(what: string, tests: (open: Open) => void): void {
  (hasChromium ? describe : describe.skip)(`${what}, in ${chromiumPath}`, () => {
    let visitor: Visitor;
    const visits: Visit[] = [];
    beforeAll(async () => {
      visitor = await Visitor.arrive();
    });
    afterAll(() => visitor.leave());
    afterEach(async () => {
      const complaints = visits.flatMap((visit) => visit.complaints);
      await Promise.all(visits.splice(0).map(({ page }) => page.close()));
      expect(complaints).toEqual([]);
    });
    tests(async (...how) => {
      const visit = await visitor.visit(...how);
      visits.push(visit);
      return visit.page;
    });
  });
}

export const step = async (page: Page): Promise<number> =>
  Number(await page.locator('.readout b').first().textContent());
export const reaches = (page: Page, least: number): Promise<unknown> =>
  page.waitForFunction((n) => Number(document.querySelector('.readout b')?.textContent) >= n, least);
export const pause = async (page: Page): Promise<void> => {
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByRole('button', { name: 'Play' }).waitFor();
};
export const show = (page: Page, name: string): Promise<void> => page.getByRole('tab', { name }).click();

/** The part of the address that holds the settings, and the value of one of them. */
export const link = (page: Page): string => new URL(page.url()).hash.slice(1);
export const setting = (page: Page, name: string): string | undefined =>
  new URLSearchParams(link(page)).get(name) ?? undefined;

/** The file that a button offers for saving. */
export async function download(page: Page, name: string): Promise<Buffer> {
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name }).click(),
  ]);
  return readFileSync(await file.path());
}
export const csvOf = async (page: Page): Promise<string[]> =>
  (await download(page, 'Save curve (CSV)')).toString('utf8').trim().split('\n');
