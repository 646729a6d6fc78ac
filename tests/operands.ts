/** Operands of kernels in a separate WebAssembly memory, and statements run on them by compiled kernels. */
import type { Data, Dtype } from '../core/memory';
import { inputsOf, type Graph } from '../core/programs/statement';
import { addPointwise, type Access, type PointwiseKernel } from '../core/wasm/emit-pointwise';
import { WasmModule } from '../core/wasm/encoder';
import { isShared } from '../core/wasm/gemm';

const PAGE = 65536;

export const bytesOf = (dtype: Dtype): number => (dtype === 'float32' ? 4 : 8);
export const roundTo = (dtype: Dtype, x: number): number => (dtype === 'float32' ? Math.fround(x) : x);

/** A block of rows in memory. */
export interface Operand {
  at: number;
  /** Distance between rows in bytes; 0 for one row that all rows share. */
  row: number;
  get(r: number, c: number): number;
}

/** A memory filled with a pattern, in which blocks are placed wherever a test wants them. */
export class Arena {
  readonly memory: WebAssembly.Memory;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private before: Uint8Array | undefined;
  private top = 64;

  constructor({ pages = 1, shared = false } = {}) {
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared });
    this.bytes = new Uint8Array(this.memory.buffer).fill(0xa5);
    this.view = new DataView(this.memory.buffer);
  }

  /** Takes all blocks back and fills the memory with the pattern again. */
  reset(): void {
    this.bytes.fill(0xa5);
    this.top = 64;
  }

  /**
   * A block [rows, cols], filled where `values` is given. `gap`: elements between its rows. `shift`: elements off the
   * 16-byte boundary. `last`: at the very end of the memory, where one byte too many is a trap.
   */
  place(
    [rows, cols]: readonly [number, number],
    dtype: Dtype,
    values?: (r: number, c: number) => number,
    { gap = 0, shift = 0, last = false } = {},
  ): Operand {
    const size = bytesOf(dtype);
    const row = (cols + gap) * size;
    const length = Math.max(0, (rows - 1) * row + cols * size);
    const at = last ? this.bytes.length - length : Math.ceil(this.top / 16) * 16 + shift * size;
    if (!last) this.top = at + length + 32;
    if (this.top > this.bytes.length) throw new Error('arena: the memory must have room for all operands');
    const address = (r: number, c: number): number => at + r * row + c * size;
    const { view } = this;
    for (let r = 0; values && r < rows; r++) {
      for (let c = 0; c < cols; c++) {
        if (dtype === 'float32') view.setFloat32(address(r, c), values(r, c), true);
        else view.setFloat64(address(r, c), values(r, c), true);
      }
    }
    return {
      at,
      row,
      get: (r, c) =>
        dtype === 'float32' ? view.getFloat32(address(r, c), true) : view.getFloat64(address(r, c), true),
    };
  }

  remember(): void {
    this.before = this.bytes.slice();
  }

  /** Number of bytes outside of these blocks that differ from the snapshot. */
  strayBytes(written: readonly Operand[], [rows, cols]: readonly [number, number], dtype: Dtype): number {
    const now = this.bytes.slice();
    for (const { at, row } of written) {
      for (let r = 0; r < rows; r++) now.fill(0, at + r * row, at + r * row + cols * bytesOf(dtype));
      for (let r = 0; r < rows; r++) this.before?.fill(0, at + r * row, at + r * row + cols * bytesOf(dtype));
    }
    return now.reduce((count, byte, k) => count + (byte === this.before?.[k] ? 0 : 1), 0);
  }
}

/** Compiles the kernel of one graph over a memory. */
export function compile(
  graph: Graph,
  dtype: Dtype,
  memory: WebAssembly.Memory,
  access: readonly Access[] = inputsOf(graph).map(() => 'unit'),
): PointwiseKernel {
  const module = new WasmModule({ shared: isShared(memory) });
  addPointwise(module, 'kernel', { graph, dtype, access });
  return module.instantiate(memory).kernel;
}

/** Arguments of a kernel call. */
export const argumentsOf = (rows: number, cols: number, operands: readonly Operand[]): number[] => [
  rows,
  cols,
  ...operands.flatMap(({ at, row }) => [at, row]),
];

/** Maps one row of numbers through a graph with inputs of equal length; gives one row for each output. */
export function mapper(graph: Graph, dtype: Dtype): (...inputs: ArrayLike<number>[]) => Data[] {
  const count = inputsOf(graph).length + Object.keys(graph.outputs).length;
  let memory = new WebAssembly.Memory({ initial: 1 });
  let kernel = compile(graph, dtype, memory);
  const View = dtype === 'float32' ? Float32Array : Float64Array;
  return (...inputs) => {
    const cols = inputs[0]?.length ?? 1;
    const stride = Math.ceil((cols * bytesOf(dtype)) / 16) * 16;
    if (count * stride > memory.buffer.byteLength) {
      memory = new WebAssembly.Memory({ initial: Math.ceil((count * stride) / PAGE) });
      kernel = compile(graph, dtype, memory);
    }
    const rows = Array.from({ length: count }, (_, k) => new View(memory.buffer, k * stride, cols));
    inputs.forEach((input, k) => rows[k].set(input));
    kernel(1, cols, ...rows.flatMap((row) => [row.byteOffset, 0]));
    return rows.slice(inputs.length);
  };
}
