/**
 * Weight noise: a pass on weights that are each off by a little, so that no exact value is relied on.
 *
 * The backward pass runs on the noisy weights that the forward pass ran on; the update then changes the clean ones.
 *
 * Source: Jim, Giles & Horne 1996; as in Graves 2011, "Practical variational inference for neural networks".
 */
import type { Data } from '../../core/memory';
import type { Random } from '../../core/random';

/**
 * Adds normal noise to all weights, runs `pass`, and puts the weights back as they were, to the bit, however it ends.
 *
 * @param weights all of them; `clean` [same length] is where they are kept meanwhile.
 */
export async function withNoise<T>(
  weights: Data,
  clean: Data,
  { deviation, random }: { deviation: number; random: Random },
  pass: () => Promise<T>,
): Promise<T> {
  clean.set(weights);
  for (let k = 0; k < weights.length; k++) weights[k] += random.normal(0, deviation);
  try {
    return await pass();
  } finally {
    weights.set(clean);
  }
}
