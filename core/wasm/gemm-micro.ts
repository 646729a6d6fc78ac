/**
 * The micro-kernel: R rows × P panels of the product, kept in registers during the whole sum.
 *
 *   out[r, n] = init[r, n] + Σk a[r, k]·b[k, n]        r < R,  n < P·V·lanes
 *
 * The sum runs over k in ascending order, starting from init, with one rounding after each multiplication and each
 * addition (with `fma`, one after both). Every kernel computes elements this way, for any R and P and wherever the sum is
 * interrupted, so results do not depend on how rows, columns or k are divided among calls.
 *
 * Registers: R·P·2 sums, P·2 vectors of b, one of a, one product: at most 14 of the 15 that V8 allocates.
 * One step of k is one basic block: V8 (Node 20, 22) moves all loads of a block above its arithmetic, so two steps in a
 * block would spill registers. Therefore, the unrolled loop has a conditional exit after each step.
 */
import { type Body, type Callable, type WasmModule, block, br, brIf, loop, when } from './encoder';
import { type FloatLanes, f64x2, i32, v128 } from './opcodes';

/** Block sizes of a product. */
export interface Tile {
  /** Rows of the main micro-kernel, and of a packed panel of a. */
  rows: number;
  /** Width of a panel of b, in vectors. */
  vectors: number;
  /**
   * How often each element of a packed a is stored: a float32 may be stored twice, because broadcasting 64 bits to a
   * 128-bit vector is faster than 32 bits (6 % of the whole product on Zen 4).
   */
  copies: (lane: FloatLanes) => 1 | 2;
  /** Steps of k per block, so that a slice of a panel stays in the L1 cache. */
  kBlock: number;
  /** Rows of a per block, so that the packed rows stay in the L2 cache. */
  rowBlock: number;
  /** Steps of k per iteration of a micro-kernel; the optimizing compiler takes as much longer for each. */
  unroll: number;
}

/** Block sizes for 128-bit vectors. */
export const NARROW: Tile = {
  rows: 4,
  vectors: 2,
  copies: ({ size }) => (size === 4 ? 2 : 1),
  kBlock: 512,
  rowBlock: 64,
  unroll: 8,
};
/** Maximum number of panels of b per kernel. */
export const MOST_PANELS = 2;
/** Bytes of one step of a panel of b, and of its columns in a row of out. */
export const panelStepOf = ({ vectors }: Tile): number => 16 * vectors;
/** Bytes of an element of a packed a, and of one step of all its rows. */
export const laneBytesOf = ({ copies }: Tile, lane: FloatLanes): number => lane.size * copies(lane);
export const stepBytesOf = (tile: Tile, lane: FloatLanes): number => tile.rows * laneBytesOf(tile, lane);

/** Byte addresses and strides. After each of `count` tiles, a, b, init and out advance by their `Next`. */
export const microParams = {
  a: 'i32', // a[r, k] at a + r·laneBytes + k·aStep
  aStep: 'i32',
  aNext: 'i32',
  b: 'i32',
  panelBytes: 'i32',
  bNext: 'i32',
  init: 'i32',
  initRow: 'i32',
  initNext: 'i32',
  out: 'i32',
  outRow: 'i32',
  outNext: 'i32',
  K: 'i32',
  count: 'i32',
} as const;
export type Micro = Callable<typeof microParams>;

export interface MicroShape {
  tile: Tile;
  rows: number;
  panels: number;
  fma: boolean;
}

export function emitMicro(module: WasmModule, lane: FloatLanes, shape: MicroShape): Micro {
  const { tile, rows, panels, fma } = shape;
  const { unroll } = tile;
  const panelStep = panelStepOf(tile);
  const [laneBytes, stepBytes] = [laneBytesOf(tile, lane), stepBytesOf(tile, lane)];
  const splat = tile.copies(lane) === 2 ? f64x2.loadSplat : lane.loadSplat;
  return module.func(`micro${rows}x${panels}`, microParams, [], (p, f) => {
    const vectors = panels * tile.vectors;
    const packed = rows > 1; // a single row may be unpacked
    const acc = Array.from({ length: rows }, () => f.locals('v128', vectors));
    const bv = f.locals('v128', vectors);
    const av = f.local('v128');
    const q = f.locals('i32', panels); // read position in each panel
    const [x, k, row] = f.locals('i32', 3);

    const step = (u: number): Body => [
      bv.map((v, j) =>
        v.set(v128.load(q[Math.floor(j / tile.vectors)], u * panelStep + 16 * (j % tile.vectors))),
      ),
      acc.map((sums, r) => [
        av.set(packed ? splat(x, u * stepBytes + r * laneBytes) : lane.loadSplat(x)),
        sums.map((sum, j) => sum.set(fma ? lane.madd(av, bv[j], sum) : lane.add(sum, lane.mul(av, bv[j])))),
      ]),
      packed ? [] : x.advance(p.aStep),
    ];

    const product = block((done) =>
      loop((again) => [
        Array.from({ length: unroll }, (_, u) => [step(u), brIf(done, i32.eq(k, u + 1))]),
        q.map((pointer) => pointer.advance(unroll * panelStep)),
        packed ? x.advance(unroll * stepBytes) : [],
        k.set(i32.sub(k, unroll)),
        br(again),
      ]),
    );

    return loop((again) => [
      row.set(p.init),
      acc.map((sums) => [sums.map((sum, j) => sum.set(v128.load(row, 16 * j))), row.advance(p.initRow)]),
      x.set(p.a),
      q.map((pointer, j) => pointer.set(j === 0 ? p.b : i32.add(q[j - 1], p.panelBytes))),
      k.set(p.K),
      when(k, product),
      row.set(p.out),
      acc.map((sums) => [sums.map((sum, j) => v128.store(row, sum, 16 * j)), row.advance(p.outRow)]),
      p.a.advance(p.aNext),
      p.b.advance(p.bNext),
      p.init.advance(p.initNext),
      p.out.advance(p.outNext),
      brIf(again, p.count.tee(i32.sub(p.count, 1))),
    ]);
  });
}
