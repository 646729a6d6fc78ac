/** The training that papers share: Adam, a cosine schedule and clipping, in one thread. */
import type { Network } from '../bptt/network/network';
import { fit } from '../bptt/train/fit';

/** Trains a network on `updates` batches. @param progress is told which part of them is done. */
export async function trainByAdam(
  net: Network,
  batches: Parameters<typeof fit>[1],
  { updates, learningRate }: { updates: number; learningRate: number },
  progress: (part: number) => void,
): Promise<void> {
  await fit(net, batches, {
    optimizer: { name: 'adam', learningRate },
    schedule: { name: 'cosine', steps: updates },
    clip: { norm: 1 },
    threads: 1,
    steps: updates,
    onStep: ({ step }) => progress(step / updates),
  });
}
