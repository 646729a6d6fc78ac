/**
 * The SIMD executor: statements as fused loops, products as packed kernels, all compiled at run time over the engine's
 * memory. Operations it does not support (operands outside that memory, unusual strides) run on the plain loops.
 */
import { engineMemory, type Data, type Dtype, type Memory } from '../memory';
import { isOneHot, pitchOf, viewOf } from '../onehot';
import { plain } from '../programs/plain';
import {
  movesOf,
  operandsOf,
  type Entry,
  type Operation,
  type Pointwise,
  type Product,
  type Reduction,
  type Repeated,
} from '../programs/operation';
import type { Binder, Executor } from '../programs/program';
import { inputsOf } from '../programs/statement';
import { dtypeOf, type Tensor } from '../tensor';
import { addressOf, Arguments } from './arguments';
import { bindAtClasses } from './atclasses';
import { call, type Exports, link, WasmModule } from './encoder';
import { addLookup, type Lookups } from './emit-lookup';
import { addReduction, type Reductions } from './emit-reduce';
import { addPointwise, pointwiseKey, type Access, type PointwiseSpec } from './emit-pointwise';
import { compileGemm, isShared, type GemmKernels, type GemmOptions } from './gemm';
import { i32 } from './opcodes';
import { Packs, Panels, PRODUCT_ARGUMENTS, type Use } from './packs';
import { pointwiseFails, productsFail } from './selftest';
import type { Wide } from './wide';

/** The SIMD executor over the engine's memory. */
export function wasmExecutor(options: GemmOptions = {}): Executor {
  const memory = engineMemory();
  const { wasm } = memory;
  if (!wasm) return plain;
  const kernels = new Kernels(memory, wasm, options);
  return {
    name: options.wide ? 'wasm-256' : options.reproducible ? 'reproducible' : 'wasm',
    bind: (operation) => {
      const binder = kernels.prepare([operation]);
      const [run, { before }] = [binder.bind(operation), binder];
      return before ? () => (before(), run()) : run;
    },
    prepare: (entries) => kernels.prepare(entries),
    sumSquares: (values, from, to) => kernels.sumSquares(values, from, to),
  };
}

/** The kernels of products, and the memory that they work in. */
interface Gemm {
  kernels: GemmKernels;
  scratch: Data;
  panels: Panels;
}

/**
 * Everything compiled so far, and the bytes that kernels work in.
 *
 * Arguments include the number of the kernel, so that calls with equal arguments compute the same.
 */
class Kernels {
  private readonly gemms = new Map<Dtype, Gemm>();
  private readonly pointwise = new Map<string, { id: number; run: (block: number, time: number) => void }>();
  private readonly reductions: Record<Dtype, Partial<Reductions>> = { float32: {}, float64: {} };
  private readonly zeroAndOne = new Map<Dtype, Data>();
  private readonly lookups: Record<Dtype, Partial<Lookups>> = { float32: {}, float64: {} };

  constructor(
    private readonly memory: Memory,
    private readonly wasm: WebAssembly.Memory,
    private readonly options: GemmOptions,
  ) {}

  prepare(entries: readonly Entry[]): Binder {
    const all = entries.flatMap((entry): Repeated[] =>
      entry.kind === 'loop' ? [...entry.body] : [{ first: entry, next: entry }],
    );
    const counts = entries.flatMap((entry) =>
      entry.kind === 'loop' ? entry.body.map(() => entry.count) : [1],
    );
    this.compile(
      all.flatMap(({ first }) => (first.kind === 'pointwise' && this.reaches(first) ? [first] : [])),
    );
    const uses = all.flatMap(({ first, next }, k): Use[] =>
      first.kind === 'product' && !isOneHot(first.a) && this.reaches(first)
        ? [{ product: first, times: counts[k], moves: first.b.offset !== (next as Product).b.offset }]
        : [],
    );
    const args = new Arguments(
      this.memory,
      all.reduce((sum, { first }) => sum + roomOf(first), entries.length),
    );
    const operations = all.map(({ first }) => first);
    const packs = new Packs(uses, operations, this, args);
    const bindRepeated = (repeated: Repeated): ((time: number) => void) => {
      const { first } = repeated;
      if (!this.reaches(first)) return plain.bindRepeated(repeated);
      const moves = movesOf(repeated).map((move, k) => bytesOf(operandsOf(first)[k], move));
      if (first.kind === 'product')
        return isOneHot(first.a) ? this.bindLookup(first, moves, args) : packs.bind(first, moves);
      return first.kind === 'pointwise'
        ? this.bindPointwise(first, moves, args)
        : this.bindReduction(first, moves, args);
    };
    return {
      bind: (operation) => {
        const run = bindRepeated({ first: operation, next: operation });
        return () => run(0);
      },
      bindRepeated,
      before: packs.before,
      // the plain loops read no arguments
      ...(operations.every((one) => this.reaches(one)) && { args }),
    };
  }

  sumSquares(values: Data, from: number, to: number): number | undefined {
    if (!this.memory.holds(values)) return undefined;
    const size = values.BYTES_PER_ELEMENT;
    const { sumSquares } = this.reduction('sumSquares', size === 4 ? 'float32' : 'float64');
    return sumSquares(1, to - from, values.byteOffset + from * size, 0);
  }

  bytes(count: number): Data {
    return this.memory.allocate(Math.ceil(count / 8), 'float64');
  }

  gemm(dtype: Dtype): Gemm {
    let found = this.gemms.get(dtype);
    if (!found) {
      const { wide } = this.options;
      const options = wide && productsFail(wide, dtype) ? {} : this.options;
      const kernels = compileGemm(this.wasm, dtype, options);
      // allocated outside of leases, because it outlives the first caller
      const apart = (bytes: number): Data => this.memory.apart(() => this.bytes(bytes));
      found = { kernels, scratch: apart(kernels.scratchBytes), panels: new Panels(apart) };
      this.gemms.set(dtype, found);
    }
    return found;
  }

  private reaches(op: Operation): boolean {
    if (op.kind === 'reduction') {
      const { from, out, what } = op;
      const rowsAside = from.stride[1] === 1 && (what !== 'sumRows' || out.stride[0] === 1);
      return rowsAside && this.memory.holds(from.data) && this.memory.holds(out.data);
    }
    if (op.kind === 'product') {
      const { a, b, out, bias } = op;
      return (
        [a, b, out, ...(bias ? [bias] : [])].every((t) => this.memory.holds(t.data)) &&
        out.stride[1] === 1 &&
        (!bias || bias.stride[0] === 1) &&
        (!isOneHot(a) || reachesRows(op))
      );
    }
    const outputs = Object.values(op.outputs);
    const C = outputs[0].shape[1];
    return (
      [...Object.values(op.inputs), ...outputs].every((t) => this.memory.holds(t.data)) &&
      outputs.every((t) => t.stride[1] === 1 || C === 1) &&
      Object.values(op.inputs).every((t) => t.stride[1] === 1 || t.stride[1] === 0 || C === 1)
    );
  }

  /** Compiles all statements that are not compiled yet, in one module. */
  private compile(operations: Pointwise[]): void {
    const specs = new Map<string, PointwiseSpec>();
    for (const op of operations) {
      const spec = specOf(op);
      const key = pointwiseKey(spec);
      if (!this.pointwise.has(key)) specs.set(key, spec);
    }
    if (specs.size === 0) return;
    const compiled = this.pointwiseModule([...specs.values()], this.options.wide);
    [...specs.keys()].forEach((key, k) =>
      this.pointwise.set(key, { id: this.pointwise.size, run: compiled[`run${k}`] }),
    );
  }

  /** `run0`, `run1` …: a kernel for each spec; with 128-bit vectors if the 256-bit kernels fail the self-test. */
  private pointwiseModule(specs: readonly PointwiseSpec[], wide: Wide | undefined): Exports {
    const shared = isShared(this.wasm);
    const module = new WasmModule({ shared });
    specs.forEach((spec, k) => {
      const kernel = addPointwise(module, `loop${k}`, spec, wide !== undefined);
      // arguments are passed in memory, so the cost of a call does not depend on the number of operands; after them
      // come the bytes that each operand moves per time step
      const names = Object.keys(kernel.params);
      let moves = 4 * names.length;
      module.func(`run${k}`, { block: 'i32', time: 'i32' }, [], ({ block, time }) =>
        call(
          kernel,
          Object.fromEntries(
            names.map((name, at) => {
              const given = i32.load(block, 4 * at);
              if (!name.startsWith('base')) return [name, given];
              const by = i32.mul(time, i32.load(block, moves));
              moves += 4;
              return [name, i32.add(given, by)];
            }),
          ),
        ),
      );
    });
    if (!wide) return module.instantiate(this.wasm);
    const bytes = module.encode();
    const compiled = wide.compile(bytes);
    return pointwiseFails(bytes, compiled, specs, wide, shared)
      ? this.pointwiseModule(specs, undefined)
      : link(compiled, this.wasm);
  }

  private reduction(what: keyof Reductions, dtype: Dtype): Reductions {
    return this.with(this.reductions[dtype], what, (module) => addReduction(module, what, dtype));
  }

  private lookup(what: keyof Lookups, dtype: Dtype): Lookups {
    return this.with(this.lookups[dtype], what, (module) => addLookup(module, what, dtype));
  }

  /** The compiled kernels, including `what`, which is compiled on first use. */
  private with<K extends object>(found: Partial<K>, what: keyof K, add: (module: WasmModule) => void): K {
    if (!found[what]) {
      const module = new WasmModule({ shared: isShared(this.wasm) });
      add(module);
      Object.assign(found, module.instantiate(this.wasm));
    }
    return found as K;
  }

  private bindLookup(
    { a, b, out, bias, accumulate }: Product,
    [aMove, bMove, outMove, biasMove = 0]: readonly number[],
    args: Arguments,
  ): (time: number) => void {
    const { numbers, first, count, low, width, transposed } = viewOf(a);
    const { lookUp, addUp } = this.lookup(transposed ? 'addUp' : 'lookUp', dtypeOf(b));
    const size = b.data.BYTES_PER_ELEMENT;
    const { room } = args;
    const at = args.put([
      ...[count, b.shape[1], { array: numbers, bytes: 4 * first }, aMove, low, width],
      ...[addressOf(b), bMove, b.stride[0] * size, addressOf(out), outMove, out.stride[0] * size],
      ...[bias ? addressOf(bias) : 0, biasMove, accumulate ? 1 : 0, transposed ? 1 : 0],
    ]);
    const kernel = transposed ? addUp : lookUp;
    const run = (time: number): void =>
      kernel(
        room[at],
        room[at + 1],
        room[at + 2] + time * room[at + 3],
        room[at + 4],
        room[at + 5],
        room[at + 6] + time * room[at + 7],
        room[at + 8],
        room[at + 9] + time * room[at + 10],
        room[at + 11],
        room[at + 12] + time * room[at + 13],
        room[at + 14],
      );
    return Object.assign(run, { retained: [a, b, out, bias, args] });
  }

  private bindReduction(
    { what, from, out, accumulate }: Reduction,
    [move, outMove]: readonly number[],
    args: Arguments,
  ): (time: number) => void {
    const { sumRows, sumColumns, logSumExp } = this.reduction(what, dtypeOf(from)) as Required<Reductions>;
    const size = from.data.BYTES_PER_ELEMENT;
    const { room } = args;
    const at = args.put([
      ...[...from.shape, addressOf(from), move, from.stride[0] * size],
      ...[addressOf(out), outMove, out.stride[0] * size, accumulate ? 1 : 0],
      ['sumRows', 'sumColumns', 'logSumExp'].indexOf(what),
    ]);
    const read = (time: number): number => room[at + 2] + time * room[at + 3];
    const written = (time: number): number => room[at + 5] + time * room[at + 6];
    const calls = {
      sumRows: (time: number) =>
        sumRows(room[at], room[at + 1], read(time), room[at + 4], written(time), room[at + 8]),
      sumColumns: (time: number) =>
        sumColumns(
          room[at],
          room[at + 1],
          read(time),
          room[at + 4],
          written(time),
          room[at + 7],
          room[at + 8],
        ),
      logSumExp: (time: number) =>
        logSumExp(room[at], room[at + 1], read(time), room[at + 4], written(time), room[at + 7]),
    };
    return Object.assign(calls[what], { retained: [from, out, args] });
  }

  private bindPointwise(op: Pointwise, moves: readonly number[], args: Arguments): (time: number) => void {
    const key = pointwiseKey(specOf(op));
    const { id, run } = this.pointwise.get(key) as { id: number; run: (block: number, time: number) => void };
    const given = new Map(operandsOf(op).map((t, k) => [t, moves[k]]));
    const operands = [
      ...inputsOf(op.graph).map((name) => op.inputs[name]),
      ...Object.keys(op.graph.outputs).map((name) => op.outputs[name]),
    ];
    const [R, C] = operands[operands.length - 1].shape;
    const hot = operands.findIndex(isOneHot);
    const bits = this.bits(dtypeOf(operands[operands.length - 1]));
    const index = args.put([
      ...[R, C],
      ...operands.flatMap((t, k) =>
        k === hot ? [{ array: bits, bytes: 0 }, 0] : [addressOf(t), t.stride[0] * t.data.BYTES_PER_ELEMENT],
      ),
      ...operands.map((t, k) => (k === hot ? 0 : (given.get(t) as number))),
      id,
    ]);
    const at = args.room.byteOffset + 4 * index;
    const whole = (time: number): void => run(at, time);
    // the closure keeps the arguments and the operands alive
    const retained = [args, operands, bits];
    if (hot < 0) return Object.assign(whole, { retained });
    const move = given.get(operands[hot]) as number;
    const atClasses = bindAtClasses({ operands, hot, move, index, run, bits }, args, this.memory);
    return Object.assign(
      (time: number) => {
        whole(time);
        atClasses(time);
      },
      { retained },
    );
  }

  /** 0 and 1 in engine memory. */
  private bits(dtype: Dtype): Data {
    let found = this.zeroAndOne.get(dtype);
    if (!found) {
      found = this.memory.apart(() => this.memory.allocate(2, dtype));
      found[1] = 1;
      this.zeroAndOne.set(dtype, found);
    }
    return found;
  }
}

/** Upper bound of the number of arguments of an operation. */
function roomOf(op: Operation): number {
  if (op.kind === 'product') return PRODUCT_ARGUMENTS;
  // rows, columns and kernel; for each operand its address, its row stride, and its offset per time step; those of classes
  return op.kind === 'reduction' ? 10 : 6 + 3 * operandsOf(op).length;
}

/** Whether rows of b are contiguous, and a sum by class only accumulates. */
const reachesRows = ({ a, b, bias, accumulate }: Product): boolean =>
  b.stride[1] === 1 && (!viewOf(a).transposed || (accumulate && !bias));

function specOf({ graph, inputs, outputs }: Pointwise): PointwiseSpec {
  const access = inputsOf(graph).map((name): Access =>
    isOneHot(inputs[name]) || inputs[name].stride[1] === 0 ? 'broadcast' : 'unit',
  );
  return { graph, dtype: dtypeOf(Object.values(outputs)[0]), access };
}

/** Converts a view's offset from elements to bytes; a row of a one-hot matrix is one class index. */
const bytesOf = (t: Tensor, move: number): number =>
  isOneHot(t) ? 4 * (move / pitchOf(t)) : move * t.data.BYTES_PER_ELEMENT;
