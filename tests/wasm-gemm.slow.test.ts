/** The matrix product kernels with 128-bit vectors in shared memory, and those with fused multiply-adds. */
import { hasFma } from '../core/wasm/features';
import { describeGemm } from './gemms';

const dtypes = ['float32', 'float64'] as const;
describeGemm(
  dtypes.flatMap((dtype) => [
    { dtype, fma: false, shared: true, bits: 128 },
    ...(hasFma() ? [128, 256].map((bits) => ({ dtype, fma: true, shared: false, bits })) : []),
  ]),
);
