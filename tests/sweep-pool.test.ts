/** The threads of a sweep: repeated requests, and stopping. */
import type { SweepJob } from '../sweep/thread';
import { TrialPool } from '../sweep/pool';

/** The jobs given to the threads, which the test simulates. */
const given: { order: SweepJob; end: (answer?: string) => void; fail: (error: Error) => void }[] = [];
jest.mock('../bptt/parallel/pool', () => ({
  Pool: class {
    run(order: SweepJob): Promise<unknown> {
      return new Promise((end, fail) => given.push({ order, end, fail }));
    }
    close(): Promise<void> {
      for (const { fail } of given) fail(new Error('terminated'));
      return Promise.resolve();
    }
  },
}));
beforeEach(() => given.splice(0));

const order = (folder: string): SweepJob => ({ folder }) as SweepJob;
const run = (pool: TrialPool, folder: string): Promise<unknown> => pool.run(order(folder), () => undefined);

it('a trial that runs is not run a second time: both get what it reaches', async () => {
  const pool = new TrialPool(2);
  const [one, same, other] = [run(pool, 'a'), run(pool, 'a'), run(pool, 'b')];
  expect(given.map(({ order: { folder } }) => folder)).toEqual(['a', 'b']);
  given[0].end('reached by a');
  given[1].end('reached by b');
  expect(await Promise.all([one, same, other])).toEqual(['reached by a', 'reached by a', 'reached by b']);
  // it has ended: asked again, it is taken up again
  void run(pool, 'a');
  expect(given).toHaveLength(3);
});

it('told to stop, it begins nothing more, and those that run are told', async () => {
  const pool = new TrialPool(1);
  const running = run(pool, 'a');
  pool.stop();
  expect(await run(pool, 'b')).toBeUndefined();
  expect(Atomics.load(given[0].order.stop, 0)).toBe(1);
  given[0].end();
  expect(await running).toBeUndefined();
});

it('closed, it has been stopped: threads that are ended are no failures of their trials', async () => {
  const pool = new TrialPool(1);
  const seen = run(pool, 'a').catch((error: unknown) => [(error as Error).message, pool.stopping]);
  await pool.close();
  expect(await seen).toEqual(['terminated', true]);
});
