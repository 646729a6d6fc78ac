/**
 * Benchmark of a training step (zeroed gradients, forward, backward) on one thread and on several that split the
 * batch by rows; the upper bound is one thread with only its own share of the rows. Threads cost start-up time and
 * memory, and pay off only for long steps.
 *
 *   node -r ./scripts/register.js benchmarks/threads.bench.ts [W2 W3 …] [--threads 2] [--seconds 10] [--smallest]
 *     [--json] [--out FILE]
 *
 * --smallest only shows that the benchmark still runs; its figures mean nothing.
 *
 * The three are timed in turns; a ratio is the median of the ratios of neighboring turns. Load from other processes
 * hurts threads most: each waits for a free core, and all wait for the slowest. The column `quiet` is the ratio over
 * the turns in which no thread of this process waited for a core more than 2 % of the time (from Linux scheduler
 * statistics), and `turns` is the number of such turns out of all.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { parallel, type Parallel } from '../bptt/parallel/parallel';
import { suggestedThreads } from '../bptt/parallel/threads';
import type { Batch } from '../bptt/network/batch/batch';
import type { FlatNumbers } from '../bptt/network/batch/numbers';
import { physicalCores } from '../bptt/parallel/cores';
import { median } from '../measure/timing';
import {
  workloadText,
  flopsOf,
  WorkloadRun,
  smallestWorkloads,
  workloads,
  type Workload,
} from '../measure/workloads';
import { machine } from './machine';
import { publish } from './output';
import { formatDecimal } from '../core/format';
import { table } from './table';
import { oneOf, real, whole } from '../terminal/arguments';
import { common } from './options';
import { script, type Arguments } from '../scripts/script';

interface Turn {
  milliseconds: number;
  /** Share of the time that threads of this process waited for a core; NaN where the system does not report it. */
  waited: number;
}

export interface ThreadsRow {
  workload: string;
  threads: number;
  /** The number of threads that `fit` chooses by default. */
  suggested: number;
  megaflops: number;
  one: number;
  several: number;
  ratio: number;
  /** Speed-up of one thread that processes only its own share of the rows. */
  most: number;
  quiet: number;
  quietTurns: number;
  turns: number;
}

/** Milliseconds that all threads of this process have waited for a core. */
function waiting(): number {
  try {
    const tasks = readdirSync('/proc/self/task');
    const delays = tasks.map(
      (task) => readFileSync(`/proc/self/task/${task}/schedstat`, 'utf8').split(' ')[1],
    );
    return delays.reduce((sum, nanoseconds) => sum + Number(nanoseconds) / 1e6, 0);
  } catch {
    return NaN;
  }
}

async function timed(team: Parallel, batch: Batch): Promise<Turn> {
  const [before, start] = [waiting(), performance.now()];
  team.network.parameters.zeroGradients();
  await team.forwardBackward(batch);
  const milliseconds = performance.now() - start;
  return { milliseconds, waited: (waiting() - before) / milliseconds };
}

/** The first rows of a batch, [T, B, …]. */
function firstRows({ shape: [T, B, ...rest], numbers }: FlatNumbers, count: number): FlatNumbers {
  const width = rest.reduce((product, n) => product * n, 1);
  const first = Array.from({ length: T * count * width }, (_, k) => {
    const [t, within] = [Math.floor(k / (count * width)), k % (count * width)];
    return numbers[t * B * width + within];
  });
  return { shape: [T, count, ...rest], numbers: first };
}

async function measure(workload: Workload, threads: number, seconds: number): Promise<ThreadsRow> {
  const { net, batch } = new WorkloadRun(workload, { dtype: 'float32' });
  const [one, several] = [await parallel(net, 1), await parallel(net, threads)];
  const own = Math.ceil(workload.B / threads);
  const shard: Batch = {
    x: firstRows(batch.x as FlatNumbers, own),
    targets: firstRows(batch.targets as FlatNumbers, own),
  };

  const losses = [(await one.evaluate(batch)).loss, (await several.evaluate(batch)).loss];
  const apart = Math.abs(losses[0] - losses[1]) / Math.abs(losses[0]);
  if (!(apart < 1e-5)) throw new Error(`${workload.name}: losses must be equal, got ${losses.join(' and ')}`);

  const turns: [one: Turn, several: Turn, share: Turn][] = [];
  const until = performance.now() + 1000 * seconds;
  while (turns.length < 3 || performance.now() < until)
    turns.push([await timed(one, batch), await timed(several, batch), await timed(one, shard)]);
  several.close();
  turns.shift(); // the first turn includes compilation

  const quiet = turns.filter(([a, b]) => a.waited < 0.02 && b.waited < 0.02);
  const ratioOf = (of: typeof turns, k: 1 | 2): number =>
    of.length > 0 ? median(of.map((turn) => turn[0].milliseconds / turn[k].milliseconds)) : NaN;
  const { T, B, name } = workload;
  return {
    workload: `${name} ${workloadText(workload)}`,
    threads,
    suggested: await suggestedThreads(net, { T, B }),
    megaflops: flopsOf(workload).training / 1e6,
    one: median(turns.map(([turn]) => turn.milliseconds)),
    several: median(turns.map(([, turn]) => turn.milliseconds)),
    ratio: ratioOf(turns, 1),
    most: ratioOf(turns, 2),
    quiet: ratioOf(quiet, 1),
    quietTurns: quiet.length,
    turns: turns.length,
  };
}

/** Workloads on which two threads must be at least 1.6 times as fast as one. */
const WANTED = ['W2', 'W3'];
const small: Workload = { name: 'S', cell: 'lstm', D: 64, H: 64, B: 16, T: 32 };

const config = {
  allowPositionals: true,
  options: {
    threads: { type: 'string' },
    seconds: { type: 'string', default: '10' },
    ...common,
  },
} as const;

async function main({ values, positionals }: Arguments<typeof config>): Promise<void> {
  process.env.BACKSTEP_MEMORY_MB ??= '4096';
  const threads =
    values.threads === undefined
      ? Math.max(2, Math.min(4, await physicalCores()))
      : whole('--threads', 2)(values.threads);
  const seconds = real('--seconds', { least: 0 })(values.seconds);
  const all = values.smallest ? smallestWorkloads : [small, ...workloads];
  const names = positionals.map(
    oneOf(
      'the workload',
      all.filter(({ B }) => B > 1).map(({ name }) => name),
    ),
  );
  const list = all.filter(({ name, B }) => B > 1 && (names.length === 0 || names.includes(name)));
  const rows: ThreadsRow[] = [];
  for (const workload of list) rows.push(await measure(workload, threads, values.smallest ? 0 : seconds));

  publish({ threads: rows }, values);
  if (values.json) return;
  const head = 'step,threads,Mflop,1 thread ms,ms,times,wanted,at most,quiet,turns,fit takes'.split(',');
  const body = rows.map((row) => [
    row.workload,
    String(row.threads),
    formatDecimal(row.megaflops),
    formatDecimal(row.one),
    formatDecimal(row.several),
    row.ratio.toFixed(2),
    row.threads === 2 && WANTED.includes(row.workload.slice(0, 2)) ? '≥ 1.6' : '',
    row.most.toFixed(2),
    Number.isNaN(row.quiet) ? '–' : row.quiet.toFixed(2),
    `${row.quietTurns}/${row.turns}`,
    String(row.suggested),
  ]);
  console.log(`${machine()}\n${table(head, body)}`);
}

void script(__filename, config, main);
