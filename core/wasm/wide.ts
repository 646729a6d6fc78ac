/**
 * 256-bit vectors: on processors with AVX2, V8 can join pairs of adjacent 128-bit operations into one of twice the width.
 * This needs an experimental flag of V8, which is set while one module is compiled and reset immediately afterwards. The
 * functions must be compiled in that time, so they are handed to the optimizing compiler, one by one.
 *
 * V8 joins loads and stores 16 bytes apart, arithmetic on such pairs, and broadcasts used by both halves. A joined kernel
 * performs the same operations on each element in the same order, so results are bit-identical.
 */
import { WasmModule } from './encoder';
import { type Tile } from './gemm-micro';
import { inTurn } from './turns';

/** Block sizes and compilers for 256-bit kernels. */
export interface Wide {
  tile: Tile;
  fma: boolean;
  /** Compiles all functions with the optimizing compiler and joined vectors. */
  compile: Compile;
  /** Compiles with the same optimizations, but 128-bit vectors. */
  compileNarrow: Compile;
}

type Compile = (bytes: Uint8Array<ArrayBuffer>) => WebAssembly.Module;

/** Block sizes for 256-bit vectors: 12 sums, two vectors of b and one of a fill the registers. */
export const WIDE: Tile = { rows: 6, vectors: 4, copies: () => 1, kBlock: 256, rowBlock: 66, unroll: 2 };

/**
 * The versions of V8 that this was tested with, those of Node 24 and 26. In others, the experimental flag may mean
 * something else; V8 12 (Node 22) does not join fused multiply-adds, so there is no gain.
 */
const TRIED = [13, 14];

/** The flag that joins vectors. */
const JOIN = 'experimental-wasm-revectorize';
/** The flag that makes V8's internal functions callable. */
const NATIVES = 'allow-natives-syntax';
/** Where eight threads did nothing but compile, not in turn (Node 24), 1 attempt in 44 failed. */
const ATTEMPTS = 20;

interface V8 {
  setFlagsFromString(flags: string): void;
}
interface Vm {
  runInThisContext(code: string): unknown;
}

/**
 * The compilers of 256-bit kernels, or why there are none here. `./selftest.ts` checks whether the kernels are correct.
 * @throws an error of V8 if it does not accept its flags.
 */
export function wideHere(): Wide | string {
  if (typeof process === 'undefined' || typeof process.getBuiltinModule !== 'function')
    return '256-bit vectors need Node';
  const v8 = process.getBuiltinModule('node:v8') as V8;
  const version = Number(process.versions.v8.split('.')[0]);
  if (!TRIED.includes(version)) return `V8 must be ${TRIED.join(' or ')}, got ${process.versions.v8}`;
  if (process.arch !== 'x64') return `the processor must be x64, got ${process.arch}`;
  const both = compilers(v8, process.getBuiltinModule('node:vm'));
  both.compile(nothing());
  return { fma: true, tile: WIDE, ...both };
}

/** A module with a function that does nothing. */
function nothing(): Uint8Array<ArrayBuffer> {
  const module = new WasmModule({ shared: false });
  module.func('nothing', {}, [], () => []);
  return module.encode();
}

/**
 * The two compilers, which set flags of V8 and reset them.
 *
 * V8's flags belong to all threads of the process. So only those are set that cannot harm what another thread compiles
 * or instantiates meanwhile: it may get joined vectors, or may use the syntax of internal functions. Flags that choose
 * the compiler must stay as they are: an instance made while one is changed lacks what code compiled later expects.
 *
 * Threads compile in turn: one that reset the flags while another compiled would leave that one's kernels, which V8 shares
 * between threads, without joined vectors.
 */
export function compilers(v8: V8, vm: Vm): Pick<Wide, 'compile' | 'compileNarrow'> {
  const compiled = new Map<string, WebAssembly.Module>();
  const set = (name: string, on: boolean): void => v8.setFlagsFromString(`--${on ? '' : 'no-'}${name}`);
  const compilerOf =
    (...flags: string[]): Compile =>
    (bytes) => {
      const module = new WebAssembly.Module(bytes);
      const functions = Object.values(instanceOf(module).exports);
      const optimizeAll = (): void => {
        for (const name of flags) set(name, true);
        try {
          // V8 may read the syntax again at the first call, so that must be made while the flag is set
          const optimize = vm.runInThisContext('(one) => %WasmTierUpFunction(one)') as (one: unknown) => void;
          functions.forEach(optimize);
        } finally {
          for (const name of flags) set(name, startedWith(name));
        }
      };
      for (let attempt = 1; ; attempt++)
        try {
          inTurn(optimizeAll);
          return module;
        } catch (error) {
          // a thread that shares no turns with this one may have reset the flag
          if (attempt === ATTEMPTS) throw error;
        }
    };
  const compile = compilerOf(NATIVES, JOIN);
  return {
    // cached, because the same kernels are used over several memories
    compile: (bytes) => {
      const key = Buffer.from(bytes).toString('latin1');
      const found = compiled.get(key) ?? compile(bytes);
      compiled.set(key, found);
      return found;
    },
    compileNarrow: compilerOf(NATIVES),
  };
}

/** An instance over a memory of its own; all instances of a module share the code compiled for one. */
function instanceOf(module: WebAssembly.Module): WebAssembly.Instance {
  const over = (shared: boolean): WebAssembly.Instance =>
    new WebAssembly.Instance(module, {
      env: { memory: new WebAssembly.Memory({ initial: 1, maximum: 1, shared }) },
    });
  try {
    return over(true);
  } catch {
    return over(false);
  }
}

/** Whether a V8 flag that is off by default was set on the command line or in the environment. */
function startedWith(name: string): boolean {
  const words = [...(process.env.NODE_OPTIONS ?? '').split(/\s+/), ...process.execArgv];
  return (
    words
      .map((word) => word.replaceAll('_', '-'))
      .findLast((word) => word === `--${name}` || word === `--no-${name}`) === `--${name}`
  );
}
