/** TensorFlow.js on its wasm or cpu backend: start-up, and the part of its interface that the two adapters use. */
import { dirname, join } from 'node:path';
import type { Values } from '../../measure/workloads';

/** Freed by `tidy` or by an explicit call. */
export interface TfTensor {
  dataSync(): Float32Array;
  dispose(): void;
  shape: number[];
}
export interface Tf {
  tensor(values: ArrayLike<number>, shape: number[], dtype?: 'float32' | 'int32'): TfTensor;
  zeros(shape: number[]): TfTensor;
  keep(t: TfTensor): TfTensor;
  tidy<R>(work: () => R): R;
  add(a: TfTensor, b: TfTensor | number): TfTensor;
  sub(a: TfTensor | number, b: TfTensor): TfTensor;
  mul(a: TfTensor | number, b: TfTensor): TfTensor;
  square(a: TfTensor): TfTensor;
  sum(a: TfTensor, axis?: number): TfTensor;
  mean(a: TfTensor): TfTensor;
  sigmoid(a: TfTensor): TfTensor;
  tanh(a: TfTensor): TfTensor;
  softmax(a: TfTensor): TfTensor;
  matMul(a: TfTensor, b: TfTensor): TfTensor;
  transpose(a: TfTensor): TfTensor;
  reshape(a: TfTensor, shape: number[]): TfTensor;
  slice(a: TfTensor, begin: number[], size: number[]): TfTensor;
  split(a: TfTensor, parts: number, axis: number): TfTensor[];
  unstack(a: TfTensor, axis: number): TfTensor[];
  concat(all: TfTensor[], axis: number): TfTensor;
  oneHot(a: TfTensor, depth: number): TfTensor;
  losses: {
    softmaxCrossEntropy(oneHot: TfTensor, logits: TfTensor): TfTensor;
    meanSquaredError(targets: TfTensor, y: TfTensor): TfTensor;
  };
  variableGrads(loss: () => TfTensor): { value: TfTensor; grads: Record<string, TfTensor> };
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  enableProdMode(): void;
  version_core: string;
}

/* eslint-disable @typescript-eslint/no-require-imports */
export async function startTf(backend: string): Promise<Tf> {
  const tf = require('@tensorflow/tfjs-core') as Tf;
  tf.enableProdMode(); // fewer argument checks: the fastest mode
  if (backend === 'wasm') {
    const wasm = require('@tensorflow/tfjs-backend-wasm') as { setWasmPaths(prefix: string): void };
    // loaded from the file system: there is no server
    wasm.setWasmPaths(join(dirname(require.resolve('@tensorflow/tfjs-backend-wasm')), '/'));
  } else {
    require('@tensorflow/tfjs-backend-cpu');
  }
  await tf.setBackend(backend);
  await tf.ready();
  return tf;
}

export const tensorOf = (tf: Tf, { shape, numbers }: Values, dtype?: 'int32'): TfTensor =>
  tf.tensor(dtype === 'int32' ? Int32Array.from(numbers) : numbers, shape, dtype);

/** L2 norm of all tensors together. */
export function normOf(tensors: readonly TfTensor[]): number {
  return Math.sqrt(tensors.reduce((sum, t) => sum + t.dataSync().reduce((s, v) => s + v * v, 0), 0));
}
