/** Which executor runs the programs: chosen once at start-up, by option or by the environment. */
import { mustBe, mustBeOneOf } from './check';
import { plain } from './plain';
import type { Executor } from './program';
import { wasmExecutor } from './wasm/executor';
import { hasSimd } from './wasm/features';
import { productsFail } from './wasm/selftest';
import { type Wide, wideHere } from './wasm/wide';

/**
 * `wasm-256`: SIMD kernels for vectors of 256 bits, where Node can make them; `wasm`: for 128 bits; `reproducible`: the
 * same without fused multiply-adds, which only some machines have, so that the bits are the same on all of them; `plain`:
 * ordinary loops.
 */
export type ExecutorName = 'wasm-256' | 'wasm' | 'reproducible' | 'plain';
export const executorNames: readonly ExecutorName[] = ['wasm-256', 'wasm', 'reproducible', 'plain'];

const started = new Map<ExecutorName, Executor>();
/** How wide kernels are made here, or why they are not; found out once. */
let wideKernels: Wide | string | undefined;

/**
 * The executor of that name; without a name the one in BACKSTEP_EXECUTOR, else the fastest: `wasm-256` where it can be
 * had, `wasm` where SIMD works, else `plain`.
 * @throws TypeError for an unknown name, or for one that cannot be had here.
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

/** `name`, or the fastest executor where `name` is the wide one and cannot be had here: their numbers are the same. */
export const executorHere = (name: ExecutorName | undefined): ExecutorName | undefined =>
  name === 'wasm-256' && typeof wide() === 'string' ? fastest() : name;

/** Why `wasm-256` cannot be had here, or undefined where it can. */
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
    const here = wideHere();
    wideKernels = typeof here === 'string' ? here : (productsFail(here, 'float32') ?? here);
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
