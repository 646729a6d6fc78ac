/**
 * Benchmark of learning online: time of a step and numbers kept, against their formulas, for a layer of n tanh units with n
 * inputs. It has S = n states and P = 2n² + n parameters.
 *
 *   rtrl   multiplies the influence G [S, P] by the Jacobian in each step: S² P, about 2n⁴, and keeps S P numbers, about 2n³
 *   uoro   makes three passes of one step: about n², and keeps S + P numbers, about 2n²
 *
 *   node -r ./scripts/register.js benchmarks/online.bench.ts [--smallest] [--json] [--out FILE] [--rounds 5] [--clock cpu]
 *
 * Before it is timed, the gradient of rtrl over three steps is compared with that of backpropagation through time. `exponent` is
 * log₂ of the ratio to the time of half as many units: where it is below the formula's, fixed costs of a step dominate.
 * --smallest only shows that the benchmark still runs; its figures mean nothing.
 */
import { network, type Network } from '../bptt/network/network';
import { onlineGradients, onlineMethods, type OnlineMethod } from '../bptt/online';
import { elman } from '../cells/elman';
import { formatDecimal } from '../core/format';
import { Random } from '../core/random/random';
import { clocks, median, sample, type Clock } from '../measure/timing';
import { machine } from './machine';
import { clockOf, timed, roundsOf } from './options';
import { publish } from './output';
import { script, type Arguments } from '../scripts/script';
import { table } from './table';

export interface OnlineRow {
  method: OnlineMethod;
  units: number;
  /** Of one step, in milliseconds. */
  time: number;
  /** log₂ of the ratio to the row of half as many units. */
  exponent?: number;
  /** Numbers kept from step to step, and by the formula. */
  kept: number;
  formula: number;
}

const make = (n: number): Network => network({ layers: [elman({ input: n, hidden: n })], seed: 1 });

const inputs = (n: number, steps: number): number[][] => {
  const random = new Random(2);
  return Array.from({ length: steps }, () => Array.from({ length: n }, () => random.normal()));
};

/** Throws unless the sum of the gradients of some steps is that of one pass. The loss of a step is half the square of y. */
function mustAgree(n: number): void {
  const [T, x] = [3, inputs(n, 3)];
  const [online, whole] = [make(n), make(n)];
  const learner = onlineGradients(online, { method: 'rtrl' });
  for (const row of x) learner.step(row, (y) => y);
  const pass = whole.forward({ x: { shape: [T, 1, n], numbers: x.flat() } });
  pass.backward({ output: pass.output });
  const [a, b] = [online, whole].map(({ parameters }) => Array.from(parameters.flatGradients.data));
  const largest = b.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  const differs = a.some((v, k) => !(Math.abs(v - b[k]) <= 1e-10 * largest));
  if (differs) throw new Error(`rtrl with ${n} units must give the gradient of backpropagation`);
}

function measure(
  method: OnlineMethod,
  units: number,
  { rounds, clock, smallest }: { rounds: number; clock: Clock; smallest: boolean },
): OnlineRow {
  const net = make(units);
  const [S, P] = [units, net.parameters.count];
  const learner = onlineGradients(net, { method });
  const [x] = inputs(units, 1);
  const step = (): unknown => learner.step(x, (y) => y);
  const times = Array.from({ length: rounds + 1 }, () =>
    median(sample(step, smallest ? 1 : 200, clocks[clock])),
  );
  // the first round compiles
  return {
    ...{ method, units, time: median(times.slice(1)) },
    ...{ kept: learner.memory, formula: method === 'rtrl' ? S * P : S + P },
  };
}

const config = {
  options: timed('5'),
} as const;

function main({ values }: Arguments<typeof config>): void {
  const { smallest } = values;
  const rounds = roundsOf(values.rounds);
  const options = { smallest, rounds: smallest ? 1 : rounds, clock: clockOf(values.clock) };
  const sizes = smallest ? [2, 4] : [8, 16, 32, 64, 128];
  mustAgree(smallest ? 2 : 8);
  const rows = onlineMethods.flatMap((method) => {
    const all = sizes.map((units) => measure(method, units, options));
    return all.map((row, k) => (k === 0 ? row : { ...row, exponent: Math.log2(row.time / all[k - 1].time) }));
  });
  publish({ online: rows }, values);
  if (values.json) return;
  const body = rows.map(({ method, units, time, exponent, kept, formula }) => [
    ...[method, String(units), formatDecimal(time), formatDecimal(exponent)],
    ...[kept.toLocaleString('en'), formula.toLocaleString('en')],
  ]);
  console.log(
    `${machine()}\n${table(['', 'units', 'ms a step', 'exponent', 'numbers kept', 'formula'], body)}`,
  );
}

void script(__filename, config, main);
