/** Reads and validates batches given by a caller; `fill.ts` copies them into a plan. */
import { must, mustBe, mustCount, mustKnowKeys } from '../../../core/check';
import type { Numbers } from '../../../core/tensor';
import { flatten, type FlatNumbers } from './numbers';
import {
  batchKeys,
  PADDED,
  readSequences,
  type Batch,
  type SequenceRequirements,
  type Sequence,
} from './sequence';
import type { Random } from '../../../core/random/random';
import type { PlanShape } from '../layers/stage';
import { clockOf, type States } from './states';
import { mustStream } from '../topology';

export type { Batch } from './sequence';

/** Options of a pass: the part of the batch to run, the states to start from, and the weight of the loss. */
export interface PassOptions {
  /** Draws dropout; omit it for evaluation. */
  training?: boolean;
  /**
   * `states` of the pass over the preceding part of the sequence, from which to continue; they replace the batch's
   * `initial`, and set the clock unless the batch does.
   */
  from?: States<Numbers | FlatNumbers>;
  /** Runs only the steps `from`…`to` (exclusive); default all. Loss weights are still those of the whole batch. */
  steps?: readonly [from: number, to: number];
  /** Runs only the rows `from`…`to` (exclusive); default all. States and gradients are then those of these rows. */
  rows?: readonly [from: number, to: number];
  /** Runs without targets, and therefore without loss and backward pass. */
  predict?: boolean;
  /** The divisor of a mean loss; default the number of valid steps in the whole batch. */
  over?: number;
  /**
   * For sequences that do not fit into memory: keeps the states of about every k-th step only, and computes the steps in
   * between again for the backward pass. Results are bit-identical and take two to three times as long; memory is smallest
   * for k near √T.
   */
  checkpointEvery?: number;
}

/** What the engine's own callers may say beside that. */
export interface InternalPassOptions extends PassOptions {
  /** No backward pass follows, so there need be no memory for it. */
  forwardOnly?: boolean;
  /** These steps are one of several segments of a pass. */
  segment?: boolean;
  /** Sum of the weights of earlier segments. */
  counted?: number;
  /** Where the numbers of the k-th dropout mask come from; default the network's generator. */
  maskFrom?: (k: number) => Random;
}

export const passKeys = ['training', 'steps', 'rows', 'from', 'predict', 'over', 'checkpointEvery'];

/** The properties of a network that a batch is checked against. */
export interface ForBatch extends SequenceRequirements {
  readonly reduction: 'mean' | 'sum';
}

/** A validated batch, of which parts can be run. */
export interface ReadBatch {
  readonly T: number;
  readonly B: number;
  readonly initial: NonNullable<Batch['initial']>;
  readonly part: (options: InternalPassOptions) => BatchPart;
}

/** A part of a batch: steps `from`…`to` and rows `low`…`high`, for a plan of `shape`. */
export interface BatchPart {
  readonly shape: PlanShape;
  /** The whole batch. */
  readonly main: Sequence;
  readonly source?: Sequence;
  readonly B: number;
  readonly from: number;
  readonly to: number;
  readonly low: number;
  readonly high: number;
  readonly over?: number;
  /** Absent for a prediction; read on first use, and once for all parts. */
  readonly targets?: () => FlatNumbers;
  /** Weight of each output in the loss; absent if all are equal. */
  readonly weights?: () => FlatNumbers;
  /** Sum of the weights of earlier segments. */
  readonly counted?: number;
  /** Prefix of error messages. */
  readonly where: string;
}

/** Checks a batch of B rows against a network; it is then run as a whole or in parts. */
export function readBatch(batch: Batch, net: ForBatch, where = 'network.forward'): ReadBatch {
  mustBeBatch(batch, where);
  const { architecture } = net;
  const { B, source, main } = readSequences(batch, net, where);
  const { T } = main;
  const { initial = 'zero' } = batch;
  let targets: FlatNumbers | undefined;
  let weights: FlatNumbers | undefined;
  const { weights: given } = batch;
  if (given !== undefined && architecture.loss === undefined)
    mustBe(false, where, 'weights must be left out', 'some', 'the network has no loss');

  const part = (options: InternalPassOptions): BatchPart => {
    const { steps, rows, over, from: before, predict = false, forwardOnly = predict, segment } = options;
    const [from, to] = steps ?? [0, T];
    const fits = Number.isInteger(from) && Number.isInteger(to) && from >= 0 && from < to && to <= T;
    if (!fits) must(false, where, `steps must be [from, to] with 0 <= from < to <= ${T}`, steps, `T = ${T}`);
    if (to - from < T) mustStream(architecture, where, `steps must be all ${T} at once`, `[${from}, ${to}]`);
    must(over === undefined || over > 0, where, 'over must be > 0', over);
    const [low, high] = rows ?? [0, B];
    const among = Number.isInteger(low) && Number.isInteger(high) && low >= 0 && low < high && high <= B;
    if (!among) must(false, where, `rows must be [from, to] with 0 <= from < to <= ${B}`, rows, `B = ${B}`);
    if (before) mustStream(architecture, where, 'from must be left out', 'states');
    const clock = before && clockOf(before, where);
    const shorter = ({ lengths }: Sequence, end: number): boolean => {
      for (let b = low; b < high; b++) if (lengths[b] < end) return true;
      return false;
    };
    // no spreads: they take longer than a small network's step
    return {
      shape: {
        T: to - from,
        B: high - low,
        masked: shorter(main, to),
        classes: main.classes && architecture.feed !== 'output', // what is fed back are numbers
        forwardOnly,
        segment,
        clock: clock === undefined || batch.clock !== undefined ? (batch.clock ?? 0) + from : clock,
        source: source && { T: source.T, masked: shorter(source, source.T), classes: source.classes },
      },
      main,
      source,
      B,
      from,
      to,
      low,
      high,
      over,
      counted: options.counted,
      where,
      targets: predict ? undefined : () => (targets ??= readTargets(batch.targets, net, where)),
      weights: predict || given === undefined ? undefined : () => (weights ??= readWeights(given, where)),
    };
  };
  return { T, B, initial, part };
}

/** Throws unless a batch has the members of one, with the values that they may have anywhere. */
function mustBeBatch(batch: Batch, where: string): void {
  const isBatch = typeof batch === 'object' && batch !== null && !Array.isArray(batch);
  mustBe(isBatch, where, 'the batch must be an object', batch, 'such as { x, targets }');
  const why = (key: string): string | undefined =>
    passKeys.includes(key) ? `an option is handed in after the batch: forward(batch, { ${key} })` : undefined;
  mustKnowKeys(batch, batchKeys, where, 'the batch must be made of', why);
  const { clock } = batch;
  const initial: unknown = batch.initial;
  const from = "continue a pass with { from: pass.states }; 'carry' is for the batches of fit";
  if (initial === 'carry') mustBe(false, where, "initial must not be 'carry'", initial, from);
  if (clock !== undefined) mustCount(clock, where, 'clock', 0);
}

function readTargets(given: Batch['targets'], net: ForBatch, where: string): FlatNumbers {
  const why = `the network has a ${net.architecture.loss} loss; forward(batch, { predict: true }) runs without targets`;
  mustBe(given !== undefined, where, 'targets must be given', given, why);
  return flatten(given, where, 'targets', PADDED);
}

/** @throws RangeError for a weight that is negative or not finite. */
export function readWeights(given: Numbers | FlatNumbers, where: string): FlatNumbers {
  const weights = flatten(given, where, 'weights', PADDED);
  const { numbers } = weights;
  for (let k = 0; k < numbers.length; k++) {
    const fits = Number.isFinite(numbers[k]) && numbers[k] >= 0;
    if (!fits) must(false, where, 'weights must be finite and not negative', numbers[k]);
  }
  return weights;
}
