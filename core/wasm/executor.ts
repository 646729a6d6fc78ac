/**
 * The SIMD executor: statements as fused loops, products as packed kernels, all compiled at run time over the engine's
 * memory. What it cannot reach (operands outside that memory, unusual strides) runs on the plain loops.
 */
import { engineMemory, type Data, type Dtype, type Memory } from '../memory';
import { isOneHot, viewOf } from '../onehot';
import { plain } from '../plain';
import type { Binder, Executor, Operation, Pointwise, Product, Reduction } from '../program';
import { inputsOf } from '../statement';
import { dtypeOf, identityOf, type Tensor } from '../tensor';
import { call, type Exports, link, WasmModule } from './encoder';
import { addLookup, type Lookups } from './emit-lookup';
import { addReduction, type Reductions } from './emit-reduce';
import { addPointwise, pointwiseKey, type Access, type PointwiseSpec } from './emit-pointwise';
import {
  ACCUMULATE,
  ADD_BIAS,
  compileGemm,
  FEW_ROWS,
  isShared,
  multiply,
  multiplyBytes,
  type GemmKernels,
  type GemmOptions,
} from './gemm';
import { i32 } from './opcodes';
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
    prepare: (operations) => kernels.prepare(operations),
    sumSquares: (values, from, to) => kernels.sumSquares(values, from, to),
  };
}

/** Everything compiled so far, and the bytes that kernels work in. */
class Kernels {
  private readonly gemms = new Map<Dtype, { kernels: GemmKernels; scratch: Data }>();
  private readonly pointwise = new Map<string, (block: number) => void>();
  private readonly reductions: Record<Dtype, Partial<Reductions>> = { float32: {}, float64: {} };
  private readonly lookups: Record<Dtype, Partial<Lookups>> = { float32: {}, float64: {} };

  constructor(
    private readonly memory: Memory,
    private readonly wasm: WebAssembly.Memory,
    private readonly options: GemmOptions,
  ) {}

  prepare(operations: readonly Operation[]): Binder {
    this.compile(operations.filter((op) => op.kind === 'pointwise' && this.reaches(op)) as Pointwise[]);
    const packs = new Packs(
      operations.filter((op): op is Product => op.kind === 'product' && !isOneHot(op.a) && this.reaches(op)),
      operations,
      this,
    );
    return {
      bind: (operation) => {
        if (!this.reaches(operation)) return plain.bind(operation);
        if (operation.kind === 'product')
          return isOneHot(operation.a) ? this.bindLookup(operation) : packs.bind(operation);
        return operation.kind === 'pointwise' ? this.bindPointwise(operation) : this.bindReduction(operation);
      },
      before: packs.count > 0 ? () => packs.pack() : undefined,
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

  gemm(dtype: Dtype): { kernels: GemmKernels; scratch: Data } {
    let found = this.gemms.get(dtype);
    if (!found) {
      const { wide } = this.options;
      const options = wide && productsFail(wide, dtype) ? {} : this.options;
      const kernels = compileGemm(this.wasm, dtype, options);
      // whatever asks first
      found = { kernels, scratch: this.memory.apart(() => this.bytes(kernels.scratchBytes)) };
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

  /** Compiles the statements that were not met before, all in one module. */
  private compile(operations: Pointwise[]): void {
    const specs = new Map<string, PointwiseSpec>();
    for (const op of operations) {
      const spec = specOf(op);
      const key = pointwiseKey(spec);
      if (!this.pointwise.has(key)) specs.set(key, spec);
    }
    if (specs.size === 0) return;
    const compiled = this.pointwiseModule([...specs.values()], this.options.wide);
    [...specs.keys()].forEach((key, k) => this.pointwise.set(key, compiled[`run${k}`]));
  }

  /** `run0`, `run1` …: a kernel for each spec; of 128 bits where those of 256 fail the self-test. */
  private pointwiseModule(specs: readonly PointwiseSpec[], wide: Wide | undefined): Exports {
    const shared = isShared(this.wasm);
    const module = new WasmModule({ shared });
    specs.forEach((spec, k) => {
      const kernel = addPointwise(module, `loop${k}`, spec, wide !== undefined);
      // the arguments lie in memory: a call then costs the same however many operands there are
      const names = Object.keys(kernel.params);
      module.func(`run${k}`, { block: 'i32' }, [], ({ block }) =>
        call(kernel, Object.fromEntries(names.map((name, at) => [name, i32.load(block, 4 * at)]))),
      );
    });
    if (!wide) return module.instantiate(this.wasm);
    const bytes = module.encode();
    const compiled = wide.compile(bytes);
    return pointwiseFails(bytes, compiled, specs, wide, shared)
      ? this.pointwiseModule(specs, undefined)
      : link(compiled, this.wasm);
  }

  /** Whole numbers, laid down where a kernel reads its arguments. */
  private block(args: number[]): Data {
    const block = this.bytes(4 * args.length);
    new Int32Array(block.buffer, block.byteOffset, args.length).set(args);
    return block;
  }

  private reduction(what: keyof Reductions, dtype: Dtype): Reductions {
    return this.with(this.reductions[dtype], what, (module) => addReduction(module, what, dtype));
  }

  private lookup(what: keyof Lookups, dtype: Dtype): Lookups {
    return this.with(this.lookups[dtype], what, (module) => addLookup(module, what, dtype));
  }

  /** The kernels compiled so far, with `what` among them. */
  private with<K extends object>(found: Partial<K>, what: keyof K, add: (module: WasmModule) => void): K {
    if (!found[what]) {
      const module = new WasmModule({ shared: isShared(this.wasm) });
      add(module);
      Object.assign(found, module.instantiate(this.wasm));
    }
    return found as K;
  }

  private bindLookup({ a, b, out, bias, accumulate }: Product): () => void {
    const { numbers, first, count, low, width, transposed } = viewOf(a);
    const { lookUp, addUp } = this.lookup(transposed ? 'addUp' : 'lookUp', dtypeOf(b));
    const N = b.shape[1];
    const size = b.data.BYTES_PER_ELEMENT;
    const classes = numbers.byteOffset + 4 * first;
    const [at, row, to, toRow] = [place(b), b.stride[0] * size, place(out), out.stride[0] * size];
    const [biasAt, add] = [bias ? place(bias) : 0, accumulate ? 1 : 0];
    const run = transposed
      ? () => addUp(count, N, classes, low, width, at, row, to, toRow)
      : () => lookUp(count, N, classes, low, width, at, row, to, toRow, biasAt, add);
    return Object.assign(run, { keeps: [a, b, out, bias] });
  }

  private bindReduction({ what, from, out, accumulate }: Reduction): () => void {
    const kernels = this.reduction(what, dtypeOf(from));
    const [R, C] = from.shape;
    const size = from.data.BYTES_PER_ELEMENT;
    const [at, row, to, toRow] = [place(from), from.stride[0] * size, place(out), out.stride[0] * size];
    const add = accumulate ? 1 : 0;
    const calls = {
      sumRows: () => kernels.sumRows(R, C, at, row, to, add),
      sumColumns: () => kernels.sumColumns(R, C, at, row, to, toRow, add),
      logSumExp: () => kernels.logSumExp(R, C, at, row, to, toRow),
    };
    return Object.assign(calls[what], { keeps: [from, out] });
  }

  private bindPointwise(op: Pointwise): () => void {
    const run = this.pointwise.get(pointwiseKey(specOf(op))) as (block: number) => void;
    const operands = [
      ...inputsOf(op.graph).map((name) => op.inputs[name]),
      ...Object.keys(op.graph.outputs).map((name) => op.outputs[name]),
    ];
    const [R, C] = operands[operands.length - 1].shape;
    const args = [R, C, ...operands.flatMap((t) => [place(t), t.stride[0] * t.data.BYTES_PER_ELEMENT])];
    const block = this.block(args);
    const at = block.byteOffset;
    // the closure keeps the block and the operands from being collected
    return Object.assign(() => run(at), { keeps: [block, operands] });
  }
}

/** Whether rows of b can be taken as they lie, and a sum by class only adds to what is there. */
const reachesRows = ({ a, b, bias, accumulate }: Product): boolean =>
  b.stride[1] === 1 && (!viewOf(a).transposed || (accumulate && !bias));

function specOf({ graph, inputs, outputs }: Pointwise): PointwiseSpec {
  const access = inputsOf(graph).map((name): Access => (inputs[name].stride[1] === 0 ? 'broadcast' : 'unit'));
  return { graph, dtype: dtypeOf(Object.values(outputs)[0]), access };
}

/** Byte address of a tensor's first element. */
const place = (t: Tensor): number => t.data.byteOffset + t.offset * t.data.BYTES_PER_ELEMENT;

/**
 * The products of one program: right operands that are used again and again are packed once per replay, and those that
 * meet few rows not at all.
 */
class Packs {
  private readonly unpacked = new Set<string>();
  private readonly panels = new Map<string, { b: Tensor; panels: Data }>();
  private readonly single: Data | undefined;

  constructor(
    products: readonly Product[],
    operations: readonly Operation[],
    private readonly kernels: Kernels,
  ) {
    const written = new Set(
      operations.flatMap((op) =>
        (op.kind === 'pointwise' ? Object.values(op.outputs) : [op.out]).map((t) => t.data),
      ),
    );
    const uses = new Map<string, Product[]>();
    for (const op of products) {
      const key = keyOf(op.b);
      const group = uses.get(key);
      if (group) group.push(op);
      else uses.set(key, [op]);
    }
    let most = -1;
    for (const [key, group] of uses) {
      const { b } = group[0];
      const [K, N] = b.shape;
      if (meetsFewRows(group)) this.unpacked.add(key);
      else if (group.length > 1 && !written.has(b.data)) {
        this.panels.set(key, { b, panels: kernels.bytes(kernels.gemm(dtypeOf(b)).kernels.panelBytes(K, N)) });
      } else most = Math.max(most, multiplyBytes(kernels.gemm(dtypeOf(b)).kernels, K, N));
    }
    if (most >= 0) this.single = kernels.bytes(most);
  }

  get count(): number {
    return this.panels.size;
  }

  pack(): void {
    for (const { b, panels } of this.panels.values()) {
      const { packB } = this.kernels.gemm(dtypeOf(b)).kernels;
      packB(place(b), b.stride[0], b.stride[1], b.shape[0], b.shape[1], panels.byteOffset);
    }
  }

  bind({ a, b, out, bias, accumulate }: Product): () => void {
    const { kernels, scratch } = this.kernels.gemm(dtypeOf(b));
    const { gemm, gemv } = kernels;
    const [M, K] = a.shape;
    const N = b.shape[1];
    const flags = (accumulate ? ACCUMULATE : 0) | (bias ? ADD_BIAS : 0);
    const [aAt, outAt, biasAt] = [place(a), place(out), bias ? place(bias) : 0];
    const [aRow, aCol, outRow] = [a.stride[0], a.stride[1], out.stride[0]];
    const keeps = [a, b, out, bias, scratch];
    if (this.unpacked.has(keyOf(b))) {
      const [from, size, bRow] = [place(b), b.data.BYTES_PER_ELEMENT, b.stride[0]];
      const rows = () => {
        for (let m = 0; m < M; m++) {
          const to = outAt + m * outRow * size;
          gemv(aAt + m * aRow * size, aCol, from, bRow, to, N, K, accumulate ? to : biasAt);
        }
      };
      return Object.assign(rows, { keeps });
    }
    const packed = this.panels.get(keyOf(b));
    if (packed) {
      const at = packed.panels.byteOffset;
      const work = scratch.byteOffset;
      return Object.assign(() => gemm(aAt, aRow, aCol, at, outAt, outRow, M, N, K, flags, biasAt, work, 0), {
        keeps,
      });
    }
    const product = {
      a: aAt,
      aRow,
      aCol,
      b: place(b),
      bRow: b.stride[0],
      bCol: b.stride[1],
      out: outAt,
      outRow,
      M,
      N,
      K,
      flags,
      bias: biasAt,
    };
    const { single } = this;
    const panelsAt = (single as Data).byteOffset;
    return Object.assign(() => multiply(kernels, product, panelsAt, scratch.byteOffset), {
      keeps: [...keeps, single],
    });
  }
}

/** Whether `gemv` serves all of these products, which have b in common. */
function meetsFewRows(group: readonly Product[]): boolean {
  const [K] = group[0].b.shape;
  const rows = group.reduce((sum, { a }) => sum + a.shape[0], 0);
  const lies = K > 0 && group[0].b.stride[1] === 1;
  return lies && rows <= FEW_ROWS && group.every(({ bias, accumulate }) => !(bias && accumulate));
}

/** Two tensors with the same key are the same view. */
const keyOf = (t: Tensor): string =>
  [identityOf(t.data), t.offset, t.shape.join(), t.stride.join()].join(':');
