/** How many threads a network in training is worth. */
import { physicalCores } from './cores';
import { sizeOf } from '../../core/tensor';
import { readBatch, type Batch } from '../network/batch';
import type { Network } from '../network/network';
import { parallel, Parallel } from './parallel';

/**
 * Floating-point operations of a step from which on two threads are faster than one. Sharing a batch out and waiting for
 * each other costs some 0.1 ms, and half a batch uses the kernels a little less well: at this size, two threads take
 * 0.7 times as long as one.
 */
const WORTH = 1e8;
/** More than this many share memory and caches too much to be taken unasked. */
export const MOST_UNASKED = 4;

/** Floating-point operations of one training step: two for each weight of a product, three products for each. */
export function trainingFlops({ parameters }: Network, { T, B }: { T: number; B: number }): number {
  const matrices = Object.values(parameters.values).filter(({ shape }) => shape.length === 2);
  return 6 * T * B * matrices.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

/**
 * Threads for training on batches of B rows and T steps: the physical cores, four at most, where a step is long enough
 * to gain from them; else 1.
 * @example await suggestedThreads(net, { T: 2, B: 1 }); // 1
 */
export async function suggestedThreads(network: Network, shape: { T: number; B: number }): Promise<number> {
  if (trainingFlops(network, shape) < WORTH) return 1;
  return Math.min(await physicalCores(), MOST_UNASKED, shape.B);
}

/** As many threads as batches like this one are worth, or one where they cannot be had. */
export async function teamFor(network: Network, batch: Batch): Promise<Parallel> {
  const threads = await suggestedThreads(network, readBatch(batch, network, 'network.forward'));
  return parallel(network, threads).catch(
    (error: unknown) => new Parallel(network, [], `${(error as Error).message}: one thread`),
  );
}
