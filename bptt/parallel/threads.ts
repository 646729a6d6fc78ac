/** Chooses the number of threads for training a network. */
import { mustBeObject, mustCount } from '../../core/check';
import { physicalCores } from './cores';
import { sizeOf } from '../../core/tensor';
import { readBatch, type Batch } from '../network/batch/batch';
import { mustBeNetwork, type Network } from '../network/network';
import { parallel, Parallel } from './parallel';

/**
 * Floating-point operations per step above which two threads are faster than one. Dividing a batch and waiting for each
 * other costs some 0.1 ms, and kernels are slightly less efficient on half a batch: at this size, two threads take 0.7
 * times as long as one.
 */
const WORTH = 1e8;
/** Maximum number of threads unless the user asks for more: beyond it, memory and caches limit the gain. */
export const MOST_UNASKED = 4;

/** Floating-point operations of one training step: each weight takes part in three products, with two operations each. */
export function trainingFlops({ parameters }: Network, { T, B }: { T: number; B: number }): number {
  const matrices = Object.values(parameters.values).filter(({ shape }) => shape.length === 2);
  return 6 * T * B * matrices.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

/**
 * Number of threads for training on batches of B rows and T steps: that of physical cores, at most four, if a step is
 * long enough to gain from them; otherwise 1.
 * @example await suggestedThreads(net, { T: 2, B: 1 }); // 1
 */
export async function suggestedThreads(network: Network, shape: { T: number; B: number }): Promise<number> {
  mustBeNetwork(network, 'suggestedThreads');
  mustBeObject(shape, 'suggestedThreads', 'the shape');
  mustCount(shape.T, 'suggestedThreads', 'T');
  mustCount(shape.B, 'suggestedThreads', 'B');
  if (trainingFlops(network, shape) < WORTH) return 1;
  return Math.min(await physicalCores(), MOST_UNASKED, shape.B);
}

/** A team with the suggested number of threads for batches like this one, or with one thread if they cannot be started. */
export async function teamFor(network: Network, batch: Batch): Promise<Parallel> {
  const threads = await suggestedThreads(network, readBatch(batch, network, 'network.forward'));
  return parallel(network, threads).catch(
    (error: unknown) => new Parallel(network, [], `${(error as Error).message}: one thread`),
  );
}
