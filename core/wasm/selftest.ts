/**
 * Self-test of 256-bit kernels: compares each module bit by bit with its 128-bit version before first use, because joining
 * vectors is an experimental feature of V8.
 */
import type { Data, Dtype } from '../memory';
import { addPointwise, type PointwiseSpec } from './emit-pointwise';
import { WasmModule } from './encoder';
import { ACCUMULATE, ADD_BIAS, compileGemm, gemmBytes, type GemmKernels } from './gemm';
import { hasSharedMemory } from './features';
import { hasPassed, keepPassed } from './remember';
import type { Wide } from './wide';

/** [M, N, K] of the tested products: they cover every micro-kernel, partial panels and partial tiles. */
const PRODUCTS = [
  [13, 35, 9],
  [5, 18, 3],
  [4, 33, 2],
  [3, 16, 5],
  [8, 32, 8],
] as const;
/** Covers two pairs of vectors, a single vector and a partial one, in both dtypes. */
const COLUMNS = 23;
/** Special values among the inputs of elementwise kernels. */
const SPECIAL = [0, -0, NaN, Infinity, -Infinity, 1e-42, -1e-310, 88, -88, 700, -700, 1e30, 1e-30];
/** Minimum speed-up of 256-bit products; they are slower on processors without 256-bit units. */
const FASTER = 1.2;

/** Why 256-bit products must not or should not be used here; undefined if they pass. */
export function productsFail(wide: Wide, dtype: Dtype): string | undefined {
  // shared like the engine memory, so that this is the module that the engine uses, and it is compiled once
  const shared = hasSharedMemory();
  const bytes = gemmBytes(dtype, { fma: wide.fma, wide, shared });
  if (hasPassed(bytes)) return undefined;
  const memory = new WebAssembly.Memory({ initial: 8, maximum: 8, shared });
  const kernels = compileGemm(memory, dtype, { wide });
  const twin = compileGemm(memory, dtype, { reproducible: !wide.fma, compile: wide.compileNarrow });
  if (!equal([kernels, twin].map((each) => productsOf(each, memory))))
    return `${dtype} products of 256 bits differ from those of 128`;
  const gain = timeOf(twin) / timeOf(kernels);
  if (gain < FASTER)
    return `${dtype} products of 256 bits are ${gain.toFixed(2)} times as fast as those of 128`;
  keepPassed(bytes);
  return undefined;
}

/** Why a module of 256-bit elementwise kernels, `bytes`, must not be used; undefined if it passes. */
export function pointwiseFails(
  bytes: Uint8Array<ArrayBuffer>,
  compiled: WebAssembly.Module,
  specs: readonly PointwiseSpec[],
  wide: Wide,
  shared: boolean,
): string | undefined {
  if (hasPassed(bytes)) return undefined;
  const memory = new WebAssembly.Memory({ initial: 16, maximum: 16, shared });
  const twins = new WasmModule({ shared });
  specs.forEach((spec, k) => addPointwise(twins, `loop${k}`, spec));
  const [module, twin] = [compiled, wide.compileNarrow(twins.encode())].map(
    (each) => new WebAssembly.Instance(each, { env: { memory } }).exports as Record<string, Kernel>,
  );
  for (const [k, spec] of specs.entries()) {
    const results = [module, twin].map((each) => elementsOf(each[`loop${k}`], spec, memory));
    if (!equal(results)) return `an elementwise kernel of 256 bits differs from that of 128`;
  }
  keepPassed(bytes);
  return undefined;
}

type Kernel = (...args: number[]) => void;

const viewOf = (memory: WebAssembly.Memory, dtype: Dtype): Data =>
  dtype === 'float32' ? new Float32Array(memory.buffer) : new Float64Array(memory.buffer);

/** A deterministic number in −2…2. */
const number = (k: number): number => (((k * 7919) % 4093) - 2046) / 1024;

/** The results of a set of kernels on fixed operands. */
function productsOf({ dtype, packB, gemm, gemv }: GemmKernels, memory: WebAssembly.Memory): number[] {
  const all = viewOf(memory, dtype);
  for (let k = 0; k < 8192; k++) all[k] = number(k);
  const at = (element: number): number => element * all.BYTES_PER_ELEMENT;
  const [a, out, bias, b, panels, scratch] = [16, 1024, 1536, 2048, 4096, 8192].map(at);
  return PRODUCTS.flatMap(([M, N, K]) => {
    packB(b, N, 1, K, N, panels);
    gemm(a, K, 1, panels, out, N, M, N, K, ADD_BIAS, bias, scratch, 0);
    packB(b, 1, K, K, N, panels);
    gemm(a, 1, M, panels, out, N, M, N, K, ACCUMULATE, 0, scratch, 0);
    gemv(a, 1, b, N, out, N, K, out);
    return Array.from(all.subarray(1024, 1024 + M * N));
  });
}

/** Milliseconds for some products, the minimum of several runs. */
function timeOf({ dtype, packB, gemm }: GemmKernels): number {
  const size = dtype === 'float32' ? 4 : 8;
  const [a, out, b, panels, scratch] = [16, 1024, 2048, 4096, 8192].map((element) => element * size);
  packB(b, 32, 1, 32, 32, panels);
  const once = (): number => {
    const start = performance.now();
    for (let k = 0; k < 20; k++) gemm(a, 32, 1, panels, out, 32, 12, 32, 32, 0, 0, scratch, 0);
    return performance.now() - start;
  };
  return Math.min(...Array.from({ length: 9 }, once));
}

/** The results of an elementwise kernel on fixed inputs, including special values. */
function elementsOf(
  kernel: Kernel,
  { dtype, access, graph }: PointwiseSpec,
  memory: WebAssembly.Memory,
): number[] {
  const all = viewOf(memory, dtype);
  const operands = access.length + Object.keys(graph.outputs).length;
  const row = 64;
  for (let k = 0; k < (operands + 1) * row; k++)
    all[k] = k % 5 === 3 ? SPECIAL[Math.floor(k / 5) % SPECIAL.length] : number(k);
  const size = all.BYTES_PER_ELEMENT;
  const places = Array.from({ length: operands }, (_, k) => [(k + 1) * row * size, (row / 2) * size]);
  kernel(2, COLUMNS, ...places.flat());
  return Array.from(all.subarray((access.length + 1) * row, (operands + 1) * row));
}

const equal = ([one, other]: number[][]): boolean => one.every((value, k) => Object.is(value, other[k]));
