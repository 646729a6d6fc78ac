/** Batches of Reber strings, and the check whether their continuations are predicted. */
import { greatest } from '../core/programs/reduce';
import type { Batch } from '../bptt/network/batch/batch';
import type { Tensor } from '../core/tensor';
import { reberSymbols, type ReberStep } from '../tasks/reber';

/** Each symbol is the input of its step and the target of the previous one. */
export function reberBatch(strings: readonly (readonly ReberStep[])[]): Batch & { lengths: number[] } {
  const lengths = strings.map(({ length }) => length - 1);
  const [T, B] = [greatest(lengths), strings.length];
  const [x, targets] = [new Uint8Array(T * B), new Uint8Array(T * B)];
  strings.forEach((steps, b) => {
    const classes = steps.map(({ symbol }) => reberSymbols.indexOf(symbol));
    for (let t = 0; t < lengths[b]; t++) {
      x[t * B + b] = classes[t];
      targets[t * B + b] = classes[t + 1];
    }
  });
  return { x: { shape: [T, B], numbers: x }, targets: { shape: [T, B], numbers: targets }, lengths };
}

/**
 * Whether all symbols that may follow are more active than all that may not.
 *
 * @param output y [T, B, 7], read at step t of row b; `legal` are the symbols allowed at step t + 1.
 */
export function foresees(output: Tensor, t: number, b: number, legal: ReberStep['legal']): boolean {
  let [least, most] = [Infinity, -Infinity];
  reberSymbols.forEach((symbol, k) => {
    const y = output.get(t, b, k);
    if (legal.includes(symbol)) least = Math.min(least, y);
    else most = Math.max(most, y);
  });
  return least > most;
}
