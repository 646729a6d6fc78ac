/** A tensor of every element type, for the tests of safetensors. */
import type { SafeTensor } from '../io/safetensors';

export const everyKind: Record<string, SafeTensor> = {
  f64: { dtype: 'F64', shape: [2, 2], data: new Float64Array([0.1, -0, NaN, Infinity]) },
  f32: { dtype: 'F32', shape: [3], data: new Float32Array([1.5, -2, 1e-40]) },
  i64: { dtype: 'I64', shape: [1], data: new BigInt64Array([-(2n ** 63n)]) },
  u64: { dtype: 'U64', shape: [1], data: new BigUint64Array([2n ** 64n - 1n]) },
  i32: { dtype: 'I32', shape: [1, 1], data: new Int32Array([-5]) },
  u32: { dtype: 'U32', shape: [2], data: new Uint32Array([7, 4294967295]) },
  i16: { dtype: 'I16', shape: [1], data: new Int16Array([-300]) },
  u16: { dtype: 'U16', shape: [1], data: new Uint16Array([60000]) },
  i8: { dtype: 'I8', shape: [3], data: new Int8Array([-1, 0, 1]) },
  u8: { dtype: 'U8', shape: [5], data: new Uint8Array([1, 2, 3, 4, 255]) },
  bool: { dtype: 'BOOL', shape: [2], data: new Uint8Array([0, 1]) },
  scalar: { dtype: 'F64', shape: [], data: new Float64Array([42]) },
  empty: { dtype: 'F32', shape: [0, 3], data: new Float32Array(0) },
};
