/**
 * SIMD loops for reductions: sums over rows and along rows, log-sum-exp along rows, and the sum of squares.
 *
 * A sum uses several partial sums, in an order that depends only on the shape: results are reproducible, and rounding
 * errors grow more slowly than in sequential summation.
 */
import type { Dtype } from '../memory';
import {
  type Body,
  brIf,
  type Code,
  type Func,
  giveBack,
  type Local,
  loop,
  type WasmModule,
  when,
  whileLess,
} from './encoder';
import * as math from './math';
import { f32x4, f64x2, i32, v128 } from './opcodes';
import { eachLaneLeft, type Vector, VectorCode, type VectorExpression } from './vector-code';

/**
 * Operands are given by the address of their first element and their row stride in bytes; rows of `from` are contiguous.
 * `out` must not overlap `from`.
 */
export interface Reductions {
  /** out [cols] (=|+=) Σ over the rows; out is contiguous. `accumulate`: 1 for +=. */
  sumRows: (rows: number, cols: number, from: number, row: number, out: number, accumulate: number) => void;
  /** out [rows, 1] (=|+=) Σ along each row. */
  sumColumns: (
    rows: number,
    cols: number,
    from: number,
    row: number,
    out: number,
    outRow: number,
    accumulate: number,
  ) => void;
  /** out [rows, 1] = m + log Σ exp(from − m) along each row, where m is its maximum; m itself if it is not finite. */
  logSumExp: (rows: number, cols: number, from: number, row: number, out: number, outRow: number) => void;
  /** Σ of all squares in float64: overflows for float64 entries above 1e154, never for float32. */
  sumSquares: (rows: number, cols: number, from: number, row: number) => number;
}

/** Adds one reduction of one dtype to a module, exported as `name`. */
export function addReduction(
  module: WasmModule,
  what: keyof Reductions,
  dtype: Dtype,
  name: string = what,
): void {
  const add = {
    sumRows: addSumRows,
    sumColumns: addSumColumns,
    logSumExp: addLogSumExp,
    sumSquares: addSumSquares,
  };
  add[what](module, name, dtype);
}

/** Number of rows that are summed before they are added to the total. */
const ROWS_AT_ONCE = 8;

function addSumRows(module: WasmModule, name: string, dtype: Dtype): void {
  const lanes = dtype === 'float32' ? f32x4 : f64x2;
  const params = {
    rows: 'i32',
    cols: 'i32',
    from: 'i32',
    row: 'i32',
    out: 'i32',
    accumulate: 'i32',
  } as const;
  module.func(name, params, [], ({ rows, cols, from, row, out, accumulate }, f) => {
    const [offset, wholeEnd, end] = f.locals('i32', 3);
    const starts = [from, ...f.locals('i32', ROWS_AT_ONCE - 1)];
    /** Loops over the elements of out: whole vectors, then single elements. */
    const overColumns = (vector: Body, element: Body): Body => [
      offset.set(0),
      whileLess(offset, wholeEnd, [vector, offset.advance(16)]),
      whileLess(offset, end, [element, offset.advance(lanes.size)]),
    ];
    const at = i32.add(out, offset);
    /** out += Σ of the rows that begin at `starts`. */
    const addRows = (from: Local<'i32'>[]): Body => {
      const sum = (load: (at: Code<'i32'>) => VectorExpression): VectorExpression =>
        lanes.add(
          load(at),
          pairwise(
            from.map((start) => load(i32.add(start, offset))),
            lanes.add,
          ),
        );
      return overColumns(v128.store(at, sum(v128.load)), lanes.storeLane(at, sum(lanes.loadZero), 0));
    };
    const zero = lanes.const(0);
    return [
      end.set(i32.mul(cols, lanes.size)),
      wholeEnd.set(i32.and(end, -16)),
      when(i32.eqz(accumulate), overColumns(v128.store(at, zero), lanes.storeLane(at, zero, 0))),
      when(
        i32.geU(rows, ROWS_AT_ONCE),
        loop((again) => [
          starts.slice(1).map((start, k) => start.set(i32.add(starts[k], row))),
          addRows(starts),
          from.set(i32.add(starts[ROWS_AT_ONCE - 1], row)),
          brIf(again, i32.geU(rows.tee(i32.sub(rows, ROWS_AT_ONCE)), ROWS_AT_ONCE)),
        ]),
      ),
      when(
        rows,
        loop((again) => [addRows([from]), from.advance(row), brIf(again, rows.tee(i32.sub(rows, 1)))]),
      ),
    ];
  });
}

function addSumColumns(module: WasmModule, name: string, dtype: Dtype): void {
  const lanes = dtype === 'float32' ? f32x4 : f64x2;
  const params = {
    rows: 'i32',
    cols: 'i32',
    from: 'i32',
    row: 'i32',
    out: 'i32',
    outRow: 'i32',
    accumulate: 'i32',
  } as const;
  module.func(name, params, [], ({ rows, cols, from, row, out, outRow, accumulate }, f) => {
    const [offset, blockEnd, wholeEnd, end] = f.locals('i32', 4);
    const at = i32.add(from, offset);
    const sums = f.locals('v128', 4);
    const total = f.local('v128');
    const addInto = (sum: Vector, value: VectorExpression) => sum.set(lanes.add(sum, value));
    const oneRow = [
      offset.set(0),
      sums.map((sum) => sum.set(lanes.const(0))),
      whileLess(offset, blockEnd, [
        sums.map((sum, k) => addInto(sum, v128.load(at, 16 * k))),
        offset.advance(16 * sums.length),
      ]),
      whileLess(offset, wholeEnd, [addInto(sums[0], v128.load(at)), offset.advance(16)]),
      whileLess(offset, end, [addInto(sums[1], lanes.loadZero(at)), offset.advance(lanes.size)]),
      total.set(pairwise(sums, lanes.add)),
      acrossLanes(total, dtype, lanes.add),
      when(accumulate, addInto(total, lanes.loadZero(out))),
      lanes.storeLane(out, total, 0),
      from.advance(row),
      out.advance(outRow),
    ];
    return [
      end.set(i32.mul(cols, lanes.size)),
      wholeEnd.set(i32.and(end, -16)),
      blockEnd.set(i32.and(end, -16 * sums.length)),
      forEachRow(rows, oneRow),
    ];
  });
}

function addLogSumExp(module: WasmModule, name: string, dtype: Dtype): void {
  const params = { rows: 'i32', cols: 'i32', from: 'i32', row: 'i32', out: 'i32', outRow: 'i32' } as const;
  module.func(name, params, [], ({ rows, cols, from, row, out, outRow }, f) => {
    const [most, sum, x, isNaN] = f.locals('v128', 4);
    const terms = new VectorCode(f, dtype);
    const term = terms.let(math.exp(terms, terms.let(terms.lanes.sub(x, most))));
    const result = new VectorCode(f, dtype);
    const logOfSum = result.let(result.lanes.add(most, math.log(result, sum)));

    const { lanes } = terms;
    // lanes past the end of a row hold −Inf, which does not affect the maximum, and whose exp is 0
    const nothing = terms.constant(-Infinity);
    const overRow = (body: Body): Body => overPaddedRow(f, terms, { from, cols, x, padding: nothing }, body);
    const finite = v128.anyTrue(lanes.eq(lanes.sub(most, most), lanes.const(0)));
    const oneRow = [
      most.set(nothing),
      isNaN.set(lanes.const(0)),
      // pmax drops NaN, but has a dependency chain of one instruction per vector; max has six
      overRow([most.set(lanes.pmax(most, x)), isNaN.set(v128.or(isNaN, lanes.ne(x, x)))]),
      most.set(v128.or(most, isNaN)), // all bits set is a NaN
      acrossLanes(most, dtype, lanes.max),
      when(
        finite,
        [
          sum.set(lanes.const(0)),
          overRow([terms.statements, sum.set(lanes.add(sum, term))]),
          acrossLanes(sum, dtype, lanes.add),
          result.statements,
          lanes.storeLane(out, logOfSum, 0),
        ],
        lanes.storeLane(out, most, 0),
      ),
      from.advance(row),
      out.advance(outRow),
    ];
    return [terms.setUp(), result.setUp(), forEachRow(rows, oneRow)];
  });
}

function addSumSquares(module: WasmModule, name: string, dtype: Dtype): void {
  const size = dtype === 'float32' ? 4 : 8;
  // two elements, or one and a zero, in float64
  const two = (at: Code<'i32'>, offset: number): VectorExpression =>
    dtype === 'float32' ? f64x2.promoteLowF32x4(f64x2.loadZero(at, offset)) : v128.load(at, offset);
  const one = (at: Code<'i32'>): VectorExpression =>
    dtype === 'float32' ? f64x2.promoteLowF32x4(f32x4.loadZero(at)) : f64x2.loadZero(at);

  const params = { rows: 'i32', cols: 'i32', from: 'i32', row: 'i32' } as const;
  module.func(name, params, ['f64'], ({ rows, cols, from, row }, f) => {
    const [offset, blockEnd, end] = f.locals('i32', 3);
    const at = i32.add(from, offset);
    const sums = f.locals('v128', 4);
    const x = f.local('v128');
    const addSquare = (sum: Vector, value: VectorExpression) => [
      x.set(value),
      sum.set(f64x2.add(sum, f64x2.mul(x, x))),
    ];
    const block = 2 * sums.length * size;
    const oneRow = [
      offset.set(0),
      whileLess(offset, blockEnd, [
        sums.map((sum, k) => addSquare(sum, two(at, 2 * k * size))),
        offset.advance(block),
      ]),
      whileLess(offset, end, [addSquare(sums[0], one(at)), offset.advance(size)]),
      from.advance(row),
    ];
    return [
      end.set(i32.mul(cols, size)),
      blockEnd.set(i32.and(end, -block)),
      forEachRow(rows, oneRow),
      x.set(pairwise(sums, f64x2.add)),
      acrossLanes(x, 'float64', f64x2.add),
      giveBack(f64x2.extractLane(x, 0)),
    ];
  });
}

const forEachRow = (rows: Local<'i32'>, body: Body): Body =>
  when(
    rows,
    loop((again) => [body, brIf(again, rows.tee(i32.sub(rows, 1)))]),
  );

/** Runs `body` with every vector of a row in `x`; lanes past the end of the row hold `padding`. */
function overPaddedRow(
  f: Func,
  { lanes }: VectorCode,
  { from, cols, x, padding }: { from: Local<'i32'>; cols: Local<'i32'>; x: Vector; padding: Vector },
  body: Body,
): Body {
  const [at, left] = f.locals('i32', 2);
  const part = eachLaneLeft(lanes, left, (lane) => x.set(lanes.loadLane(at, x, lane, lane * lanes.size)));
  return [
    at.set(from),
    left.set(cols),
    when(
      i32.gtS(left, 0),
      loop((again) => [
        when(i32.geS(left, lanes.count), x.set(v128.load(at)), [x.set(padding), part]),
        body,
        at.advance(16),
        brIf(again, i32.gtS(left.tee(i32.sub(left, lanes.count)), 0)),
      ]),
    ),
  ];
}

type Combine = (x: VectorExpression, y: VectorExpression) => VectorExpression;

/** (a + b) + (c + d) instead of ((a + b) + c) + d. */
function pairwise(terms: readonly VectorExpression[], combine: Combine): VectorExpression {
  if (terms.length === 1) return terms[0];
  const half = terms.length >> 1;
  return combine(pairwise(terms.slice(0, half), combine), pairwise(terms.slice(half), combine));
}

/** Combines all lanes of x; the result is in every lane. */
function acrossLanes(x: Vector, dtype: Dtype, combine: Combine): Body {
  const rotated = (bytes: number): VectorExpression =>
    v128.shuffle(
      x,
      x,
      Array.from({ length: 16 }, (_, k) => (k + bytes) % 16),
    );
  const distances = dtype === 'float32' ? [8, 4] : [8];
  return distances.map((bytes) => x.set(combine(x, rotated(bytes))));
}
