/** Estimates the memory that a network needs, before it is built. */
import { outputOf, type Cell } from '../../cells/cell';
import { must } from '../../core/check';
import { engineMemory, type Dtype } from '../../core/memory';
import { sizeOf } from '../../core/tensor';

/** Sizes of a network and its batches. */
export interface Plans {
  /** Cells, and the number of layers or directions of each. */
  cells: readonly { cell: Cell; times: number }[];
  /** O, the width of the output layer. */
  output: number;
  T: number;
  B: number;
  /** Threads that share the rows of a batch, each with its own memory; default 1. */
  threads?: number;
  dtype: Dtype;
  /** Number of arrays as long as all weights: the weights, their gradients, the states of the optimizer. */
  rows: number;
}

/** The number of weights, and a lower bound of the bytes needed, which is close to the real need. */
export function needOf(plans: Plans): { weights: number; bytes: number } {
  const { cells, output: O, T, threads = 1, dtype, rows } = plans;
  const B = Math.ceil(plans.B / threads);
  const size = dtype === 'float32' ? 4 : 8;
  let weights = 0;
  let numbers = 2 * T * B * O;
  for (const { cell, times } of cells) {
    const total = (widths: readonly number[]): number => widths.reduce((sum, width) => sum + width, 0);
    weights += times * total(Object.values(cell.parameters).map(({ shape }) => sizeOf(shape)));
    const perStep = 2 * total(Object.values(cell.states)) + total(Object.values(cell.buffers));
    numbers += times * T * B * (perStep + outputOf(cell).width);
  }
  const { cell: last } = cells[cells.length - 1];
  weights += (outputOf(last).width + 1) * O;
  return { weights, bytes: size * (rows * weights + numbers) };
}

/**
 * Checks that a network fits into memory before it is built.
 * @throws RangeError with the numbers if it does not.
 */
export function mustHaveRoom(plans: Plans, where: string): void {
  const room = engineMemory().buffer.byteLength;
  const { weights, bytes } = needOf(plans);
  if (room === 0 || bytes <= room) return; // ordinary arrays are not limited by the engine
  must(
    false,
    where,
    `the model and a batch must fit into the engine's ${megabytes(room)}`,
    `at least ${megabytes(bytes)}`,
    `${count(weights)} weights, ${count(plans.B)} rows of ${count(plans.T)} steps; BACKSTEP_MEMORY_MB raises it up to 4096`,
  );
}

const count = (n: number): string => (n < 1e15 ? n.toLocaleString('en-US') : n.toExponential(1));
const megabytes = (bytes: number): string => `${count(Math.ceil(bytes / 2 ** 20))} MB`;
