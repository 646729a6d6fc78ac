/**
 * Takes the screenshots of the playground for the README, in docs/images: `npm run screenshots`.
 */
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { Visitor } from '../playground/tests/browser';
import { script } from './script';

const folder = join(__dirname, '..', 'docs', 'images');
const MOST_BYTES = 150_000;

interface Picture {
  name: string;
  link: string;
  theme: 'light' | 'dark';
  /** Minimum number of training steps before the screenshot. */
  steps: number;
  prepare: (page: Page) => Promise<unknown>;
  width?: number;
  height?: number;
}

const tab =
  (name: string) =>
  (page: Page): Promise<unknown> =>
    page.getByRole('tab', { name }).click();

const pictures: Picture[] = [
  { name: 'train', link: 'against=elman', theme: 'light', steps: 300, prepare: tab('Train') },
  {
    name: 'time',
    link: '',
    theme: 'light',
    steps: 120,
    width: 1160,
    height: 620,
    prepare: async (page) => {
      await tab('Step through time')(page);
      await page.getByLabel('Shown', { exact: true }).selectOption('f');
      await page.getByRole('application').first().press('ArrowDown');
    },
  },
  {
    name: 'flow',
    link: 'task=adding&cell=elman&spectralRadius=0.5&seq=40&window=40&seed=3',
    theme: 'dark',
    steps: 1500,
    height: 740,
    prepare: async (page) => {
      await tab('Gradient flow')(page);
      await page.getByRole('button', { name: 'Measure now' }).click();
      await page.getByText('d 40', { exact: true }).waitFor();
    },
  },
  {
    name: 'derive',
    link: 'tab=derive.elman',
    theme: 'light',
    steps: 1,
    width: 1160,
    height: 700,
    prepare: async (page) => {
      const typed = [
        'dh = dhOut + dhNext',
        'dz = dh * (1 - h) * (1 + h)',
        'dx = dz @ Wx.T',
        'dhPrev = dz @ Wh',
        'dWh += h.T @ dz',
      ];
      await page.getByLabel('Backward pass, one gradient in each line').fill(typed.join('\n'));
      await page.getByText('dWh is not right').waitFor();
      await page.getByRole('button', { name: 'Hint' }).click();
      await page.getByText('look at what dWh').waitFor();
    },
  },
  {
    name: 'check',
    link: '',
    theme: 'light',
    steps: 20,
    height: 780,
    prepare: async (page) => {
      await tab('Check')(page);
      await page.getByLabel('Plant a mistake').selectOption({ index: 24 });
      await page.getByText(/Caught/).waitFor();
    },
  },
  {
    name: 'memory',
    link: '',
    theme: 'dark',
    steps: 20,
    prepare: async (page) => {
      await tab('Memory')(page);
      await page.getByText(/It recalls/).waitFor();
    },
  },
  { name: 'phone', link: '', theme: 'dark', steps: 120, prepare: tab('Train'), width: 390, height: 844 },
];

async function main(): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const visitor = await Visitor.arrive();
  try {
    for (const { name, link, theme, steps, prepare, width = 1280, height = 800 } of pictures) {
      const { page } = await visitor.visit(link, { colorScheme: theme, viewport: { width, height } });
      await prepare(page);
      await page.waitForFunction(
        (n) => Number(document.querySelector('.readout b')?.textContent) >= n,
        steps,
      );
      await page.getByRole('button', { name: 'Pause' }).click();
      await page.waitForTimeout(800);
      const file = join(folder, `${name}.png`);
      await page.screenshot({ path: file });
      const { size } = statSync(file);
      console.log(`docs/images/${name}.png ${Math.round(size / 1000)} kB`);
      if (size > MOST_BYTES)
        throw new Error(`screenshots: ${name}.png must be at most ${MOST_BYTES} bytes, got ${size}`);
      await page.close();
    }
  } finally {
    await visitor.leave();
  }
}

void script(__filename, {}, main);
