/**
 * Benchmark of training, inference and single steps of six workloads, on SIMD kernels and on plain loops, in float32
 * and float64, compared with one another and with the arithmetic peak of this machine's 128-bit units. These times
 * are what users of the engine wait for, however fast its kernels are in isolation.
 *
 *   node -r ./scripts/register.js benchmarks/cells.bench.ts [--smallest] [--json] [--out FILE] [--workload W1,W6]
 *       [--rounds 7] [--clock cpu]
 *
 * Every row is checked against the plain float64 run with few steps and rows, and against the other variants at full
 * size. Every call checks and copies its batch, as in normal use. Flops are those of the products in a layer's
 * forward pass, T·2·B·GH·(D + H) with G gates, times three for training; this counts dx of the first layer, which is
 * computed only on request. The column "done" excludes it: the share of the peak that was really reached.
 *
 * --smallest only shows that the benchmark still runs; its figures mean nothing. --clock cpu measures processor time
 * instead, for a busy machine.
 */
import { whyNotWide, type ExecutorName } from '../core/programs/executor';
import { cellTable, measure } from '../measure/measure';
import { workloadText, smallestWorkloads, workloads, type Variant } from '../measure/workloads';
import { bandwidth } from './bandwidth';
import { machine } from './machine';
import { publish } from './output';
import { table } from './table';
import { clockOf, timed, roundsOf, workloadsOf } from './options';
import { script, type Arguments } from '../scripts/script';

const simd: ExecutorName[] = whyNotWide() === undefined ? ['wasm-256', 'wasm'] : ['wasm'];
const variants: Variant[] = [...simd, 'plain' as const].flatMap((executor) =>
  (['float32', 'float64'] as const).map((dtype) => ({ dtype, executor })),
);

const config = {
  options: {
    ...timed('7'),
    workload: { type: 'string' },
  },
} as const;

function main({ values }: Arguments<typeof config>): void {
  // the networks of all workloads exist at the same time, so no garbage collection happens during timing
  process.env.BACKSTEP_MEMORY_MB ??= '4096';
  const clock = clockOf(values.clock);
  const options = values.smallest
    ? { clock, rounds: 1, milliseconds: 1, warm: 1 }
    : { clock, rounds: roundsOf(values.rounds), milliseconds: 200 };
  const names = workloadsOf(values.workload);
  const chosen = (values.smallest ? smallestWorkloads : workloads).filter(
    ({ name }) => names?.includes(name) ?? true,
  );
  const rows = chosen.flatMap((workload) => measure(workload, variants, options));
  if (!values.json) {
    const { head, body } = cellTable(rows);
    console.log(
      `${machine()}\n${chosen.map((w) => `${w.name}  ${workloadText(w)}`).join('\n')}\n\n${table(head, body, 3)}`,
    );
  }
  publish({ cells: rows, bandwidth: bandwidth(values.smallest ? 1 : 9) }, values);
}

void script(__filename, config, main);
