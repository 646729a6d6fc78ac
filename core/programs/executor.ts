/** Chooses the executor that runs the programs, by option or by an environment variable. */
import { mustBe, mustBeOneOf } from '../check';
import { plain } from './plain';
import type { Executor } from './program';
import { wasmExecutor } from '../wasm/executor';
import { hasSimd } from '../wasm/features';
import { productsFail } from '../wasm/selftest';
import { type Wide, wideHere } from '../wasm/wide';

/**
 * `wasm-256`: SIMD kernels for 256-bit vectors, if Node supports them; `wasm`: for 128-bit vectors; `reproducible`: the
 * same without fused multiply-adds, which only some machines have, so that results are bit-identical on all of them;
 * `plain`: ordinary loops.
 */
export type ExecutorName = 'wasm-256' | 'wasm' | 'reproducible' | 'plain';
export const executorNames: readonly ExecutorName[] = ['wasm-256', 'wasm', 'reproducible', 'plain'];

const started = new Map<ExecutorName, Executor>();
/** The compiler of 256-bit kernels, or why there is none; determined once. */
let wideKernels: Wide | string | undefined;

/**
 * The executor of that name; without a name, the one in BACKSTEP_EXECUTOR, else the fastest available: `wasm-256`, `wasm`
 * if there is SIMD, else `plain`.
 * @throws TypeError for an unknown name, or for an executor that is not available here.
 * @example
 * executorOf('plain').name; // 'plain'
 */
export function executorOf(name?: string): Executor {
  const asked = name ?? (typeof process === 'undefined' ? undefined : process.env.BACKSTEP_EXECUTOR);
  const wanted = mustBeOneOf(asked ?? fastest(), executorNames, 'executor', 'the executor');
  let executor = started.get(wanted);
  if (!executor) started.set(wanted, (executor = start(wanted)));
  return executor;
}

/** `name`, or the fastest executor if `name` is the 256-bit one and not available; both give the same numbers. */
export const executorHere = (name: ExecutorName | undefined): ExecutorName | undefined =>
  name === 'wasm-256' && typeof wide() === 'string' ? fastest() : name;

/** Why `wasm-256` is not available here, or undefined if it is. */
export function whyNotWide(): string | undefined {
  const found = wide();
  return typeof found === 'string' ? found : undefined;
}

function fastest(): ExecutorName {
  if (!hasSimd()) return 'plain';
  return typeof wide() === 'string' ? 'wasm' : 'wasm-256';
}

function wide(): Wide | string {
  if (wideKernels === undefined) {
    try {
      const here = wideHere();
      wideKernels = typeof here === 'string' ? here : (productsFail(here, 'float32') ?? here);
    } catch (error) {
      wideKernels = `V8 cannot compile 256-bit kernels: ${(error as Error).message}`;
    }
  }
  return wideKernels;
}

function start(name: ExecutorName): Executor {
  if (name === 'plain') return plain;
  mustBe(hasSimd(), 'executor', 'the executor must be plain', name, 'WebAssembly has no SIMD here');
  if (name !== 'wasm-256') return wasmExecutor({ reproducible: name === 'reproducible' });
  const found = wide();
  if (typeof found !== 'string') return wasmExecutor({ wide: found });
  throw new TypeError(
    `executor: the executor must be wasm, reproducible or plain here, got wasm-256 (${found})`,
  );
}
