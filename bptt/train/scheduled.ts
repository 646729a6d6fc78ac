/** Scheduled sampling: a decoder that learns to go on from its own mistakes. */
import { isNumber, must, mustBe, mustBeOneOf, mustKnowKeys, mustShape } from '../../core/check';
import type { Random } from '../../core/random';
import { flatten } from '../network/numbers';
import type { Batch } from '../network/batch';
import { draw, likeliest } from '../decode/draw';
import { mustBeNetwork, type Network } from '../network/network';
import { Writer } from '../decode/writer';

/** How often a decoder reads its own predictions, and how these are made. */
export interface ScheduledSamplingOptions {
  /** p: how likely the decoder reads its own prediction instead of what it is given. */
  probability: number;
  /** Whether its prediction is the likeliest class (default) or one that is drawn. */
  choose?: 'likeliest' | 'drawn';
  /** Default the network's own generator, so that a run from a checkpoint goes on with the same choices. */
  random?: Random;
}

/**
 * Scheduled sampling: a batch whose decoder inputs are, each with probability p, the network's own prediction of the step
 * before instead of what it is given: the batch's inputs, class numbers [T, B], or else the target of the step before.
 * The first input stays. The batch itself is left as it is. A decoder that has only ever read targets does not know how to go on from its own
 * mistakes; p is raised over the training.
 *
 * The predictions are made step by step, on what has been mixed so far, without dropout. No gradient flows through the
 * choice: for the training step that follows, the inputs are given like any others.
 *
 * Source: Bengio, Vinyals, Jaitly & Shazeer 2015, "Scheduled sampling for sequence prediction with recurrent neural
 * networks" (their ε is 1 − p).
 * @throws RangeError for a p outside 0…1; TypeError for inputs that are no class numbers; and what `decode` throws.
 * @example
 * function* mixed() {
 *   for (let k = 0; ; k++)
 *     yield scheduledSampling(net, batches[k % batches.length], { probability: Math.min(0.5, k / 2000) });
 * }
 */
export function scheduledSampling(network: Network, batch: Batch, options: ScheduledSamplingOptions): Batch {
  const where = 'scheduled';
  mustBeNetwork(network, where);
  mustKnowKeys(options, ['probability', 'choose', 'random'], where);
  const { probability, choose = 'likeliest', random = network.random } = options;
  const share = isNumber(probability) && probability >= 0 && probability <= 1;
  must(share, where, 'probability must be in 0…1', probability);
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
  const given = inputsOf(batch, T, B);
  const { start = 0 } = network.architecture;
  const told = (t: number, b: number): number =>
    given ? given[t * B + b] : t === 0 ? start : numbers[(t - 1) * B + b];
  const O = writer.classes;
  const inputs = [Array.from({ length: B }, (_, b) => told(0, b))];
  for (let t = 1; t < T; t++) {
    const logs = writer.step(inputs[t - 1]);
    inputs.push(
      Array.from({ length: B }, (_, b) => {
        if (targetLengths && t >= targetLengths[b]) return 0; // padding: nobody reads it
        if (random.uniform() >= probability) return told(t, b);
        const own = logs.subarray(b * O, (b + 1) * O);
        return choose === 'likeliest' ? likeliest(own) : draw(own, { temperature: 1 }, random);
      }),
    );
  }
  return { ...batch, inputs: { shape: [T, B], numbers: inputs.flat() } };
}

/** The batch's own inputs, if it has some: a prediction is a class number, and only class numbers can be mixed with it. */
function inputsOf({ inputs }: Batch, T: number, B: number): ArrayLike<number> | undefined {
  if (inputs === undefined) return undefined;
  const where = 'scheduled';
  const { shape, numbers } = flatten(inputs, where, 'inputs');
  const why = 'predictions are class numbers and are mixed with them';
  mustBe(shape.length === 2, where, 'inputs must be class numbers [T, B]', `[${shape.join(', ')}]`, why);
  mustShape(shape, [T, B], where, 'inputs', 'T and B are those of the targets');
  return numbers;
}
