/** Measures the speed of this engine on a workload, compared with the peak of this machine's 128-bit units. */
import { formatDecimal } from '../core/format';
import { least } from '../core/programs/reduce';
import { engineMemory, type Dtype } from '../core/memory';
import { measuredPeak } from '../core/wasm/peak';
import { hasSimd } from '../core/wasm/features';
import { clocks, median, sample, type Clock } from './timing';
import { disagreement, flopsOf, WorkloadRun, STREAMED, type Variant, type Workload } from './workloads';

export interface MeasureOptions {
  /** Turns for each variant; slow variants take fewer. */
  rounds: number;
  /** Minimum time for which a variant is measured per turn. */
  milliseconds: number;
  /** Warm-up training steps and single steps; by default, half a second of them. */
  warm?: number;
  /** Default: the wall clock. */
  clock?: Clock;
}

/** Milliseconds of one call. */
export interface Timing {
  median: number;
  min: number;
}

export interface CellRow extends Workload {
  workload: string;
  executor: string;
  dtype: Dtype;
  forward: Timing;
  backward: Timing;
  /** Zeroed gradients, forward and backward. */
  training: Timing;
  /** One step of one sequence; the state carries over. */
  step: Timing;
  /** Training time in nanoseconds per unit, step and row. */
  perUnitStep: number;
  /** Throughput by the formula of `flopsOf`. */
  gflops: number;
  /** Peak GFLOP/s of the 128-bit units, measured in the same turns; NaN without such units. */
  peakGflops: number;
  percentOfPeak: number;
  /** Percentage of the peak by the operations really computed, without dx. */
  percentDone: number;
  /** Engine memory of weights, gradients and plans. */
  megabytes: number;
}

/** Checks and measures a workload in several variants, taking turns. */
export function measure(workload: Workload, variants: Variant[], options: MeasureOptions): CellRow[] {
  for (const variant of variants) check(workload, variant);
  const measured = variants.map((variant) => new Measurement(workload, variant, options));
  mustAgree(measured);
  for (let round = 0; round < options.rounds; round++) {
    for (const one of measured) one.turn(round);
  }
  return measured.map((one) => one.row());
}

/** Compares the workload with few rows and steps with the plain float64 run. */
export function check(workload: Workload, variant: Variant): void {
  const small = { ...workload, B: Math.min(workload.B, 2), T: Math.min(workload.T, STREAMED) };
  const wanted = new WorkloadRun(small, { dtype: 'float64', executor: 'plain' }).outcome();
  const wrong = disagreement(new WorkloadRun(small, variant).outcome(), wanted, variant.dtype);
  if (wrong) throw new Error(`${workload.name} on ${variant.executor} in ${variant.dtype}: ${wrong}`);
}

/** All variants must agree at full size; the float64 one, if any, is the reference. */
function mustAgree(measured: readonly Measurement[]): void {
  const reference = measured.find(({ variant }) => variant.dtype === 'float64') ?? measured[0];
  for (const { variant, outcome, workload } of measured) {
    const wrong = disagreement(outcome, reference.outcome, variant.dtype);
    if (wrong) throw new Error(`${workload.name} on ${variant.executor} in ${variant.dtype}: ${wrong}`);
  }
}

const peaks = new Map<Dtype, (milliseconds: number) => number>();
function peakOf(dtype: Dtype): (milliseconds: number) => number {
  if (!hasSimd()) return () => NaN;
  const peak = peaks.get(dtype) ?? measuredPeak(dtype);
  peaks.set(dtype, peak);
  return peak;
}

class Measurement {
  readonly outcome: ReturnType<WorkloadRun['outcome']>;
  private readonly run: WorkloadRun;
  private readonly megabytes: number;
  private readonly times = { forward: [] as number[], backward: [] as number[], training: [] as number[] };
  private readonly steps: number[] = [];
  private readonly peaks: number[] = [];
  /** The peak measured in the turn of each training step. */
  private readonly peakBeside: number[] = [];
  private readonly slow: boolean;

  constructor(
    readonly workload: Workload,
    readonly variant: Variant,
    private readonly options: MeasureOptions,
  ) {
    const before = engineMemory().used();
    this.run = new WorkloadRun(workload, variant);
    const begin = performance.now();
    this.outcome = this.run.outcome();
    this.slow = performance.now() - begin > 2000;
    this.megabytes = (engineMemory().used() - before) / 2 ** 20;
    if (this.slow) return;
    const { warm = Infinity } = options;
    const until = warm === Infinity ? performance.now() + 500 : Infinity;
    for (let k = 0; k < warm && performance.now() < until; k++) {
      this.run.train();
      this.run.step();
    }
  }

  turn(round: number): void {
    if (this.slow && round > 1) return;
    const { run } = this;
    const { milliseconds, clock = 'wall' } = this.options;
    const now = clocks[clock];
    const peak = peakOf(this.variant.dtype)(Math.min(milliseconds, 2));
    this.peaks.push(peak);
    const begin = now();
    do {
      const start = now();
      run.forward();
      const between = now();
      run.backward();
      const end = now();
      this.times.forward.push(between - start);
      this.times.backward.push(end - between);
      this.times.training.push(end - start);
      this.peakBeside.push(peak);
    } while (now() - begin < milliseconds);
    for (const ms of sample(() => run.step(), milliseconds / 10, now)) this.steps.push(ms);
  }

  row(): CellRow {
    const { workload, variant, times } = this;
    const { T, B, H } = workload;
    const timing = (values: readonly number[]): Timing => ({
      median: median(values),
      min: least(values),
    });
    const training = timing(times.training);
    const { training: flops, done } = flopsOf(workload);
    const rate = (ms: number): number => flops / ms / 1e6;
    // processor time excludes other processes; the peak is measured by the wall clock, so its best turn is the right
    // reference
    const best = this.options.clock === 'cpu' ? Math.max(...this.peaks) : undefined;
    const fractions = times.training.map((ms, k) => rate(ms) / (best ?? this.peakBeside[k]));
    return {
      ...workload,
      workload: workload.name,
      executor: this.run.net.executor.name,
      dtype: variant.dtype,
      forward: timing(times.forward),
      backward: timing(times.backward),
      training,
      step: timing(this.steps),
      perUnitStep: (training.median * 1e6) / (T * B * H),
      gflops: rate(training.median),
      peakGflops: best ?? median(this.peaks),
      percentOfPeak: 100 * median(fractions),
      percentDone: (100 * median(fractions) * done) / flops,
      megabytes: this.megabytes,
    };
  }
}

/** Column heads and cells of a table of the rows. */
export function cellTable(rows: readonly CellRow[]): { head: string[]; body: string[][] } {
  const head = [
    '',
    'executor',
    'dtype',
    'forward ms',
    'backward ms',
    'both ms',
    'min ms',
    'step µs',
    'ns per unit-step',
  ];
  const body = rows.map((row) => [
    row.workload,
    row.executor,
    row.dtype,
    ...[row.forward.median, row.backward.median, row.training.median, row.training.min].map(formatDecimal),
    formatDecimal(row.step.median * 1000),
    formatDecimal(row.perUnitStep),
    row.gflops.toFixed(1),
    row.peakGflops.toFixed(1),
    row.percentOfPeak.toFixed(0),
    row.percentDone.toFixed(0),
    row.megabytes.toFixed(1),
  ]);
  return { head: [...head, 'GFLOP/s', 'peak', '% of peak', 'done', 'MB'], body };
}
