/** The executors, each with both dtypes, over which suites of programs and networks run. */
import { executorNames, executorOf, whyNotWide, type ExecutorName } from '../core/programs/executor';
import type { Dtype } from '../core/memory';
import { plain } from '../core/programs/plain';
import type { Executor } from '../core/programs/program';
import { hasFma } from '../core/wasm/features';

export interface Setting {
  /** Shown in test names. */
  name: string;
  executor: Executor;
  executorName: ExecutorName;
  dtype: Dtype;
  /**
   * How far sums of some hundred products may lie from their exact value, relative to the largest entry: a few hundred
   * roundings of 2^-53 in float64 and of 2^-24 in float32.
   */
  rounding: number;
  /** Distance between neighboring numbers near 1; the error of one operation is a small multiple of it. */
  ulp: number;
}

/** The plain executor comes first: it is the reference for the others. */
export const executors: readonly Executor[] = [
  plain,
  // without fused multiply-adds, `reproducible` equals `wasm`
  ...executorNames
    .filter(
      (name) =>
        name === 'wasm' ||
        (name === 'reproducible' && hasFma()) ||
        (name === 'wasm-256' && whyNotWide() === undefined),
    )
    .map((name) => executorOf(name)),
];
export const dtypes: readonly Dtype[] = ['float64', 'float32'];

const precision: Record<Dtype, Pick<Setting, 'rounding' | 'ulp'>> = {
  float64: { rounding: 1e-13, ulp: 2 ** -52 },
  float32: { rounding: 2e-5, ulp: 2 ** -23 },
};

/** Every executor with every dtype. */
export const settings: readonly Setting[] = executors.flatMap((executor) =>
  dtypes.map((dtype) => ({
    name: `${executor.name}, ${dtype}`,
    executor,
    executorName: executor.name as ExecutorName,
    dtype,
    ...precision[dtype],
  })),
);

/** The number as the dtype keeps it. */
export const rounded = (value: number, dtype: Dtype): number =>
  dtype === 'float32' ? Math.fround(value) : value;

/** Largest difference between two lists, relative to the largest entry of the second; Infinity for unequal counts. */
export function distance(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Infinity;
  let most = 0;
  let largest = 0;
  for (let k = 0; k < expected.length; k++) {
    const difference = Math.abs(actual[k] - expected[k]);
    most = Number.isNaN(difference) ? Infinity : Math.max(most, difference);
    largest = Math.max(largest, Math.abs(expected[k]));
  }
  return most === 0 ? 0 : most / (largest || 1);
}
