/** SIMD loops for products with a one-hot matrix: look-ups of rows by class, and sums of rows by class. */
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
 * `classes` is the address of the class numbers, one 32-bit integer per row; row r has class k if classes[r] = low + k
 * with 0 ≤ k < width, otherwise none. Operands are given by the address of their first element and their row stride in
 * bytes; rows are contiguous. The output must not overlap the inputs.
 */
export interface Lookups {
  /** out[r] (=|+=) table[class of r] + bias; for a row without a class (=|+=) bias. A bias of address 0 means none. */
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
  /** out[class of r] += from[r], in the order of rows. */
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
    /** out = the row that was found, plus the bias and the previous out if requested. */
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

/** Loops over the rows: runs `found` for a row of class k, `missed` for one without a class, then `next`. */
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
      when(i32.ltU(k, width), found(k), missed), // unsigned: NONE and classes below `low` are also ≥ width
      [next, classes.advance(4)],
      brIf(again, rows.tee(i32.sub(rows, 1))),
    ]),
  );
}

/** Vectors written per iteration of the loop over a row. */
const AT_ONCE = 4;

/** `put` writes the sum of some rows of `cols` elements to a row; `extents` must run before it. */
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
