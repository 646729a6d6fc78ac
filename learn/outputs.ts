/** Runs a network over many examples, batch by batch, and collects its outputs. */
import type { Network } from '../bptt/network/network';
import { greatest, logOfSum } from '../core/programs/reduce';
import type { Tensor } from '../core/tensor';
import { Epoch } from '../data/epoch';
import { rowsPerBatch } from './padding';
import type { Examples } from './task';

/** Evaluation batches; each groups examples of similar length. */
export function* batchesOf(examples: Examples): Generator<number[]> {
  const { count, lengths } = examples;
  const steps = lengths ? greatest(lengths) : stepCount(examples);
  yield* new Epoch(count, { size: rowsPerBatch(steps), lengths });
}

/** The common number of steps of examples of equal length. */
export const stepCount = (examples: Examples): number =>
  (examples.batch([0]).x as { shape: readonly number[] }).shape[0];

/** Runs all examples; `read` receives the index of each, its row in the output, and the output. */
export function runAll(
  network: Network,
  examples: Examples,
  read: (example: number, row: number, output: Tensor) => void,
): void {
  for (const rows of batchesOf(examples)) {
    const { output } = network.forward(examples.batch(rows), { predict: true });
    rows.forEach((example, row) => read(example, row, output));
  }
}

/** The most likely label of O logits, and its softmax probability. */
export function likeliestOf(logits: ArrayLike<number>): { label: number; probability: number } {
  let label = 0;
  for (let k = 1; k < logits.length; k++) if (logits[k] > logits[label]) label = k;
  return { label, probability: Math.exp(logits[label] - logOfSum(logits, logits.length)) };
}
