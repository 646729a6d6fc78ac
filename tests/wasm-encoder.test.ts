/** The WebAssembly encoder: constants, control flow, and every instruction against JavaScript's own arithmetic. */
import {
  block,
  br,
  brIf,
  call,
  giveBack,
  loop,
  when,
  whileLess,
  WasmModule,
  type Code,
  type ValueType,
} from '../core/wasm/encoder';
import { hasFma, hasSimd } from '../core/wasm/features';
import { f32, f32x4, f64, f64x2, i32, i32x4, i64, i64x2, select, v128 } from '../core/wasm/opcodes';

const memory = new WebAssembly.Memory({ initial: 1 });
const floats = new Float32Array(memory.buffer);
const doubles = new Float64Array(memory.buffer);
const ints = new Int32Array(memory.buffer);
const longs = new BigInt64Array(memory.buffer);

/** The value of one expression without free variables. */
function valueOf<T extends ValueType>(code: Code<T>): number {
  const module = new WasmModule({ shared: false });
  module.func('value', {}, [code.leaves], () => giveBack(code));
  return module.instantiate(memory).value();
}

/** The lanes of a vector expression, stored at address 0. */
function run(code: Code<'v128'>): void {
  const module = new WasmModule({ shared: false });
  module.func('run', {}, [], () => v128.store(0, code));
  module.instantiate(memory).run();
}
const floatsOf = (code: Code<'v128'>) => (run(code), Array.from(floats.subarray(0, 4)));
const doublesOf = (code: Code<'v128'>) => (run(code), Array.from(doubles.subarray(0, 2)));
const intsOf = (code: Code<'v128'>) => (run(code), Array.from(ints.subarray(0, 4)));
const longsOf = (code: Code<'v128'>) => (run(code), Array.from(longs.subarray(0, 2), Number));

describe('constants', () => {
  it.each([0, 1, -1, 63, 64, -64, -65, 127, 128, 8191, 8192, -8193, 2 ** 31 - 1, -(2 ** 31)])(
    'i32 %d',
    (x) => {
      expect(valueOf(i32.const(x))).toBe(x);
    },
  );

  it.each([2 ** 31, -(2 ** 31) - 1, 2 ** 52 + 1, -(2 ** 53)])('i64 %d', (x) => {
    expect(Number(valueOf(i64.const(x)))).toBe(x);
  });

  it.each([0.1, -0, Infinity, NaN, 5e-324])('floating point %d', (x) => {
    expect(valueOf(f64.const(x))).toBe(x);
    expect(valueOf(f32.const(x))).toBe(Math.fround(x));
    expect(floatsOf(f32x4.const(x))).toEqual(new Array(4).fill(Math.fround(x)));
    expect(doublesOf(f64x2.const(x))).toEqual([x, x]);
  });

  it('addresses above 2^31', () => expect(valueOf(i32.const(3e9))).toBe(3e9 | 0));
});

describe('scalars', () => {
  it('integers', () => {
    for (const [code, value] of [
      [i32.add(7, 5), 12],
      [i32.sub(7, 9), -2],
      [i32.mul(-7, 5), -35],
      [i32.divU(-1, 2), 2 ** 31 - 1],
      [i32.remU(17, 5), 2],
      [i32.and(12, 10), 8],
      [i32.or(12, 10), 14],
      [i32.xor(12, 10), 6],
      [i32.shl(3, 4), 48],
      [i32.shrS(-16, 2), -4],
      [i32.shrU(-16, 28), 15],
      [i32.eqz(0), 1],
      [i32.eq(3, 3), 1],
      [i32.ne(3, 3), 0],
      [i32.ltS(-1, 1), 1],
      [i32.ltU(-1, 1), 0],
      [i32.gtS(-1, 1), 0],
      [i32.gtU(-1, 1), 1],
      [i32.leS(2, 2), 1],
      [i32.leU(3, 2), 0],
      [i32.geS(2, 3), 0],
      [i32.geU(-1, 2), 1],
      [i64.eq(i64.shl(1, 40), i64.mul(1024, 2 ** 30)), 1],
      [i64.ltS(-5, 3), 1],
      [i32.reinterpretF32(1), 0x3f800000],
      [i64.eq(i64.reinterpretF64(1), 0x3ff * 2 ** 52), 1],
      [select(1, i32.const(4), i32.const(5)), 4],
    ] as [Code<'i32'>, number][]) {
      expect(valueOf(code)).toBe(value);
    }
  });

  it.each([
    ['f32', f32],
    ['f64', f64],
  ])('%s', (_, type) => {
    const float = type as typeof f32; // both have the same members
    for (const [code, value] of [
      [float.add(1.5, 2), 3.5],
      [float.sub(1.5, 2), -0.5],
      [float.mul(1.5, 2), 3],
      [float.div(3, 2), 1.5],
      [float.min(-0, 0), -0],
      [float.max(1, NaN), NaN],
      [float.sqrt(2.25), 1.5],
      [float.abs(-2), 2],
      [float.neg(2), -2],
      [float.floor(-1.5), -2],
      [float.nearest(2.5), 2],
      [float.copysign(2, -0), -2],
      [float.convertI32S(-3), -3],
    ] as [Code<'f32'>, number][]) {
      expect(valueOf(code)).toBe(value);
    }
    const compared = [float.eq, float.ne, float.lt, float.gt, float.le, float.ge].map((op) =>
      valueOf(op(1, 2)),
    );
    expect(compared).toEqual([0, 1, 1, 0, 1, 0]);
  });

  it('conversions', () => {
    expect(valueOf(f32.demoteF64(0.1))).toBe(Math.fround(0.1));
    expect(valueOf(f64.promoteF32(0.5))).toBe(0.5);
    expect(valueOf(f32.reinterpretI32(0x3f800000))).toBe(1);
    expect(valueOf(f64.reinterpretI64(0x3ff * 2 ** 52))).toBe(1);
  });

  it('loads and stores at an offset', () => {
    const module = new WasmModule({ shared: false });
    module.func('move', { p: 'i32' }, [], ({ p }) => [
      i32.store(p, i32.load(p), 64),
      i64.store(p, i64.load(p, 8), 72),
      f32.store(p, f32.load(p, 16), 80),
      f64.store(p, f64.load(p, 24), 88),
    ]);
    const { move } = module.instantiate(memory);
    ints[256] = 5;
    longs[129] = -7n;
    floats[260] = 0.5;
    doubles[131] = 0.1;
    move(1024);
    expect([ints[272], Number(longs[137]), floats[276], doubles[139]]).toEqual([5, -7, 0.5, 0.1]);
  });
});

describe.each([
  ['f32x4', f32x4, floatsOf, 4],
  ['f64x2', f64x2, doublesOf, 2],
] as [string, typeof f32x4, typeof floatsOf, number][])('%s', (_, lanes, lanesOf, count) => {
  const all = (x: number) => new Array<number>(count).fill(x);
  const [x, y, nan] = [lanes.const(-2.5), lanes.const(4), lanes.const(NaN)];

  it('computes', () => {
    for (const [code, value] of [
      [lanes.add(x, y), 1.5],
      [lanes.sub(x, y), -6.5],
      [lanes.mul(x, y), -10],
      [lanes.div(x, y), -0.625],
      [lanes.min(x, y), -2.5],
      [lanes.max(x, y), 4],
      [lanes.pmin(x, y), -2.5],
      [lanes.pmax(x, y), 4],
      [lanes.pmin(nan, y), NaN],
      [lanes.pmax(nan, y), NaN],
      [lanes.abs(x), 2.5],
      [lanes.neg(x), 2.5],
      [lanes.sqrt(y), 2],
      [lanes.ceil(x), -2],
      [lanes.floor(x), -3],
      [lanes.trunc(x), -2],
      [lanes.nearest(x), -2],
      ...(hasFma() ? [[lanes.madd(x, y, y), -6] as const, [lanes.nmadd(x, y, y), 14] as const] : []),
    ] as [Code<'v128'>, number][]) {
      expect(lanesOf(code)).toEqual(all(value));
    }
  });

  it('compares, and selects by the result', () => {
    const chosen = [lanes.eq, lanes.ne, lanes.lt, lanes.gt, lanes.le, lanes.ge].map(
      (op) => lanesOf(v128.bitselect(lanes.const(1), lanes.const(0), op(x, y)))[0],
    );
    expect(chosen).toEqual([0, 1, 1, 0, 1, 0]);
    expect(lanesOf(select(0, x, y))).toEqual(all(4));
    expect([valueOf(v128.anyTrue(lanes.eq(x, y))), valueOf(v128.anyTrue(lanes.lt(x, y)))]).toEqual([0, 1]);
  });

  it('reaches single lanes, in registers and in memory', () => {
    const numbered = Array.from({ length: count }, (_, lane) => lane + 1);
    const vector = numbered.reduce((v, value, lane) => lanes.replaceLane(v, lane, value), lanes.splat(0));
    expect(lanesOf(vector)).toEqual(numbered);
    expect(valueOf(lanes.extractLane(vector, 1))).toBe(2);
    const reversed = numbered.map((_, lane) => count - 1 - lane);
    expect(lanesOf(lanes.shuffle(vector, vector, reversed))).toEqual([...numbered].reverse());
    expect(
      lanesOf(
        lanes.shuffle(
          x,
          y,
          reversed.map((lane) => lane + count),
        ),
      ),
    ).toEqual(all(4));

    const module = new WasmModule({ shared: false });
    module.func('lanes', {}, [], () => [
      v128.store(0, vector),
      v128.store(16, lanes.loadSplat(lanes.size)),
      v128.store(32, lanes.loadZero(0, lanes.size)),
      v128.store(48, lanes.loadLane(lanes.size, v128.load(0), 0)),
      lanes.storeLane(64, vector, 1, lanes.size),
    ]);
    (count === 4 ? floats : doubles).fill(0, 0, 32);
    module.instantiate(memory).lanes();
    const stored = Array.from((count === 4 ? floats : doubles).subarray(0, 5 * count));
    const zeros = new Array<number>(count - 2).fill(0);
    expect(stored.slice(count, 2 * count)).toEqual(all(2));
    expect(stored.slice(2 * count, 3 * count)).toEqual([2, 0, ...zeros]);
    expect(stored.slice(3 * count, 4 * count)).toEqual([2, 2, ...numbered.slice(2)]);
    expect(stored.slice(4 * count)).toEqual([0, 2, ...zeros]);
  });
});

describe('integer lanes and bits', () => {
  it.each([
    ['i32x4', i32x4, intsOf, 4],
    ['i64x2', i64x2, longsOf, 2],
  ] as [string, typeof i32x4, typeof intsOf, number][])('%s', (_, lanes, lanesOf, count) => {
    const [x, y] = [lanes.const(-12), lanes.const(5)];
    for (const [code, value] of [
      [lanes.add(x, y), -7],
      [lanes.sub(x, y), -17],
      [lanes.mul(x, y), -60],
      [lanes.abs(x), 12],
      [lanes.neg(x), 12],
      [lanes.shl(y, 3), 40],
      [lanes.shrS(x, 2), -3],
      [lanes.shrU(y, 1), 2],
      [lanes.eq(x, y), 0],
      [lanes.ne(x, y), -1],
      [lanes.gtS(x, y), 0],
      [lanes.splat(9), 9],
    ] as [Code<'v128'>, number][]) {
      expect(lanesOf(code)).toEqual(new Array(count).fill(value));
    }
    expect(valueOf(lanes.bitmask(x))).toBe(2 ** count - 1);
    expect([valueOf(lanes.allTrue(x)), valueOf(lanes.allTrue(lanes.const(0)))]).toEqual([1, 0]);
  });

  it('bits', () => {
    const [x, y] = [i32x4.const(12), i32x4.const(10)];
    const got = [v128.and(x, y), v128.or(x, y), v128.xor(x, y), v128.andnot(x, y), v128.not(x)].map(
      (c) => intsOf(c)[0],
    );
    expect(got).toEqual([8, 14, 6, 4, -13]);
  });

  it('conversions', () => {
    expect(floatsOf(f32x4.convertI32x4S(i32x4.const(-3)))).toEqual([-3, -3, -3, -3]);
    expect(doublesOf(f64x2.convertLowI32x4S(i32x4.const(-3)))).toEqual([-3, -3]);
    expect(floatsOf(f32x4.demoteF64x2Zero(f64x2.const(0.5)))).toEqual([0.5, 0.5, 0, 0]);
    expect(doublesOf(f64x2.promoteLowF32x4(f32x4.const(0.5)))).toEqual([0.5, 0.5]);
    expect(intsOf(i32x4.truncSatF32x4S(f32x4.const(-2.9)))).toEqual([-2, -2, -2, -2]);
    expect(intsOf(i32x4.truncSatF64x2SZero(f64x2.const(1e10)))).toEqual([2 ** 31 - 1, 2 ** 31 - 1, 0, 0]);
  });
});

describe('control flow', () => {
  it('loops, leaves blocks and decides', () => {
    const module = new WasmModule({ shared: false });
    // how many steps the Collatz sequence of n takes to 1, at most `most`
    module.func('steps', { n: 'i32', most: 'i32' }, ['i32'], ({ n, most }, f) => {
      const count = f.local('i32');
      return [
        block((leave) =>
          loop((again) => [
            brIf(leave, i32.eq(n, 1)),
            when(i32.geU(count, most), br(leave)),
            when(i32.and(n, 1), n.set(i32.add(i32.mul(n, 3), 1)), n.set(i32.shrU(n, 1))),
            count.advance(1),
            br(again),
          ]),
        ),
        giveBack(count),
      ];
    });
    const { steps } = module.instantiate(memory);
    expect([steps(27, 1000), steps(27, 50), steps(1, 9)]).toEqual([111, 50, 0]);
  });

  it('calls other functions, with more locals than one byte counts', () => {
    const module = new WasmModule({ shared: false });
    const put = module.func('put', { value: 'i32', at: 'i32' }, [], ({ value, at }) => i32.store(at, value));
    module.func('squares', { n: 'i32' }, [], ({ n }, f) => {
      const many = f.locals('i32', 200);
      const [i, at] = [many[150], many[199]];
      return whileLess(i, n, [call(put, { at, value: i32.mul(i, i) }), at.set(i32.add(at, 4)), i.advance(1)]);
    });
    const exported = module.instantiate(memory);
    expect(Object.keys(exported)).toEqual(['put', 'squares']);
    exported.squares(5);
    expect(Array.from(ints.subarray(0, 5))).toEqual([0, 1, 4, 9, 16]);
  });

  it('leaves the value of an assignment', () => {
    const module = new WasmModule({ shared: false });
    module.func('both', { x: 'f64' }, ['f64'], ({ x }, f) => {
      const y = f.local('f64');
      return giveBack(f64.add(y.tee(f64.mul(x, 2)), y));
    });
    expect(module.instantiate(memory).both(3)).toBe(12);
  });

  it('refuses a branch out of nowhere', () => {
    const module = new WasmModule({ shared: false });
    const stray = () => {
      let label!: Parameters<typeof br>[0];
      return [block((leave) => ((label = leave), [])), br(label)];
    };
    expect(() => module.func('stray', {}, [], stray)).toThrow(
      'wasm encoder: a branch must stay inside the block that its label belongs to',
    );
  });
});

it('the features are found by validation', () => {
  expect(hasSimd()).toBe(true);
  expect(typeof hasFma()).toBe('boolean');
});
