/** `backstep clockwork`: what a clockwork layer saves, in weights, in multiplications, and in time on this machine. */
import type { Command } from 'commander';
import type { Cell } from '../cells/cell';
import { clockwork } from '../cells/clockwork';
import { elman } from '../cells/elman';
import { clockworkCounts, fires, modulesOf } from '../cells/modules';
import { executorOf } from '../core/executor';
import { Program } from '../core/program';
import { Random } from '../core/random';
import { zeros, type Tensors } from '../core/tensor';
import { oneOf, whole } from '../terminal/arguments';
import { usage, using } from '../terminal/errors';
import { jsonLine, line, table } from '../terminal/output';
import { clockNames, clocks, median, sample, type Clock } from '../measure/timing';

const examples = `
Examples:
  backstep clockwork
  backstep clockwork --hidden 40 --periods 1,2,4,8 --rows 1
  backstep clockwork --hidden 90 --periods 1,3,7 --json
`;

/** Steps that are run in one go, as a network runs a sequence: the weights are laid out once for all of them. */
const STEPS = 32;
const ROUNDS = 5;
/** Most kinds of step that are measured, and most steps until all modules fire together again. */
const KINDS = 24;
const LONGEST = 1e6;

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

/** A step at which the same modules fire, and what it costs. */
interface Kind {
  firing: number[];
  /** How many of `span` steps are of this kind. */
  count: number;
  multiplications: number;
  milliseconds: number;
}

function run({ hidden, periods, rows, clock, json }: ClockworkFlags): void {
  const options = { hidden, periods };
  const counts = using(
    () => clockworkCounts(options),
    '--hidden must be a multiple of the number of --periods, which must increase',
  );
  const modules = modulesOf(options, 'clockwork');
  const span = periods.reduce((common, period) => (common * period) / greatestDivisor(common, period));
  if (span > LONGEST)
    throw usage(
      `clockwork: --periods must have a common multiple of at most ${LONGEST} steps, got ${span}`,
      'choose periods such that each divides the next',
    );
  const kinds = new Map<string, Kind & { t: number }>();
  for (let t = 0; t < span; t++) {
    const firing = modules.filter((module) => fires(module, t));
    const key = firing.map(({ period }) => period).join();
    const known = kinds.get(key);
    if (known) known.count++;
    else {
      const multiplications = firing.reduce((sum, { units }, k) => {
        const first = modules.indexOf(firing[k]);
        return sum + units * (hidden - first * units);
      }, 0);
      kinds.set(key, {
        firing: firing.map(({ period }) => period),
        count: 1,
        multiplications,
        milliseconds: 0,
        t,
      });
    }
  }
  if (kinds.size > KINDS)
    throw usage(
      `clockwork: --periods must give at most ${KINDS} different sets of active modules, got ${kinds.size}`,
      'choose fewer periods, or such that each divides the next',
    );

  const cell = clockwork({ input: 1, ...options });
  const bound = [...kinds.values()].map((kind) => ({
    kind,
    call: stepsOf(cell, rows, kind.t),
    times: [] as number[],
  }));
  const plain = { call: stepsOf(elman({ input: 1, hidden }), rows, 0), times: [] as number[] };
  for (let round = 0; round < ROUNDS; round++)
    for (const { call, times } of [plain, ...bound])
      for (const ms of sample(call, 20, clocks[clock])) times.push(ms);
  for (const { kind, times } of bound) kind.milliseconds = median(times) / STEPS;
  const vanilla = median(plain.times) / STEPS;

  const mean = bound.reduce((sum, { kind }) => sum + (kind.count * kind.milliseconds) / span, 0);
  if (json) {
    const steps = bound.map(({ kind: { t: _, ...kind } }) => kind);
    jsonLine({
      ...options,
      rows,
      counts,
      vanillaMilliseconds: vanilla,
      meanMilliseconds: mean,
      steps,
    });
    return;
  }
  const whole = (n: number): string => Math.round(n).toLocaleString('en');
  const k = hidden / periods.length;
  line(`${hidden} units in ${periods.length} modules of ${k}, periods ${periods.join(', ')}`);
  line();
  table(
    ['recurrent', 'clockwork', 'vanilla', 'share'],
    [
      ['weights', whole(counts.weights), whole(counts.vanilla), counts.ratio.toFixed(3)],
      ['formula n²/2 + nk/2', whole((hidden * hidden + hidden * k) / 2), whole(hidden * hidden), ''],
      [
        'multiplications per step',
        whole(counts.operations),
        whole(counts.vanilla),
        (1 / counts.speedup).toFixed(3),
      ],
    ],
  );
  line();
  table(
    ['active modules', `of ${span}`, 'multiplications', 'share', 'µs', 'share'],
    [
      ...bound.map(({ kind }) => [
        kind.firing.length === periods.length ? 'all modules' : kind.firing.join(', ') || 'none',
        String(kind.count),
        whole(kind.multiplications),
        (kind.multiplications / counts.vanilla).toFixed(3),
        (1000 * kind.milliseconds).toFixed(1),
        (kind.milliseconds / vanilla).toFixed(3),
      ]),
      [
        'on average',
        '',
        whole(counts.operations),
        (1 / counts.speedup).toFixed(3),
        (1000 * mean).toFixed(1),
        (mean / vanilla).toFixed(3),
      ],
      ['vanilla', '', whole(counts.vanilla), '1.000', (1000 * vanilla).toFixed(1), '1.000'],
    ],
  );
  line(`a forward step of ${rows} rows, float32; an inactive module only copies its state`);
}

const greatestDivisor = (a: number, b: number): number => (b === 0 ? a : greatestDivisor(b, a % b));

/** A call that makes STEPS forward steps of a cell, each as at time t. */
function stepsOf(cell: Cell, rows: number, t: number): () => void {
  const random = new Random(1);
  const parameters = Object.entries(cell.parameters).map(([name, { shape, init }]) => {
    const value = zeros(shape, 'float32');
    init(value, random);
    return [name, value] as const;
  });
  const H = cell.hidden;
  const v: Tensors = Object.fromEntries(parameters);
  for (const name of Object.keys(cell.parameters))
    v[`d${name}`] = zeros(cell.parameters[name].shape, 'float32');
  for (const name of ['h', 'hPrev', 'dhPrev', ...Object.keys(cell.buffers)])
    v[name] = zeros([rows, H], 'float32');
  v.x = zeros([rows, 1], 'float32');
  const program = new Program();
  for (let k = 0; k < STEPS; k++) {
    cell.step(program, v, t);
    [v.h, v.hPrev] = [v.hPrev, v.h]; // each step reads what the one before it left
  }
  return program.bind(executorOf());
}
