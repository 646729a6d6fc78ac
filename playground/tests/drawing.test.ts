/** The drawing of the unrolled network has exactly the outputs and arrows of the network. */
import type { Page } from 'playwright-core';
import { pageTaskNames } from '../engine/settings';
import { inChromium, show } from './visits';

/** A line of the drawing: its end points, and whether it is lit. */
interface Line {
  from: number;
  to: number;
  lit: string;
  thick: number;
}

inChromium('the drawing', (open) => {
  /** The page is paused at a step of the pass, counted from 0. */
  const openAt = async (settings: string, at: number): Promise<Page> => {
    const page = await open(`tab=time&${settings}`, { reducedMotion: 'reduce' });
    await page.locator('.network text').first().waitFor();
    await page.getByLabel('Pass', { exact: true }).fill(String(at));
    await page.waitForFunction(
      (n) => (document.querySelector('input[aria-label=Pass]') as HTMLInputElement).value === String(n),
      at,
    );
    return page;
  };
  /** Lines of a kind. An arrow runs along its row, `M10 50H40…`; every other line begins at the cell's own place. */
  const lines = (page: Page, kind: string): Promise<Line[]> =>
    page.locator(`.network path.${kind}`).evaluateAll((paths) =>
      paths.map((path) => {
        const d = path.getAttribute('d') ?? '';
        const [, from, to] = /^M([\d.]+) [\d.]+(?:H([\d.]+))?/.exec(d) ?? [];
        const [lit = ''] = ['lit', 'back'].filter((name) => path.classList.contains(name));
        return {
          from: Number(from),
          to: Number(to),
          lit,
          thick: Number(path.getAttribute('stroke-width')),
        };
      }),
    );
  const outputs = async (page: Page): Promise<(string | null)[]> =>
    (await page.locator('.network text').allTextContents()).filter((text) => /^y/.test(text));
  const T = 20;
  const size = `hidden=8&batch=2&seq=${T}&window=${T}`;

  test('many to one: one outlet, at the end, and a gradient that comes in there alone', async () => {
    const page = await openAt(`task=adding&cell=elman&${size}`, 2 * T - 1);
    const outlets = await lines(page, 'outlet');
    expect(outlets).toHaveLength(1);
    const along = await lines(page, 'along');
    expect(along).toHaveLength(T - 1);
    // it is above the last cell, past the last arrow
    expect(outlets[0].from).toBeGreaterThan(Math.max(...along.map(({ from, to }) => Math.max(from, to))));
    expect(await outputs(page)).toEqual(['y']);
    // the whole way back: the outlet and every arrow are lit, from right to left
    expect(outlets[0].lit).toBe('back');
    for (const { from, to, lit } of along) expect([to < from, lit]).toEqual([true, 'back']);
  });

  test('many to many: an outlet at every step', async () => {
    const page = await openAt(`task=sine&cell=elman&${size}`, 2 * T - 1);
    expect(await lines(page, 'outlet')).toHaveLength(T);
    expect(await outputs(page)).toHaveLength(T);
  });

  test('both directions read the input and are read by the output; their arrows run against each other', async () => {
    const page = await openAt(`task=sine&cell=gru&bidirectional=true&${size}`, T - 1);
    const names = (await page.locator('.network text').allTextContents()).filter((text) => /^l0/.test(text));
    expect(names).toEqual(['l0 →', 'l0r ←']);
    for (const kind of ['outlet', 'inlet'])
      expect([kind, (await lines(page, kind)).length]).toEqual([kind, 2 * T]);
    // the directions of a layer are not stacked on one another
    expect(await lines(page, 'up')).toHaveLength(0);
    const ways = async (): Promise<number[]> =>
      (await lines(page, 'along')).map(({ from, to }) => Math.sign(to - from));
    const [right, left] = [1, -1].map((way) => Array<number>(T - 1).fill(way));
    expect(await ways()).toEqual([...right, ...left]);
    await page.getByLabel('Pass', { exact: true }).fill(String(2 * T - 1));
    expect(await ways()).toEqual([...left, ...right]);
  });

  test('two layers: the lower one is read by the upper one alone', async () => {
    const page = await openAt(`task=adding&cell=elman&layers=2&${size}`, 2 * T - 1);
    expect(await lines(page, 'up')).toHaveLength(T);
    expect(await lines(page, 'outlet')).toHaveLength(1);
    expect(await lines(page, 'inlet')).toHaveLength(T);
  });

  test('many to one from both ends: each direction is read where it ends', async () => {
    const page = await openAt(`task=adding&cell=elman&bidirectional=true&${size}`, T);
    const outlets = await lines(page, 'outlet');
    expect(outlets).toHaveLength(2);
    const [forward, reverse] = outlets;
    expect(reverse.from).toBeLessThan(forward.from);
    // the first backward step: gradients have arrived at both ends, and will flow inwards only
    expect(outlets.map(({ lit }) => lit)).toEqual(['back', 'back']);
    const lit = (await lines(page, 'along')).map((line) => line.lit !== '');
    expect(await outputs(page)).toEqual(['y']);
    expect(lit.filter(Boolean)).toHaveLength(0);
  });

  test('the drawing names what every step reads, and its words keep apart', async () => {
    for (const task of pageTaskNames) {
      const page = await open(`task=${task}&hidden=8&batch=2`, { reducedMotion: 'reduce' });
      await show(page, 'Step through time');
      await page.locator('.network text').first().waitFor();
      const words = await page.locator('.network text').evaluateAll((texts) =>
        (texts as SVGTextElement[]).map((text) => {
          const { x, y, width } = text.getBBox();
          return { x, y: Math.round(y), width, text: text.textContent };
        }),
      );
      const touching = words.filter((one) =>
        words.some((two) => two !== one && two.y === one.y && one.x <= two.x && two.x < one.x + one.width),
      );
      expect([task, touching]).toEqual([task, []]);
      if (task !== 'adding') continue;
      expect(words.map(({ text }) => text)).toEqual(expect.arrayContaining(['value', 'marker']));
      const { y = NaN } = words.find(({ text }) => text === 'marker') ?? {};
      const markers = words.filter((word) => word.y === y).map(({ text }) => text);
      expect(markers.filter((marker) => marker === '1')).toHaveLength(2);
      expect(markers).toHaveLength(21);
    }
  });

  test.each(['forward', 'backward'])('of the cell: the numbers of the equations, %s', async (way) => {
    const page = await openAt(`cell=lstm&${size}`, way === 'forward' ? 3 : 2 * T - 4);
    const shown = (label: string): Promise<string | null> =>
      page.locator('.diagram g', { hasText: label }).locator('.number').textContent();
    const stated = (line: string): Promise<string | null> =>
      page.locator('.equations li', { hasText: line }).locator('.numbers b').textContent();
    const pairs = {
      forward: { 'f = σ': 'f = sigmoid', 'tc = tanh': 'tc = tanh', '+': 'c = f' },
      backward: { 'f = σ': 'daf =', 'g = tanh': 'dag =', '+': 'dc =' },
    }[way] as Record<string, string>;
    await page.locator('h2', { hasText: /t = 3$/ }).waitFor();
    await page.locator('.diagram').waitFor();
    for (const [label, line] of Object.entries(pairs))
      expect([label, await shown(label)]).toEqual([label, await stated(line)]);
    // no motion for those who prefer none
    expect(await page.locator('.diagram .dot').count()).toBe(0);
  });

  test('of the cell: dots move along its paths', async () => {
    const page = await open(`tab=time&cell=gru&${size}`);
    await page.locator('.diagram .dot').first().waitFor();
  });
});
