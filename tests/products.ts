/** A product on an executor, and its naive twin on the same numbers. */
import { matmulNaive } from '../core/programs/matmul';
import { Program } from '../core/programs/program';
import { tensor, toFlat, zeros, type Tensor } from '../core/tensor';
import type { Setting } from './executors';
import { filled, place, type Layout } from './layouts';

export interface ProductCase {
  N: number;
  b: Layout;
  out: Layout;
  bias: boolean;
  accumulate: boolean;
}

/**
 * Runs a [M, K] times a drawn matrix [K, N], into drawn numbers.
 * @param writtenOut operand of the naive twin in place of `a`: the same numbers, dense.
 * @returns both results, and whether nothing was written around that of the executor.
 */
export function productAndTwin(
  { executor, dtype }: Pick<Setting, 'executor' | 'dtype'>,
  a: Tensor,
  { N, b, out, bias, accumulate }: ProductCase,
  draw: () => number,
  writtenOut = a,
): { actual: number[]; expected: number[]; around: boolean } {
  const [M, K] = a.shape;
  const right = filled(K, N, dtype, b, draw);
  const row = bias ? tensor(Array.from({ length: N }, draw), undefined, dtype) : undefined;
  const { view, around } = place(M, N, dtype, out);
  const twin = zeros([M, N]);
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) {
      view.set(m, n, draw());
      twin.set(m, n, view.get(m, n));
    }
  }
  const program = new Program();
  program.matmul(a, right, view, { bias: row, accumulate });
  program.bind(executor)();
  matmulNaive({ kind: 'product', a: writtenOut, b: right, out: twin, bias: row, accumulate });
  return { actual: toFlat(view), expected: toFlat(twin), around: around() };
}
