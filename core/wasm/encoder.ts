/**
 * A WebAssembly module written as TypeScript expressions, encoded to bytes.
 *
 *     const module = new WasmModule({ shared: false });           // imports env.memory
 *     module.func('scale', { x: 'i32', n: 'i32', s: 'f32' }, [], ({ x, n, s }, f) => {
 *       const end = f.local('i32');
 *       return [
 *         end.set(i32.add(x, i32.shl(n, 2))),
 *         whileLess(x, end, [f32.store(x, f32.mul(f32.load(x), s)), x.advance(4)]),
 *       ];
 *     });
 *     const { scale } = module.instantiate(memory);
 *
 * Instruction trees, locals and control flow: ./code.ts (exported from here too); instructions: ./opcodes.ts.
 *
 * Encoding: WebAssembly Core Specification 2.0, section 5.5; shared memory: the threads proposal.
 */
import { type Body, Local, type Operand, type WasmStatement, type ValueType, ByteWriter } from './code';
import { emitBody, node, operand, typeCode } from './code';

export * from './code';

type Params = Record<string, ValueType>;
type ParamLocals<P extends Params> = { [K in keyof P]: Local<P[K]> };

/** Allocates the locals of one function. */
export class Func {
  private readonly declared: ValueType[] = [];

  constructor(
    readonly index: number,
    private readonly paramCount: number,
  ) {}

  /** A new local variable, zero at the start of the call. */
  local<T extends ValueType>(type: T): Local<T> {
    this.declared.push(type);
    return new Local(type, this.paramCount + this.declared.length - 1);
  }

  locals<T extends ValueType>(type: T, count: number): Local<T>[] {
    return Array.from({ length: count }, () => this.local(type));
  }

  encode(body: Body): Uint8Array {
    const out = new ByteWriter();
    const runs: { type: ValueType; count: number }[] = [];
    for (const type of this.declared) {
      const last = runs.at(-1);
      if (last?.type === type) last.count++;
      else runs.push({ type, count: 1 });
    }
    out.unsigned(runs.length);
    for (const { type, count } of runs) {
      out.unsigned(count);
      out.byte(typeCode[type]);
    }
    emitBody(body, out);
    out.byte(0x0b);
    return out.bytes;
  }
}

/** A function of this module that other functions can call. */
export interface Callable<P extends Params> {
  readonly index: number;
  readonly params: P;
}

/** Calls a function without a result; arguments are given by name and evaluated in the order of the parameters. */
export function call<P extends Params>(
  target: Callable<P>,
  args: { [K in keyof P]: Operand<P[K]> },
): WasmStatement {
  return node('none', (out) => {
    for (const name of Object.keys(target.params) as (keyof P & string)[]) {
      operand<ValueType>(target.params[name], args[name]).emit(out);
    }
    out.byte(0x10);
    out.unsigned(target.index);
  });
}

interface FunctionEntry {
  name: string;
  type: Uint8Array;
  code: Uint8Array;
}

/** A module with one imported memory, `env.memory`. */
export class WasmModule {
  private readonly functions: FunctionEntry[] = [];

  /** `shared`: whether the module will be linked to a shared memory, which needs a different import. */
  constructor(private readonly options: { shared: boolean }) {}

  /** Defines and exports a function; `body` receives its parameters by name and returns its statements. */
  func<const P extends Params>(
    name: string,
    params: P,
    results: readonly ValueType[],
    body: (params: ParamLocals<P>, f: Func) => Body,
  ): Callable<P> {
    const names = Object.keys(params);
    const type = new ByteWriter();
    type.byte(0x60);
    for (const list of [names.map((key) => params[key]), results]) {
      type.unsigned(list.length);
      for (const item of list) type.byte(typeCode[item]);
    }
    const func = new Func(this.functions.length, names.length);
    const locals = Object.fromEntries(names.map((key, i) => [key, new Local(params[key], i)]));
    const entry: FunctionEntry = { name, type: type.bytes, code: new Uint8Array() };
    this.functions.push(entry);
    entry.code = func.encode(body(locals as ParamLocals<P>, func));
    return { index: func.index, params };
  }

  encode(): Uint8Array<ArrayBuffer> {
    const out = new ByteWriter();
    const section = (id: number, entries: readonly Uint8Array[]) => {
      const inside = new ByteWriter();
      inside.unsigned(entries.length);
      for (const entry of entries) inside.append(entry);
      out.byte(id);
      out.unsigned(inside.bytes.length);
      out.append(inside.bytes);
    };
    const entry = (fill: (w: ByteWriter) => void) => {
      const w = new ByteWriter();
      fill(w);
      return w.bytes;
    };
    out.append([0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
    section(
      1,
      this.functions.map((f) => f.type),
    );
    const memory = entry((w) => {
      w.text('env');
      w.text('memory');
      w.byte(0x02);
      // An import of a shared memory must state a maximum; the largest one accepts every memory.
      if (this.options.shared) w.append([0x03, 0, 0x80, 0x80, 0x04]);
      else w.append([0x00, 0]);
    });
    section(2, [memory]);
    section(
      3,
      this.functions.map((_, i) => entry((w) => w.unsigned(i))),
    );
    section(
      7,
      this.functions.map(({ name }, i) =>
        entry((w) => {
          w.text(name);
          w.byte(0x00);
          w.unsigned(i);
        }),
      ),
    );
    section(
      10,
      this.functions.map(({ code }) =>
        entry((w) => {
          w.unsigned(code.length);
          w.append(code);
        }),
      ),
    );
    const names = encodedNames(this.functions);
    out.byte(0);
    out.unsigned(names.length);
    out.append(names);
    return Uint8Array.from(out.bytes);
  }

  /** Compiles and links; the exports are functions over byte addresses of `memory`. */
  instantiate(memory: WebAssembly.Memory): Exports {
    return link(compileModule(this.encode()), memory);
  }
}

/** The custom section "name" with names of functions, which profiles and stack traces show. */
function encodedNames(functions: readonly { name: string }[]): Uint8Array {
  const list = new ByteWriter();
  list.unsigned(functions.length);
  functions.forEach(({ name }, i) => {
    list.unsigned(i);
    list.text(name);
  });
  const section = new ByteWriter();
  section.text('name');
  section.byte(1); // of functions
  section.unsigned(list.bytes.length);
  section.append(list.bytes);
  return section.bytes;
}

/** The functions of a module, by name. */
export type Exports = Record<string, (...args: number[]) => number>;

export const compileModule = (bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module =>
  new WebAssembly.Module(bytes);

/** The functions of a compiled module, over byte addresses of `memory`. */
export const link = (compiled: WebAssembly.Module, memory: WebAssembly.Memory): Exports =>
  new WebAssembly.Instance(compiled, { env: { memory } }).exports as Exports;
