/**
 * Benchmark of the time before the first training step. Compiling kernels at run time must not cause a noticeable
 * delay, and importing the package should cost next to nothing.
 *
 *   import      `import 'backstep'` and `require('backstep')` of the built package, in plain Node
 *   kernels     generating and compiling all kernels for training an LSTM with a softmax layer
 *   first step  the rest of the first training step of W1: allocating buffers, recording and merging operations
 *
 *   node -r ./scripts/register.js benchmarks/startup.bench.ts [--smallest] [--json] [--out FILE] [--rounds 7] [--clock cpu]
 *
 * Every number is the median of fresh processes. "kernels" is the start of the executor, and the first step of a tiny
 * network of the same kind minus its second step. --smallest only shows that the benchmark still runs; its figures mean nothing.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { executorOf, whyNotWide } from '../core/programs/executor';
import { clocks, median, type Clock } from '../measure/timing';
import { WorkloadRun, smallestWorkloads, workloads, type Workload } from '../measure/workloads';
import { machine } from './machine';
import { publish } from './output';
import { formatDecimal } from '../core/format';
import { table } from './table';
import { clockOf, timed, roundsOf } from './options';
import { script, type Arguments } from '../scripts/script';

export interface StartupRow {
  what: string;
  median?: number;
  min?: number;
  /** Start-up targets in ms. */
  most?: number;
  note?: string;
}

const root = join(__dirname, '..');

/** Milliseconds printed by a fresh process. */
function fresh(rounds: number, ...args: string[]): number[] {
  return Array.from({ length: rounds }, () => {
    const printed = execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
    return Number(printed.trim().split('\n').at(-1));
  });
}

/** Entry point of the child process: prints the duration of the first steps in one dtype. */
function first(what: string, dtype: 'float32' | 'float64', clock: string): void {
  const now = clocks[clock as Clock];
  const [tiny, small] = [smallestWorkloads[0], workloads[0]];
  const time = (workload: Workload): [number, WorkloadRun] => {
    const run = new WorkloadRun(workload, { dtype });
    const start = now();
    run.train();
    return [now() - start, run];
  };
  const start = now();
  executorOf(); // compiles and tests kernels, too
  const started = now() - start;
  const [cold, run] = time(tiny);
  const again = now();
  run.train();
  const kernels = started + cold - (now() - again);
  console.log(what === 'kernels' ? kernels : time(small)[0]);
}

const config = {
  allowPositionals: true,
  options: timed('7'),
} as const;

function main({ values, positionals }: Arguments<typeof config>): void {
  if (positionals.length === 2)
    return first(positionals[0], positionals[1] as 'float32' | 'float64', clockOf(values.clock));
  const rounds = values.smallest ? 1 : roundsOf(values.rounds);
  const row = (what: string, times: number[], most?: number): StartupRow => ({
    what,
    median: median(times),
    min: Math.min(...times),
    most,
  });
  const clock =
    clockOf(values.clock) === 'cpu'
      ? '() => { const c = process.cpuUsage(); return (c.user + c.system) / 1000; }'
      : '() => performance.now()';
  const timed = (work: string): string => `const now = ${clock}, t = now(); ${work}; console.log(now() - t);`;
  // the wide kernels go to the optimizing compiler at once, and run a self-test
  const kernelsMost = whyNotWide() === undefined ? 45 : 30;
  const module = join(root, 'dist', 'node.mjs');
  const common = join(root, 'dist', 'index.js');
  const rows: StartupRow[] = [];
  if (existsSync(module) && existsSync(common)) {
    const asModule = timed(`await import(${JSON.stringify(pathToFileURL(module).href)})`);
    const asCommon = timed(`require(${JSON.stringify(common)})`);
    rows.push(row("import 'backstep'", fresh(rounds, '--input-type=module', '-e', asModule), 80));
    rows.push(row("require('backstep')", fresh(rounds, '-e', asCommon), 80));
  } else {
    rows.push({ what: "import 'backstep'", note: 'not built: npm run build' });
  }
  for (const dtype of ['float32', 'float64'] as const) {
    for (const what of ['kernels', 'first step']) {
      const child = [
        '-r',
        join(root, 'scripts', 'register.js'),
        __filename,
        what,
        dtype,
        '--clock',
        values.clock,
      ];
      rows.push(
        row(`${what}, ${dtype}`, fresh(rounds, ...child), what === 'kernels' ? kernelsMost : undefined),
      );
    }
  }
  if (!values.json) {
    const body = rows.map(({ what, median: middle, min, most, note }) => [
      what,
      note ?? formatDecimal(middle),
      formatDecimal(min),
      most === undefined ? '' : `≤ ${most}`,
      most === undefined || middle === undefined ? '' : middle <= most ? 'met' : 'NOT MET',
    ]);
    console.log(`${machine()}\n${table(['', 'median ms', 'min ms', 'wanted', ''], body)}`);
  }
  publish({ startup: rows }, values);
}

void script(__filename, config, main);
