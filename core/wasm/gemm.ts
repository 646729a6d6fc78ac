/**
 * The matrix product kernels, compiled over one memory, with what a caller has to know of sizes and places.
 *
 *     const kernels = compileGemm(memory, 'float32');
 *     kernels.packB(Wh, N, 1, K, N, panels);                                    // once per sequence
 *     kernels.gemm(h, K, 1, panels, z, N, B, N, K, ACCUMULATE, 0, scratch, 0);  // once per time step
 *
 * All places are byte addresses in that memory; strides and sizes count elements. `panels` needs kernels.panelBytes(K, N)
 * bytes, `scratch` kernels.scratchBytes, one scratch for each thread; both on 16-byte boundaries for speed. Operands must
 * not overlap out. Nothing is checked here: the callers' edge does that.
 */
import type { Dtype } from '../memory';
import { compileModule, link, WasmModule } from './encoder';
import { ACCUMULATE, ADD_BIAS, emitGemm, panelColumns, scratchBytes } from './emit-gemm';
import { hasFma } from './features';
import { NARROW, type Tile } from './gemm-micro';
import { emitGemv } from './gemv';
import type { Wide } from './wide';

export { ACCUMULATE, ADD_BIAS };

/** Copies b[K, N], of any strides, into panels. */
export type PackB = (b: number, bRow: number, bCol: number, K: number, N: number, panels: number) => void;

/**
 * out[M, N] = a[M, K] · panels; a of any strides, out with columns side by side.
 *
 * `flags`: ACCUMULATE adds to out, ADD_BIAS adds the row at `bias` to every row. `panelK`: the K that the panels were
 * packed with, or 0 where it is K; more than K for a product over some of the steps (see `panelAt`).
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
 * out[N] = start[N] + a[K] · b[K, N], K ≥ 1, the columns of b side by side; start is out or a bias, or 0 for zeros.
 * Faster than packing b where it meets no more than FEW_ROWS rows.
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
  /** The module they were compiled from. */
  readonly bytes: Uint8Array;
  readonly packB: PackB;
  readonly gemm: Gemm;
  readonly gemv: Gemv;
  /** Columns of a panel. */
  readonly panelColumns: number;
  /** Bytes that `gemm` works in. */
  readonly scratchBytes: number;
  /** Bytes of b[K, N] in panels: columns are filled up to whole panels. */
  panelBytes(K: number, N: number): number;
  /**
   * The place of b[k, n] in panels that were packed with `panelK` steps, for a product over a block of b that begins
   * there. n must be a multiple of panelColumns.
   */
  panelAt(panels: number, panelK: number, k: number, n: number): number;
}

export interface GemmOptions {
  /** Never use fused multiply-adds, so that results have the same bits on every machine. */
  reproducible?: boolean;
  /** For vectors of 256 bits. */
  wide?: Wide;
  /** How bytes become a module; default: as `wide` says, else as WebAssembly does. */
  compile?: Wide['compile'];
}

/** Compiles the kernels of one dtype; takes a few milliseconds, most of them the first time. */
export function compileGemm(
  memory: WebAssembly.Memory,
  dtype: Dtype,
  { reproducible = false, wide, compile = wide?.compile ?? compileModule }: GemmOptions = {},
): GemmKernels {
  const fma = wide ? wide.fma : !reproducible && hasFma();
  const tile = wide?.tile ?? NARROW;
  const module = new WasmModule({ shared: isShared(memory) });
  emitGemm(module, dtype, tile, fma);
  emitGemv(module, dtype, fma, wide !== undefined);
  const bytes = module.encode();
  const { packB, gemm, gemv } = link(compile(bytes), memory);
  const columns = panelColumns(tile, dtype);
  const size = elementBytes(dtype);
  return {
    ...{ dtype, fma, tile, bytes, packB, gemm, gemv },
    panelColumns: columns,
    scratchBytes: scratchBytes(tile, dtype),
    panelBytes: (K, N) => Math.ceil(N / columns) * columns * K * size,
    panelAt: (panels, panelK, k, n) => panels + (n * panelK + k * columns) * size,
  };
}

export function isShared(memory: WebAssembly.Memory): boolean {
  return typeof SharedArrayBuffer !== 'undefined' && memory.buffer instanceof SharedArrayBuffer;
}

const elementBytes = (dtype: Dtype): number => (dtype === 'float32' ? 4 : 8);

/**
 * How many steps of k `multiply` packs at a time. A long sum is sliced, so that the panels of a slice are still in the
 * second-level cache when they are used; a sum that gemm itself would not interrupt is not worth slicing.
 */
const slice = ({ tile }: GemmKernels, K: number): number => (K <= tile.kBlock ? K : 256);

/** A product whose b is used this once. */
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

/** Bytes of panels that `multiply` needs. */
export const multiplyBytes = (kernels: GemmKernels, K: number, N: number): number =>
  kernels.panelBytes(slice(kernels, K), N);

/**
 * out (=|+=) a · b (+ bias) with a b that is used this once, as in weight gradients: packed and multiplied in slices
 * of k (10 % faster for K = 3200, and panels need little room). The bits are those of packB and one gemm.
 */
export function multiply(kernels: GemmKernels, p: SingleProduct, panels: number, scratch: number): void {
  const { packB, gemm } = kernels;
  const size = elementBytes(kernels.dtype);
  const steps = slice(kernels, p.K);
  let { flags } = p;
  let k = 0;
  do {
    const K = Math.min(steps, p.K - k);
    const a = p.a + k * p.aCol * size;
    packB(p.b + k * p.bRow * size, p.bRow, p.bCol, K, p.N, panels);
    gemm(a, p.aRow, p.aCol, panels, p.out, p.outRow, p.M, p.N, K, flags, p.bias, scratch, 0);
    flags = ACCUMULATE;
    k += K;
  } while (k < p.K);
}
