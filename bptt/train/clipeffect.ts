/**
 * Measures the effect of clipping on one step of gradient descent.
 *
 *   g ← g · min(1, η / ‖g‖)      over the gradients of all parameters together
 *
 * Clipping shortens the step but keeps its direction, and therefore the relative contributions of the time steps:
 * ∂h_t/∂h_k does not change. So clipping helps against exploding gradients only, not against vanishing ones.
 *
 * Source: Pascanu, Mikolov & Bengio 2013, "On the difficulty of training recurrent neural networks".
 */
import { must, mustKnowKeys } from '../../core/check';
import { engineMemory } from '../../core/memory';
import type { Batch } from '../network/batch/batch';
import { clipGlobalNorm } from './clip';
import { copyNetwork, mustBeNetwork, type Network } from '../network/network';

/** Options of `clipEffect`. */
export interface ClipEffectOptions {
  /** η, the maximum norm of the gradient. */
  norm: number;
  /** Learning rate of the trial step; default 0.1. */
  learningRate?: number;
}

/** The effect of clipping on one step; norms are Euclidean, over all parameters. */
export interface ClipEffect {
  /** ‖g‖ before and after clipping, and the factor applied to g. */
  norm: number;
  clipped: number;
  coefficient: number;
  /** ‖Δθ‖ of a step of gradient descent, without and with clipping. */
  update: { free: number; clipped: number };
  /** The loss of the same batch before the step, and after a step without and with clipping. */
  loss: { before: number; free: number; clipped: number };
}

/**
 * Tries one step of gradient descent on a float64 copy of a network, without clipping and with it.
 *
 * @throws RangeError for a network without a loss, for a norm or a learning rate that is not > 0, or for a non-finite
 *   gradient.
 * @example clipEffect(net, batch, { norm: 0.001 }).clipped // 0.001
 */
export function clipEffect(net: Network, batch: Batch, options: ClipEffectOptions): ClipEffect {
  mustBeNetwork(net, 'clipEffect');
  mustKnowKeys(options, ['norm', 'learningRate'], 'clipEffect');
  const { norm: maxNorm, learningRate = 0.1 } = options;
  const fits = learningRate > 0 && learningRate < Infinity;
  must(fits, 'clipEffect', 'learningRate must be a finite number > 0', learningRate);
  must(net.architecture.loss !== undefined, 'clipEffect', 'the network must have a loss', 'none');
  return engineMemory().borrow(() => effectOn(copyNetwork(net), batch, { maxNorm, learningRate }));
}

function effectOn(
  copy: Network,
  batch: Batch,
  { maxNorm, learningRate }: { maxNorm: number; learningRate: number },
): ClipEffect {
  const { parameters } = copy;
  const pass = copy.forward(batch);
  const before = pass.loss;
  pass.backward();
  const start = parameters.flat.data.slice();
  const gradient = parameters.trainedGradients.slice();
  const { norm, coefficient } = clipGlobalNorm(parameters, maxNorm);
  /** The loss after a step along `g`. */
  const after = (g: ArrayLike<number>): number => {
    const { data } = parameters.flat;
    for (let k = 0; k < g.length; k++) data[k] = start[k] - learningRate * g[k];
    return copy.forward(batch).loss;
  };
  const clipped = norm * coefficient;
  return {
    norm,
    clipped,
    coefficient,
    update: { free: learningRate * norm, clipped: learningRate * clipped },
    loss: { before, free: after(gradient), clipped: after(parameters.trainedGradients) },
  };
}
