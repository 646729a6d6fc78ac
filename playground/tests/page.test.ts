/** The built page in a real browser: `npm run test:play`. Skipped where there is no Chromium. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { Session } from '../engine/session';
import { cellNames, defaultsOf, fromLink, optimizerNames, taskNames } from '../engine/settings';
import { chromiumPath, hasChromium, pageFolder, Visitor, type Visit } from './browser';

const MOST_KILOBYTES = 250;
const tabNames = ['Train', 'Step through time', 'Gradient flow', 'Proof', 'Memory'];
/** Enough to see the page train, little enough for a busy machine. */
const quick = 'hidden=8&batch=2&length=8&window=8';

test('all that the page loads is at most 250 kB, compressed', () => {
  const files = readdirSync(pageFolder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const sizes = files.map(({ parentPath, name }) => gzipSync(readFileSync(join(parentPath, name))).length);
  expect(sizes.length).toBeGreaterThanOrEqual(4);
  expect(sizes.reduce((sum, size) => sum + size, 0) / 1000).toBeLessThanOrEqual(MOST_KILOBYTES);
});

const inChromium = hasChromium ? describe : describe.skip;

inChromium(`in ${chromiumPath}`, () => {
  let visitor: Visitor;
  const visits: Visit[] = [];
  const open = async (link = '', options = {}): Promise<Page> => {
    const visit = await visitor.visit(link, options);
    visits.push(visit);
    return visit.page;
  };

  beforeAll(async () => {
    visitor = await Visitor.arrive();
  });
  afterAll(() => visitor.leave());
  afterEach(async () => {
    const complaints = visits.flatMap((visit) => visit.complaints);
    await Promise.all(visits.splice(0).map(({ page }) => page.close()));
    expect(complaints).toEqual([]);
  });

  const step = async (page: Page): Promise<number> =>
    Number(await page.locator('.readout b').first().textContent());
  const reaches = (page: Page, least: number): Promise<unknown> =>
    page.waitForFunction((n) => Number(document.querySelector('.readout b')?.textContent) >= n, least);
  const pause = async (page: Page): Promise<void> => {
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('button', { name: 'Play' }).waitFor();
  };
  const link = (page: Page): string => new URL(page.url()).hash.slice(1);
  const setting = (page: Page, name: string): string | undefined =>
    new URLSearchParams(link(page)).get(name) ?? undefined;
  const csvOf = async (page: Page): Promise<string[]> => {
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save curve (CSV)' }).click(),
    ]);
    return readFileSync(await download.path(), 'utf8')
      .trim()
      .split('\n');
  };
  const show = (page: Page, name: string): Promise<void> => page.getByRole('tab', { name }).click();

  test.each([
    ...cellNames.map((cell) => `cell=${cell}&against=gru&${quick}`),
    ...taskNames.map((task) => `task=${task}&seed=5&hidden=9`),
    'cell=lstm&layers=2&bidirectional=true&hidden=7&batch=3',
    'optimizer=adamw&window=5&radius=1.3&forget=-1&clip=0.1&hidden=11',
  ])('%s: every number is the one that Node computes', async (settings) => {
    const page = await open(settings);
    await reaches(page, 12);
    await pause(page);
    const [, ...rows] = await csvOf(page);
    const session = new Session(fromLink(settings).settings);
    const count = Math.min(rows.length, 60);
    const expected = Array.from({ length: count }, () => {
      const points = session.step();
      return [points[0].step, ...points.flatMap(({ loss, norm }) => [loss, norm])].join();
    });
    expect(rows.slice(0, count)).toEqual(expected);
  });

  test('training begins by itself, and the loss falls', async () => {
    const page = await open(quick);
    await reaches(page, 150);
    await pause(page);
    const [head, ...rows] = await csvOf(page);
    expect(head).toBe('step,lstm loss,lstm gradient norm');
    const losses = rows.map((row) => Number(row.split(',')[1]));
    expect(losses[149]).toBeLessThan(0.9 * losses[0]);
  });

  test('play, pause, step, restart', async () => {
    const page = await open(quick);
    await reaches(page, 3);
    await pause(page);
    const at = await step(page);
    await page.getByRole('button', { name: 'Step', exact: true }).click();
    await reaches(page, at + 1);
    expect(await step(page)).toBe(at + 1);
    await page.getByRole('button', { name: 'Play' }).click();
    await reaches(page, at + 3);
    await pause(page);
    const [, first] = await csvOf(page);
    await page.getByRole('button', { name: 'Restart' }).click();
    await page.getByRole('button', { name: 'Pause' }).waitFor();
    await reaches(page, 2);
    await pause(page);
    expect((await csvOf(page))[1]).toBe(first);
  });

  test('every setting begins a run of its own and is in the address', async () => {
    const page = await open(quick);
    const choose = async (label: string, value: string): Promise<void> => {
      await page.getByLabel(label, { exact: true }).selectOption(value);
    };
    const write = async (label: string, value: string): Promise<void> => {
      await page.getByLabel(label, { exact: true }).fill(value);
      await page.getByLabel(label, { exact: true }).press('Enter');
    };
    for (const cell of cellNames.filter((name) => name !== 'lstm')) {
      await choose('Cell', cell);
      await expect(
        page.waitForFunction((name) => document.querySelector('.names')?.textContent?.includes(name), cell),
      ).resolves.toBeDefined();
      expect(setting(page, 'cell')).toBe(cell);
    }
    await choose('against', 'elman');
    for (const name of optimizerNames.filter((name) => name !== 'adam')) {
      await choose('Optimiser', name);
      expect(setting(page, 'optimizer')).toBe(name);
    }
    const numbers = {
      'Hidden units': ['hidden', '12'],
      Layers: ['layers', '2'],
      'Learning rate': ['learningRate', '0.02'],
      'Clip at norm': ['clip', '0.5'],
      Batch: ['batch', '3'],
      Sequence: ['length', '9'],
      'Gradient window': ['window', '4'],
      Seed: ['seed', '99'],
    };
    for (const [label, [name, value]] of Object.entries(numbers)) {
      await write(label, value);
      expect(setting(page, name)).toBe(value);
    }
    await page.getByLabel('read from both ends').check();
    expect(setting(page, 'bidirectional')).toBe('true');
    await page.getByText('It reads from both ends', { exact: false }).first().waitFor();
    await page.getByLabel('read from both ends').uncheck();
    await page
      .getByLabel('Text: paste your own')
      .fill('so much depends upon what is repeated, repeated, repeated. '.repeat(4));
    await page.getByLabel('Seed').focus();
    expect(setting(page, 'text')).toMatch(/^so much/);
    await reaches(page, 2);
    for (const task of taskNames.filter((name) => name !== 'text')) {
      await choose('Task', task);
      expect(link(page)).toBe(`task=${task}`);
      await reaches(page, 1);
    }
  });

  test('what cannot be is said, and nothing is changed', async () => {
    const page = await open(`${quick}&cell=oracle`);
    await page.getByText('The link says what cannot be: cell: oracle').waitFor();
    await page.getByLabel('Hidden units').fill('-3');
    await page.getByLabel('Hidden units').press('Enter');
    await page.getByText('Hidden units must be a whole number from 4 to 256').waitFor();
    expect(setting(page, 'hidden')).toBe('8');
    await page.getByLabel('Text: paste your own').fill('short');
    await page.getByLabel('Seed').focus();
    await page.getByText('the text must hold at least 17 symbols', { exact: false }).waitFor();
  });

  test('what explodes is told, and another run begins all the same', async () => {
    const page = await open(`cell=elman&radius=3&clip=0&optimizer=sgd&learningRate=10&task=adding&length=60`);
    await page.getByText(/Training has stopped: .*must be finite/).waitFor();
    await page.getByRole('button', { name: 'Play' }).waitFor();
    await page.getByLabel('Clip at norm', { exact: true }).fill('1');
    await page.getByLabel('Clip at norm', { exact: true }).press('Enter');
    await page.getByRole('button', { name: 'Pause' }).waitFor();
    await reaches(page, 2);
  });

  test('samples change with the temperature', async () => {
    const page = await open(quick);
    await reaches(page, 5);
    await pause(page);
    const sample = page.locator('.sample').first();
    const before = await sample.textContent();
    expect(before).toHaveLength(220);
    await page.getByLabel('Temperature').fill('0');
    await page.waitForFunction((text) => document.querySelector('.sample')?.textContent !== text, before);
  });

  test('steps through time: forward, backward, the numbers of a unit', async () => {
    const page = await open(`cell=lstm&${quick}&length=16`);
    await reaches(page, 3);
    await pause(page);
    await show(page, 'Step through time');
    const lines = page.locator('.equations code');
    await page.getByText('dh = dhOut + dhNext').waitFor();
    const scrub = page.getByLabel('Pass', { exact: true });
    await scrub.fill('0');
    await page.getByText('c = f * cPrev + i * g').waitFor();
    expect(await lines.allTextContents()).toEqual([
      'a = x Wx + b',
      'a += hPrev Wh',
      'i = sigmoid(ai)',
      'f = sigmoid(af)',
      'g = tanh(ag)',
      'o = sigmoid(ao)',
      'c = f * cPrev + i * g',
      'tc = tanh(c)',
      'h = o * tc',
    ]);
    expect(await page.locator('.equations math').count()).toBe(9);
    await page.getByRole('button', { name: 'one step on' }).click();
    await page.getByText('on the way forward, t = 1').waitFor();
    await page.getByRole('application').first().press('ArrowDown');
    await page.getByText('Unit 1 of l0 on the way forward, t = 1').waitFor();
    await page.getByRole('application').first().press('ArrowRight');
    await page.getByText('t = 2').first().waitFor();
    // the forget gate of unit 1 is what its line says
    const forget = await page.locator('.equations li').nth(3).locator('.numbers').textContent();
    const [, inside, value] = /sigmoid\((.*)\) = (.*)/.exec((forget ?? '').replaceAll('−', '-')) ?? [];
    expect(Math.abs(1 / (1 + Math.exp(-Number(inside))) - Number(value))).toBeLessThan(0.002);
    await page.getByLabel('Shown').selectOption('f');
    await page.getByRole('button', { name: 'Walk' }).click();
    await page.getByText('on the way back').first().waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.locator('.network g').first().click();
    await page.getByText('on the way back, t = 0').waitFor();
  });

  test('the gradient vanishes and explodes', async () => {
    const page = await open(`cell=elman&${quick}&length=40&window=40&learningRate=0.00001`);
    await show(page, 'Gradient flow');
    const radius = page.getByLabel('Spectral radius of Wh at the start');
    await radius.fill('0.3');
    await radius.dispatchEvent('change');
    await page.getByText('it vanishes').waitFor();
    expect(setting(page, 'radius')).toBe('0.3');
    await page.getByRole('button', { name: 'Measure now' }).click();
    await page.waitForFunction(() => /d 40/.test(document.body.textContent ?? ''));
    await page.getByLabel('clip at norm 1').uncheck();
    expect(setting(page, 'clip')).toBe('0');
    await page.getByLabel('Loss', { exact: true }).selectOption('training');
    await page.getByText('Each step has an error of its own').waitFor();
    await page.getByLabel('Loss', { exact: true }).selectOption('lastStep');
    await page.getByLabel('Cell', { exact: true }).selectOption('lstm');
    const forget = page.getByLabel('Forget bias at the start (LSTM)');
    await forget.fill('-4');
    await forget.dispatchEvent('change');
    expect(setting(page, 'forget')).toBe('-4');
  });

  test('proof: gradients agree, a planted mistake is caught, a repaired one agrees', async () => {
    const page = await open(quick);
    await show(page, 'Proof');
    await page.getByText(/All \d+ gradients of these weights agree\./).waitFor();
    await page.getByLabel('Plant a mistake').selectOption({ index: 3 });
    await page.getByText(/Caught: \d+ of \d+/).waitFor();
    await page.getByRole('application').first().press('ArrowRight');
    await page.getByRole('button', { name: 'Repair' }).click();
    await page.getByText(/All \d+ gradients/).waitFor();
    await page.getByLabel('Weights', { exact: true }).selectOption({ index: 0 });
    await page.getByText(/All \d+ gradients/).waitFor();
    await page.getByRole('button', { name: 'Plant one at random' }).click();
    await page.getByText(/Caught: /).waitFor();
  });

  test('memory: draw, remember, spoil, recall, forget', async () => {
    const page = await open(quick);
    await show(page, 'Memory');
    await page.getByText(/It recalls/).waitFor();
    await page.getByRole('button', { name: 'Clear' }).click();
    const field = page.getByRole('button', { name: 'row 1, column 1', exact: true });
    await field.click();
    expect(await field.getAttribute('aria-pressed')).toBe('true');
    await field.press('ArrowRight');
    await page.keyboard.press('Enter');
    const next = page.getByRole('button', { name: 'row 1, column 2', exact: true });
    expect(await next.getAttribute('aria-pressed')).toBe('true');
    await page.getByRole('button', { name: 'Invert' }).click();
    expect(await next.getAttribute('aria-pressed')).toBe('false');
    const memories = page.getByRole('button', { name: /take picture/ });
    const count = await memories.count();
    await page.getByRole('button', { name: 'Remember' }).click();
    expect(await memories.count()).toBe(count + 1);
    await page.getByRole('button', { name: `forget picture ${count + 1}` }).click();
    expect(await memories.count()).toBe(count);
    await page.getByLabel('Storage').selectOption('pseudo-inverse');
    await memories.nth(2).click();
    await page.getByLabel('Spoil', { exact: true }).fill('0.1');
    await page.getByRole('button', { name: 'Spoil' }).click();
    await page.getByRole('button', { name: 'Recall' }).click();
    await page.getByText(/It recalls picture 3: fixed point/).waitFor();
    await page.getByLabel('Updates', { exact: true }).selectOption('synchronous');
    await page.getByRole('button', { name: 'Recall' }).click();
    await page.getByText(/after 1 sweep/).waitFor();
  });

  test('files: pictures, a checkpoint there and back, and one that is none', async () => {
    const page = await open(`cell=gru&seed=3&${quick}`);
    await reaches(page, 10);
    await pause(page);
    const at = await step(page);
    const download = async (name: string): Promise<Buffer> => {
      const [file] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name }).click(),
      ]);
      return readFileSync(await file.path());
    };
    expect((await download('Save picture (SVG)')).toString()).toMatch(/^<svg xmlns.*polyline/s);
    const checkpoint = await download('Save checkpoint');
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

  test('tabs by keyboard, everything else by Tab', async () => {
    const page = await open(quick);
    await page.getByRole('tab', { name: 'Train' }).focus();
    for (const name of [...tabNames.slice(1), tabNames[0]]) {
      await page.keyboard.press('ArrowRight');
      expect(await page.evaluate(() => document.activeElement?.textContent)).toBe(name);
      expect(await page.locator('[role=tabpanel]:visible').count()).toBe(1);
    }
  });

  const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
  test.each(['light', 'dark'] as const)(
    '%s: axe finds nothing serious, and nothing sticks out on a phone',
    async (colorScheme) => {
      for (const viewport of [
        { width: 1280, height: 800 },
        { width: 375, height: 720 },
      ]) {
        const page = await open(`against=gru&${quick}`, { colorScheme, viewport });
        await reaches(page, 3);
        await page.evaluate(axe);
        for (const name of tabNames) {
          await show(page, name);
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
          const sticksOut = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          expect([name, viewport.width, sticksOut]).toEqual([name, viewport.width, 0]);
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
