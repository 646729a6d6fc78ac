/**
 * Compiles the matrix product kernels over one memory, and gives the buffer sizes they need.
 *
 *     const kernels = compileGemm(memory, 'float32');
 *     kernels.packB(Wh, N, 1, K, N, panels);                                    // once per sequence
 *     kernels.gemm(h, K, 1, panels, z, N, B, N, K, ACCUMULATE, 0, scratch, 0);  // once per time step
 *
 * All pointers are byte addresses in that memory; strides and sizes count elements. `panels` needs kernels.panelBytes(K, N)
 * bytes, `scratch` kernels.scratchBytes, one scratch per thread; both should be 16-byte aligned for speed. Operands must
 * not overlap out. Arguments are not checked here, but by the callers.
 */
import type { Dtype } from '../memory';
import { once } from '../once';
import { compileModule, link, WasmModule } from './encoder';
import { ACCUMULATE, ADD_BIAS, emitGemm, panelColumns, scratchBytes } from './emit-gemm';
import { hasFma } from './features';
import { NARROW, type Tile } from './gemm-micro';
import { emitGemv } from './gemv';
import type { Wide } from './wide';

export { ACCUMULATE, ADD_BIAS };

/** Packs b[K, N], with any strides, into panels. */
export type PackB = (b: number, bRow: number, bCol: number, K: number, N: number, panels: number) => void;

/**
 * out[M, N] = a[M, K] · panels; a with any strides, out with contiguous rows.
 *
 * `flags`: ACCUMULATE adds to out, ADD_BIAS adds the row at `bias` to every row. `panelK`: the K that the panels were
 * packed with, or 0 if it equals K; it is larger than K for a product over some of the steps (see `panelAt`).
 */
export type Gemm = (
  a: number,
  aRow: number,
  aCol: number,
  panels: number,
  out: number,
  outRow: number,
  M: number,
  N: number,
  K: number,
  flags: number,
  bias: number,
  scratch: number,
  panelK: number,
) => void;

/**
 * out[N] = start[N] + a[K] · b[K, N], K ≥ 1, with contiguous rows of b; start is out or a bias, or 0 for zeros. Faster
 * than packing b if it is multiplied by at most FEW_ROWS rows.
 */
export type Gemv = (
  a: number,
  aCol: number,
  b: number,
  bRow: number,
  out: number,
  N: number,
  K: number,
  start: number,
) => void;

export const FEW_ROWS = 4;

export interface GemmKernels {
  readonly dtype: Dtype;
  readonly fma: boolean;
  readonly tile: Tile;
  readonly packB: PackB;
  readonly gemm: Gemm;
  readonly gemv: Gemv;
  /** Columns of a panel. */
  readonly panelColumns: number;
  /** Bytes of scratch memory that `gemm` needs. */
  readonly scratchBytes: number;
  /** Bytes of b[K, N] in panels; columns are padded to whole panels. */
  panelBytes(K: number, N: number): number;
  /**
   * The address of b[k, n] in panels packed with `panelK` steps, for a product with a block of b that begins there. n must
   * be a multiple of panelColumns.
   */
  panelAt(panels: number, panelK: number, k: number, n: number): number;
}

export interface GemmOptions {
  /** Never use fused multiply-adds, so that results are bit-identical on every machine. */
  reproducible?: boolean;
  /** Compiles for 256-bit vectors. */
  wide?: Wide;
  /** Compiles bytes to a module; default: that of `wide`, or WebAssembly's own. */
  compile?: Wide['compile'];
}

/** Compiles the kernels of one dtype; takes a few milliseconds, mostly in the first call. */
export function compileGemm(
  memory: WebAssembly.Memory,
  dtype: Dtype,
  { reproducible = false, wide, compile = wide?.compile ?? compileModule }: GemmOptions = {},
): GemmKernels {
  const fma = wide ? wide.fma : !reproducible && hasFma();
  const tile = tileOf(wide);
  const bytes = gemmBytes(dtype, { fma, wide, shared: isShared(memory) });
  const { packB, gemm, gemv } = link(compile(bytes), memory);
  const columns = panelColumns(tile, dtype);
  const size = elementBytes(dtype);
  return {
    ...{ dtype, fma, tile, packB, gemm, gemv },
    panelColumns: columns,
    scratchBytes: scratchBytes(tile, dtype),
    panelBytes: (K, N) => Math.ceil(N / columns) * columns * K * size,
    panelAt: (panels, panelK, k, n) => panels + (n * panelK + k * columns) * size,
  };
}

/** Everything that the bytes of a module depend on. */
interface Encoding {
  fma: boolean;
  /** Encodes kernels for 256-bit vectors, if given. */
  wide: Wide | undefined;
  shared: boolean;
}

/** The encoded modules for a tile; kept, because the self-test and the engine use the same one. */
const modulesOf = once((_tile: Tile) => new Map<string, Uint8Array<ArrayBuffer>>());

/** The module of `compileGemm`, before it is compiled. */
export function gemmBytes(dtype: Dtype, { fma, wide, shared }: Encoding): Uint8Array<ArrayBuffer> {
  const tile = tileOf(wide);
  const modules = modulesOf(tile);
  const key = JSON.stringify({ dtype, fma, wide: wide !== undefined, shared });
  let bytes = modules.get(key);
  if (!bytes) {
    const module = new WasmModule({ shared });
    emitGemm(module, dtype, tile, fma);
    emitGemv(module, dtype, fma, wide !== undefined);
    modules.set(key, (bytes = module.encode()));
  }
  return bytes;
}

const tileOf = (wide: Wide | undefined): Tile => wide?.tile ?? NARROW;

export function isShared(memory: WebAssembly.Memory): boolean {
  return typeof SharedArrayBuffer !== 'undefined' && memory.buffer instanceof SharedArrayBuffer;
}

const elementBytes = (dtype: Dtype): number => (dtype === 'float32' ? 4 : 8);

/**
 * Number of steps of k that `multiply` packs at a time. A long sum is sliced, so that the panels of a slice are still in
 * the L2 cache when they are used; a sum that fits into one block of gemm is not sliced.
 */
const slice = ({ tile }: GemmKernels, K: number): number => (K <= tile.kBlock ? K : 256);

/** Bytes of panels that are packed at a time: a wide b, such as the weights of 50,000 classes, is packed in parts. */
const PACKED = 2 ** 22;

/** Number of columns that `multiply` packs at a time. */
const part = (kernels: GemmKernels, K: number, N: number): number => {
  const most = Math.floor(PACKED / kernels.panelBytes(slice(kernels, K), kernels.panelColumns));
  return Math.min(N, Math.max(1, most) * kernels.panelColumns);
};

/** A product whose b is used only once. */
export interface SingleProduct {
  a: number;
  aRow: number;
  aCol: number;
  b: number;
  bRow: number;
  bCol: number;
  out: number;
  outRow: number;
  M: number;
  N: number;
  K: number;
  flags: number;
  bias: number;
}

/** Bytes that `multiply` needs for panels. */
export const multiplyBytes = (kernels: GemmKernels, K: number, N: number): number =>
  kernels.panelBytes(slice(kernels, K), part(kernels, K, N));

/**
 * out (=|+=) a · b (+ bias) with a b that is used only once, as in weight gradients: packs and multiplies it in slices of k
 * (10 % faster for K = 3200, with little memory for panels), and of columns. Bit-identical to packB and one gemm.
 */
export function multiply(kernels: GemmKernels, p: SingleProduct, panels: number, scratch: number): void {
  const { packB, gemm } = kernels;
  const size = elementBytes(kernels.dtype);
  const steps = slice(kernels, p.K);
  const columns = part(kernels, p.K, p.N);
  for (let n = 0; n < p.N; n += columns) {
    const N = Math.min(columns, p.N - n);
    const [b, out, bias] = [p.b + n * p.bCol * size, p.out + n * size, p.bias + n * size];
    let { flags } = p;
    let k = 0;
    do {
      const K = Math.min(steps, p.K - k);
      const a = p.a + k * p.aCol * size;
      packB(b + k * p.bRow * size, p.bRow, p.bCol, K, N, panels);
      gemm(a, p.aRow, p.aCol, panels, out, p.outRow, p.M, N, K, flags, bias, scratch, 0);
      flags = ACCUMULATE;
      k += K;
    } while (k < p.K);
  }
}
