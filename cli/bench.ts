/** `backstep bench`: measures how fast this machine trains recurrent layers, and the share of its arithmetic peak. */
import { arch, cpus, platform } from 'node:os';
import type { Command } from 'commander';
import { choiceNames } from '../cells/kinds';
import { dtypes, trainingSettings } from '../bptt/train/settings';
import { executorOf, whyNotWide, type ExecutorName } from '../core/programs/executor';
import { oneOf, whole } from '../terminal/arguments';
import { settingOption } from '../terminal/options';
import { cellTable, measure, type CellRow } from '../measure/measure';
import { jsonLine, line, table } from '../terminal/output';
import { clockNames, type Clock } from '../measure/timing';
import { workloadText, smallestWorkloads, workloads } from '../measure/workloads';

const dtypeChoices = [...dtypes, 'both'] as const;

interface BenchOptions {
  cell?: string;
  dtype: (typeof dtypeChoices)[number];
  executor?: ExecutorName;
  rounds: number;
  clock: Clock;
  smallest?: boolean;
  json?: boolean;
}

/** Adds the command to the program. */
export function add(program: Command): void {
  const at = (option: string): string => `bench: --${option}`;
  program
    .command('bench')
    .description('measure training, inference and single steps of recurrent layers on this machine')
    .argument('[workloads...]', `${workloads.map(({ name }) => name).join(', ')}; default: all`)
    .option(
      '--cell <name>',
      `measure this cell at the sizes of the workloads: ${choiceNames().join(', ')}`,
      oneOf(at('cell'), choiceNames()),
    )
    .option('--dtype <name>', dtypeChoices.join(', '), oneOf(at('dtype'), dtypeChoices), 'both')
    .addOption(
      settingOption('bench', 'executor', {
        ...trainingSettings.executor,
        otherwise: 'the one used for training',
      }),
    )
    .option('--rounds <n>', 'rounds of measurement per row', whole(at('rounds'), 1, 1000), 5)
    .option(
      '--clock <name>',
      'wall, or cpu (processor time, for a busy machine)',
      oneOf(at('clock'), clockNames),
      'wall',
    )
    .option('--smallest', 'tiny layers, as a smoke test')
    .option('--json', 'one JSON object per row')
    .addHelpText(
      'after',
      `\n${workloads.map((w) => `  ${w.name}  ${workloadText(w)}`).join('\n')}\n\nExamples:\n  backstep bench W1 W6 --dtype float32\n  backstep bench W1 --cell clockwork\n`,
    )
    .action((names: string[], options: BenchOptions) => bench(names, options));
}

function bench(names: string[], options: BenchOptions): void {
  const { cell, dtype: wanted, executor, rounds, clock, smallest = false, json = false } = options;
  const known = workloads.map(({ name }) => name);
  names.forEach(oneOf('bench: the workload', known));
  // the networks of all workloads may exist at the same time: no garbage collection during timing
  process.env.BACKSTEP_MEMORY_MB ??= '4096';
  const name = executorOf(executor).name as ExecutorName;
  const variants = dtypes
    .filter((each) => wanted === 'both' || each === wanted)
    .map((each) => ({ dtype: each, executor: name }));
  const how = smallest
    ? { clock, rounds: 1, milliseconds: 1, warm: 1 }
    : { clock, rounds, milliseconds: 200 };

  const chosen = (smallest ? smallestWorkloads : workloads)
    .filter((w) => names.length === 0 || names.includes(w.name))
    .map((w) => ({ ...w, cell: cell ?? w.cell }));
  const rows: CellRow[] = [];
  for (const workload of chosen) {
    const measured = measure(workload, variants, how);
    rows.push(...measured);
    if (json) for (const row of measured) jsonLine(row);
  }
  if (json) return;
  line(
    `${cpus()[0]?.model.trim() ?? arch()}, ${cpus().length} cores, ${platform()}, Node ${process.versions.node}`,
  );
  const { head, body } = cellTable(rows);
  table(head, body);
  const why = whyNotWide();
  if (why !== undefined) line(`no kernels for 256-bit vectors here: ${why}`);
  line(
    'both: zeroed gradients, forward and backward. peak: GFLOP/s of 128-bit multiplications and additions, measured at the same time. flops: 3 · T·2·B for each number of its matrices, GH·(D + H) with G gates, and H·O for an output layer. step: one step of one row.',
  );
}
