/**
 * Benchmark of compiled elementwise statements and reductions against hand-written JavaScript loops over the same
 * typed arrays. A recurrent network evaluates its gates between matrix products, and in plain JavaScript exp and tanh
 * alone take longer than SIMD products.
 *
 *   exp … tanh      one function of every element
 *   LSTM forward    the elementwise equations of cells/lstm.ts: 3 sigmoids, 2 tanh, 5 inputs, 7 outputs per element
 *   LSTM backward   likewise: no transcendental functions, 9 inputs, 5 outputs
 *   sum of rows     as for a bias gradient;   log-sum-exp, sum of squares: as for a loss and a gradient's norm
 *
 *   node -r ./scripts/register.js benchmarks/pointwise.bench.ts [--smallest] [--json] [--out FILE] [--dtype float32]
 *
 * --smallest only shows that the benchmark still runs; its figures mean nothing.
 *
 * Kernel and loop are checked to agree, then timed in turns; the ratio is the median of the ratios of neighboring
 * turns. Every loop is compiled from its text once per dtype, so that V8 sees one array type only, as in a program
 * with one dtype. "start-up" is the time to generate and compile the two LSTM kernels at the start of the process.
 */
import { runInThisContext } from 'node:vm';
import { lstm } from '../cells/lstm';
import { median } from '../measure/timing';
import type { Data, Dtype } from '../core/memory';
import { Random } from '../core/random/random';
import { exp, log, log1p, sigmoid, tanh } from '../core/programs/scalar';
import { inputsOf, statement, type Statement } from '../core/programs/statement';
import { addPointwise, type PointwiseSpec } from '../core/wasm/emit-pointwise';
import { addReduction, type Reductions } from '../core/wasm/emit-reduce';
import { WasmModule } from '../core/wasm/encoder';
import { machine } from './machine';
import { publish } from './output';
import { table } from './table';
import { common, dtypesOf } from './options';
import { script, type Arguments } from '../scripts/script';

const [{ forward: lstmForward, backward: lstmBackward }] = lstm({ input: 1, hidden: 1 }).statements ?? [];

type Arrays = Record<string, Data>;
/** Body of a loop over `n` elements, or over [rows, cols]; it must not refer to outer variables. */
type Loop = (arrays: Arrays, rows: number, cols: number) => void;

interface Case {
  name: string;
  shape: [rows: number, cols: number];
  inputs: readonly string[];
  outputs: string[];
  loop: Loop;
  /** Binds the kernel to the named arrays. */
  kernel: (bench: Bench, arrays: Arrays) => () => void;
  /** Range of the inputs. */
  range: [number, number];
}

export interface PointwiseRow {
  name: string;
  dtype: Dtype;
  rows: number;
  cols: number;
  medianMicroseconds: number;
  minMicroseconds: number;
  elementsPerNanosecond: number;
  plainElementsPerNanosecond: number;
  timesPlain: number;
}

const functions: Record<string, { body: Statement; loop: Loop; range: [number, number] }> = {
  exp: {
    body: statement(({ x }) => ({ y: exp(x) })),
    loop: ({ x, y }) => {
      for (let k = 0; k < x.length; k++) y[k] = Math.exp(x[k]);
    },
    range: [-8, 8],
  },
  log: {
    body: statement(({ x }) => ({ y: log(x) })),
    loop: ({ x, y }) => {
      for (let k = 0; k < x.length; k++) y[k] = Math.log(x[k]);
    },
    range: [1e-3, 8],
  },
  log1p: {
    body: statement(({ x }) => ({ y: log1p(x) })),
    loop: ({ x, y }) => {
      for (let k = 0; k < x.length; k++) y[k] = Math.log1p(x[k]);
    },
    range: [-0.9, 8],
  },
  sigmoid: {
    body: statement(({ x }) => ({ y: sigmoid(x) })),
    loop: ({ x, y }) => {
      for (let k = 0; k < x.length; k++) y[k] = 1 / (1 + Math.exp(-x[k]));
    },
    range: [-8, 8],
  },
  tanh: {
    body: statement(({ x }) => ({ y: tanh(x) })),
    loop: ({ x, y }) => {
      for (let k = 0; k < x.length; k++) y[k] = Math.tanh(x[k]);
    },
    range: [-4, 4],
  },
  'LSTM forward': {
    body: lstmForward,
    loop: ({ ai, af, ag, ao, cPrev, i, f, g, o, c, tc, h }) => {
      for (let k = 0; k < ai.length; k++) {
        const ik = 1 / (1 + Math.exp(-ai[k]));
        const fk = 1 / (1 + Math.exp(-af[k]));
        const gk = Math.tanh(ag[k]);
        const ok = 1 / (1 + Math.exp(-ao[k]));
        const ck = fk * cPrev[k] + ik * gk;
        const tck = Math.tanh(ck);
        i[k] = ik;
        f[k] = fk;
        g[k] = gk;
        o[k] = ok;
        c[k] = ck;
        tc[k] = tck;
        h[k] = ok * tck;
      }
    },
    range: [-3, 3],
  },
  'LSTM backward': {
    body: lstmBackward,
    loop: ({ i, f, g, o, tc, cPrev, dhOut, dhNext, dcNext, dai, daf, dag, dao, dcPrev }) => {
      for (let k = 0; k < i.length; k++) {
        const dh = dhOut[k] + dhNext[k];
        const dc = dcNext[k] + dh * o[k] * (1 - tc[k] * tc[k]);
        dai[k] = dc * g[k] * i[k] * (1 - i[k]);
        daf[k] = dc * cPrev[k] * f[k] * (1 - f[k]);
        dag[k] = dc * i[k] * (1 - g[k] * g[k]);
        dao[k] = dh * tc[k] * o[k] * (1 - o[k]);
        dcPrev[k] = dc * f[k];
      }
    },
    range: [-1, 1],
  },
};

function pointwiseCases(shape: [number, number]): Case[] {
  return Object.entries(functions).map(([name, { body, loop, range }]) => {
    const inputs = inputsOf(body.graph);
    const outputs = Object.keys(body.graph.outputs);
    return {
      name,
      shape,
      inputs,
      outputs,
      loop,
      range,
      kernel: (bench, arrays) => {
        const run = bench.pointwise(body);
        const row = shape[1] * bench.size;
        const places = [...inputs, ...outputs].flatMap((operand) => [arrays[operand].byteOffset, row]);
        return () => run(...shape, ...places);
      },
    };
  });
}

function reductionCases(shape: [number, number]): Case[] {
  const common = { shape, inputs: ['x'], outputs: ['y'], range: [-3, 3] as [number, number] };
  const [rows, cols] = shape;
  return [
    {
      ...common,
      name: 'sum of rows',
      loop: ({ x, y }, rows, cols) => {
        for (let c = 0; c < cols; c++) y[c] = 0;
        for (let r = 0; r < rows; r++) for (let c = 0; c < cols; c++) y[c] += x[r * cols + c];
      },
      kernel: ({ reductions, size }, { x, y }) => {
        return () => reductions.sumRows(rows, cols, x.byteOffset, cols * size, y.byteOffset, 0);
      },
    },
    {
      ...common,
      name: 'log-sum-exp',
      loop: ({ x, y }, rows, cols) => {
        for (let r = 0; r < rows; r++) {
          let most = -Infinity;
          let sum = 0;
          for (let c = 0; c < cols; c++) most = Math.max(most, x[r * cols + c]);
          for (let c = 0; c < cols; c++) sum += Math.exp(x[r * cols + c] - most);
          y[r] = most + Math.log(sum);
        }
      },
      kernel: ({ reductions, size }, { x, y }) => {
        return () => reductions.logSumExp(rows, cols, x.byteOffset, cols * size, y.byteOffset, size);
      },
    },
    {
      ...common,
      name: 'sum of squares',
      loop: ({ x, y }) => {
        let sum = 0;
        for (let k = 0; k < x.length; k++) sum += x[k] * x[k];
        y[0] = sum;
      },
      kernel: ({ reductions, size }, { x, y }) => {
        return () => {
          y[0] = reductions.sumSquares(rows, cols, x.byteOffset, cols * size);
        };
      },
    },
  ];
}

class Bench {
  readonly size: number;
  readonly reductions: Reductions;
  private readonly memory: WebAssembly.Memory;
  private top = 0;

  constructor(
    private readonly dtype: Dtype,
    elements: number,
    private readonly smallest: boolean,
  ) {
    this.size = dtype === 'float32' ? 4 : 8;
    const pages = Math.ceil((16 * (elements * this.size + 128)) / 65536) + 1;
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    const module = new WasmModule({ shared: true });
    for (const what of ['sumRows', 'logSumExp', 'sumSquares'] as const) addReduction(module, what, dtype);
    this.reductions = module.instantiate(this.memory) as unknown as Reductions;
  }

  pointwise({ graph }: Statement): (...args: number[]) => void {
    const spec: PointwiseSpec = { graph, dtype: this.dtype, access: inputsOf(graph).map(() => 'unit') };
    const module = new WasmModule({ shared: true });
    addPointwise(module, 'kernel', spec);
    const { kernel } = module.instantiate(this.memory);
    return kernel;
  }

  measure({ name, shape, inputs, outputs, loop, kernel, range }: Case): PointwiseRow {
    const [rows, cols] = shape;
    this.top = 0;
    const random = new Random(1);
    const drawn = inputs.map(
      (input) => [input, this.array(rows * cols, () => random.uniform(...range))] as const,
    );
    const filled = (): Arrays =>
      Object.fromEntries([
        ...drawn,
        ...outputs.map((output) => [output, this.array(rows * cols, () => 0)] as const),
      ]);
    const [mine, plains] = [filled(), filled()];
    const run = kernel(this, mine);
    // a fresh function for each dtype: V8 would otherwise see a polymorphic call site
    const plain = runInThisContext(`(${loop.toString()})`) as Loop;
    run();
    plain(plains, rows, cols);
    this.check(name, outputs, mine, plains);

    const elements = rows * cols;
    // short samples: on a shared machine most of them run uninterrupted
    const calls = this.smallest ? 1 : Math.ceil(1e5 / elements);
    const plainCalls = Math.ceil(calls / 10);
    const repeats = this.smallest ? 3 : 201;
    const time = (count: number, act: () => void): number => {
      const start = performance.now();
      for (let k = 0; k < count; k++) act();
      return (performance.now() - start) / count;
    };
    const loopOnce = () => plain(plains, rows, cols);
    if (!this.smallest) for (let k = 0; k < 20; k++) time(plainCalls, loopOnce);
    const times = Array.from({ length: repeats }, () => ({
      kernel: time(calls, run),
      plain: time(plainCalls, loopOnce),
    }));
    const kernelTimes = times.map((t) => t.kernel);
    return {
      name,
      dtype: this.dtype,
      rows,
      cols,
      medianMicroseconds: median(kernelTimes) * 1000,
      minMicroseconds: Math.min(...kernelTimes) * 1000,
      elementsPerNanosecond: elements / median(kernelTimes) / 1e6,
      plainElementsPerNanosecond: elements / median(times.map((t) => t.plain)) / 1e6,
      timesPlain: median(times.map((t) => t.plain / t.kernel)),
    };
  }

  private take(bytes: number): number {
    const at = this.top + 64;
    this.top = at + Math.ceil(bytes / 64) * 64;
    return at;
  }

  private array(length: number, value: () => number): Data {
    const View = this.dtype === 'float32' ? Float32Array : Float64Array;
    const data = new View(this.memory.buffer, this.take(length * this.size), length);
    for (let k = 0; k < length; k++) data[k] = value();
    return data;
  }

  /** Kernel and loop must agree within a few roundings, sums within one rounding per term. */
  private check(name: string, outputs: string[], mine: Arrays, plains: Arrays): void {
    const epsilon = this.dtype === 'float32' ? 2 ** -23 : 2 ** -52;
    for (const output of outputs) {
      const bound = epsilon * (name.startsWith('sum') ? 2 * mine.x.length : 16);
      mine[output].forEach((value, k) => {
        const expected = plains[output][k];
        if (Math.abs(value - expected) <= bound * Math.max(1, Math.abs(expected))) return;
        throw new Error(`${name}, ${this.dtype}: ${output}[${k}] is ${value}, not ${expected}`);
      });
    }
  }
}

/** Milliseconds to generate and compile the LSTM kernels in one module. */
function startUp(dtype: Dtype): number {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const start = performance.now();
  const specs = [lstmForward, lstmBackward].map(({ graph }): PointwiseSpec => ({
    graph,
    dtype,
    access: inputsOf(graph).map(() => 'unit'),
  }));
  const module = new WasmModule({ shared: false });
  specs.forEach((spec, k) => addPointwise(module, `kernel${k}`, spec));
  module.instantiate(memory);
  return performance.now() - start;
}

const columns: [string, (row: PointwiseRow) => string][] = [
  ['statement', ({ name }) => name],
  ['shape', ({ rows, cols }) => `[${rows}, ${cols}]`],
  ['dtype', ({ dtype }) => dtype],
  ['median µs', (row) => row.medianMicroseconds.toFixed(2)],
  ['min µs', (row) => row.minMicroseconds.toFixed(2)],
  ['elements/ns', (row) => row.elementsPerNanosecond.toFixed(3)],
  ['plain JS', (row) => row.plainElementsPerNanosecond.toFixed(3)],
  ['× plain JS', (row) => row.timesPlain.toFixed(1)],
];

const config = {
  options: {
    ...common,
    dtype: { type: 'string' },
  },
} as const;

function main({ values }: Arguments<typeof config>): void {
  const dtypes = dtypesOf(values.dtype);
  const startUpMilliseconds = startUp(dtypes[0]);
  const cases = values.smallest
    ? [...pointwiseCases([2, 19]), ...reductionCases([9, 19])]
    : [...pointwiseCases([32, 128]), ...pointwiseCases([1, 32]).slice(-2), ...reductionCases([1600, 64])];
  const most = Math.max(...cases.map(({ shape }) => shape[0] * shape[1]));
  const rows = dtypes.flatMap((dtype) => {
    const bench = new Bench(dtype, most, values.smallest);
    return cases.map((each) => bench.measure(each));
  });
  if (!values.json) {
    const body = rows.map((row) => columns.map(([, show]) => show(row)));
    const printed = table(
      columns.map(([title]) => title),
      body,
      3,
    );
    console.log(`${machine()}\nstart-up ${startUpMilliseconds.toFixed(1)} ms\n${printed}`);
  }
  publish({ pointwise: rows, startUpMilliseconds }, values);
}

void script(__filename, config, main);
