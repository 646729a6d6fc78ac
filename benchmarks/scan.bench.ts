/**
 * Benchmark of a linear recurrence h_t = a_t ⊙ h_{t−1} + b_t by the loop and by an associative scan, both recorded from the same
 * elementwise equations and run by the fastest executor, in float32.
 *
 *   one thread    the scan over ten parts: each part from zero with the products of its factors, all parts side by side in one
 *                 operation for each step, then the state before each part times its products
 *   two threads   the longer of the two halves: the second half from zero with its products, then its share of the state before
 *                 it. Threads would have to wait for each other twice besides, so this is less than two threads can take.
 *
 *   node -r ./scripts/register.js benchmarks/scan.bench.ts [--smallest] [--json] [--out FILE] [--rounds 5] [--clock cpu]
 *
 * Before they are timed, both are compared with the naive loop of core/programs/scan.ts. The two take turns; a ratio is the median of
 * the ratios of neighboring turns. --smallest only shows that the benchmark still runs; its figures mean nothing.
 */
import ndarray from 'ndarray';
import { lazyEquations } from '../core/equations/equations';
import { executorOf } from '../core/programs/executor';
import { formatDecimal } from '../core/format';
import type { Data } from '../core/memory';
import { Program } from '../core/programs/program';
import { Random } from '../core/random/random';
import { recurrenceByLoop } from '../core/programs/scan';
import { rows, toFlat, zeros, type Tensor } from '../core/tensor';
import { clocks, median, sample } from '../measure/timing';
import { machine } from './machine';
import { clockOf, timed, roundsOf } from './options';
import { publish } from './output';
import { script, type Arguments } from '../scripts/script';
import { table } from './table';

export interface ScanRow {
  width: number;
  steps: number;
  /** Of the loop, in milliseconds. */
  loop: number;
  /** Times of the scan over that of the loop. */
  oneThread: number;
  twoThreads: number;
}

const PARTS = 10;
const step = lazyEquations('loop', 'a, b, hPrev [P, W]   writes h [P, W]', 'h = a * hPrev + b');
const begin = lazyEquations('scan', 'a, b [P, W]   writes h, p [P, W]', 'h = b + 0 * a\n p = a + 0 * b');
const both = lazyEquations(
  'scan',
  'a, b, hPrev, pPrev [P, W]   writes h, p [P, W]',
  'h = a * hPrev + b\n p = a * pPrev',
);
const join = lazyEquations('scan', 'h, p [L, W]   before [1, W]   writes to [L, W]', 'to = h + p * before');

/** a, b [T, W] and the states [T + 1, W], of which the first is given. */
interface Recurrence {
  a: Tensor;
  b: Tensor;
  states: Tensor;
}

function byLoop({ a, b, states }: Recurrence): Program {
  const program = new Program();
  program.repeat(a.shape[0], (each, t) => {
    const [hPrev, h] = [rows(states, t, t + 1), rows(states, t + 1, t + 2)];
    step.record(each, { a: rows(a, t, t + 1), b: rows(b, t, t + 1), hPrev, h });
  });
  return program;
}

/** The scan over `parts` of the sequence; the parts' states are corrected from part `from` on. */
function byScan({ a, b, states }: Recurrence, parts: number, from: number): Program {
  const [T, W] = a.shape;
  const L = T / parts;
  const p = zeros([T, W], 'float32');
  const after = rows(states, 1, T + 1);
  /** Step k of all parts. */
  const at = (t: Tensor, k: number): Tensor =>
    ndarray<Data>(t.data, [parts, W], [L * W, 1], t.offset + k * W);
  const program = new Program();
  begin.record(program, { a: at(a, 0), b: at(b, 0), h: at(after, 0), p: at(p, 0) });
  program.repeat(L - 1, (each, k) =>
    both.record(each, {
      ...{ a: at(a, k + 1), b: at(b, k + 1), hPrev: at(after, k), pPrev: at(p, k) },
      ...{ h: at(after, k + 1), p: at(p, k + 1) },
    }),
  );
  program.repeat(parts - from, (each, k) => {
    const [low, high] = [(from + k) * L, (from + k + 1) * L];
    const own = rows(after, low, high);
    join.record(each, { h: own, p: rows(p, low, high), before: rows(states, low, low + 1), to: own });
  });
  return program;
}

function measure(
  width: number,
  steps: number,
  rounds: number,
  now: () => number,
  milliseconds: number,
): ScanRow {
  const random = new Random(1);
  const draw = (n: number): Tensor => {
    const t = zeros([n, width], 'float32');
    for (let k = 0; k < n * width; k++) t.data[t.offset + k] = random.uniform();
    return t;
  };
  const whole = { a: draw(steps), b: draw(steps), states: draw(steps + 1) };
  const half = { a: draw(steps / 2), b: draw(steps / 2), states: draw(steps / 2 + 1) };
  const executor = executorOf();
  const numbers = [whole.a, whole.b, rows(whole.states, 0, 1)].map((t) => Float64Array.from(toFlat(t)));
  const wanted = recurrenceByLoop({ a: numbers[0], b: numbers[1], h0: numbers[2] });
  // the second of two halves is one part, of which the caller has the state before
  const runs = [byLoop(whole), byScan(whole, PARTS, 0), byScan(half, 1, 0)].map((program) =>
    program.bind(executor),
  );
  for (const run of runs.slice(0, 2)) {
    run();
    const got = toFlat(rows(whole.states, 1, steps + 1));
    const error = wanted.reduce(
      (most, v, k) => Math.max(most, Math.abs(v - got[k]) / Math.max(1, Math.abs(v))),
      0,
    );
    if (!(error < 1e-5))
      throw new Error(`the states must be those of the naive loop, got an error of ${error}`);
  }
  const turns = Array.from({ length: rounds + 1 }, () =>
    runs.map((run) => median(sample(run, milliseconds, now))),
  ).slice(1); // the first round compiles
  const ratio = (k: number): number => median(turns.map((times) => times[k] / times[0]));
  return {
    ...{ width, steps, loop: median(turns.map(([loop]) => loop)) },
    ...{ oneThread: ratio(1), twoThreads: ratio(2) },
  };
}

const config = {
  options: timed('5'),
} as const;

function main({ values }: Arguments<typeof config>): void {
  const { smallest } = values;
  const now = clocks[clockOf(values.clock)];
  const given = roundsOf(values.rounds);
  const [widths, lengths] = smallest
    ? [[3], [20]]
    : [
        [1, 16, 64, 256],
        [1000, 10_000],
      ];
  const sizes = widths.flatMap((width) => lengths.map((steps) => [width, steps] as const));
  const rounds = smallest ? 1 : given;
  const all = sizes.map(([width, steps]) => measure(width, steps, rounds, now, smallest ? 1 : 30));
  publish({ scan: all }, values);
  if (values.json) return;
  const body = all.map(({ width, steps, loop, oneThread, twoThreads }) => [
    ...[String(width), steps.toLocaleString('en'), formatDecimal(loop)],
    ...[`${formatDecimal(oneThread)}×`, `${formatDecimal(twoThreads)}×`],
  ]);
  const heads = ['width', 'steps', 'loop ms', 'scan / loop', 'on two threads, at least'];
  console.log(`${machine()}\n${table(heads, body)}`);
}

void script(__filename, config, main);
