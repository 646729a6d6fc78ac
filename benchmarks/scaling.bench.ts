/**
 * Benchmark of how the training cost of an LSTM layer scales with the number of steps (T), rows (B) and the width (H
 * = D). The arithmetic grows linearly with T and B and quadratically with H; a smaller slope reveals overhead, a
 * larger one a memory bottleneck.
 *
 *   node -r ./scripts/register.js benchmarks/scaling.bench.ts [--smallest] [--json] [--out FILE] [--rounds 7] [--clock cpu]
 *
 * The slope is that of a least-squares line in log-log coordinates. All points of a series are timed in turns. Each
 * is checked against the plain float64 run with few steps and rows.
 *
 * --smallest only shows that the benchmark still runs; its figures mean nothing.
 */
import { check } from '../measure/measure';
import { clocks, logSlope, median, sample } from '../measure/timing';
import { flopsOf, WorkloadRun, workloads, type Workload } from '../measure/workloads';
import { machine } from './machine';
import { publish } from './output';
import { formatDecimal } from '../core/format';
import { table } from './table';
import { clockOf, timed, roundsOf } from './options';
import { script, type Arguments } from '../scripts/script';

export interface ScalingRow {
  vary: 'T' | 'B' | 'H';
  /** Value of the varied size, and all sizes. */
  at: number;
  workload: Workload;
  median: number;
  min: number;
  gflops: number;
}
export interface ScalingSeries {
  vary: 'T' | 'B' | 'H';
  slope: number;
  /** Slope of the arithmetic cost. */
  arithmetic: number;
}

const base = workloads.find(({ name }) => name === 'W2') as Workload;
const full = { T: [12, 25, 50, 100, 200], B: [1, 2, 4, 8, 16, 32, 64], H: [32, 64, 128, 256, 512] };
const smallest = { T: [2, 4], B: [1, 2], H: [4, 8] };

function sizes(vary: 'T' | 'B' | 'H', at: number, small: boolean): Workload {
  const from = small ? { ...base, T: 2, B: 2, H: 4, D: 4 } : base;
  const name = `${vary} = ${at}`;
  return vary === 'H' ? { ...from, name, H: at, D: at } : { ...from, name, [vary]: at };
}

const config = {
  options: timed('7'),
} as const;

function main({ values }: Arguments<typeof config>): void {
  process.env.BACKSTEP_MEMORY_MB ??= '4096';
  const now = clocks[clockOf(values.clock)];
  const small = values.smallest;
  const [rounds, milliseconds] = small ? [1, 1] : [roundsOf(values.rounds), 50];
  const rows: ScalingRow[] = [];
  const series: ScalingSeries[] = [];
  if (!values.json) console.log(machine());
  for (const vary of ['T', 'B', 'H'] as const) {
    const points = (small ? smallest : full)[vary].map((at) => {
      const workload = sizes(vary, at, small);
      check(workload, { dtype: 'float32' });
      const run = new WorkloadRun(workload, { dtype: 'float32' });
      for (let k = 0; k < (small ? 1 : 3); k++) run.train();
      return { at, workload, run, times: [] as number[] };
    });
    for (let round = 0; round < rounds; round++) {
      for (const { run, times } of points) times.push(...sample(() => run.train(), milliseconds, now));
    }
    const found = points.map(({ at, workload, times }): ScalingRow => {
      const middle = median(times);
      const gflops = flopsOf(workload).training / middle / 1e6;
      return { vary, at, workload, median: middle, min: Math.min(...times), gflops };
    });
    rows.push(...found);
    const one = {
      vary,
      slope: logSlope(found.map((row) => [row.at, row.median])),
      arithmetic: logSlope(found.map((row) => [row.at, flopsOf(row.workload).training])),
    };
    series.push(one);
    if (values.json) continue;
    const body = found.map((row) => [
      row.workload.name,
      formatDecimal(row.median),
      formatDecimal(row.min),
      formatDecimal((row.median * 1e6) / (row.workload.T * row.workload.B * row.workload.H)),
      row.gflops.toFixed(1),
    ]);
    console.log(`\n${table(['', 'training ms', 'min ms', 'ns per unit-step', 'GFLOP/s'], body)}`);
    console.log(
      `cost grows as ${vary}^${one.slope.toFixed(2)}, its arithmetic as ${vary}^${one.arithmetic.toFixed(2)}`,
    );
  }
  publish({ scaling: rows, slopes: series }, values);
}

void script(__filename, config, main);
