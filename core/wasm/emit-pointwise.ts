/**
 * Compiles a traced statement to one fused SIMD loop: every element is loaded once, all operations are done in registers,
 * every result is stored once.
 *
 * The last elements of a row, fewer than a vector has lanes, are loaded lane by lane and processed by the same
 * instructions. So the bits of a result do not depend on its position, and nothing outside the operands is read or
 * written.
 */
import type { Dtype } from '../memory';
import type { OperationName } from '../programs/scalar';
import type { Graph } from '../programs/statement';
import { type Body, brIf, type Callable, type Local, loop, type WasmModule, when } from './encoder';
import * as math from './math';
import { type FloatLanes, i32, v128 } from './opcodes';
import { eachLaneLeft, type Vector, VectorCode, type VectorExpression } from './vector-code';

/** How an input is read along a row: contiguous elements, or a single element for the whole row. */
export type Access = 'unit' | 'broadcast';

export interface PointwiseSpec {
  graph: Graph;
  dtype: Dtype;
  /** One for each input, in the order of `inputsOf(graph)`. Rows of outputs are always contiguous. */
  access: readonly Access[];
}

/**
 * `operands`: for each input in the order of `inputsOf(graph)`, then for each output in the order of the graph, the
 * address of its first element and its row stride in bytes (0 repeats one row).
 *
 * An output may coincide with an input of kind 'unit', which it then replaces in place. Otherwise, outputs must not
 * overlap operands. Addresses need not be aligned. With zero rows or columns, nothing is done.
 */
export type PointwiseKernel = (rows: number, cols: number, ...operands: number[]) => void;

/** A key of the compiled code: specs that differ only in names have the same key. */
export function pointwiseKey({ graph, dtype, access }: PointwiseSpec): string {
  let words = wordsOf.get(graph);
  if (words === undefined) {
    const nodes = graph.nodes.map((node) => {
      if (node.op === 'input') return '$';
      if (node.op === 'constant') return `#${Object.is(node.value, -0) ? '-0' : node.value}`;
      return `${node.op}(${node.args.join()})`;
    });
    words = `${nodes.join(' ')} | ${Object.values(graph.outputs).join()}`;
    wordsOf.set(graph, words);
  }
  return [dtype, access.join(), words].join(' | ');
}
/** A statement is bound for many shapes. */
const wordsOf = new WeakMap<Graph, string>();

/** A vector that is loaded from or stored to `base` + offset. */
interface Stream {
  base: Local<'i32'>;
  value: Vector;
}

/** The code for one vector of a row. */
interface Turn {
  loads: Stream[];
  statements: Body;
  stores: Stream[];
}

/** Adds the kernel of `spec` to a module, exported as `name`; its parameters are those of PointwiseKernel. */
export function addPointwise(
  module: WasmModule,
  name: string,
  spec: PointwiseSpec,
  wide = false,
): Callable<Record<string, 'i32'>> {
  const { graph, dtype, access } = spec;
  const outputs = Object.values(graph.outputs);
  const operands = Array.from({ length: access.length + outputs.length }, (_, k) => k);
  const pairs = operands.flatMap((k) => [[`base${k}`, 'i32'] as const, [`stride${k}`, 'i32'] as const]);
  const params: Record<string, 'i32'> = { rows: 'i32', cols: 'i32', ...Object.fromEntries(pairs) };

  return module.func(name, params, [], (p, f) => {
    const { rows, cols } = p;
    const bases = operands.map((k) => p[`base${k}`]);
    const strides = operands.map((k) => p[`stride${k}`]);
    const v = new VectorCode(f, dtype);

    const single = operands
      .slice(0, access.length)
      .filter((k) => access[k] === 'broadcast')
      .map((k) => ({ base: bases[k], value: f.local('v128') }));
    /** Generates the code for one more vector of a row. */
    const vector = (): Turn => {
      const inputs = access.map(
        (kind, k): Stream =>
          (kind === 'broadcast' && single.find(({ base }) => base === bases[k])) || {
            base: bases[k],
            value: f.local('v128'),
          },
      );
      const from = v.statements.length;
      const values = evaluate(
        graph,
        v,
        inputs.map(({ value }) => value),
      );
      const stores = outputs.map((node, k) => ({ base: bases[access.length + k], value: values[node] }));
      return {
        loads: inputs.filter((_, k) => access[k] === 'unit'),
        statements: v.statements.slice(from),
        stores,
      };
    };
    const pair: [Turn, Turn] | undefined = wide ? [vector(), vector()] : undefined;
    const one = vector();

    const [left, offset, at] = f.locals('i32', 3);
    const bytes = i32.mul(cols, v.lanes.size);
    const dense = operands.map((k) => i32.eq(strides[k], access[k] === 'broadcast' ? 0 : bytes));
    const row = [
      single.map(({ base, value }) => value.set(v.lanes.loadSplat(base))),
      overColumns(v, cols, { left, offset, at }, one, pair),
      operands.map((k) => bases[k].advance(strides[k])),
    ];
    return [
      // contiguous operands are treated as one long row
      when(dense.reduce(i32.and), [cols.set(i32.mul(cols, rows)), rows.set(1)]),
      when(i32.and(i32.ne(rows, 0), i32.ne(cols, 0)), [
        v.setUp(),
        loop((again) => [row, brIf(again, rows.tee(i32.sub(rows, 1)))]),
      ]),
    ];
  });
}

/** Loops over the vectors of a row, in pairs if `pair` is given, and handles the partial vector at the end. */
function overColumns(
  { lanes }: VectorCode,
  cols: Local<'i32'>,
  { left, offset, at }: Record<'left' | 'offset' | 'at', Local<'i32'>>,
  one: Turn,
  pair?: [Turn, Turn],
): Body {
  const place = ({ base }: Stream) => i32.add(base, offset);
  const whole = i32.geS(left, lanes.count);
  const singles = loop((again) => [
    when(
      whole,
      one.loads.map((s) => s.value.set(v128.load(place(s)))),
      eachLaneLeft(lanes, left, (lane) =>
        one.loads.map((s) => s.value.set(loadLane(lanes, place(s), s.value, lane))),
      ),
    ),
    one.statements,
    when(
      whole,
      one.stores.map((s) => v128.store(place(s), s.value)),
      eachLaneLeft(lanes, left, (lane) =>
        one.stores.map((s) => lanes.storeLane(place(s), s.value, lane, lane * lanes.size)),
      ),
    ),
    offset.advance(16),
    brIf(again, i32.gtS(left.tee(i32.sub(left, lanes.count)), 0)),
  ]);
  const begin = [offset.set(0), left.set(cols)];
  if (!pair) return [begin, singles];
  const [first, second] = pair;
  const two = 2 * lanes.count;
  const pairs = loop((again) => [
    first.loads.map((s, k) => [
      at.set(place(s)),
      s.value.set(v128.load(at)),
      second.loads[k].value.set(v128.load(at, 16)),
    ]),
    [first.statements, second.statements],
    first.stores.map((s, k) => [
      at.set(place(s)),
      v128.store(at, s.value),
      v128.store(at, second.stores[k].value, 16),
    ]),
    offset.advance(32),
    brIf(again, i32.geS(left.tee(i32.sub(left, two)), two)),
  ]);
  return [begin, when(i32.geS(left, two), pairs), when(i32.gtS(left, 0), singles)];
}

/** Loads one lane of a partial vector; lanes that are never loaded are 0. */
const loadLane = (lanes: FloatLanes, place: ReturnType<typeof i32.add>, value: Vector, lane: number) =>
  lane === 0 ? lanes.loadZero(place) : lanes.loadLane(place, value, lane, lane * lanes.size);

/** Emits the operations of a graph; returns the vector that holds the value of each node. */
function evaluate(graph: Graph, v: VectorCode, inputs: Vector[]): Vector[] {
  const lastUse = new Map<number, number>();
  graph.nodes.forEach((node, k) => {
    if ('args' in node) for (const arg of node.args) lastUse.set(arg, k);
  });
  const stored = new Set(Object.values(graph.outputs));
  const unread = [...inputs];
  const values: Vector[] = [];
  graph.nodes.forEach((node, k) => {
    if (node.op === 'input') values.push(unread.shift() as Vector);
    else if (node.op === 'constant') values.push(v.constant(node.value));
    else {
      const [a, b, c] = node.args.map((arg) => values[arg]);
      values.push(v.scope(() => operations[node.op](v, a, b, c)));
      for (const arg of new Set(node.args)) {
        const computed = 'args' in graph.nodes[arg];
        if (computed && lastUse.get(arg) === k && !stored.has(arg)) v.release(values[arg]);
      }
    }
  });
  return values;
}

type Operation = (v: VectorCode, a: Vector, b: Vector, c: Vector) => VectorExpression;

/** The operations of the scalar language, with its values for NaN, infinities and signed zeros. */
const operations: Record<OperationName, Operation> = {
  add: ({ lanes }, a, b) => lanes.add(a, b),
  sub: ({ lanes }, a, b) => lanes.sub(a, b),
  mul: ({ lanes }, a, b) => lanes.mul(a, b),
  div: ({ lanes }, a, b) => lanes.div(a, b),
  neg: math.neg,
  // clears the sign bit
  abs: (v, a) => v128.andnot(a, v.constant(-0)),
  min: ({ lanes }, a, b) => lanes.min(a, b),
  max: ({ lanes }, a, b) => lanes.max(a, b),
  exp: math.exp,
  log: math.log,
  log1p: math.log1p,
  sqrt: ({ lanes }, a) => lanes.sqrt(a),
  tanh: math.tanh,
  sigmoid: math.sigmoid,
  // values ≤ 0 become +0; NaN is not ≤ 0 and remains
  relu: (v, a) => v128.andnot(a, v.lanes.le(a, v.constant(0))),
  step: (v, a) => v128.and(v.lanes.gt(a, v.constant(0)), v.constant(1)),
  select: (v, a, b, c) => v128.bitselect(b, c, v.lanes.gt(a, v.constant(0))),
  stop: (_v, a) => a,
};
