/** Scheduled sampling: trains a decoder on its own predictions, so that it learns to recover from mistakes. */
import { isNumber, must, mustBe, mustBeObject, mustBeOneOf, mustKnowKeys, mustShape } from '../../core/check';
import { mustBeRandom, type Random } from '../../core/random/random';
import { flatten } from '../network/batch/numbers';
import type { Batch } from '../network/batch/batch';
import { drawClass, likeliest } from '../decode/draw';
import { mustBeNetwork, type Network } from '../network/network';
import { Writer } from '../decode/writer';

/** Options of scheduled sampling. */
export interface ScheduledSamplingOptions {
  /** p: the probability that the decoder reads its own prediction instead of the given input. */
  probability: number;
  /** Whether its prediction is the most likely class (default) or a drawn one. */
  choose?: 'likeliest' | 'drawn';
  /** Default the network's own generator, so that a resumed run makes the same choices. */
  random?: Random;
}

/**
 * A copy of a batch in which each decoder input is replaced, with probability p, by the network's own prediction at the
 * previous step. Otherwise it is the given input: the batch's inputs, class numbers [T, B], or the previous target. The
 * first input is never replaced. A decoder trained only on targets does not learn to recover from its own mistakes; p is
 * increased during training.
 *
 * Predictions are made step by step on the mixed inputs, without dropout. No gradient flows through the choice: in the
 * training step, the inputs are treated as given.
 *
 * Source: Bengio, Vinyals, Jaitly & Shazeer 2015, "Scheduled sampling for sequence prediction with recurrent neural
 * networks" (their ε is 1 − p).
 * @throws RangeError for a p outside 0…1; TypeError for inputs that are not class numbers; also the errors of `decode`.
 * @example
 * function* mixed() {
 *   for (let k = 0; ; k++)
 *     yield scheduledSampling(net, batches[k % batches.length], { probability: Math.min(0.5, k / 2000) });
 * }
 */
export function scheduledSampling(network: Network, batch: Batch, options: ScheduledSamplingOptions): Batch {
  const where = 'scheduled';
  mustBeNetwork(network, where);
  mustBeObject(batch, where, 'the batch');
  mustKnowKeys(options, ['probability', 'choose', 'random'], where);
  const { probability, choose = 'likeliest', random = network.random } = options;
  const isProbability = isNumber(probability) && probability >= 0 && probability <= 1;
  must(isProbability, where, 'probability must be in 0…1', probability);
  mustBeOneOf(choose, ['likeliest', 'drawn'], where, 'choose');
  mustBeRandom(random, where);
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
  const inputAt = (t: number, b: number): number =>
    given ? given[t * B + b] : t === 0 ? start : numbers[(t - 1) * B + b];
  const O = writer.classes;
  const inputs = [Array.from({ length: B }, (_, b) => inputAt(0, b))];
  for (let t = 1; t < T; t++) {
    const logs = writer.step(inputs[t - 1]);
    inputs.push(
      Array.from({ length: B }, (_, b) => {
        if (targetLengths && t >= targetLengths[b]) return 0; // padding is never read
        if (random.uniform() >= probability) return inputAt(t, b);
        const own = logs.subarray(b * O, (b + 1) * O);
        return choose === 'likeliest' ? likeliest(own) : drawClass(own, { temperature: 1 }, random);
      }),
    );
  }
  return { ...batch, inputs: { shape: [T, B], numbers: inputs.flat() } };
}

/** The batch's own inputs, if it has any; they must be class numbers, because predictions are. */
function inputsOf({ inputs }: Batch, T: number, B: number): ArrayLike<number> | undefined {
  if (inputs === undefined) return undefined;
  const where = 'scheduled';
  const { shape, numbers } = flatten(inputs, where, 'inputs');
  const why = 'predictions are class numbers and are mixed with them';
  mustBe(shape.length === 2, where, 'inputs must be class numbers [T, B]', `[${shape.join(', ')}]`, why);
  mustShape(shape, [T, B], where, 'inputs', 'T and B are those of the targets');
  return numbers;
}
