/**
 * One row times an unpacked matrix: out[N] = start[N] + a[K] · b[K, N], with contiguous rows of b.
 *
 * For the few rows of a single time step, packing b would take longer than the product. b is read sequentially, four rows
 * at a time. Every element is summed in the order of the packed kernels (./gemm-micro.ts), so results are bit-identical.
 */
import type { Dtype } from '../memory';
import {
  type Body,
  type Code,
  type Local,
  type WasmStatement,
  type WasmModule,
  when,
  whileLess,
} from './encoder';
import { type FloatLanes, f32x4, f64x2, i32, v128 } from './opcodes';

/** Rows of b per pass; their factors stay in registers. */
const ROWS = 4;
/** Vectors of out per iteration: with four rows, as many loads as there are registers; two pairs for 256-bit vectors. */
const vectorsOf = (wide: boolean): number => (wide ? 4 : 2);

/** Byte addresses; strides and sizes count elements. `start`: initial values of the sums (out or a bias); 0 for zeros. */
const params = {
  a: 'i32',
  aCol: 'i32',
  b: 'i32',
  bRow: 'i32',
  out: 'i32',
  N: 'i32',
  K: 'i32',
  start: 'i32',
} as const;

/** Adds `gemv` to a module. */
export function emitGemv(module: WasmModule, dtype: Dtype, fma: boolean, wide = false): void {
  const most = vectorsOf(wide);
  const lane: FloatLanes = dtype === 'float32' ? f32x4 : f64x2;
  module.func('gemv', params, [], ({ a, aCol, b, bRow, out, N, K, start }, f) => {
    const factors = f.locals('v128', ROWS);
    const sums = f.locals('v128', most);
    const rows = [b, ...f.locals('i32', ROWS - 1)];
    const [at, place, pairsEnd, vectorsEnd, end] = f.locals('i32', 5);

    /** out = start + factors · rows, for the columns of `acc` from `at` on. */
    const columns = (count: number, acc: Local<'v128'>[], { load, store }: Columns): Body => [
      // a separate address for each row, because V8 joins only vectors with the same base address
      place.set(i32.add(start, at)),
      when(
        start,
        acc.map((sum, j) => sum.set(load(place, 16 * j))),
        acc.map((sum) => sum.set(lane.const(0))),
      ),
      rows.slice(0, count).map((row, r) => [
        place.set(i32.add(row, at)),
        acc.map((sum, j) => {
          const term = load(place, 16 * j);
          return sum.set(fma ? lane.madd(factors[r], term, sum) : lane.add(sum, lane.mul(factors[r], term)));
        }),
      ]),
      place.set(i32.add(out, at)),
      acc.map((sum, j) => store(place, sum, 16 * j)),
    ];
    const vectors: Columns = { load: v128.load, store: v128.store };
    const single: Columns = { load: lane.loadZero, store: (to, sum) => lane.storeLane(to, sum, 0) };
    /** Adds `count` rows of b; the next pass continues from out. */
    const pass = (count: number): Body => [
      rows.slice(1, count).map((row, r) => row.set(i32.add(rows[r], bRow))),
      factors.slice(0, count).map((factor) => [factor.set(lane.loadSplat(a)), a.advance(aCol)]),
      at.set(0),
      whileLess(at, pairsEnd, [columns(count, sums, vectors), at.advance(16 * most)]),
      whileLess(at, vectorsEnd, [columns(count, [sums[0]], vectors), at.advance(16)]),
      whileLess(at, end, [columns(count, [sums[0]], single), at.advance(lane.size)]),
      b.set(i32.add(rows[count - 1], bRow)),
      start.set(out),
      K.set(i32.sub(K, count)),
    ];
    return [
      [aCol, bRow].map((stride) => stride.set(i32.shl(stride, Math.log2(lane.size)))),
      end.set(i32.shl(N, Math.log2(lane.size))),
      vectorsEnd.set(i32.and(end, -16)),
      pairsEnd.set(i32.and(end, -16 * most)),
      whileLess(ROWS - 1, K, pass(ROWS)),
      whileLess(0, K, pass(1)),
    ];
  });
}

/** Reads and writes columns: whole vectors, or a single element. */
interface Columns {
  load: (from: Code<'i32'>, offset: number) => Code<'v128'>;
  store: (to: Code<'i32'>, value: Local<'v128'>, offset: number) => WasmStatement;
}
