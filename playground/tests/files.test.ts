/** Loading, saving and links of the page. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { network } from '../../bptt/network/network';
import { gru } from '../../cells/gru';
import { decodeCheckpoint, encodeCheckpoint } from '../../io/checkpoint';
import { Vocabulary } from '../../io/vocabulary';
import { settingsFor, fromLink } from '../engine/settings';
import { hasChromium, pageFolder, Visitor } from './browser';
import { csvOf, download, inChromium, link, pause, quick, reaches, setting, show, step } from './visits';

const MOST_KILOBYTES = 250;

(hasChromium ? test : test.skip)('the first screen is at most 250 kB, compressed', async () => {
  const visitor = await Visitor.arrive();
  const { page, requests } = await visitor.visit(quick);
  await reaches(page, 3);
  await visitor.leave();
  const files = requests
    .filter((url) => url.startsWith(visitor.url))
    .map((url) => new URL(url).pathname.replace(/^\/$/, '/index.html'));
  const sizes = files.map((file) => gzipSync(readFileSync(join(pageFolder, file))).length);
  // the page, its styles, its script and the worker's
  expect(files.map((file) => file.replace(/^.*\//, '').replace(/-.*\./, '.')).sort()).toEqual(
    expect.arrayContaining(['index.css', 'index.html', 'index.js', 'worker.js']),
  );
  expect(sizes.reduce((sum, size) => sum + size, 0) / 1000).toBeLessThanOrEqual(MOST_KILOBYTES);
});

inChromium('files and links', (open) => {
  test('files: pictures, a checkpoint there and back, and one that is none', async () => {
    const page = await open(`cell=gru&seed=3&${quick}`);
    await reaches(page, 10);
    await pause(page);
    const at = await step(page);
    expect((await download(page, 'Save picture (SVG)')).toString()).toMatch(/^<svg xmlns.*>gru loss</s);
    const checkpoint = await download(page, 'Save checkpoint');
    const next = await open('task=sine');
    const give = (name: string, buffer: Buffer): Promise<void> =>
      next.locator('input[type=file]').setInputFiles({ name, buffer, mimeType: 'application/octet-stream' });
    await give('run.safetensors', checkpoint);
    await next.getByText(`Loaded at step ${at}`).waitFor();
    const loss = (of: Page): Promise<string | null> => of.locator('.readout b').nth(1).textContent();
    expect(await loss(next)).toMatch(/\d/);
    expect(await loss(next)).toBe(await loss(page));
    const losses = async (of: Page): Promise<string[]> =>
      (await csvOf(of)).map((line) => line.split(',').slice(0, 2).join());
    expect(await losses(next)).toEqual(await losses(page));
    expect(link(next)).toBe(link(page));
    // both continue with the same results
    for (const each of [page, next]) {
      await each.getByRole('button', { name: 'Step', exact: true }).click();
      await reaches(each, at + 1);
    }
    expect((await csvOf(next)).at(-1)).toBe((await csvOf(page)).at(-1));
    await give('poem.txt', Buffer.from('roses are red'));
    await next.getByText('must be a whole checkpoint', { exact: false }).waitFor();
  });

  test('a picture is on the scale of the page', async () => {
    for (const [task, logarithmic] of [
      ['text', false],
      ['adding', true],
    ] as const) {
      const page = await open(`task=${task}`);
      await reaches(page, 5);
      await pause(page);
      const picture = (await download(page, 'Save picture (SVG)')).toString();
      expect(picture.includes('>loss (logarithmic)<')).toBe(logarithmic);
      expect(/>10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+</.test(picture)).toBe(logarithmic);
    }
  });

  test('of two networks each is saved under its own name', async () => {
    const page = await open(`cell=gru&against=elman&${quick}`);
    await reaches(page, 3);
    await pause(page);
    for (const cell of ['gru', 'elman']) {
      const [file] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name: `Save checkpoint of ${cell}` }).click(),
      ]);
      expect(file.suggestedFilename()).toBe(`backstep-text-${cell}.safetensors`);
      const { network: saved, curves } = decodeCheckpoint(readFileSync(await file.path()));
      expect(saved.architecture.layers[0]).toMatchObject({ name: cell });
      const [head, first] = (await csvOf(page)).map((line) => line.split(','));
      expect(curves?.training[1]).toBe(Number(first[head.indexOf(`${cell} loss`)]));
    }
  });

  test('a file that does not hold its text trains on that of the page, and the page says so', async () => {
    const { text } = settingsFor('text');
    const vocabulary = Vocabulary.of(text);
    const layers = [gru({ input: vocabulary.size, hidden: 8 })];
    const net = network({ layers, output: vocabulary.size, loss: 'softmax' });
    const page = await open(quick);
    const buffer = Buffer.from(encodeCheckpoint({ network: net, vocabulary }));
    await page
      .locator('input[type=file]')
      .setInputFiles({ name: 'model.safetensors', buffer, mimeType: 'application/octet-stream' });
    const notice = page.getByText('from now on it trains on the text of this page', { exact: false });
    await notice.waitFor();
    await page.getByRole('button', { name: 'Restart' }).click();
    await notice.waitFor({ state: 'detached' });
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
      ...settingsFor('text'),
      cell: 'gru',
      hidden: 8,
      batch: 2,
      seq: 8,
      window: 8,
      seed: 12,
    });
  });
});
