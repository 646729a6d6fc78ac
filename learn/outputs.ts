/** What a network puts out for many examples, batch by batch. */
import type { Network } from '../bptt/network/network';
import { greatest } from '../core/reduce';
import type { Tensor } from '../core/tensor';
import { epoch } from '../data/epoch';
import { rowsAtOnce } from './padding';
import type { Examples } from './task';

/** The batches of examples that are not trained on: those of like length together. */
export function* batchesOf(examples: Examples): Generator<number[]> {
  const { count, lengths } = examples;
  const steps = lengths ? greatest(lengths) : stepsOf(examples);
  yield* epoch(count, { size: rowsAtOnce(steps), lengths });
}

/** T of examples that all have as many steps. */
export const stepsOf = (examples: Examples): number =>
  (examples.batch([0]).x as { shape: readonly number[] }).shape[0];

/** Runs all examples; `read` is told the number of each, its row in the output, and the output. */
export function runAll(
  network: Network,
  examples: Examples,
  read: (example: number, row: number, output: Tensor) => void,
): void {
  for (const rows of batchesOf(examples)) {
    const { x, lengths } = examples.batch(rows);
    const { output } = network.forward({ x, ...(lengths && { lengths }) }, { predict: true });
    rows.forEach((example, row) => read(example, row, output));
  }
}

/** The likeliest label of O numbers, and its probability by their softmax. */
export function likeliestOf(logits: ArrayLike<number>): { label: number; probability: number } {
  let label = 0;
  for (let k = 1; k < logits.length; k++) if (logits[k] > logits[label]) label = k;
  let sum = 0;
  for (let k = 0; k < logits.length; k++) sum += Math.exp(logits[k] - logits[label]);
  return { label, probability: 1 / sum };
}
