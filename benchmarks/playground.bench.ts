/**
 * Benchmark of the playground in Chromium: time to first paint and first training step, training steps per second, and the
 * work of the main thread from then on: its longest task while all tabs are shown one after the other, and how smooth the tab
 * Train is while it trains on a processor that is four times slower. Other programs on the machine change times; the
 * processor time of the main thread, which is measured too, they change much less. Needs the built page
 * (`npm run build:play`) and Chromium.
 *
 *   node -r ./scripts/register.js benchmarks/playground.bench.ts [--smallest]
 */
import type { Page } from 'playwright-core';
import { chromiumPath, hasChromium, Visitor } from '../playground/tests/browser';
import { machine } from './machine';
import { common } from './options';
import { script, type Arguments } from '../scripts/script';

interface Row {
  link: string;
  /** Milliseconds from the start of the navigation to the first contentful paint, and from there to the first step. */
  paint: number;
  trained: number;
  stepsPerSecond: number;
  /** The longest task on the main thread after the first step. */
  longest: Task;
  smooth: Smoothness;
}

/** A task of the main thread: how long it took, and how much processor time, in milliseconds. */
interface Task {
  wall: number;
  processor: number;
}

interface Smoothness {
  /** Frames per second on a main thread that is slowed down, as counted. */
  counted: number;
  /** The share of tasks that leave time for 60 frames per second when they take SLOWER times as much processor time. */
  short: number;
  /** Milliseconds of processor time of the main thread, in each second of training. */
  busy: number;
}

/** How many times slower the processor is for the frames per second. */
const SLOWER = 4;
const FRAME = 1000 / 60;

/** Records timestamps; installed before any script of the page runs. */
const watch = `
  window.seen = { paint: 0, step: 0 };
  new PerformanceObserver((list) => { for (const entry of list.getEntries()) if (entry.name === 'first-contentful-paint') seen.paint = entry.startTime; }).observe({ type: 'paint', buffered: true });
  const look = () => { if (Number(document.querySelector('.readout b')?.textContent) > 0) seen.step = performance.now(); else requestAnimationFrame(look); };
  requestAnimationFrame(look);
`;

interface TraceEvent {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  dur?: number;
  tdur?: number;
  args: { name?: string };
}

/** The tasks of the page's main thread during some work. */
async function tasksDuring(page: Page, work: () => Promise<unknown>): Promise<Task[]> {
  const browser = page.context().browser()!;
  await browser.startTracing(page, { categories: ['toplevel'] });
  await work();
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as {
    traceEvents: TraceEvent[];
  };
  const mains = traceEvents.filter(
    ({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain',
  );
  const perMain = mains.map(({ pid, tid }) =>
    traceEvents.filter(
      (event) => event.pid === pid && event.tid === tid && event.ph === 'X' && /RunTask$/.test(event.name),
    ),
  );
  // the page's renderer is the one that works
  const total = (events: readonly TraceEvent[]): number => events.reduce((sum, { dur = 0 }) => sum + dur, 0);
  const [own = []] = perMain.sort((one, other) => total(other) - total(one));
  return own.map(({ dur = 0, tdur = 0 }) => ({ wall: dur / 1000, processor: tdur / 1000 }));
}

async function measure(visitor: Visitor, link: string, seconds: number): Promise<Row> {
  const { page } = await visitor.visit(link, {}, watch);
  await page.waitForFunction('seen.step > 0 && seen.paint > 0');
  const step = async (): Promise<number> => Number(await page.locator('.readout b').first().textContent());
  const from = { at: performance.now(), step: await step() };
  const tabs = await page.getByRole('tab').count();
  const tasks = await tasksDuring(page, async () => {
    for (let tab = 0; tab < tabs; tab++) {
      await page.locator(`#tab-${tab}`).click();
      await page.waitForTimeout((1000 * seconds) / tabs);
    }
  });
  const stepsPerSecond = (1000 * ((await step()) - from.step)) / (performance.now() - from.at);
  const seen = await page.evaluate<{ paint: number; step: number }>('seen');
  const smooth = await smoothness(page, seconds / 5);
  await page.close();
  const longest = {
    wall: Math.max(...tasks.map(({ wall }) => wall)),
    processor: Math.max(...tasks.map(({ processor }) => processor)),
  };
  return { link, paint: seen.paint, trained: seen.step - seen.paint, stepsPerSecond, longest, smooth };
}

/** How smooth the tab Train is while the network trains. */
async function smoothness(page: Page, seconds: number): Promise<Smoothness> {
  await page.locator('#tab-0').click();
  await page.waitForTimeout(500);
  const tasks = await tasksDuring(page, () => page.waitForTimeout(1000 * seconds));
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
  return {
    counted: await page.evaluate(count, 1000 * seconds),
    short: tasks.filter(({ processor }) => SLOWER * processor <= FRAME).length / tasks.length,
    busy: tasks.reduce((sum, { processor }) => sum + processor, 0) / seconds,
  };
}

const config = { options: { smallest: common.smallest } } as const;

async function main({ values }: Arguments<typeof config>): Promise<void> {
  if (!hasChromium) {
    console.log(`playground: nothing measured, there is no Chromium at ${chromiumPath}`);
    return;
  }
  const seconds = values.smallest ? 2 : 20;
  const links = ['', 'task=adding', 'cell=gru&layers=2&against=lstm'];
  const visitor = await Visitor.arrive();
  try {
    console.log(machine());
    for (const link of links) {
      const { paint, trained, stepsPerSecond, longest, smooth } = await measure(visitor, link, seconds);
      console.log(
        `#${link}`.padEnd(34),
        `first paint ${paint.toFixed(0)} ms, first step ${trained.toFixed(0)} ms later,`,
        `${stepsPerSecond.toFixed(0)} steps/s, longest main-thread task ${longest.wall.toFixed(0)} ms`,
        `(${longest.processor.toFixed(0)} ms of processor time);`,
        `when ${SLOWER} times slower: ${smooth.counted.toFixed(0)} frames/s,`,
        `${(100 * smooth.short).toFixed(1)} % of the tasks fit into a frame,`,
        `the main thread is busy ${((SLOWER * smooth.busy) / 10).toFixed(0)} % of the time`,
      );
    }
  } finally {
    await visitor.leave();
  }
}

void script(__filename, config, main);
