/** A process that runs the trials it is sent, one after the other. */
import { readWhole } from '../io/files';
import { papers } from './list';
import type { Answer, Order } from './orders';

/** Milliseconds between two reports of progress. */
const REPORT_EVERY = 100;

const answer = (message: Answer): void => void process.send?.(message);

// Ctrl-C reaches every process of the terminal; the one that handed out the trials decides what it means
for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.on('disconnect', () => process.exit());
process.on('message', (order: Order) => void run(order));

async function run({ paper: name, size, row: rowName, seed, dataFile }: Order): Promise<void> {
  try {
    const paper = papers.find((one) => one.name === name);
    const row = paper?.rows(size).find((one) => one.name === rowName);
    if (!row) throw new Error(`paper ${name}: no row ${rowName}`);
    const data = dataFile === undefined ? undefined : paper?.data?.read(readWhole(dataFile).toString('utf8'));
    let reported = 0;
    const progress = (done: number): void => {
      if (performance.now() - reported < REPORT_EVERY) return;
      reported = performance.now();
      answer({ kind: 'progress', done });
    };
    const [started, used] = [performance.now(), process.cpuUsage()];
    const figures = await row.run({ seed, data, progress });
    const { user, system } = process.cpuUsage(used);
    const seconds = (performance.now() - started) / 1000;
    answer({ kind: 'finished', figures, cpuSeconds: (user + system) / 1e6, seconds });
  } catch (error) {
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    answer({ kind: 'failed', message, stack });
  }
}
