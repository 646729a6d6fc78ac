/** Products with a one-hot matrix, as SIMD loops: rows looked up by class, or added up by class. */
import type { Dtype } from '../memory';
import {
  type Body,
  brIf,
  type Code,
  type Func,
  type Local,
  loop,
  type WasmModule,
  when,
  whileLess,
} from './encoder';
import { f32x4, f64x2, i32, v128 } from './opcodes';
import type { VectorExpression } from './vector-code';

/**
 * `classes` is the address of the class numbers, one 32-bit whole number a row; row r is of class k where
 * classes[r] = low + k with 0 ≤ k < width, else of none. Operands are given by the address of their first element and the
 * distance between their rows in bytes; the elements of a row lie one behind the other. What is written must not share
 * memory with what is read.
 */
export interface Lookups {
  /** out[r] (=|+=) table[class of r] + bias, for a row of no class (=|+=) bias; no bias where its address is 0. */
  lookUp: (
    rows: number,
    cols: number,
    classes: number,
    low: number,
    width: number,
    table: number,
    tableRow: number,
    out: number,
    outRow: number,
    bias: number,
    accumulate: number,
  ) => void;
  /** out[class of r] += from[r], row after row. */
  addUp: (
    rows: number,
    cols: number,
    classes: number,
    low: number,
    width: number,
    from: number,
    fromRow: number,
    out: number,
    outRow: number,
  ) => void;
}

/** Adds one of the loops of one dtype to a module, exported by its name. */
export function addLookup(module: WasmModule, what: keyof Lookups, dtype: Dtype): void {
  ({ lookUp: addLookUp, addUp: addAddUp })[what](module, dtype);
}

type Whole = Local<'i32'>;

const given = ['rows', 'cols', 'classes', 'low', 'width'] as const;
const parameters = <const N extends string>(...names: readonly N[]): Record<N, 'i32'> =>
  Object.fromEntries(names.map((name) => [name, 'i32'])) as Record<N, 'i32'>;

function addLookUp(module: WasmModule, dtype: Dtype): void {
  const params = parameters(...given, 'table', 'tableRow', 'out', 'outRow', 'bias', 'accumulate');
  module.func('lookUp', params, [], (p, f) => {
    const { table, tableRow, out, outRow, bias, accumulate } = p;
    const row = f.local('i32');
    const { extents, put } = rowWriter(f, dtype, p.cols);
    /** out = the row that was found, and what else is asked for. */
    const write = (found: Whole[]): Body =>
      when(
        bias,
        when(accumulate, put(out, [...found, bias, out]), put(out, [...found, bias])),
        when(accumulate, put(out, [...found, out]), put(out, found)),
      );
    const rows = eachRow(f, p, {
      found: (k) => [row.set(i32.add(table, i32.mul(k, tableRow))), write([row])],
      missed: write([]),
      next: out.advance(outRow),
    });
    return [extents, rows];
  });
}

function addAddUp(module: WasmModule, dtype: Dtype): void {
  const params = parameters(...given, 'from', 'fromRow', 'out', 'outRow');
  module.func('addUp', params, [], (p, f) => {
    const { from, fromRow, out, outRow } = p;
    const row = f.local('i32');
    const { extents, put } = rowWriter(f, dtype, p.cols);
    const rows = eachRow(f, p, {
      found: (k) => [row.set(i32.add(out, i32.mul(k, outRow))), put(row, [from, row])],
      missed: [],
      next: from.advance(fromRow),
    });
    return [extents, rows];
  });
}

/** For every row what is to be done where it is of class k, or of none, and what goes on to the next row. */
function eachRow(
  f: Func,
  { rows, classes, low, width }: Record<(typeof given)[number], Whole>,
  { found, missed, next }: { found: (k: Whole) => Body; missed: Body; next: Body },
): Body {
  const k = f.local('i32');
  return when(
    rows,
    loop((again) => [
      k.set(i32.sub(i32.load(classes), low)),
      when(i32.ltU(k, width), found(k), missed), // without sign: NONE, and what lies before `low`, is beyond the width
      [next, classes.advance(4)],
      brIf(again, rows.tee(i32.sub(rows, 1))),
    ]),
  );
}

/** Vectors that are written in one turn of the loop over a row. */
const AT_ONCE = 4;

/** `put` writes to a row the sum of some rows of `cols` elements; `extents` belongs in front of all of it. */
function rowWriter(
  f: Func,
  dtype: Dtype,
  cols: Whole,
): { extents: Body; put: (to: Whole, from: readonly Whole[]) => Body } {
  const lanes = dtype === 'float32' ? f32x4 : f64x2;
  const [offset, blockEnd, wholeEnd, end] = f.locals('i32', 4);
  const sum = (from: readonly Whole[], load: (at: Code<'i32'>) => VectorExpression): VectorExpression => {
    const terms = from.map((row) => load(i32.add(row, offset)));
    return terms.length === 0 ? lanes.const(0) : terms.reduceRight((so, term) => lanes.add(term, so));
  };
  const put = (to: Whole, from: readonly Whole[]): Body => {
    const at = i32.add(to, offset);
    const vector = (k: number): Body =>
      v128.store(
        at,
        sum(from, (a) => v128.load(a, 16 * k)),
        16 * k,
      );
    return [
      offset.set(0),
      whileLess(offset, blockEnd, [
        Array.from({ length: AT_ONCE }, (_, k) => vector(k)),
        offset.advance(16 * AT_ONCE),
      ]),
      whileLess(offset, wholeEnd, [vector(0), offset.advance(16)]),
      whileLess(offset, end, [lanes.storeLane(at, sum(from, lanes.loadZero), 0), offset.advance(lanes.size)]),
    ];
  };
  const extents = [
    end.set(i32.mul(cols, lanes.size)),
    wholeEnd.set(i32.and(end, -16)),
    blockEnd.set(i32.and(end, -16 * AT_ONCE)),
  ];
  return { extents, put };
}
