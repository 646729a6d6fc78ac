/** Measures the accuracy of a trained classifier on unseen sequences. */
import { toFlat, type Batch, type Network } from '../index';

/**
 * Runs a batch with one class per row; the prediction is the most likely class.
 *
 * @returns the output [B, C], pairs of true and predicted class, and the share of rows that are right.
 */
export function judge(net: Network, batch: Batch & { targets: readonly number[] }) {
  const { output } = net.forward(batch);
  const [, C] = output.shape;
  const all = toFlat(output);
  const pairs = batch.targets.map((is, k) => {
    const row = all.slice(k * C, (k + 1) * C);
    return [is, row.indexOf(Math.max(...row))] as const;
  });
  return { output, pairs, accuracy: pairs.filter(([is, said]) => is === said).length / pairs.length };
}
