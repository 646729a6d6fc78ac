/** Measures the cost of the steps of a clockwork layer: multiplications, and time compared with a vanilla layer. */
import type { Cell } from '../cells/cell';
import { clockwork } from '../cells/clockwork';
import { elman } from '../cells/elman';
import { modulesOf, runsAt, unitCount, type ClockworkModule } from '../cells/parts/modules';
import { must } from '../core/check';
import { executorOf } from '../core/programs/executor';
import { Program } from '../core/programs/program';
import { Random } from '../core/random/random';
import { zeros, type Tensors } from '../core/tensor';
import { clocks, median, sample, type Clock } from './timing';

/** Steps per call, as in a sequence: the weights are packed once for all of them. */
const STEPS = 32;
const ROUNDS = 5;
/** Minimum time for which one kind of step is measured per round. */
const MILLISECONDS = 20;
/** Limits: the number of kinds of step, and the number of steps until all modules fire together again. */
const KINDS = 24;
const LONGEST = 1e6;

/** A set of steps at which the same modules fire. */
export interface StepKind {
  /** Periods of the modules that fire. */
  firing: number[];
  /** Number of such steps among `span` steps. */
  count: number;
  /** Multiplications of the recurrent product, per row. */
  multiplications: number;
}

export interface ClockworkTimes {
  /** Period of the whole layer: steps between two at which all modules fire. */
  span: number;
  vanillaMilliseconds: number;
  /** Average time of a clockwork step over `span` steps. */
  meanMilliseconds: number;
  steps: (StepKind & { milliseconds: number })[];
}

/**
 * Measures one forward step in float32 for each kind of step, alternating with a vanilla step of the same width.
 * @throws RangeError for modules that `clockwork` or `stepKinds` refuses.
 */
export function measureClockwork(
  options: { hidden: number; periods: readonly number[] },
  rows: number,
  clock: Clock,
): ClockworkTimes {
  const { span, kinds } = stepKinds(modulesOf(options, 'clockwork'));
  const cell = clockwork({ input: 1, ...options });
  const vanilla = stepsOf(elman({ input: 1, hidden: options.hidden }), rows, 0);
  const calls = [vanilla, ...kinds.map(({ first }) => stepsOf(cell, rows, first))];
  const times = calls.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round++)
    calls.forEach((call, k) => times[k].push(...sample(call, MILLISECONDS, clocks[clock])));
  const [vanillaMilliseconds, ...each] = times.map((all) => median(all) / STEPS);
  return {
    span,
    vanillaMilliseconds,
    meanMilliseconds: kinds.reduce((sum, { count }, k) => sum + (count * each[k]) / span, 0),
    steps: kinds.map(({ first: _, ...kind }, k) => ({ ...kind, milliseconds: each[k] })),
  };
}

/**
 * All kinds of step, ordered by the first step of each.
 * @throws RangeError when there are too many kinds, or the modules take too long to fire together again.
 */
export function stepKinds(modules: readonly ClockworkModule[]): {
  span: number;
  kinds: (StepKind & { first: number })[];
} {
  const span = modules.reduce((common, { period }) => leastMultiple(common, period), 1);
  const few = `periods must have a common multiple of at most ${LONGEST} steps`;
  must(span <= LONGEST, 'clockwork', few, span);
  const H = unitCount(modules);
  const kinds = new Map<string, StepKind & { first: number }>();
  for (let t = 0; t < span; t++) {
    const fired = runsAt(modules, t).flatMap((run) => (run.fires ? run.modules : []));
    const firing = fired.map(({ period }) => period);
    const known = kinds.get(firing.join());
    if (known) known.count++;
    else {
      // a module reads its own units and those of all slower modules
      const multiplications = fired.reduce((sum, { units, from }) => sum + units * (H - from), 0);
      kinds.set(firing.join(), { firing, count: 1, multiplications, first: t });
    }
  }
  const sets = `periods must give at most ${KINDS} different sets of active modules`;
  must(kinds.size <= KINDS, 'clockwork', sets, kinds.size);
  return { span, kinds: [...kinds.values()] };
}

const leastMultiple = (a: number, b: number): number => (a * b) / greatestDivisor(a, b);
const greatestDivisor = (a: number, b: number): number => (b === 0 ? a : greatestDivisor(b, a % b));

/** A function that runs STEPS forward steps of a cell, each as at time t. */
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
    [v.h, v.hPrev] = [v.hPrev, v.h]; // each step reads the state of the previous one
  }
  return program.bind(executorOf());
}
