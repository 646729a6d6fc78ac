/** What the page loads, saves and links to. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { defaultsOf, fromLink } from '../engine/settings';
import { pageFolder } from './browser';
import { csvOf, download, inChromium, link, pause, quick, reaches, setting, show, step } from './visits';

const MOST_KILOBYTES = 250;

test('all that the page loads is at most 250 kB, compressed', () => {
  const files = readdirSync(pageFolder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const sizes = files.map(({ parentPath, name }) => gzipSync(readFileSync(join(parentPath, name))).length);
  expect(sizes.length).toBeGreaterThanOrEqual(4);
  expect(sizes.reduce((sum, size) => sum + size, 0) / 1000).toBeLessThanOrEqual(MOST_KILOBYTES);
});

inChromium('files and links', (open) => {
  test('files: pictures, a checkpoint there and back, and one that is none', async () => {
    const page = await open(`cell=gru&seed=3&${quick}`);
    await reaches(page, 10);
    await pause(page);
    const at = await step(page);
    expect((await download(page, 'Save picture (SVG)')).toString()).toMatch(/^<svg xmlns.*polyline/s);
    const checkpoint = await download(page, 'Save checkpoint');
    const next = await open('task=sine');
    const give = (name: string, buffer: Buffer): Promise<void> =>
      next.locator('input[type=file]').setInputFiles({ name, buffer, mimeType: 'application/octet-stream' });
    await give('run.safetensors', checkpoint);
    await next.getByText(`Loaded at step ${at}`).waitFor();
    expect(link(next)).toBe(link(page));
    // both go on alike
    for (const each of [page, next]) {
      await each.getByRole('button', { name: 'Step', exact: true }).click();
      await reaches(each, at + 1);
    }
    expect((await csvOf(next)).at(-1)).toBe((await csvOf(page)).at(-1));
    await give('poem.txt', Buffer.from('roses are red'));
    await next.getByText('must be a whole checkpoint', { exact: false }).waitFor();
  });

  test('the address holds the tab, also one as it was called before', async () => {
    const page = await open(`${quick}&tab=proof`);
    const chosen = page.getByRole('tab', { selected: true });
    expect(await chosen.textContent()).toBe('Check');
    await reaches(page, 1);
    expect(setting(page, 'tab')).toBe('check');
    await show(page, 'Gradient flow');
    expect(setting(page, 'tab')).toBe('flow');
    await page.reload();
    await reaches(page, 1);
    expect(await chosen.textContent()).toBe('Gradient flow');
    await show(page, 'Train');
    expect(setting(page, 'tab')).toBeUndefined();
  });

  test('a link that somebody copies is the run', async () => {
    const page = await open(`cell=gru&${quick}&seed=12`, {
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    await page.getByRole('button', { name: 'Copy link' }).click();
    await page.getByText('Link copied').waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    expect(fromLink(new URL(copied).hash).settings).toEqual({
      ...defaultsOf('text'),
      cell: 'gru',
      hidden: 8,
      batch: 2,
      length: 8,
      window: 8,
      seed: 12,
    });
  });
});
