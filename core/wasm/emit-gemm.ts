/**
 * Matrix products: out[M, N] (=|+=) a[M, K] · b[K, N] (+ bias[N]), over strided views of one memory.
 *
 * b is packed once into panels (`packB`) and used for many products (`gemm`): recurrent weights are packed once per
 * sequence. gemm iterates over blocks of k (so that a slice of a panel stays in the L1 cache) and over blocks of rows (so
 * that their packed rows stay in the L2 cache); within a block, each panel is multiplied by all rows:
 *
 *   for k block: for row block: pack a; for panel: for rows: micro-kernel (./gemm-tiles.ts, ./gemm-micro.ts)
 *
 * Every element of out is  start + Σ a·b  in ascending k, with start = 0, bias or the previous out. So a result does not
 * depend on how rows, columns or k are split into calls: data-parallel row splits are bit-identical to the whole product,
 * and so is a product over slices of k with accumulation. Without `fma`, it is bit-identical to the plain loop in the same
 * precision; with it, the last bits differ.
 *
 * Tails are exact: nothing is read or written outside the operands. The last, partly filled panel is computed in scratch,
 * and its valid columns are copied.
 */
import type { Dtype } from '../memory';
import { type Local, type WasmModule, call, when, whileLess } from './encoder';
import { type FloatLanes, f32, f32x4, f64, f64x2, i32, select, v128 } from './opcodes';
import { MOST_PANELS, panelStepOf, stepBytesOf, type Tile } from './gemm-micro';
import { copyElement, emitPack } from './gemm-pack';
import { emitTiles } from './gemm-tiles';

/** Bits of gemm's `flags`. */
export const ACCUMULATE = 1;
export const ADD_BIAS = 2;

/**
 * The layout of scratch memory: zeros to start sums from, as wide as the widest kernel; the tile for the last columns; the
 * packed rows.
 */
const scratchOf = (tile: Tile, lane: FloatLanes) => {
  const zeros = MOST_PANELS * tile.vectors;
  const edge = 16 * zeros;
  const packed = edge + tile.rowBlock * panelStepOf(tile);
  const blocks = Math.ceil(tile.rowBlock / tile.rows);
  return { zeros, edge, packed, end: packed + blocks * tile.kBlock * stepBytesOf(tile, lane) };
};
export const scratchBytes = (tile: Tile, dtype: Dtype): number => scratchOf(tile, lanesOf(dtype)).end;

/** Columns of a panel. */
export const panelColumns = (tile: Tile, dtype: Dtype): number => tile.vectors * lanesOf(dtype).count;

const lanesOf = (dtype: Dtype): FloatLanes => (dtype === 'float32' ? f32x4 : f64x2);

/** Pointers are byte addresses; strides and sizes count elements. */
const packParams = { b: 'i32', bRow: 'i32', bCol: 'i32', K: 'i32', N: 'i32', panels: 'i32' } as const;
const gemmParams = {
  a: 'i32',
  aRow: 'i32',
  aCol: 'i32',
  panels: 'i32',
  out: 'i32',
  outRow: 'i32',
  M: 'i32',
  N: 'i32',
  K: 'i32',
  flags: 'i32',
  bias: 'i32',
  scratch: 'i32',
  panelK: 'i32', // the K that the panels were packed with; 0: the same
} as const;

/** Adds `packB` and `gemm` to a module. */
export function emitGemm(module: WasmModule, dtype: Dtype, tile: Tile, fma: boolean): void {
  const lane = lanesOf(dtype);
  const { size } = lane;
  const NR = panelColumns(tile, dtype);
  const [panelStep, stepBytes] = [panelStepOf(tile), stepBytesOf(tile, lane)];
  const places = scratchOf(tile, lane);
  const bytes = (elements: Local<'i32'>) => i32.shl(elements, Math.log2(size));

  const copies = tile.copies(lane);
  const packA = emitPack(module, lane, tile.rows, copies);
  const packPanels = NR === tile.rows && copies === 1 ? packA : emitPack(module, lane, NR);
  const copyTile = emitCopyTile(module, lane);
  const addBias = emitAddBias(module, lane);
  const tiles = emitTiles(module, lane, tile, fma);

  module.func('packB', packParams, [], ({ b, bRow, bCol, K, N, panels }) =>
    call(packPanels, { src: b, across: bytes(bCol), along: bytes(bRow), K, lanes: N, dst: panels }),
  );

  module.func('gemm', gemmParams, [], (p, f) => {
    const { a, aRow, aCol, panels, out, outRow, M, N, K, flags, bias, scratch, panelK } = p;
    const [k0, kc, m0, mc] = f.locals('i32', 4); // the blocks: first and how many
    const [x, aStep, b, panelBytes, full, edge] = f.locals('i32', 6); // x: the rows as the kernels read them
    const [init, initRow, initCol, y, corner] = f.locals('i32', 5); // y: where the block's results go
    const atMost = (count: Local<'i32'>, limit: number) => when(i32.gtU(count, limit), count.set(limit));

    const rowsOfA = [
      x.set(i32.add(a, i32.add(i32.mul(m0, aRow), i32.mul(k0, aCol)))),
      aStep.set(stepBytes),
      // A single contiguous row need not be packed.
      when(i32.and(i32.eq(mc, 1), i32.eq(aCol, size)), aStep.set(size), [
        call(packA, {
          src: x,
          across: aRow,
          along: aCol,
          K: kc,
          lanes: mc,
          dst: i32.add(scratch, places.packed),
        }),
        x.set(i32.add(scratch, places.packed)),
      ]),
    ];

    const start = when(
      i32.or(k0, i32.and(flags, ACCUMULATE)),
      [init.set(y), initRow.set(outRow), initCol.set(panelStep)],
      [
        initRow.set(0),
        when(
          i32.and(flags, ADD_BIAS),
          [init.set(bias), initCol.set(panelStep)],
          [init.set(scratch), initCol.set(0)],
        ),
      ],
    );

    const operands = { a: x, aStep, aNext: i32.mul(kc, stepBytes), panelBytes, rows: mc, K: kc };
    const fullPanels = call(tiles, { ...operands, b, init, initRow, initCol, out: y, outRow, panels: full });

    const between = { rows: mc, columns: edge };
    const inTile = { init: corner, initRow: panelStep, initCol: 0, out: corner, outRow: panelStep };
    const lastColumns = [
      corner.set(i32.add(scratch, places.edge)),
      init.advance(i32.mul(full, initCol)),
      y.advance(i32.mul(full, panelStep)),
      call(copyTile, { from: init, fromRow: initRow, to: corner, toRow: panelStep, ...between }),
      call(tiles, { ...operands, ...inTile, b: i32.add(b, i32.mul(full, panelBytes)), panels: 1 }),
      call(copyTile, { from: corner, fromRow: panelStep, to: y, toRow: outRow, ...between }),
    ];

    return [
      [aRow, aCol, outRow].map((stride) => stride.set(bytes(stride))),
      panelBytes.set(i32.mul(select(panelK, panelK, K), panelStep)),
      full.set(i32.divU(N, NR)),
      edge.set(i32.remU(N, NR)),
      Array.from({ length: places.zeros }, (_, v) => v128.store(scratch, lane.const(0), 16 * v)),
      when(i32.eq(flags, ACCUMULATE | ADD_BIAS), call(addBias, { bias, out, outRow, M, N })),
      // at least once, because an empty sum still gives bias or 0
      whileLess(k0, select(K, K, i32.const(1)), [
        kc.set(i32.sub(K, k0)),
        atMost(kc, tile.kBlock),
        m0.set(0),
        whileLess(m0, M, [
          mc.set(i32.sub(M, m0)),
          atMost(mc, tile.rowBlock),
          rowsOfA,
          b.set(i32.add(panels, i32.mul(k0, panelStep))),
          y.set(i32.add(out, i32.mul(m0, outRow))),
          start,
          when(full, fullPanels),
          when(edge, lastColumns),
          m0.advance(tile.rowBlock),
        ]),
        k0.advance(tile.kBlock),
      ]),
    ];
  });
}

/** `columns` elements of each of `rows` rows from one place to another; distances in bytes. */
function emitCopyTile(module: WasmModule, lane: FloatLanes) {
  const params = {
    from: 'i32',
    fromRow: 'i32',
    to: 'i32',
    toRow: 'i32',
    rows: 'i32',
    columns: 'i32',
  } as const;
  return module.func('copyTile', params, [], ({ from, fromRow, to, toRow, rows, columns }, f) => {
    const [r, c, s, d] = f.locals('i32', 4);
    return whileLess(r, rows, [
      s.set(from),
      d.set(to),
      c.set(0),
      whileLess(c, columns, [
        copyElement(lane, d, s),
        s.advance(lane.size),
        d.advance(lane.size),
        c.advance(1),
      ]),
      from.advance(fromRow),
      to.advance(toRow),
      r.advance(1),
    ]);
  });
}

/** out[m, n] += bias[n], for the rare product that both accumulates and has a bias. */
function emitAddBias(module: WasmModule, lane: FloatLanes) {
  const params = { bias: 'i32', out: 'i32', outRow: 'i32', M: 'i32', N: 'i32' } as const;
  return module.func('addBias', params, [], ({ bias, out, outRow, M, N }, f) => {
    const [m, n, s, d] = f.locals('i32', 4);
    return whileLess(m, M, [
      s.set(bias),
      d.set(out),
      n.set(0),
      whileLess(n, N, [
        lane.size === 4
          ? f32.store(d, f32.add(f32.load(d), f32.load(s)))
          : f64.store(d, f64.add(f64.load(d), f64.load(s))),
        s.advance(lane.size),
        d.advance(lane.size),
        n.advance(1),
      ]),
      out.advance(outRow),
      m.advance(1),
    ]);
  });
}
