/** Detects WebAssembly features by validating a small module. */
import type { Code } from './encoder';
import { WasmModule } from './encoder';
import { f32x4 } from './opcodes';

function validates(probe: (x: Code<'v128'>) => Code<'v128'>): boolean {
  if (typeof WebAssembly === 'undefined') return false;
  const module = new WasmModule({ shared: false });
  module.func('probe', { x: 'v128' }, [], ({ x }) => x.set(probe(x)));
  return WebAssembly.validate(module.encode());
}

/** 128-bit SIMD: Node ≥ 16.4, Chrome 91, Firefox 89, Safari 16.4. */
export function hasSimd(): boolean {
  return validates((x) => f32x4.add(x, x));
}

/** Fused multiply-add (relaxed SIMD): Node ≥ 22, Chrome 114, Firefox 145. */
export function hasFma(): boolean {
  return validates((x) => f32x4.madd(x, x, x));
}

/** Whether memory can be shared between threads; a page needs headers for it. */
export const hasSharedMemory = (): boolean => typeof SharedArrayBuffer !== 'undefined';
