/**
 * The micro-kernel: R rows × P panels of the product, held in registers over the whole sum.
 *
 *   out[r, n] = init[r, n] + Σk a[r, k]·b[k, n]        r < R,  n < P·2·lanes
 *
 * The sum runs over k in ascending order, starting from init, one rounding after each multiplication and each
 * addition (with `fma` one after both). Every element is computed this way by every kernel, whatever R and P are
 * and wherever the sum is interrupted, so results do not depend on how rows, columns or k are divided among calls.
 *
 * Registers: R·P·2 sums, P·2 vectors of b, one of a, one product: at most 14 of the 15 that V8 hands out.
 * One step of k is one basic block: V8 (Node 20, 22) moves all loads of a block above its arithmetic, and two
 * steps in a block would spill. So the loop is unrolled with a real exit after each step, which keeps them apart.
 */
import { type Body, type Callable, type WasmModule, block, br, brIf, loop, when } from './encoder';
import { type FloatLanes, f64x2, i32, v128 } from './opcodes';

/** Vectors side by side in a panel of b; lanes of a panel of a; panels of b that a kernel takes at most. */
export const PANEL_VECTORS = 2;
export const A_LANES = 4;
export const MOST_PANELS = 2;
/**
 * An element of a packed a takes 8 bytes: a float32 stands there twice, because one of 64 bits is spread over a vector
 * faster than one of 32 (6 % of the whole product on Zen 4).
 */
const A_LANE_BYTES = 8;
export const A_STEP = A_LANES * A_LANE_BYTES;
export const copiesOf = (lane: FloatLanes): 1 | 2 => (lane.size === 4 ? 2 : 1);

const UNROLL = 8;

/** Byte addresses and distances. After each of `count` tiles, a, b, init and out move on by their `Next`. */
export const microParams = {
  a: 'i32', // a[r, k] at a + r·A_LANE_BYTES + k·aStep
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
  rows: number;
  panels: number;
  fma: boolean;
}

export function emitMicro(module: WasmModule, lane: FloatLanes, { rows, panels, fma }: MicroShape): Micro {
  const panelStep = 16 * PANEL_VECTORS;
  return module.internal(`micro${rows}x${panels}`, microParams, (p, f) => {
    const vectors = panels * PANEL_VECTORS;
    const packed = rows > 1; // a row alone may lie as it came
    const acc = Array.from({ length: rows }, () => f.locals('v128', vectors));
    const bv = f.locals('v128', vectors);
    const av = f.local('v128');
    const q = f.locals('i32', panels); // where each panel is read
    const [x, k, row] = f.locals('i32', 3);

    const step = (u: number): Body => [
      bv.map((v, j) =>
        v.set(v128.load(q[Math.floor(j / PANEL_VECTORS)], u * panelStep + 16 * (j % PANEL_VECTORS))),
      ),
      acc.map((sums, r) => [
        av.set(packed ? f64x2.loadSplat(x, u * A_STEP + r * A_LANE_BYTES) : lane.loadSplat(x)),
        sums.map((sum, j) => sum.set(fma ? lane.madd(av, bv[j], sum) : lane.add(sum, lane.mul(av, bv[j])))),
      ]),
      packed ? [] : x.advance(p.aStep),
    ];

    const product = block((done) =>
      loop((again) => [
        Array.from({ length: UNROLL }, (_, u) => [step(u), brIf(done, i32.eq(k, u + 1))]),
        q.map((pointer) => pointer.advance(UNROLL * panelStep)),
        packed ? x.advance(UNROLL * A_STEP) : [],
        k.set(i32.sub(k, UNROLL)),
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
