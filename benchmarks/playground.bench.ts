/**
 * Benchmark of the playground in Chromium: time to first paint and first training step, training steps per second, the longest
 * task on the main thread from then on, and frames per second on a main thread slowed down four times. Needs the built page
 * (`npm run build:play`) and Chromium.
 */
import type { Page } from 'playwright-core';
import { chromiumPath, hasChromium, Visitor } from '../playground/tests/browser';
import { machine } from './machine';

interface Row {
  link: string;
  /** Milliseconds from the start of the navigation to the first contentful paint, and from there to the first step. */
  paint: number;
  trained: number;
  stepsPerSecond: number;
  /** The longest task on the main thread after the first step, in ms; browsers do not report tasks shorter than 50 ms. */
  longestTask: number;
  /** Frames per second while it trains, on a main thread slowed down by SLOWER. */
  frames: number;
}

/** How many times slower the main thread is for the frames per second. */
const SLOWER = 4;

/** Records timestamps; installed before any script of the page runs. */
const watch = `
  window.seen = { paint: 0, step: 0, longest: 0 };
  new PerformanceObserver((list) => { for (const entry of list.getEntries()) if (entry.name === 'first-contentful-paint') seen.paint = entry.startTime; }).observe({ type: 'paint', buffered: true });
  new PerformanceObserver((list) => { for (const entry of list.getEntries()) seen.longest = Math.max(seen.longest, entry.duration); }).observe({ type: 'longtask', buffered: true });
  const look = () => { if (Number(document.querySelector('.readout b')?.textContent) > 0) seen.step = performance.now(); else requestAnimationFrame(look); };
  requestAnimationFrame(look);
`;

async function measure(visitor: Visitor, link: string, seconds: number): Promise<Row> {
  const { page } = await visitor.visit(link, {}, watch);
  await page.waitForFunction('seen.step > 0 && seen.paint > 0');
  const step = async (): Promise<number> => Number(await page.locator('.readout b').first().textContent());
  await page.evaluate('seen.longest = 0');
  const from = { at: performance.now(), step: await step() };
  for (let tab = 0; tab < 5; tab++) {
    await page.locator(`#tab-${tab}`).click();
    await page.waitForTimeout((1000 * seconds) / 5);
  }
  const stepsPerSecond = (1000 * ((await step()) - from.step)) / (performance.now() - from.at);
  const seen = await page.evaluate<{ paint: number; step: number; longest: number }>('seen');
  const frames = await framesWhenSlow(page, seconds);
  await page.close();
  return {
    link,
    paint: seen.paint,
    trained: seen.step - seen.paint,
    stepsPerSecond,
    longestTask: seen.longest,
    frames,
  };
}

/** Frames per second of the tab Train while the network trains. */
async function framesWhenSlow(page: Page, seconds: number): Promise<number> {
  await page.locator('#tab-0').click();
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Emulation.setCPUThrottlingRate', { rate: SLOWER });
  const count = (milliseconds: number): Promise<number> =>
    new Promise((done) => {
      const from = performance.now();
      let frames = 0;
      const next = (at: number): void => {
        frames++;
        if (at - from < milliseconds) requestAnimationFrame(next);
        else done((1000 * frames) / (at - from));
      };
      requestAnimationFrame(next);
    });
  return page.evaluate(count, (1000 * seconds) / 5);
}

async function main(): Promise<void> {
  if (!hasChromium) {
    console.log(`playground: nothing measured, there is no Chromium at ${chromiumPath}`);
    return;
  }
  const seconds = process.argv.includes('--smallest') ? 2 : 20;
  const links = ['', 'task=adding', 'cell=gru&layers=2&against=lstm'];
  const visitor = await Visitor.arrive();
  try {
    console.log(machine());
    for (const link of links) {
      const { paint, trained, stepsPerSecond, longestTask, frames } = await measure(visitor, link, seconds);
      const longest = longestTask === 0 ? 'below 50' : longestTask.toFixed(0);
      console.log(
        `#${link}`.padEnd(34),
        `first paint ${paint.toFixed(0)} ms, first step ${trained.toFixed(0)} ms later,`,
        `${stepsPerSecond.toFixed(0)} steps/s, longest main-thread task ${longest} ms,`,
        `${frames.toFixed(0)} frames/s when ${SLOWER} times slower`,
      );
    }
  } finally {
    await visitor.leave();
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
