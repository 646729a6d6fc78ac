/**
 * `backstep clockwork`: shows the savings of a clockwork layer in weights, multiplications, and time on this machine.
 */
import type { Command } from 'commander';
import { clockworkCounts, type ClockworkCounts } from '../cells/parts/modules';
import { measureClockwork, type ClockworkTimes } from '../measure/clockwork';
import { clockNames, type Clock } from '../measure/timing';
import { oneOf, whole } from '../terminal/arguments';
import { using } from '../terminal/errors';
import { jsonLine, line, table } from '../terminal/output';

const examples = `
Examples:
  backstep clockwork
  backstep clockwork --hidden 40 --periods 1,2,4,8 --rows 1
  backstep clockwork --hidden 90 --periods 1,3,7 --json
`;

interface ClockworkFlags {
  hidden: number;
  periods: number[];
  rows: number;
  clock: Clock;
  json?: boolean;
}

/** Adds the command to the program. */
export function add(program: Command): void {
  const at = (option: string): string => `clockwork: --${option}`;
  program
    .command('clockwork')
    .description('count and measure what a clockwork layer saves compared with a vanilla one')
    .option('--hidden <n>', 'units, divided evenly among the modules', whole(at('hidden'), 1, 8192), 512)
    .option(
      '--periods <list>',
      'periods of the modules, increasing',
      readPeriods,
      [1, 2, 4, 8, 16, 32, 64, 128],
    )
    .option('--rows <n>', 'sequences in a batch', whole(at('rows'), 1, 4096), 32)
    .option(
      '--clock <name>',
      'wall, or cpu (processor time, for a busy machine)',
      oneOf(at('clock'), clockNames),
      'wall',
    )
    .option('--json', 'one JSON object')
    .addHelpText('after', examples)
    .action(run);
}

const readPeriods = (text: string): number[] =>
  text.split(',').map((period) => whole('clockwork: each of --periods')(period));

function run({ hidden, periods, rows, clock, json }: ClockworkFlags): void {
  const options = { hidden, periods };
  const counts = using(
    () => clockworkCounts(options),
    '--hidden must be a multiple of the number of --periods, which must increase',
  );
  const times = using(
    () => measureClockwork(options, rows, clock),
    'choose fewer --periods, or such that each divides the next',
  );
  if (json) return jsonLine({ ...options, rows, counts, ...times });
  const k = hidden / periods.length;
  line(`${hidden} units in ${periods.length} modules of ${k}, periods ${periods.join(', ')}`);
  line();
  showWeights(counts, k);
  line();
  showSteps(times, counts, periods);
  line(`a forward step of ${rows} rows, float32; an inactive module only copies its state`);
}

const counted = (n: number): string => Math.round(n).toLocaleString('en');

/** The recurrent weights and multiplications of modules of k units. */
function showWeights(
  { units, weights, vanilla, ratio, operations, speedup }: ClockworkCounts,
  k: number,
): void {
  table(
    ['recurrent', 'clockwork', 'vanilla', 'share'],
    [
      ['weights', counted(weights), counted(vanilla), ratio.toFixed(3)],
      ['formula n²/2 + nk/2', counted((units * units + units * k) / 2), counted(units * units), ''],
      ['multiplications per step', counted(operations), counted(vanilla), (1 / speedup).toFixed(3)],
    ],
  );
}

/** Prints one row for each set of modules that fire together. */
function showSteps(
  { span, steps, meanMilliseconds, vanillaMilliseconds }: ClockworkTimes,
  { vanilla, operations }: ClockworkCounts,
  periods: readonly number[],
): void {
  const row = (name: string, count: string, multiplications: number, milliseconds: number): string[] => [
    ...[name, count, counted(multiplications), (multiplications / vanilla).toFixed(3)],
    ...[(1000 * milliseconds).toFixed(1), (milliseconds / vanillaMilliseconds).toFixed(3)],
  ];
  const named = (firing: readonly number[]): string =>
    firing.length === periods.length ? 'all modules' : firing.join(', ') || 'none';
  table(
    ['active modules', `of ${span}`, 'multiplications', 'share', 'µs', 'share'],
    [
      ...steps.map(({ firing, count, multiplications, milliseconds }) =>
        row(named(firing), String(count), multiplications, milliseconds),
      ),
      row('on average', '', operations, meanMilliseconds),
      row('vanilla', '', vanilla, vanillaMilliseconds),
    ],
  );
}
