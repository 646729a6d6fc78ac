/** Chooses a class from the logits of a network. */
import type { Random } from '../../core/random/random';

export interface DrawOptions {
  /** Divides the logits: values below 1 favor likely classes, above 1 unlikely ones; 0 takes the most likely class. */
  temperature: number;
  /** Draws only from the k most likely classes; default from all. */
  topK?: number;
}

/** The most likely class; the first one in a tie. */
export function likeliest(logits: ArrayLike<number>): number {
  let best = 0;
  for (let k = 1; k < logits.length; k++) if (logits[k] > logits[best]) best = k;
  return best;
}

/** Draws one class with the probabilities softmax(logits / temperature). Classes with a logit of −∞ are never drawn. */
export function drawClass(
  given: ArrayLike<number>,
  { temperature, topK = Infinity }: DrawOptions,
  random: Random,
): number {
  const best = likeliest(given);
  if (temperature === 0) return best;
  const logits = Float64Array.from(given);
  if (topK < logits.length) {
    // ties are broken by class number, so that the result is the same on every platform
    const order = Uint32Array.from(logits.keys()).sort((a, b) => logits[b] - logits[a] || a - b);
    for (let k = topK; k < order.length; k++) logits[order[k]] = -Infinity;
  }
  const top = logits[best];
  for (let k = 0; k < logits.length; k++) logits[k] = Math.exp((logits[k] - top) / temperature);
  return random.choose(logits);
}
