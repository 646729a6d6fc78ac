/**
 * Weight noise: runs a pass on weights with added random noise, as regularization.
 *
 * The backward pass uses the same noisy weights as the forward pass; the update then changes the clean ones.
 *
 * Source: Jim, Giles & Horne 1996; as in Graves 2011, "Practical variational inference for neural networks".
 */
import { bound, lazyEquations } from '../../core/equations/equations';
import type { Data } from '../../core/memory';
import { plain } from '../../core/programs/plain';
import type { Random } from '../../core/random/random';
import { zeros } from '../../core/tensor';

const perturb = lazyEquations(
  'weight noise',
  'clean, noise [N, P]   writes noisy [N, P]',
  'noisy = clean + noise   # normal, of mean 0',
);

/** Adds noise to weights during a pass. */
export class WeightNoise {
  private readonly clean: Data;
  private readonly noise: Data;
  private readonly noisy: Data;
  private readonly perturb: () => void;

  /** @param weights all of them. */
  constructor(
    private readonly weights: Data,
    private readonly how: { deviation: number; random: Random },
  ) {
    // in float64, so that rounding happens only after the addition
    const [clean, noise, noisy] = [1, 2, 3].map(() => zeros([1, weights.length]));
    this.perturb = bound(perturb, plain, { clean, noise, noisy });
    [this.clean, this.noise, this.noisy] = [clean.data, noise.data, noisy.data];
  }

  /** Adds noise to all weights, runs `pass`, and restores the exact weights, even after an error. */
  async around<T>(pass: () => Promise<T>): Promise<T> {
    const { weights, clean, noise, noisy, how } = this;
    clean.set(weights);
    for (let k = 0; k < noise.length; k++) noise[k] = how.random.normal(0, how.deviation);
    this.perturb();
    weights.set(noisy);
    try {
      return await pass();
    } finally {
      weights.set(clean);
    }
  }
}
