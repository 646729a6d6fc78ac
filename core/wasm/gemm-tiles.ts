/**
 * A block of rows of a × full panels of b, divided among the micro-kernels: four rows at a time, then the one to three
 * that remain. Which kernel computes an element does not change it (./gemm-micro.ts).
 */
import {
  type Callable,
  type Operand,
  type Statement,
  type WasmModule,
  call,
  when,
  whileLess,
} from './encoder';
import { type FloatLanes, i32 } from './opcodes';
import { type Micro, PANEL_VECTORS, emitMicro } from './gemm-micro';

const PANEL_STEP = 16 * PANEL_VECTORS; // bytes of one step of a panel, and of one panel's columns in a row of out
const FOUR = 2; // log2 of the rows of the main kernel
const TWO = 1; // log2 of the panels of the wide kernels

/** Byte addresses and distances; a as the micro-kernels take it, `aNext` from four rows to the next four. */
export const tilesParams = {
  a: 'i32',
  aStep: 'i32',
  aNext: 'i32',
  b: 'i32',
  panelBytes: 'i32',
  init: 'i32',
  initRow: 'i32',
  initCol: 'i32', // from one panel's columns to the next panel's: 0 where one start serves all
  out: 'i32',
  outRow: 'i32',
  rows: 'i32',
  panels: 'i32',
  K: 'i32',
} as const;

export function emitTiles(module: WasmModule, lane: FloatLanes, fma: boolean): Callable<typeof tilesParams> {
  const micro = (rows: number, panels: number): Micro => emitMicro(module, lane, { rows, panels, fma });
  const fourRows = micro(4, 1);
  // One or two rows leave registers free for a second panel: twice the independent sums to hide latency behind.
  const rowByTwo = micro(1, 2);
  const rowByOne = micro(1, 1);
  const pairByTwo = micro(2, 2);
  const pairByOne = micro(2, 1);
  const threeRows = micro(3, 1);

  return module.internal('tiles', tilesParams, (p, f) => {
    const { a, aStep, aNext, b, panelBytes, init, initRow, initCol, out, outRow, panels, K } = p;
    const [fours, rest, width, pairs, restA, restInit, restOut] = f.locals('i32', 7);

    /** Four rows at a time, down one panel. */
    const down = (panel: 0 | 1): Statement => {
      const shift = (base: Operand<'i32'>, by: Operand<'i32'>) => (panel === 0 ? base : i32.add(base, by));
      return call(fourRows, {
        a,
        aStep,
        aNext,
        b: shift(b, panelBytes),
        panelBytes,
        bNext: 0,
        init: shift(init, initCol),
        initRow,
        initNext: i32.shl(initRow, FOUR),
        out: shift(out, PANEL_STEP),
        outRow,
        outNext: i32.shl(outRow, FOUR),
        K,
        count: fours,
      });
    };

    /** The rows that remain, along `count` pairs of panels or single panels from panel `first` of the group on. */
    const along = (kernel: Micro, count: Operand<'i32'>, step: 1 | 2, first: Operand<'i32'>): Statement =>
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
          out: i32.add(restOut, i32.mul(first, PANEL_STEP)),
          outRow,
          outNext: PANEL_STEP * step,
          K,
          count,
        }),
      );
    const odd = i32.and(width, 1);
    const wideThenSingle = (wide: Micro, single: Micro) => [
      along(wide, pairs, 2, 0),
      along(single, odd, 1, i32.shl(pairs, TWO)),
    ];

    const group = [
      when(fours, [down(0), when(i32.gtU(width, 1), down(1))]),
      when(rest, [
        restInit.set(i32.add(init, i32.shl(i32.mul(initRow, fours), FOUR))),
        restOut.set(i32.add(out, i32.shl(i32.mul(outRow, fours), FOUR))),
        pairs.set(i32.shrU(width, TWO)),
        when(i32.eq(rest, 1), wideThenSingle(rowByTwo, rowByOne)),
        when(i32.eq(rest, 2), wideThenSingle(pairByTwo, pairByOne)),
        when(i32.eq(rest, 3), along(threeRows, width, 1, 0)),
      ]),
    ];

    return [
      fours.set(i32.shrU(p.rows, FOUR)),
      rest.set(i32.and(p.rows, 3)),
      restA.set(i32.add(a, i32.mul(aNext, fours))),
      whileLess(0, panels, [
        // Groups of two panels, which stay in the first-level cache for all rows of the block; where there are no
        // four rows, nothing is used twice, and one group spares the calls.
        width.set(panels),
        when(i32.and(i32.ne(fours, 0), i32.gtU(width, 2)), width.set(2)),
        group,
        b.advance(i32.mul(panelBytes, width)),
        init.advance(i32.mul(initCol, width)),
        out.advance(i32.mul(PANEL_STEP, width)),
        panels.set(i32.sub(panels, width)),
      ]),
    ];
  });
}
