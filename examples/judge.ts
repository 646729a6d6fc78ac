/** Classification of sequences: random batches to train on, and the accuracy of a trained classifier on unseen ones. */
import { toFlat, type Batch, type Network, type Random } from '../index';

/**
 * B sequences, each of a random class.
 * @param sequence returns the steps of a sequence of a class; all sequences must be of one length.
 * @returns x [T, B, …], and the class of each row.
 */
export function drawBatch<Step>(
  B: number,
  classes: number,
  random: Random,
  sequence: (kind: number) => readonly Step[],
): { x: Step[][]; targets: number[] } {
  const targets = Array.from({ length: B }, () => random.below(classes));
  const rows = targets.map(sequence);
  return { x: Array.from(rows[0], (_, t) => rows.map((row) => row[t])), targets };
}

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
  return {
    output,
    pairs,
    accuracy: pairs.filter(([is, predicted]) => is === predicted).length / pairs.length,
  };
}
