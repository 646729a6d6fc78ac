/** Training: an asynchronous loop over batches, one optimizer step after the other. */
import { isNumber, must, mustBe, mustBeOneOf, mustCount, mustKnowKeys } from '../../core/check';
import { Best, valueOf, type EarlyStopping, type ValidationPoint } from './best';
import { mustChunk } from './chunked';
import { LossCurve, type LossPoint } from './curve';
import { Learner, type LearnerOptions, type StepInfo } from './learner';
import { mustBeNetwork, type Network } from '../network/network';
import { optimizer as optimizerOf, Optimizer, type OptimizerOptions } from './optimizers';
import { mustTakeOwn } from './ownloss';
import { Parallel } from '../parallel/parallel';
import { Plateau, type Better, type PlateauOptions } from './plateau';
import { BatchSource, type Batches } from './source';
import { States } from '../network/batch/states';
import { mustSegment } from '../network/passes/segments';

export type { StepInfo } from './learner';

/** Validation during training. */
export interface ValidationOptions {
  /** Validates after every so many steps. */
  every: number;
  /** The batches whose loss is measured, from the first on at every call. */
  batches: () => Batches;
  /**
   * A measure of one's own, such as an accuracy: early stopping, the best weights and `plateau` are then judged by it instead of
   * the loss. It may run the network.
   */
  metric?: (network: Network) => number | Promise<number>;
  /** Whether a lower (default) or a higher value of the metric is better. */
  better?: Better;
}

/** Options of training: optimizer, duration, callbacks and validation. */
export interface FitOptions extends LearnerOptions {
  /** An optimizer, which continues to count its steps, or the options of a new one. */
  optimizer: Optimizer | OptimizerOptions;
  /** Train until the optimizer has made this many steps, including those before a resume. */
  steps?: number;
  /** Train for about this long. */
  seconds?: number;
  /** The loss curve of the run so far, which is continued; default a new one. */
  curve?: LossCurve;
  /** Called and awaited after every step; returning false stops. It may run the network. */
  onStep?: (info: StepInfo) => unknown;
  /** Stops before the next step. */
  signal?: AbortSignal;
  /** Measures the loss, and a metric, on other batches every `every` steps. */
  validation?: ValidationOptions;
  /** Lowers the learning rate when validations stop improving; a `Plateau` continues one of an earlier run. */
  plateau?: Plateau | PlateauOptions;
  /** Stops after `patience` consecutive validations without an improvement of more than `minimum` (default 0). */
  earlyStopping?: EarlyStopping;
}

/** The result of training. Losses are points of step and loss. */
export interface FitResult {
  /** Total number of optimizer steps, including those after the best validation. */
  steps: number;
  /**
   * Why training stopped. `aborted`: by the signal; `patience`: by early stopping; `batches`: there were no more batches;
   * `callback`: `onStep` returned false.
   */
  stopped: 'steps' | 'seconds' | 'aborted' | 'patience' | 'batches' | 'callback';
  /** Means over 2, 4, 8 … steps in a long run; includes the earlier points of a given curve. */
  history: { loss: LossPoint[]; validationLoss: LossPoint[] };
  /** The last validation that was an improvement. */
  best?: ValidationPoint;
  /** Final states of the last step. */
  states: States<Float64Array>;
}

/**
 * Trains a network; each step is forward, backward, clip, schedule, update.
 *
 * It makes at most one pass over `batches`; for several epochs, pass a generator that repeats them. Batches with
 * `initial: 'carry'` continue from the previous batch, regardless of validation and callbacks in between. With early
 * stopping, the weights of the best validation and the corresponding optimizer state are restored at the end, except after
 * an abort, so that the run can be resumed.
 *
 * Changes the parameters and their gradients; deterministic except for `seconds` and the signal.
 * @throws RangeError at the first loss, gradient or weight that is NaN or infinite, naming the step, the tensor and the
 *   time; the weights and the optimizer are then those of the previous step. TypeError or RangeError for invalid options.
 * @example
 * const { stopped } = await fit(net, batches, { optimizer: { name: 'adam' }, clip: { norm: 5 }, steps: 100 });
 */
export async function fit(network: Network, batches: Batches, options: FitOptions): Promise<FitResult> {
  check(network, options);
  const { steps = Infinity, seconds = Infinity, validation, earlyStopping, onStep, signal } = options;
  const optimizer =
    options.optimizer instanceof Optimizer ? options.optimizer : optimizerOf(network, options.optimizer);
  mustBe(
    optimizer.parameters === network.parameters,
    'fit',
    'the optimizer must be for this network',
    'another',
  );
  const { plateau: lower } = options;
  const plateau = lower === undefined || lower instanceof Plateau ? lower : new Plateau(lower);
  const learner = new Learner(network, optimizer, options, plateau);
  const history = { loss: options.curve ?? new LossCurve(), validationLoss: new LossCurve() };
  const best = new Best(optimizer, earlyStopping);
  const until = performance.now() + seconds * 1000;

  const train = async (source: BatchSource): Promise<FitResult['stopped']> => {
    for (;;) {
      if (source.aborted) return 'aborted';
      if (optimizer.steps >= steps) return 'steps';
      if (performance.now() >= until) return 'seconds';
      const info = await learner.step(source);
      if (!info) return source.aborted ? 'aborted' : 'batches';
      const { step } = info;
      history.loss.add(step, info.loss);
      if (validation && step % validation.every === 0) {
        const point = await validate(learner, network, validation, step, signal);
        if (point) {
          info.validationLoss = point.loss;
          if (point.metric !== undefined) info.validationMetric = point.metric;
          history.validationLoss.add(step, point.loss);
          best.see(point, validation.better);
          plateau?.see(valueOf(point), validation.better);
        }
      }
      if ((await onStep?.(info)) === false) return 'callback';
      if (best.exhausted) return 'patience';
    }
  };

  const source = new BatchSource(batches, signal, 'fit');
  let stopped: FitResult['stopped'];
  try {
    stopped = await train(source);
  } finally {
    learner.close();
    await source.close();
  }
  const made = optimizer.steps;
  if (stopped !== 'aborted') best.restore();
  return {
    steps: made,
    stopped,
    history: { loss: history.loss.points, validationLoss: history.validationLoss.points },
    ...(best.point && { best: best.point }),
    states: learner.states ?? new States(0, {}),
  };
}

/** The loss over all batches, weighted by the number of valid steps, and the metric; undefined if aborted. */
async function validate(
  learner: Learner,
  network: Network,
  { batches, metric: measure }: ValidationOptions,
  step: number,
  signal: AbortSignal | undefined,
): Promise<ValidationPoint | undefined> {
  const where = `fit: validation after step ${step}`;
  const source = new BatchSource(batches(), signal, where);
  const total = { loss: 0, rows: 0 };
  try {
    let before: States<Float64Array> | undefined;
    for (let batch = await source.take(); batch; batch = await source.take()) {
      const { loss, rows, states } = await learner.evaluate(batch, before, where, step);
      before = states;
      total.loss += loss;
      total.rows += rows;
    }
  } finally {
    await source.close();
  }
  if (source.aborted) return undefined;
  must(total.rows > 0, where, 'there must be a batch', 'none');
  const loss = network.reduction === 'mean' ? total.loss / total.rows : total.loss;
  if (!measure) return { step, loss };
  const metric = await measure(network);
  must(isNumber(metric) && !Number.isNaN(metric), where, 'the metric must be a number', metric);
  return { step, loss, metric };
}

const optionNames = [
  'optimizer',
  'schedule',
  'clip',
  'steps',
  'seconds',
  'accumulate',
  'chunk',
  'loss',
  'plateau',
  'weightNoise',
  'curve',
  'onStep',
  'signal',
  'validation',
  'earlyStopping',
  'threads',
  'checkpointEvery',
];

function check(network: Network, options: FitOptions): void {
  const where = 'fit';
  mustBeNetwork(network, where);
  mustBe(typeof options === 'object' && options !== null, where, 'options must be an object', options);
  mustKnowKeys(options, optionNames, where);
  const { optimizer, steps, seconds, accumulate = 1, threads, clip, weightNoise = 0 } = options;
  const { loss, chunk } = options;
  if (loss === undefined)
    mustBe(network.architecture.loss !== undefined, where, 'the network must have a loss', 'none', OWN);
  else {
    mustBe(typeof loss === 'function', where, 'loss must be a function', loss, 'the network names its own');
    mustTakeOwn(network, loss, { chunk, threads });
  }
  if (chunk !== undefined) {
    mustCount(chunk, where, 'chunk');
    mustChunk(network, chunk);
  }
  const { curve } = options;
  mustBe(curve === undefined || curve instanceof LossCurve, where, 'curve must be a LossCurve', curve);
  if (steps !== undefined) mustCount(steps, where, 'steps');
  if (seconds !== undefined) must(isNumber(seconds) && seconds > 0, where, 'seconds must be > 0', seconds);
  mustCount(accumulate, where, 'accumulate');
  const { checkpointEvery } = options;
  if (checkpointEvery !== undefined) {
    mustCount(checkpointEvery, where, 'checkpointEvery');
    const why = 'a chunk is run as a whole';
    must(chunk === undefined, where, 'checkpointEvery must be left out with chunk', checkpointEvery, why);
    mustSegment(network.architecture, { checkpointEvery }, where);
  }
  const small = Number.isFinite(weightNoise) && weightNoise >= 0;
  must(small, where, 'weightNoise must be a finite number >= 0', weightNoise);
  if (threads instanceof Parallel)
    mustBe(threads.network === network, where, 'the threads must be for this network', 'another');
  else if (threads !== undefined) mustCount(threads, where, 'threads');
  const known = typeof optimizer === 'object' && optimizer !== null;
  mustBe(known, where, "optimizer must be an Optimizer, or its options, as in { name: 'adam' }", optimizer);
  if (clip) checkClip(clip);
  checkValidation(options);
}

const OWN = 'network({ loss }), or fit is given a function, { loss: (pass, batch) => … }';

function checkClip(clip: NonNullable<FitOptions['clip']>): void {
  const where = 'fit';
  const form = 'clip must be { norm } or { value }';
  mustBe(typeof clip === 'object', where, form, clip);
  mustBe('norm' in clip || 'value' in clip, where, form, clip);
  mustKnowKeys(clip, 'norm' in clip ? ['norm', 'epsilon'] : ['value'], `${where}: clip`);
  const limit = 'norm' in clip ? clip.norm : clip.value;
  must(isNumber(limit) && limit > 0, where, 'the limit of clip must be > 0', limit);
}

/** Validation, and early stopping, which needs it. */
function checkValidation({ validation, earlyStopping, plateau }: FitOptions): void {
  const where = 'fit';
  if (validation) {
    const { batches, every, metric, better } = validation;
    mustKnowKeys(validation, ['batches', 'every', 'metric', 'better'], `${where}: validation`);
    const measures = metric === undefined || typeof metric === 'function';
    mustBe(measures, where, 'validation.metric must be a function of the network', metric);
    if (better !== undefined) {
      mustBeOneOf(better, ['lower', 'higher'], where, 'validation.better');
      mustBe(metric !== undefined, where, 'validation.better must be left out', better, 'there is no metric');
    }
    mustCount(every, where, 'validation.every');
    const fresh = 'validation.batches must be a function that returns the batches afresh';
    mustBe(typeof batches === 'function', where, fresh, batches);
  }
  if (plateau !== undefined)
    mustBe(validation !== undefined, where, 'validation must be given', validation, 'plateau needs it');
  if (!earlyStopping) return;
  mustKnowKeys(earlyStopping, ['patience', 'minimum'], `${where}: earlyStopping`);
  mustCount(earlyStopping.patience, where, 'earlyStopping.patience');
  const { minimum = 0 } = earlyStopping;
  must(isNumber(minimum) && minimum >= 0, where, 'earlyStopping.minimum must be >= 0', minimum);
  const given = validation !== undefined;
  mustBe(given, where, 'validation must be given', validation, 'early stopping needs it');
}
