/**
 * What is compared: training, inference and single steps of six workloads on SIMD kernels and on the plain loops, in
 * float32 and float64, with one another and with the arithmetic peak of this machine's 128-bit units. Why: it is what a
 * user of the engine waits for, whatever its kernels can do by themselves.
 *
 *   node -r ./scripts/register.js benchmarks/cells.bench.ts [--smallest] [--json] [--out FILE] [--workload W1,W6]
 *       [--rounds 7] [--clock cpu]
 *
 * Every row is checked against the plain float64 run, with few steps and rows, and against the others at full size. A
 * batch is checked and copied at every call, as users do. Flops are those of the products by the formula of a layer's
 * forward pass, T·2·B·GH·(D + H) with G gates, three times for training: that credits dx of the first layer, which is not
 * computed unless somebody asks for it. "done" is the share of the peak without it: what the units really did.
 *
 * --smallest only shows that all of this still runs; its figures mean nothing. --clock cpu counts processor time instead:
 * for a machine that is busy with other things.
 */
import { parseArgs } from 'node:util';
import { whyNotWide, type ExecutorName } from '../core/executor';
import { cellTable, measure } from '../measure/measure';
import type { Clock } from '../measure/timing';
import { describe, smallestWorkloads, workloads, type Variant } from '../measure/workloads';
import { bandwidth } from './bandwidth';
import { machine } from './machine';
import { publish } from './output';
import { table } from './table';

const simd: ExecutorName[] = whyNotWide() === undefined ? ['wasm-256', 'wasm'] : ['wasm'];
const variants: Variant[] = [...simd, 'plain' as const].flatMap((executor) =>
  (['float32', 'float64'] as const).map((dtype) => ({ dtype, executor })),
);

function main(): void {
  const { values } = parseArgs({
    options: {
      smallest: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      out: { type: 'string' },
      workload: { type: 'string' },
      rounds: { type: 'string', default: '7' },
      clock: { type: 'string', default: 'wall' },
    },
  });
  // networks of all workloads are there at once: nothing is collected while the clock runs
  process.env.BACKSTEP_MEMORY_MB ??= '4096';
  const clock: Clock = values.clock === 'cpu' ? 'cpu' : 'wall';
  const options = values.smallest
    ? { clock, rounds: 1, milliseconds: 1, warm: 1 }
    : { clock, rounds: Number(values.rounds), milliseconds: 200 };
  const chosen = (values.smallest ? smallestWorkloads : workloads).filter(
    ({ name }) => values.workload?.split(',').includes(name) ?? true,
  );
  const rows = chosen.flatMap((workload) => measure(workload, variants, options));
  if (!values.json) {
    const { head, body } = cellTable(rows);
    console.log(
      `${machine()}\n${chosen.map((w) => `${w.name}  ${describe(w)}`).join('\n')}\n\n${table(head, body, 3)}`,
    );
  }
  publish({ cells: rows, bandwidth: bandwidth(values.smallest ? 1 : 9) }, values);
}

main();
