/**
 * 256-bit vectors: on processors with AVX2, V8 can join pairs of adjacent 128-bit operations into one of twice the width.
 * This needs an experimental flag of V8, which is set while one module is compiled and reset immediately afterwards.
 *
 * V8 joins loads and stores 16 bytes apart, arithmetic on such pairs, and broadcasts used by both halves. A joined kernel
 * performs the same operations on each element in the same order, so results are bit-identical.
 */
import { type Tile } from './gemm-micro';

/** Block sizes and compilers for 256-bit kernels. */
export interface Wide {
  tile: Tile;
  fma: boolean;
  /** Compiles with joined vectors. */
  compile: Compile;
  /** Compiles with the same optimizations, but 128-bit vectors. */
  compileNarrow: Compile;
}

type Compile = (bytes: Uint8Array<ArrayBuffer>) => WebAssembly.Module;

/** Block sizes for 256-bit vectors: 12 sums, two vectors of b and one of a fill the registers. */
export const WIDE: Tile = { rows: 6, vectors: 4, copies: () => 1, kBlock: 256, rowBlock: 66 };

/**
 * The versions of V8 that this was tested with, those of Node 24 and 26. In others, the experimental flag may mean
 * something else; V8 12 (Node 22) does not join fused multiply-adds, so there is no gain.
 */
const TRIED = [13, 14];

/** Flags that compile all functions with the optimizing compiler immediately; the values are their defaults. */
const AT_ONCE = {
  liftoff: true,
  'wasm-lazy-compilation': true,
  // needs profiling data of the baseline compiler, which does not run
  'wasm-inlining': true,
};
const JOINED = { ...AT_ONCE, 'experimental-wasm-revectorize': false };

interface V8 {
  setFlagsFromString(flags: string): void;
}

/** The compilers of 256-bit kernels, or why there are none here. `./selftest.ts` checks whether the kernels are correct. */
export function wideHere(): Wide | string {
  if (typeof process === 'undefined' || typeof process.getBuiltinModule !== 'function')
    return '256-bit vectors need Node';
  const v8 = process.getBuiltinModule('node:v8') as V8;
  const version = Number(process.versions.v8.split('.')[0]);
  if (!TRIED.includes(version)) return `V8 must be ${TRIED.join(' or ')}, got ${process.versions.v8}`;
  if (process.arch !== 'x64') return `the processor must be x64, got ${process.arch}`;
  return { fma: true, tile: WIDE, ...compilers(v8) };
}

/** The two compilers, which set flags of V8 and reset them. */
export function compilers(v8: V8): Pick<Wide, 'compile' | 'compileNarrow'> {
  const compiled = new Map<string, WebAssembly.Module>();
  const set = (name: string, on: boolean): void => v8.setFlagsFromString(`--${on ? '' : 'no-'}${name}`);
  const compilerOf =
    (flags: Record<string, boolean>): Compile =>
    (bytes) => {
      for (const name of Object.keys(flags)) set(name, !flags[name]);
      try {
        return new WebAssembly.Module(bytes);
      } finally {
        for (const name of Object.keys(flags)) set(name, asStarted(name) ?? flags[name]);
      }
    };
  const compile = compilerOf(JOINED);
  return {
    // cached, because the same kernels are used over several memories
    compile: (bytes) => {
      const key = Buffer.from(bytes).toString('latin1');
      const found = compiled.get(key) ?? compile(bytes);
      compiled.set(key, found);
      return found;
    },
    compileNarrow: compilerOf(AT_ONCE),
  };
}

/** The value of a V8 flag set on the command line or in the environment; undefined if it is not set there. */
function asStarted(name: string): boolean | undefined {
  const words = [...(process.env.NODE_OPTIONS ?? '').split(/\s+/), ...process.execArgv];
  const last = words
    .map((word) => word.replaceAll('_', '-'))
    .findLast((word) => word === `--${name}` || word === `--no-${name}`);
  return last === undefined ? undefined : last === `--${name}`;
}
