/**
 * Benchmark of the matrix product kernels against the plain triple loop and against the arithmetic peak of this
 * machine's units (a loop of multiplications and additions without memory access), on shapes of recurrent networks.
 * The kernels are those of the fastest executor; with 256-bit vectors the peak is twice that of the 128-bit units.
 * Products take nine tenths of the training time, so their share of the peak bounds everything else.
 *
 *   square         [n, n] · [n, n], packing included
 *   step           hPrev Wh, [B, H] · [H, 4H]: one time step, Wh packed once per sequence and not counted
 *   step backward  dz Whᵀ, [B, 4H] · [4H, H], likewise
 *   projection     x Wx of all time steps, [T·B, D] · [D, 4H], packing included
 *   gradient       hPrevᵀ dz over all time steps, [H, T·B] · [T·B, 4H], packing included
 *
 *   node -r ./scripts/register.js benchmarks/gemm.bench.ts [--smallest] [--json] [--out FILE] [--dtype float32]
 *       [--reproducible]
 *
 * --smallest only shows that the benchmark still runs; its figures mean nothing.
 *
 * Kernel and peak are timed in turns; the percentage is the median of the ratios of neighboring turns, because clock
 * rates and load on shared machines vary. With fused multiply-adds (Node ≥ 22) the percentage of the mul+add peak can
 * exceed 100. A slow step may be limited by bandwidth: Wh is read once for 2·B flops per element, so B = 1 with a Wh
 * larger than the second-level cache runs at memory speed.
 */
import { median } from '../measure/timing';
import type { Data, Dtype } from '../core/memory';
import { Random } from '../core/random/random';
import * as wasm from '../core/wasm/gemm';
import { measuredPeak } from '../core/wasm/peak';
import { wideHere, type Wide } from '../core/wasm/wide';
import { whyNotWide } from '../core/programs/executor';
import { machine } from './machine';
import { publish } from './output';
import { table } from './table';
import { common, dtypesOf } from './options';
import { script, type Arguments } from '../scripts/script';

interface Shape {
  kind: 'square' | 'step' | 'step backward' | 'projection' | 'gradient';
  M: number;
  K: number;
  N: number;
}

export interface GemmRow extends Shape {
  dtype: Dtype;
  fma: boolean;
  /** Vector width of the kernels, and of the units whose peak is measured. */
  bits: 128 | 256;
  medianMicroseconds: number;
  minMicroseconds: number;
  gflops: number;
  peakGflops: number;
  percentOfPeak: number;
  naiveGflops: number;
}

const smallest: Shape[] = [
  { kind: 'square', M: 19, K: 19, N: 19 },
  { kind: 'step', M: 3, K: 8, N: 32 },
  { kind: 'step backward', M: 3, K: 32, N: 8 },
  { kind: 'projection', M: 30, K: 5, N: 32 },
  { kind: 'gradient', M: 8, K: 300, N: 32 },
];

function shapes(): Shape[] {
  const square = [32, 64, 128, 256, 512].map((n) => ({ kind: 'square' as const, M: n, K: n, N: n }));
  const step = [32, 64, 128, 256, 512].flatMap((H) =>
    [1, 2, 3, 4, 5, 8, 16, 32, 64].map((B) => ({ kind: 'step' as const, M: B, K: H, N: 4 * H })),
  );
  const backward = [128, 256, 512].flatMap((H) =>
    [1, 8, 32, 64].map((B) => ({ kind: 'step backward' as const, M: B, K: 4 * H, N: H })),
  );
  const sequences = [
    { D: 64, H: 128, TB: 1600 },
    { D: 128, H: 256, TB: 3200 },
    { D: 512, H: 512, TB: 3200 },
  ].flatMap(({ D, H, TB }) => [
    { kind: 'projection' as const, M: TB, K: D, N: 4 * H },
    { kind: 'gradient' as const, M: H, K: TB, N: 4 * H },
  ]);
  return [...square, ...step, ...backward, ...sequences];
}

/** Strides of a [M, K] and b [K, N] in memory; one of them may be stored transposed. */
function strides({ kind, M, K, N }: Shape) {
  const [aRow, aCol] = kind === 'gradient' ? [1, M] : [K, 1];
  const [bRow, bCol] = kind === 'step backward' ? [1, K] : [N, 1];
  return { aRow, aCol, bRow, bCol };
}

/** One row of a · b by the triple loop, each product and each sum rounded to the dtype, as the kernels do. */
function naiveRow(shape: Shape, a: Data, b: Data, m: number, row: Data): void {
  const { K, N } = shape;
  const { aRow, aCol, bRow, bCol } = strides(shape);
  for (let n = 0; n < N; n++) {
    let sum = 0;
    if (row instanceof Float32Array) {
      for (let k = 0; k < K; k++)
        sum = Math.fround(sum + Math.fround(a[m * aRow + k * aCol] * b[k * bRow + n * bCol]));
    } else {
      for (let k = 0; k < K; k++) sum += a[m * aRow + k * aCol] * b[k * bRow + n * bCol];
    }
    row[n] = sum;
  }
}

/** One dtype's kernels, with a memory large enough for the largest shape. */
class Bench {
  private readonly memory: WebAssembly.Memory;
  private readonly kernels: wasm.GemmKernels;
  private readonly peak: (milliseconds: number) => number;
  private readonly bits: 128 | 256;
  private top = 0;

  constructor(
    private readonly dtype: Dtype,
    largest: Shape[],
    private readonly options: { reproducible: boolean; smallest: boolean },
  ) {
    const elements = Math.max(...largest.map(({ M, N, K }) => M * K + 2 * K * (N + 8) + M * N));
    const pages = Math.ceil((elements * 8 + 2 ** 20) / 65536);
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    const wide = options.reproducible || whyNotWide() ? undefined : (wideHere() as Wide);
    this.kernels = wasm.compileGemm(this.memory, dtype, { ...options, wide });
    this.bits = wide ? 256 : 128;
    const peak = measuredPeak(dtype);
    this.peak = (milliseconds) => (peak(milliseconds) * this.bits) / 128;
  }

  private take(bytes: number): number {
    const at = this.top + 64;
    this.top = at + Math.ceil(bytes / 64) * 64;
    return at;
  }

  private array(place: number, length: number): Data {
    const View = this.dtype === 'float32' ? Float32Array : Float64Array;
    return new View(this.memory.buffer, place, length);
  }

  measure(shape: Shape): GemmRow {
    const { dtype, kernels } = this;
    const { kind, M, K, N } = shape;
    const size = dtype === 'float32' ? 4 : 8;
    this.top = 0;
    const scratch = this.take(this.kernels.scratchBytes);
    const panels = this.take(this.kernels.panelBytes(K, N));
    const [aAt, bAt, outAt] = [M * K, K * N, M * N].map((length) => this.take(length * size));
    const [a, b, out] = [this.array(aAt, M * K), this.array(bAt, K * N), this.array(outAt, M * N)];
    const random = new Random(1);
    for (const x of [a, b]) for (let i = 0; i < x.length; i++) x[i] = random.uniform(-1, 1);
    out.fill(NaN);

    const s = strides(shape);
    const packedOnce = kind === 'step' || kind === 'step backward';
    if (packedOnce) kernels.packB(bAt, s.bRow, s.bCol, K, N, panels);
    const whole = { ...s, a: aAt, b: bAt, out: outAt, outRow: N, M, N, K, flags: 0, bias: 0 };
    const run = packedOnce
      ? () => kernels.gemm(aAt, s.aRow, s.aCol, panels, outAt, N, M, N, K, 0, 0, scratch, 0)
      : () => wasm.multiply(kernels, whole, panels, scratch);
    // V8 optimizes a function only after it has run for a while
    const until = performance.now() + (this.options.smallest ? 0 : 20);
    do run();
    while (performance.now() < until);
    const naiveGflops = this.check(shape, a, b, out);

    const flops = 2 * M * N * K;
    const calls = this.options.smallest ? 2 : Math.max(1, Math.round(2e7 / flops)); // half a millisecond
    const repeats = this.options.smallest ? 2 : Math.round(Math.min(61, Math.max(7, 1e10 / flops)));
    const milliseconds: number[] = [];
    const peaks: number[] = [];
    for (let i = 0; i < repeats; i++) {
      peaks.push(this.peak(this.options.smallest ? 0.01 : 1));
      const start = performance.now();
      for (let call = 0; call < calls; call++) run();
      milliseconds.push((performance.now() - start) / calls);
    }
    const rates = milliseconds.map((ms) => flops / ms / 1e6);
    return {
      ...shape,
      dtype,
      fma: kernels.fma,
      bits: this.bits,
      medianMicroseconds: median(milliseconds) * 1000,
      minMicroseconds: Math.min(...milliseconds) * 1000,
      gflops: median(rates),
      peakGflops: median(peaks),
      percentOfPeak: 100 * median(rates.map((rate, i) => rate / peaks[i])),
      naiveGflops,
    };
  }

  /** Compares rows between the first and the last with the triple loop, and measures the speed of that loop. */
  private check(shape: Shape, a: Data, b: Data, out: Data): number {
    const { kind, M, K, N } = shape;
    const count = Math.max(1, Math.min(M, Math.floor(5e6 / (K * N))));
    const row = this.dtype === 'float32' ? new Float32Array(N) : new Float64Array(N);
    const epsilon = this.dtype === 'float32' ? 2 ** -24 : 2 ** -53;
    const bound = this.kernels.fma ? epsilon * K * Math.sqrt(K) : 0; // without fma: identical bits
    // warm up the loop, so that it is timed as compiled code, like the kernels
    if (!this.options.smallest) for (let i = 0; i < 2e6 / (K * N); i++) naiveRow(shape, a, b, 0, row);
    let took = 0;
    for (let i = 0; i < count; i++) {
      const m = count === 1 ? M - 1 : Math.floor((i * (M - 1)) / (count - 1));
      const start = performance.now();
      naiveRow(shape, a, b, m, row);
      took += performance.now() - start;
      for (let n = 0; n < N; n++) {
        if (Math.abs(out[m * N + n] - row[n]) <= bound) continue;
        throw new Error(
          `${kind} [${M}, ${K}] · [${K}, ${N}]: [${m}, ${n}] is ${out[m * N + n]}, not ${row[n]}`,
        );
      }
    }
    return (2 * K * N * count) / took / 1e6;
  }
}

const columns: [string, (row: GemmRow) => string][] = [
  ['product', ({ kind }) => kind],
  ['shape', ({ M, K, N }) => `[${M}, ${K}]·[${K}, ${N}]`],
  ['dtype', ({ dtype, fma }) => dtype + (fma ? ' fma' : '')],
  ['median µs', (row) => row.medianMicroseconds.toFixed(1)],
  ['min µs', (row) => row.minMicroseconds.toFixed(1)],
  ['GFLOP/s', (row) => row.gflops.toFixed(1)],
  ['peak', (row) => row.peakGflops.toFixed(1)],
  ['% of peak', (row) => row.percentOfPeak.toFixed(0)],
  ['× naive', (row) => (row.gflops / row.naiveGflops).toFixed(1)],
];

const config = {
  options: {
    ...common,
    reproducible: { type: 'boolean', default: false },
    dtype: { type: 'string' },
  },
} as const;

function main({ values }: Arguments<typeof config>): void {
  const list = values.smallest ? smallest : shapes();
  const dtypes = dtypesOf(values.dtype);
  const rows = dtypes.flatMap((dtype) => {
    const bench = new Bench(dtype, list, values);
    return list.map((shape) => bench.measure(shape));
  });
  if (!values.json) {
    const body = rows.map((row) => columns.map(([, show]) => show(row)));
    console.log(
      `${machine()}\n${table(
        columns.map(([title]) => title),
        body,
        3,
      )}`,
    );
  }
  publish({ gemm: rows }, values);
}

void script(__filename, config, main);
