/**
 * Packing: copies a strided matrix into panels that a micro-kernel reads sequentially.
 *
 *   panel p, step k, lane l   =   source[k][p·W + l]      at   dst + ((p·K + k)·W + l)·size·copies
 *
 * The `W` lanes of a step are adjacent, and steps follow each other; lanes past the last are 0. Panels of b hold its
 * columns, panels of a its rows: the same copy with exchanged strides. The source may have any strides; two cases are
 * fast: adjacent lanes (whole vectors are copied) and adjacent steps (small squares are transposed in registers). A lane
 * may be stored twice in a row.
 */
import {
  type Callable,
  type Code,
  type Local,
  type WasmStatement,
  type WasmModule,
  when,
  whileLess,
} from './encoder';
import { type FloatLanes, f32, f64, i32, i64, select, v128 } from './opcodes';

export const packParams = {
  src: 'i32',
  across: 'i32',
  along: 'i32',
  K: 'i32',
  lanes: 'i32',
  dst: 'i32',
} as const;

// Steps copied for one panel before the next panel: panels share cache lines of the source, which should still be in the
// L1 cache then.
const STEPS_ACROSS = 16;
const STEPS_ALONG = 64;

/**
 * Adds pack(src, across, along, K, lanes, dst): `lanes` lanes of K steps each; `across` and `along` are the byte
 * distances from lane to lane and from step to step. Writes ceil(lanes / W)·K·W·copies elements.
 */
export function emitPack(
  module: WasmModule,
  lane: FloatLanes,
  W: number,
  copies: 1 | 2 = 1,
): Callable<typeof packParams> {
  return module.func(`pack${W}`, packParams, [], ({ src, across, along, K, lanes, dst }, f) => {
    const { size, count } = lane;
    const laneBytes = size * copies;
    const stepBytes = W * laneBytes;
    const [k0, kc, chunk, panel, left] = f.locals('i32', 5); // steps from k0 on, lanes from `panel` on
    const [s, d, k, l, from, to] = f.locals('i32', 6);

    const rows = f.locals('i32', count);
    const square = f.locals('v128', count);
    const turned = f.local('v128');

    // First lanes of the vectors of a step; if W is not a multiple of the vector size, the last two vectors overlap.
    const starts = Array.from({ length: Math.ceil(W / count) }, (_, v) => Math.min(v * count, W - count));

    // Lanes adjacent: whole vectors.
    const copyVectors = whileLess(k, kc, [
      starts.map((first) => [
        square[0].set(v128.load(s, size * first)),
        storeVector(lane, square[0], copies, d, first * laneBytes),
      ]),
      s.advance(along),
      d.advance(stepBytes),
      k.advance(1),
    ]);

    // Steps adjacent: `count` lanes at a time, squares of count × count transposed.
    const group = (first: number) => [
      rows.map((row, r) => row.set(i32.add(s, i32.mul(across, first + r)))),
      to.set(i32.add(d, first * laneBytes)),
      k.set(0),
      whileLess(k, i32.and(kc, -count), [
        square.map((x, r) => x.set(v128.load(rows[r]))),
        transpose(lane, square).map((x, step) => [
          turned.set(x),
          storeVector(lane, turned, copies, to, step * stepBytes),
        ]),
        rows.map((row) => row.advance(16)),
        to.advance(count * stepBytes),
        k.advance(count),
      ]),
    ];
    const transposeSquares = starts.map(group);

    // Any strides: element by element from step k, with missing lanes as zeros.
    const copyElements = whileLess(k, kc, [
      from.set(i32.add(s, i32.mul(k, along))),
      to.set(i32.add(d, i32.mul(k, stepBytes))),
      l.set(0),
      whileLess(l, W, [
        Array.from({ length: copies }, () => [
          when(i32.ltU(l, left), copyElement(lane, to, from), storeZero(lane, to)),
          to.advance(size),
        ]),
        from.advance(across),
        l.advance(1),
      ]),
      k.advance(1),
    ]);

    const onePanel = when(
      i32.and(i32.geU(left, W), i32.eq(across, size)),
      copyVectors,
      // the last steps, too few for a square, are copied element by element
      [when(i32.and(i32.geU(left, W), i32.eq(along, size)), transposeSquares), copyElements],
    );

    return [
      chunk.set(select(i32.eq(along, size), i32.const(STEPS_ALONG), i32.const(STEPS_ACROSS))),
      whileLess(k0, K, [
        kc.set(i32.sub(K, k0)),
        when(i32.gtU(kc, chunk), kc.set(chunk)),
        panel.set(0),
        whileLess(panel, lanes, [
          left.set(i32.sub(lanes, panel)),
          s.set(i32.add(src, i32.add(i32.mul(panel, across), i32.mul(k0, along)))),
          d.set(i32.add(dst, i32.add(i32.mul(i32.mul(panel, K), laneBytes), i32.mul(k0, stepBytes)))),
          k.set(0),
          onePanel,
          panel.advance(W),
        ]),
        k0.advance(kc),
      ]),
    ];
  });
}

/** Transposes a square: square[r] holds `count` steps of lane r; returns steps of `count` lanes. */
function transpose(lane: FloatLanes, square: Local<'v128'>[]): Code<'v128'>[] {
  if (lane.count === 2) {
    const [x, y] = square;
    return [
      [0, 2],
      [1, 3],
    ].map((pick) => lane.shuffle(x, y, pick));
  }
  const [x, y, z, w] = square;
  return [0, 1, 2, 3].map((step) => {
    const low = step < 2 ? [0, 4, 1, 5] : [2, 6, 3, 7];
    const pick = step % 2 === 0 ? [0, 1, 4, 5] : [2, 3, 6, 7];
    return lane.shuffle(lane.shuffle(x, y, low), lane.shuffle(z, w, low), pick);
  });
}

/** Stores the lanes of x, each `copies` times. */
function storeVector(
  lane: FloatLanes,
  x: Local<'v128'>,
  copies: 1 | 2,
  to: Local<'i32'>,
  offset: number,
): WasmStatement[] {
  if (copies === 1) return [v128.store(to, x, offset)];
  const half = lane.count / 2;
  return [0, half].map((first, k) => {
    const twice = Array.from({ length: lane.count }, (_, l) => first + (l >> 1));
    return v128.store(to, lane.shuffle(x, x, twice), offset + 16 * k);
  });
}

/** Copies the bits of one element. */
export function copyElement(lane: FloatLanes, to: Local<'i32'>, from: Local<'i32'>): WasmStatement {
  return lane.size === 4 ? i32.store(to, i32.load(from)) : i64.store(to, i64.load(from));
}

function storeZero(lane: FloatLanes, to: Local<'i32'>): WasmStatement {
  return lane.size === 4 ? f32.store(to, 0) : f64.store(to, 0);
}
