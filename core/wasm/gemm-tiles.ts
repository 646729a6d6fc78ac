/**
 * Multiplies a block of rows of a by full panels of b with the micro-kernels: first all full tiles of rows, then the
 * remaining rows. The result does not depend on which kernel computes an element (./gemm-micro.ts).
 */
import {
  type Callable,
  type Operand,
  type WasmStatement,
  type WasmModule,
  call,
  when,
  whileLess,
} from './encoder';
import { type FloatLanes, i32 } from './opcodes';
import { type Micro, type Tile, emitMicro, panelStepOf } from './gemm-micro';

const TWO = 1; // log2 of the panels of the kernels that take a pair

/** Byte addresses and strides; a as in the micro-kernels, `aNext` from one tile's rows to the next. */
export const tilesParams = {
  a: 'i32',
  aStep: 'i32',
  aNext: 'i32',
  b: 'i32',
  panelBytes: 'i32',
  init: 'i32',
  initRow: 'i32',
  initCol: 'i32', // from one panel's columns to the next panel's; 0 if all panels start from the same values
  out: 'i32',
  outRow: 'i32',
  rows: 'i32',
  panels: 'i32',
  K: 'i32',
} as const;

export function emitTiles(
  module: WasmModule,
  lane: FloatLanes,
  tile: Tile,
  fma: boolean,
): Callable<typeof tilesParams> {
  const micro = (rows: number, panels: number): Micro => emitMicro(module, lane, { tile, rows, panels, fma });
  const panelStep = panelStepOf(tile);
  const main = micro(tile.rows, 1);
  // One or two rows leave registers free for a second panel: twice as many independent sums hide more latency.
  const few = [1, 2].map((rows) => ({ rows, pair: micro(rows, 2), single: micro(rows, 1) }));
  const more = Array.from({ length: tile.rows - 3 }, (_, k) => ({ rows: k + 3, single: micro(k + 3, 1) }));

  return module.func('tiles', tilesParams, [], (p, f) => {
    const { a, aStep, aNext, b, panelBytes, init, initRow, initCol, out, outRow, panels, K } = p;
    const [mains, rest, width, pairs, restA, restInit, restOut] = f.locals('i32', 7);

    /** All full tiles of rows, on one panel. */
    const down = (panel: 0 | 1): WasmStatement => {
      const shift = (base: Operand<'i32'>, by: Operand<'i32'>) => (panel === 0 ? base : i32.add(base, by));
      return call(main, {
        a,
        aStep,
        aNext,
        b: shift(b, panelBytes),
        panelBytes,
        bNext: 0,
        init: shift(init, initCol),
        initRow,
        initNext: i32.mul(initRow, tile.rows),
        out: shift(out, panelStep),
        outRow,
        outNext: i32.mul(outRow, tile.rows),
        K,
        count: mains,
      });
    };

    /** The remaining rows, on `count` pairs of panels or single panels, from panel `first` of the group. */
    const along = (kernel: Micro, count: Operand<'i32'>, step: 1 | 2, first: Operand<'i32'>): WasmStatement =>
      when(
        count,
        call(kernel, {
          a: restA,
          aStep,
          aNext: 0,
          b: i32.add(b, i32.mul(first, panelBytes)),
          panelBytes,
          bNext: i32.mul(panelBytes, step),
          init: i32.add(restInit, i32.mul(first, initCol)),
          initRow,
          initNext: i32.mul(initCol, step),
          out: i32.add(restOut, i32.mul(first, panelStep)),
          outRow,
          outNext: panelStep * step,
          K,
          count,
        }),
      );
    const odd = i32.and(width, 1);
    const pairsThenSingle = (pair: Micro, single: Micro) => [
      along(pair, pairs, 2, 0),
      along(single, odd, 1, i32.shl(pairs, TWO)),
    ];

    const group = [
      when(mains, [down(0), when(i32.gtU(width, 1), down(1))]),
      when(rest, [
        restInit.set(i32.add(init, i32.mul(i32.mul(initRow, mains), tile.rows))),
        restOut.set(i32.add(out, i32.mul(i32.mul(outRow, mains), tile.rows))),
        pairs.set(i32.shrU(width, TWO)),
        few.map(({ rows, pair, single }) => when(i32.eq(rest, rows), pairsThenSingle(pair, single))),
        more.map(({ rows, single }) => when(i32.eq(rest, rows), along(single, width, 1, 0))),
      ]),
    ];

    return [
      mains.set(i32.divU(p.rows, tile.rows)),
      rest.set(i32.remU(p.rows, tile.rows)),
      restA.set(i32.add(a, i32.mul(aNext, mains))),
      whileLess(0, panels, [
        // Groups of two panels, which stay in the L1 cache for all rows of the block; without a full tile, panels are
        // used only once, and a single group saves calls.
        width.set(panels),
        when(i32.and(i32.ne(mains, 0), i32.gtU(width, 2)), width.set(2)),
        group,
        b.advance(i32.mul(panelBytes, width)),
        init.advance(i32.mul(initCol, width)),
        out.advance(i32.mul(panelStep, width)),
        panels.set(i32.sub(panels, width)),
      ]),
    ];
  });
}
