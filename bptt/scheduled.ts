/** Scheduled sampling: a decoder that learns to go on from its own mistakes. */
import { must, mustBeOneOf, mustKnowKeys } from '../core/check';
import type { Random } from '../core/random';
import { flatten } from './box';
import type { Batch } from './batch';
import { firstOf } from './decode';
import { draw, likeliest } from './draw';
import type { Network } from './network';
import { Writer } from './writer';

export interface ScheduledOptions {
  /** p: how likely the decoder reads its own prediction instead of the target. */
  probability: number;
  /** Whether its prediction is the likeliest class (default) or one that is drawn. */
  choose?: 'likeliest' | 'drawn';
  /** Default the network's own generator, so that a run from a checkpoint goes on with the same choices. */
  random?: Random;
}

/**
 * Scheduled sampling: a batch whose decoder inputs are, each with probability p, the network's own prediction of the step
 * before instead of the target. A decoder that has only ever read targets does not know how to go on from its own
 * mistakes; p is raised over the training.
 *
 * The predictions are made step by step, on what has been mixed so far, without dropout. No gradient flows through the
 * choice: for the training step that follows, the inputs are given like any others.
 *
 * Source: Bengio, Vinyals, Jaitly & Shazeer 2015, "Scheduled sampling for sequence prediction with recurrent neural
 * networks" (their ε is 1 − p).
 * @throws RangeError for a p outside 0…1; and what `decode` throws.
 * @example
 * function* mixed() {
 *   for (let k = 0; ; k++)
 *     yield scheduled(net, batches[k % batches.length], { probability: Math.min(0.5, k / 2000) });
 * }
 */
export function scheduled(network: Network, batch: Batch, options: ScheduledOptions): Batch {
  const where = 'scheduled';
  mustKnowKeys(options, ['probability', 'choose', 'random'], where);
  const { probability, choose = 'likeliest', random = network.random } = options;
  must(probability >= 0 && probability <= 1, where, 'probability must be in 0…1', probability);
  mustBeOneOf(choose, ['likeliest', 'drawn'], where, 'choose');
  mustBeOneOf(network.architecture.topology, ['encoder-decoder'], where, 'the topology');
  const { shape, numbers } = flatten(batch.targets ?? [], where, 'targets');
  must(
    shape.length === 2 && shape[0] >= 1,
    where,
    'targets must be class numbers [T, B]',
    `[${shape.join(', ')}]`,
  );
  const { x, lengths, targetLengths, initial } = batch;
  const writer = new Writer(network, { x, lengths, initial }, 1);
  const [T, B] = shape;
  must(B === writer.rows, where, `targets must be of ${writer.rows} rows`, B, 'those of x');
  const O = writer.classes;
  const inputs = [...firstOf(network, batch, B)];
  for (let t = 1; t < T; t++) {
    const logs = writer.step(inputs[t - 1]);
    inputs.push(
      Array.from({ length: B }, (_, b) => {
        if (targetLengths && t >= targetLengths[b]) return 0; // padding: nobody reads it
        if (random.uniform() >= probability) return numbers[(t - 1) * B + b];
        const own = logs.subarray(b * O, (b + 1) * O);
        return choose === 'likeliest' ? likeliest(own) : draw(own, { temperature: 1 }, random);
      }),
    );
  }
  return { ...batch, inputs: { shape: [T, B], numbers: inputs.flat() } };
}
