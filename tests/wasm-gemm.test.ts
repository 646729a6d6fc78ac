/**
 * The matrix product kernels with 128-bit vectors, those with 256-bit vectors in shared memory, and their
 * compilation.
 */
import { hasFma } from '../core/wasm/features';
import { compileGemm, type GemmKernels } from '../core/wasm/gemm';
import { measuredPeak } from '../core/wasm/peak';
import { describeGemm } from './gemms';

describeGemm([
  { dtype: 'float32', fma: false, shared: false, bits: 128 },
  { dtype: 'float64', fma: false, shared: false, bits: 128 },
  { dtype: 'float32', fma: false, shared: true, bits: 256 },
  { dtype: 'float64', fma: false, shared: true, bits: 256 },
]);

it('are compiled without fused multiply-adds where bits must be reproducible', () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const fma = (kernels: GemmKernels) => kernels.fma;
  expect(fma(compileGemm(memory, 'float32', { reproducible: true }))).toBe(false);
  expect(fma(compileGemm(memory, 'float32'))).toBe(hasFma());
});

it('measure the arithmetic peak, which is a finite rate on a machine of any speed', () => {
  const peaks = [measuredPeak('float32')(0.1), ...(hasFma() ? [measuredPeak('float64', true)(0.1)] : [])];
  for (const peak of peaks) {
    expect(peak).toBeGreaterThan(0);
    expect(peak).toBeLessThan(Infinity);
  }
});
