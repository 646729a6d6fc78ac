/**
 * Vectors of 256 bits: V8 can join pairs of neighbouring 128-bit operations into one of twice the width, where the
 * processor has AVX2. That is an experimental flag of V8, set here while one module is compiled and taken back at once.
 *
 * What pairs: loads and stores 16 bytes apart, arithmetic on such pairs, spreads that both halves share. A joined kernel
 * does the same operations on each element in the same order, so its bits are those of the kernel it was joined from.
 */
import { type Tile } from './gemm-micro';

/** How kernels are made for vectors of 256 bits. */
export interface Wide {
  tile: Tile;
  fma: boolean;
  /** Compiles with vectors joined. */
  compile: Compile;
  /** Compiles as thoroughly, with vectors as they are. */
  compileNarrow: Compile;
}

type Compile = (bytes: Uint8Array<ArrayBuffer>) => WebAssembly.Module;

/** 12 sums of 256 bits, two vectors of b and one of a fill the registers. */
export const WIDE: Tile = { rows: 6, vectors: 4, copies: () => 1, kBlock: 256, rowBlock: 66 };

/**
 * The versions of V8 that this was tried with: those of Node 24 and 26. An experimental flag may mean something else in
 * any other; in V8 12 (Node 22) it leaves fused multiply-adds as they are, which gains nothing.
 */
const TRIED = [13, 14];

/** The optimizing compiler at once, for all functions: while the flags are set. Each with what it is without. */
const AT_ONCE = {
  liftoff: true,
  'wasm-lazy-compilation': true,
  // asks for what only a run of the other compiler could have told
  'wasm-inlining': true,
};
const JOINED = { ...AT_ONCE, 'experimental-wasm-revectorize': false };

interface V8 {
  setFlagsFromString(flags: string): void;
}

/** How to make wide kernels here, or why it cannot be done. Whether they are right is for `./selftest.ts` to say. */
export function wideHere(): Wide | string {
  if (typeof process === 'undefined' || typeof process.getBuiltinModule !== 'function')
    return '256-bit vectors need Node';
  const v8 = process.getBuiltinModule('node:v8') as V8;
  const version = Number(process.versions.v8.split('.')[0]);
  if (!TRIED.includes(version)) return `V8 must be ${TRIED.join(' or ')}, got ${process.versions.v8}`;
  if (process.arch !== 'x64') return `the processor must be x64, got ${process.arch}`;
  return { fma: true, tile: WIDE, ...compilers(v8) };
}

/** The two compilers, which set flags of V8 and take them back. */
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
    // the same kernels are needed over several memories
    compile: (bytes) => {
      const key = Buffer.from(bytes).toString('latin1');
      const found = compiled.get(key) ?? compile(bytes);
      compiled.set(key, found);
      return found;
    },
    compileNarrow: compilerOf(AT_ONCE),
  };
}

/** What the command line or the environment of this process says of a flag of V8. */
function asStarted(name: string): boolean | undefined {
  const words = [...(process.env.NODE_OPTIONS ?? '').split(/\s+/), ...process.execArgv];
  const last = words
    .map((word) => word.replaceAll('_', '-'))
    .findLast((word) => word === `--${name}` || word === `--no-${name}`);
  return last === undefined ? undefined : last === `--${name}`;
}
