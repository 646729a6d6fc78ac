/**
 * The reductions against sums of numbers in float64: every extent around the loops' own blocks, rows with gaps, operands
 * at the end of the memory, and nothing touched but the result.
 */
import type { Dtype } from '../core/memory';
import { Random } from '../core/random/random';
import { WasmModule } from '../core/wasm/encoder';
import { addReduction, type Reductions } from '../core/wasm/emit-reduce';
import { Arena, bytesOf, type Operand } from './operands';

const shapes: [number, number][] = [
  ...[1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 19, 31, 64, 131].map((cols): [number, number] => [3, cols]),
  ...[1, 2, 7, 8, 9, 16, 17, 40].map((rows): [number, number] => [rows, 5]),
];

const sum = (values: readonly number[]): number => values.reduce((total, x) => total + x, 0);

describe.each(['float32', 'float64'] as Dtype[])('%s', (dtype) => {
  const arena = new Arena();
  const module = new WasmModule({ shared: false });
  const names = ['sumRows', 'sumColumns', 'logSumExp', 'sumSquares'] as const;
  for (const name of names) addReduction(module, name, dtype, `${name}X`);
  const found = module.instantiate(arena.memory);
  const reductions = Object.fromEntries(
    names.map((name) => [name, found[`${name}X`]]),
  ) as unknown as Reductions;
  const epsilon = dtype === 'float32' ? 2 ** -24 : 2 ** -53;
  const size = bytesOf(dtype);
  const random = new Random(1);

  const block = (
    [rows, cols]: [number, number],
    values: (r: number, c: number) => number = () => random.normal(),
    options: { gap?: number; shift?: number; last?: boolean } = {},
  ) => {
    arena.reset();
    const from = arena.place([rows, cols], dtype, values, options);
    const list = Array.from({ length: rows }, (_, r) =>
      Array.from({ length: cols }, (_, c) => from.get(r, c)),
    );
    return { from, list, columns: Array.from({ length: cols }, (_, c) => list.map((row) => row[c])) };
  };

  /** Checks that `out` [rows, cols] is close to the expected values, and that the bytes around it are unchanged. */
  function expectNear(
    out: Operand,
    [rows, cols]: [number, number],
    expected: number[],
    roundings: number,
    scale: number[],
  ) {
    expected.forEach((y, k) => {
      const error = Math.abs(out.get(cols === 1 ? k : 0, cols === 1 ? 0 : k) - y);
      expect(error).toBeLessThanOrEqual(roundings * epsilon * scale[k]);
    });
    expect(arena.strayBytes([out], [rows, cols], dtype)).toBe(0);
  }
  const magnitudes = (lists: number[][]): number[] => lists.map((list) => sum(list.map(Math.abs)));

  describe.each([
    ['dense', {}],
    ['with gaps', { gap: 3 }],
    ['off the boundary', { gap: 1, shift: 1 }],
    ['at the end of the memory', { gap: 2, last: true }],
  ])('%s', (_layout, options) => {
    test.each(shapes)('[%d, %d]: sums over the rows, anew and added to what was there', (rows, cols) => {
      const { from, columns } = block([rows, cols], undefined, options);
      const out = arena.place([1, cols], dtype, () => NaN, { shift: 1 });
      arena.remember();
      // 8 rows at a time are added pairwise, then one after the other
      reductions.sumRows(rows, cols, from.at, from.row, out.at, 0);
      expectNear(out, [1, cols], columns.map(sum), 3 + 7 + rows / 8, magnitudes(columns));
      arena.remember();
      reductions.sumRows(rows, cols, from.at, from.row, out.at, 1);
      expectNear(
        out,
        [1, cols],
        columns.map((x) => 2 * sum(x)),
        30 + rows / 4,
        magnitudes(columns),
      );
    });

    test.each(shapes)('[%d, %d]: sums along the rows, anew and added to what was there', (rows, cols) => {
      const { from, list } = block([rows, cols], undefined, options);
      const out = arena.place([rows, 1], dtype, () => NaN, { gap: 2 });
      arena.remember();
      reductions.sumColumns(rows, cols, from.at, from.row, out.at, out.row, 0);
      expectNear(out, [rows, 1], list.map(sum), 10 + cols / 8, magnitudes(list));
      arena.remember();
      reductions.sumColumns(rows, cols, from.at, from.row, out.at, out.row, 1);
      expectNear(
        out,
        [rows, 1],
        list.map((x) => 2 * sum(x)),
        20 + cols / 4,
        magnitudes(list),
      );
    });

    test.each(shapes)('[%d, %d]: log-sum-exp along the rows', (rows, cols) => {
      const { from, list } = block([rows, cols], () => 5 * random.normal(), options);
      const out = arena.place([rows, 1], dtype, () => NaN, { gap: 1 });
      arena.remember();
      reductions.logSumExp(rows, cols, from.at, from.row, out.at, out.row);
      const expected = list.map((row) => {
        const most = Math.max(...row);
        return most + Math.log(sum(row.map((x) => Math.exp(x - most))));
      });
      expectNear(
        out,
        [rows, 1],
        expected,
        10 + cols / 4,
        list.map((row) => 1 + Math.max(...row.map(Math.abs))),
      );
    });

    test.each(shapes)('[%d, %d]: the sum of squares', (rows, cols) => {
      const { from, list } = block([rows, cols], undefined, options);
      arena.remember();
      const expected = sum(list.flat().map((x) => x * x));
      const got = reductions.sumSquares(rows, cols, from.at, from.row);
      expect(Math.abs(got - expected)).toBeLessThanOrEqual(rows * cols * 2 ** -53 * expected); // float64 in either dtype
      expect(arena.strayBytes([], [0, 0], dtype)).toBe(0);
    });
  });

  test('nothing to add gives 0, and −Inf as the log of nothing', () => {
    const { from } = block([3, 4]);
    const out = arena.place([1, 4], dtype, () => NaN);
    reductions.sumRows(0, 4, from.at, from.row, out.at, 0);
    expect([0, 1, 2, 3].map((c) => out.get(0, c))).toEqual([0, 0, 0, 0]);
    reductions.sumColumns(2, 0, from.at, from.row, out.at, size, 0);
    reductions.logSumExp(1, 0, from.at, from.row, out.at + 2 * size, size);
    expect([0, 1, 2, 3].map((c) => out.get(0, c))).toEqual([0, 0, -Infinity, 0]);
    expect(reductions.sumSquares(0, 4, from.at, from.row)).toBe(0);
    expect(reductions.sumSquares(4, 0, from.at, from.row)).toBe(0);
  });

  test('NaN and infinities reach the sums', () => {
    for (const cols of [1, 3, 6, 40]) {
      for (const bad of [NaN, Infinity, -Infinity]) {
        for (let at = 0; at < cols; at++) {
          const { from } = block([1, cols], (_, c) => (c === at ? bad : 1));
          const out = arena.place([1, cols], dtype);
          reductions.sumColumns(1, cols, from.at, from.row, out.at, 0, 0);
          expect(out.get(0, 0)).toBe(bad);
          reductions.sumRows(1, cols, from.at, from.row, out.at, 0);
          expect(out.get(0, at)).toBe(bad);
          expect(reductions.sumSquares(1, cols, from.at, from.row)).toBe(bad * bad);
        }
      }
    }
  });

  test('log-sum-exp: an infinite or missing maximum is the result, one NaN makes it NaN, large entries do not overflow', () => {
    const of = (row: number[]): number => {
      const { from } = block([1, row.length], (_, c) => row[c]);
      const out = arena.place([1, 1], dtype);
      reductions.logSumExp(1, row.length, from.at, from.row, out.at, 0);
      return out.get(0, 0);
    };
    const most = dtype === 'float32' ? (2 - 2 ** -23) * 2 ** 127 : Number.MAX_VALUE;
    for (const length of [1, 2, 3, 4, 5, 9]) {
      for (let at = 0; at < length; at++) {
        const row = (special: number, rest: number) =>
          Array.from({ length }, (_, c) => (c === at ? special : rest));
        expect(of(row(NaN, 1))).toBeNaN();
        expect(of(row(NaN, Infinity))).toBeNaN();
        expect(of(row(NaN, -Infinity))).toBeNaN();
        expect(of(row(Infinity, 1))).toBe(Infinity);
        expect(of(row(Infinity, -Infinity))).toBe(Infinity);
        expect(of(row(3, -Infinity))).toBe(3);
        expect(of(row(-Infinity, -Infinity))).toBe(-Infinity);
        expect(of(row(most, 0))).toBe(most);
        expect(of(row(-most, -most))).toBe(-most);
      }
    }
    expect(Math.abs(of([1000, 1000]) - (1000 + Math.LN2))).toBeLessThan(2000 * epsilon);
  });

  test('a sum over thousands of rows or columns is right to a hundred roundings', () => {
    const big = new Arena({ pages: 16 });
    const own = new WasmModule({ shared: false });
    for (const name of ['sumRows', 'sumColumns'] as const) addReduction(own, name, dtype);
    const { sumRows, sumColumns } = own.instantiate(big.memory) as unknown as Reductions;
    const [rows, cols] = [8000, 5];
    const from = big.place([rows, cols], dtype, () => 0.1 + random.uniform(0, 0.1));
    const out = big.place([1, rows], dtype);
    const exact = sum(Array.from({ length: rows }, (_, r) => from.get(r, 2)));
    sumRows(rows, cols, from.at, from.row, out.at, 0);
    expect(Math.abs(out.get(0, 2) - exact) / exact).toBeLessThan(100 * epsilon);
    // the same numbers as one row
    const total = sum(
      Array.from({ length: rows * cols }, (_, k) => from.get(Math.floor(k / cols), k % cols)),
    );
    sumColumns(1, rows * cols, from.at, 0, out.at, 0, 0);
    expect(Math.abs(out.get(0, 0) - total) / total).toBeLessThan(100 * epsilon);
  });

  test('the same operands give the same bits, wherever they lie', () => {
    const results = [{}, { gap: 5, shift: 1 }, { last: true }].map((options) => {
      const same = new Random(9);
      const { from } = block([19, 23], () => same.normal(), options);
      const out = arena.place([1, 23], dtype);
      const read = (count: number) => Array.from({ length: count }, (_, c) => out.get(0, c));
      reductions.sumRows(19, 23, from.at, from.row, out.at, 0);
      const rows = read(23);
      reductions.sumColumns(19, 23, from.at, from.row, out.at, size, 0);
      const columns = read(19);
      reductions.logSumExp(19, 23, from.at, from.row, out.at, size);
      return [...rows, ...columns, ...read(19), reductions.sumSquares(19, 23, from.at, from.row)];
    });
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });
});
