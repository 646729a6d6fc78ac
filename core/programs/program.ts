/**
 * A program: a recorded list of tensor operations with their operands, which is bound to an executor once and then
 * replayed without checking shapes again.
 *
 * The same recorded operations are executed by fast kernels, differentiated in forward mode by the dual executor, printed
 * as equations, and rewritten into mutants.
 */
import ndarray from 'ndarray';
import { must, mustBe, mustShape } from '../check';
import { engineMemory, type Data, type Dtype } from '../memory';
import { lazy } from '../once';
import { isOneHot, viewOf } from '../onehot';
import {
  loopOf,
  unrolled,
  type Entry,
  type Loop,
  type Operation,
  type Pointwise,
  type Reduction,
  type Repeated,
} from './operation';
import { inputsOf, statement, type Statement } from './statement';
import { dtypeOf, transpose, zeros, type Tensor, type Tensors } from '../tensor';

export type { Operation, Pointwise, Product, Reduction } from './operation';

/** Turns operations into calls without arguments. */
export interface Executor {
  /** Its name in messages and benchmarks: `wasm`. */
  readonly name: string;
  /** Returns a function that runs one operation; everything that depends on shapes and strides is decided here, once. */
  bind(operation: Operation): () => void;
  /**
   * Returns a function that runs a repeated operation for the `time`-th time, counted from 0. For an executor without it,
   * loops are unrolled.
   */
  bindRepeated?(repeated: Repeated): (time: number) => void;
  /** Prepares data that the operations of one program share; the returned binder replaces the executor for them. */
  prepare?(entries: readonly Entry[]): Binder;
  /** Σ of squares in float64; if it is absent or returns undefined (numbers outside its memory), the caller loops. */
  sumSquares?: (values: Data, from: number, to: number) => number | undefined;
}
/** Binds the operations of one program. */
export interface Binder extends Pick<Executor, 'bind' | 'bindRepeated'> {
  /** Runs before each replay, to pack weights that are used several times. */
  before?: () => void;
  /** The arguments that all calls read when they run; absent if some are fixed when they are bound. */
  args?: Arguments;
}

/** The arguments of the calls of a program. */
export interface Arguments {
  /** The values that the calls read: numbers, and addresses in bytes. */
  readonly room: Int32Array;
  /** The same as they were given. */
  readonly given: readonly (number | { array: Data | Int32Array; bytes: number })[];
  /** Adds arguments and returns the index of the first. */
  put(args: readonly number[]): number;
}

/** Replays a bound program. */
export interface Replay {
  (): void;
  readonly args?: Arguments;
}

/**
 * A list of tensor operations, recorded once with their input and output tensors, and replayed by an executor.
 *
 * Recording checks shapes and dtypes and computes nothing. A replay runs the operations in the order of recording, on the
 * current values of the inputs.
 *
 * @example
 * const [a, b, out] = [tensor([[1, 2]]), tensor([[3], [4]]), zeros([1, 1])];
 * const program = new Program();
 * program.matmul(a, b, out);
 * const run = program.bind(executorOf());
 * run();
 * toFlat(out); // [11]
 */
export class Program {
  #written: { of: number; operations: Operation[] } | undefined;

  /** @param entries operations and loops of operations, in execution order. */
  constructor(readonly entries: Entry[] = []) {}

  /** All operations in execution order, with loops unrolled. */
  get operations(): readonly Operation[] {
    if (this.#written?.of !== this.entries.length) {
      const operations = this.entries.flatMap((entry) => (entry.kind === 'loop' ? unrolled(entry) : [entry]));
      this.#written = { of: this.entries.length, operations };
    }
    return this.#written.operations;
  }

  /**
   * Records what `record` records for times 0, 1, … `count` − 1, as a loop if the times differ only in the offsets of
   * operands, by a constant step. Only times 0, 1 and the last are recorded; those in between must follow the same pattern.
   */
  repeat(count: number, record: (program: Program, time: number) => void): void {
    if (count > 3) {
      const [first, next, last] = [0, 1, count - 1].map((time) => {
        const once = new Program();
        record(once, time);
        return once.operations;
      });
      const loop = loopOf(count, first, next, last);
      if (loop) {
        this.entries.push(loop);
        return;
      }
    }
    for (let time = 0; time < count; time++) record(this, time);
  }

  /**
   * Records out = a b (+ bias, broadcast over the rows), or out += a b.
   *
   *   a [M, K]   b [K, N]   out [M, N]   bias [N]
   *
   * `out` must not share elements with `a`, `b` or `bias`. Any of them may be one-hot (see `core/onehot.ts`): as `a` it needs no
   * multiplication, as `out` the product is omitted.
   * @throws RangeError if shapes do not match; TypeError if dtypes do not match.
   */
  matmul(
    a: Tensor,
    b: Tensor,
    out: Tensor,
    { accumulate = false, bias }: { accumulate?: boolean; bias?: Tensor } = {},
  ): void {
    mustMatch('matmul', { a, b, out, ...(bias && { bias }) });
    for (const [name, t] of Object.entries({ a, b })) mustBeMatrix(t, 'matmul', name);
    const [M, K] = a.shape;
    mustShape(b.shape, [K, b.shape[1]], 'matmul', 'b', `K = ${K} is fixed by a [${M}, ${K}]`);
    mustShape(out.shape, [M, b.shape[1]], 'matmul', 'out', `a [${M}, ${K}], b [${K}, ${b.shape[1]}]`);
    if (bias) mustShape(bias.shape, [b.shape[1]], 'matmul', 'bias', `N is fixed by b [${K}, ${b.shape[1]}]`);
    if (isOneHot(out)) return; // class numbers have no gradient
    this.entries.push({ kind: 'product', a, b: this.densified(b, dtypeOf(out)), out, bias, accumulate });
  }

  /**
   * Records a statement over [R, C]. Its inputs and outputs are looked up in `tensors` by name; a row [C] or [1, C] is
   * broadcast over the rows, a column [R, 1] over the columns, a single number [1] over both. An output may be the same
   * tensor as an input, which is then replaced in place. One input may be one-hot; it is not densified unless the outputs
   * replace an input.
   *
   * @throws TypeError if a name of the statement is missing; RangeError if a shape cannot be broadcast.
   */
  pointwise(statement: Statement, tensors: Tensors): void {
    const { graph } = statement;
    const names = [...inputsOf(graph), ...Object.keys(graph.outputs)];
    for (const name of names)
      mustBe(name in tensors && tensors[name] !== undefined, 'pointwise', `${name} must be given`, undefined);
    const outputs = Object.keys(graph.outputs);
    const shape = matrix(tensors[outputs[0]]).shape;
    for (const name of outputs) {
      mustShape(matrix(tensors[name]).shape, shape, 'pointwise', name, `the shape of ${outputs[0]}`);
    }
    const views: Tensors = {};
    for (const name of names) views[name] = broadcast(tensors[name], shape, name);
    mustMatch('pointwise', views);
    const real = outputs.find((name) => !isOneHot(tensors[name]));
    if (real === undefined) return; // class numbers have no gradient
    const dtype = dtypeOf(tensors[real]);
    const unread = (t: Tensor): Tensor => engineMemory().own(() => zeros(t.shape, dtype));
    const isKept = staysOneHot(inputsOf(graph), outputs, tensors, shape);
    const bind = (all: readonly string[], replaced: (t: Tensor) => Tensor): Tensors => {
      const bound: Tensors = {};
      for (const name of all) {
        const t = tensors[name];
        bound[name] = isOneHot(t) ? broadcast(replaced(t), shape, name) : views[name];
      }
      return bound;
    };
    this.entries.push({
      kind: 'pointwise',
      graph,
      inputs: bind(inputsOf(graph), (t) => (isKept ? t : this.densified(t, dtype))),
      outputs: bind(outputs, unread),
    });
  }

  /** Records out [C] (=|+=) Σ over the rows of `from` [R, C]. */
  sumRows(from: Tensor, out: Tensor, { accumulate = false }: { accumulate?: boolean } = {}): void {
    mustBeMatrix(from, 'sumRows', 'from');
    mustShape(out.shape, [from.shape[1]], 'sumRows', 'out', `from [${from.shape.join(', ')}]`);
    this.reduce('sumRows', from, out, accumulate);
  }

  /** Records out [R, 1] (=|+=) Σ along each row of `from` [R, C]. */
  sumColumns(from: Tensor, out: Tensor, { accumulate = false }: { accumulate?: boolean } = {}): void {
    mustBeMatrix(from, 'sumColumns', 'from');
    mustShape(out.shape, [from.shape[0], 1], 'sumColumns', 'out', `from [${from.shape.join(', ')}]`);
    this.reduce('sumColumns', from, out, accumulate);
  }

  /** Records out [R, 1] = m + log Σ exp(from − m) along each row, m the row's maximum. */
  logSumExp(from: Tensor, out: Tensor): void {
    mustBeMatrix(from, 'logSumExp', 'from');
    mustShape(out.shape, [from.shape[0], 1], 'logSumExp', 'out', `from [${from.shape.join(', ')}]`);
    this.reduce('logSumExp', from, out, false);
  }

  /** Appends all operations of `other`. */
  append(other: Program): void {
    for (const entry of other.entries) this.entries.push(entry);
  }

  /** Binds every operation to `executor`; the returned function replays the program. */
  bind(executor: Executor): Replay {
    const entries = executor.bindRepeated || executor.prepare ? this.entries : this.dense().operations;
    const binder: Binder = executor.prepare?.(entries) ?? executor;
    const calls = entries.map((entry) =>
      entry.kind === 'loop' ? bindLoop(entry, binder) : binder.bind(entry),
    );
    if (binder.before) calls.unshift(binder.before);
    const replay = (): void => {
      for (let k = 0; k < calls.length; k++) calls[k]();
    };
    return Object.assign(replay, { args: binder.args });
  }

  /**
   * Binds the repetitions of a loop, given its first two: the returned function runs the `time`-th.
   * @throws RangeError unless they differ only in the offsets of operands.
   */
  static bindRepeated(executor: Executor, first: Program, next: Program): (time: number) => void {
    const loop = loopOf(2, first.operations, next.operations, next.operations);
    if (!loop) throw new RangeError('bindRepeated: the programs must differ only in the offsets of operands');
    const binder: Binder = executor.prepare?.([loop]) ?? executor;
    const { bindRepeated } = binder;
    if (!bindRepeated)
      throw new RangeError(`bindRepeated: the executor must run loops, got ${executor.name}`);
    const calls = loop.body.map((repeated) => bindRepeated.call(binder, repeated));
    return (time) => {
      binder.before?.();
      for (const call of calls) call(time);
    };
  }

  private reduce(what: Reduction['what'], from: Tensor, out: Tensor, accumulate: boolean): void {
    mustMatch(what, { from, out });
    if (isOneHot(out)) return; // class numbers have no gradient
    this.entries.push({
      kind: 'reduction',
      what,
      from: this.densified(from, dtypeOf(out)),
      out,
      accumulate,
    });
  }

  /** The same operations, in which elementwise ones read no one-hot matrix. */
  private dense(): Program {
    const { operations } = this;
    const isHot = (op: Operation): op is Pointwise =>
      op.kind === 'pointwise' && Object.values(op.inputs).some(isOneHot);
    if (!operations.some(isHot)) return this;
    const all = new Program();
    for (const op of operations) {
      if (!isHot(op)) {
        all.entries.push(op);
        continue;
      }
      const dtype = dtypeOf(Object.values(op.outputs)[0]);
      const inputs = Object.entries(op.inputs).map(([name, t]) => [name, all.multiplied(t, dtype)]);
      all.entries.push({ ...op, inputs: Object.fromEntries(inputs) as Tensors });
    }
    return all;
  }

  /** Densifies a one-hot operand by an elementwise copy; others are returned unchanged. */
  private densified(t: Tensor, dtype: Dtype): Tensor {
    if (!isOneHot(t)) return t;
    const rows = viewOf(t).transposed ? transpose(t) : t;
    const numbers = engineMemory().own(() => zeros(rows.shape, dtype));
    this.pointwise(copy(), { hot: rows, numbers });
    return rows === t ? numbers : transpose(numbers);
  }

  /** The same by a product with the identity, which takes D² numbers, without an elementwise operation. */
  private multiplied(t: Tensor, dtype: Dtype): Tensor {
    if (!isOneHot(t)) return t;
    const rows = viewOf(t).transposed ? transpose(t) : t;
    const [N, D] = rows.shape;
    const [one, numbers] = engineMemory().own(() => [zeros([D, D], dtype), zeros([N, D], dtype)]);
    for (let k = 0; k < D; k++) one.set(k, k, 1);
    this.matmul(rows, one, numbers);
    return rows === t ? numbers : transpose(numbers);
  }
}

/** The elements of a one-hot matrix as numbers. */
const copy = lazy(() => statement(({ hot }) => ({ numbers: hot })));

function bindLoop({ count, body }: Loop, binder: Binder): () => void {
  const calls = body.map((repeated) => (binder.bindRepeated as Required<Binder>['bindRepeated'])(repeated));
  const { room, at } = binder.args
    ? { room: binder.args.room, at: binder.args.put([count]) }
    : { room: [count], at: 0 };
  return () => {
    const times = room[at];
    for (let time = 0; time < times; time++) for (let k = 0; k < calls.length; k++) calls[k](time);
  };
}

/** A tensor of at most two axes as a matrix: [C] becomes one row, [] one number. */
export function matrix(t: Tensor): Tensor {
  if (t.shape.length === 2) return t;
  must(t.shape.length < 2, 'pointwise', 'a tensor must have at most 2 axes', `[${t.shape.join(', ')}]`);
  return ndarray<Data>(t.data, [1, t.shape[0] ?? 1], [0, t.stride[0] ?? 0], t.offset);
}

/** Whether executors can read the one-hot input of an elementwise operation as it is: it must be the only one, and whole. */
function staysOneHot(
  inputs: readonly string[],
  outputs: readonly string[],
  tensors: Tensors,
  [R, C]: readonly number[],
): boolean {
  const hot = inputs.map((name) => tensors[name]).filter(isOneHot);
  if (hot.length !== 1 || viewOf(hot[0]).transposed) return false;
  const [N, D] = hot[0].shape;
  const inPlace = inputs.some((read) => outputs.some((name) => tensors[name].data === tensors[read].data));
  return N === R && D === C && !inPlace && !outputs.some((name) => isOneHot(tensors[name]));
}

function broadcast(t: Tensor, [R, C]: number[], name: string): Tensor {
  const m = matrix(t);
  const fits = (m.shape[0] === R || m.shape[0] === 1) && (m.shape[1] === C || m.shape[1] === 1);
  must(fits, 'pointwise', `${name} must be broadcast to [${R}, ${C}]`, `[${t.shape.join(', ')}]`);
  if (m.shape[0] === R && m.shape[1] === C) return m;
  const stride = [m.shape[0] === R ? m.stride[0] : 0, m.shape[1] === C ? m.stride[1] : 0];
  return ndarray<Data>(m.data, [R, C], stride, m.offset);
}

function mustBeMatrix(t: Tensor, where: string, name: string): void {
  must(t.shape.length === 2, where, `${name} must be a matrix`, `[${t.shape.join(', ')}]`);
}

/** Throws unless all tensors except one-hot ones have the same dtype. */
function mustMatch(where: string, tensors: Tensors): void {
  const numbers = Object.entries(tensors).filter(([, t]) => !isOneHot(t));
  for (const [name, t] of numbers.slice(1)) {
    const [first, reference] = numbers[0];
    mustBe(
      dtypeOf(t) === dtypeOf(reference),
      where,
      `${name} must be ${dtypeOf(reference)}`,
      dtypeOf(t),
      `the dtype of ${first}`,
    );
  }
}
