/** Which executor runs the programs: chosen once at start-up, by option or by the environment. */
import { mustBe, mustBeOneOf } from './check';
import { plain } from './plain';
import type { Executor } from './program';
import { wasmExecutor } from './wasm/executor';
import { hasSimd } from './wasm/features';

/**
 * `wasm`: SIMD kernels; `reproducible`: the same without fused multiply-adds, which only some machines have, so that the
 * bits are the same on all of them; `plain`: ordinary loops.
 */
export type ExecutorName = 'wasm' | 'reproducible' | 'plain';
export const executorNames: readonly ExecutorName[] = ['wasm', 'reproducible', 'plain'];

const started = new Map<ExecutorName, Executor>();

/**
 * The executor of that name; without a name the one in BACKSTEP_EXECUTOR, else `wasm` where SIMD works, else `plain`.
 * @throws TypeError for an unknown name, or when `wasm` is asked for where there is no SIMD.
 */
export function executorOf(name?: string): Executor {
  const asked = name ?? (typeof process === 'undefined' ? undefined : process.env.BACKSTEP_EXECUTOR);
  const wanted = mustBeOneOf(
    asked ?? (hasSimd() ? 'wasm' : 'plain'),
    executorNames,
    'executor',
    'the executor',
  );
  let executor = started.get(wanted);
  if (!executor) started.set(wanted, (executor = start(wanted)));
  return executor;
}

function start(name: ExecutorName): Executor {
  if (name === 'plain') return plain;
  mustBe(hasSimd(), 'executor', 'the executor must be plain', name, 'WebAssembly has no SIMD here');
  return wasmExecutor({ reproducible: name === 'reproducible' });
}
