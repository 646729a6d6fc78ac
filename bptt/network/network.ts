/** A network: cells stacked in layers, an output layer, a loss; run forward, run backward. */
import {
  must,
  mustBe,
  mustBeList,
  mustBeObject,
  mustBeOneOf,
  mustBeSwitch,
  mustKnowKeys,
} from '../../core/check';
import { executorOf, type ExecutorName } from '../../core/programs/executor';
import type { Executor } from '../../core/programs/program';
import { Random } from '../../core/random/random';
import { contents, fillFrom, type Tensor } from '../../core/tensor';
import {
  architectureOf,
  optionsOf,
  parameterShapes,
  widthOfOutput,
  type Architecture,
  type NetworkOptions,
} from './architecture';
import { passKeys, readBatch, type Batch, type PassOptions } from './batch/batch';
import { Parameters } from './parameters';
import type { Pass } from './passes/pass';
import { predictionsOf } from './predict';
import { Runner } from './passes/runner';
import { firstReaderOf } from './layers/stack';
import { summaryOf, type SummaryOptions } from './summary';

export type { NetworkOptions } from './architecture';
export type { Gradients, Pass } from './passes/pass';
export type { SummaryOptions } from './summary';
export type { Upstream } from './batch/upstream';

let runnerIn: (net: Network) => Runner;

/**
 * A recurrent network with its weights: created by `network`, or from a checkpoint or an import.
 *
 *   x [T, B, D]   ->   output [T, B, O]   states by name, `l0.h` [B, H]      a side with a single step has no axis T
 *
 * @example
 * const small = network({ layers: [elman({ input: 2, hidden: 3 })], output: 2, loss: 'softmax' });
 * const pass = small.forward({ x: [[[1, 0]], [[0, 1]]], targets: [[1], [0]] });
 * pass.output.shape; // [2, 1, 2]
 * pass.backward().x.shape; // [2, 1, 2]
 */
export class Network {
  /** Its options, with defaults filled in. */
  readonly architecture: Architecture;
  readonly parameters: Parameters;
  /** The generator of weights and dropout; its state must be saved to continue a run exactly. */
  readonly random: Random;
  readonly executor: Executor;
  readonly reduction: 'mean' | 'sum';
  /** D, the width of the input. */
  readonly input: number;
  /** O, the width of the output. */
  readonly output: number;
  readonly #runner: Runner;

  static {
    runnerIn = (net) => net.#runner;
  }

  /** @internal use `network`; `blankNetwork` leaves all weights at 0 */
  constructor(options: NetworkOptions, weights: 'drawn' | 'blank' = 'drawn') {
    this.architecture = architectureOf(options);
    this.reduction = mustBeOneOf(options.reduction ?? 'mean', ['mean', 'sum'], 'network', 'reduction');
    this.input = firstReaderOf(this.architecture).input;
    this.output = widthOfOutput(this.architecture);
    this.executor = executorOf(options.executor);
    this.random = new Random(options.seed ?? 0);
    this.parameters = new Parameters(
      parameterShapes(this.architecture),
      this.architecture.dtype,
      weights === 'drawn' ? this.random : undefined,
      this.executor,
    );
    begin(this.parameters, options.init ?? {}, this.random);
    this.#runner = new Runner(this);
  }

  /**
   * Runs a batch forward.
   *
   * @param options `from` continues from the states of another pass; `steps` and `rows` run only a part of the batch, with
   *   its weights in the loss of the whole (see `truncated` and `parallel`). Dropout is drawn for all rows, so that it does
   *   not depend on how a batch is divided.
   * @throws RangeError for an invalid shape, length or target, or a non-finite number.
   */
  forward(batch: Batch, options: PassOptions = {}): Pass {
    mustKnowKeys(options, passKeys, 'network.forward');
    for (const part of ['steps', 'rows'] as const)
      mustBeList(options[part] ?? [], 'network.forward', part, 'two numbers, [from, to]');
    mustBeSwitch(options, 'training', 'network.forward');
    mustBeSwitch(options, 'predict', 'network.forward');
    return this.#runner.run(readBatch(batch, this), options);
  }

  /**
   * What the network predicts for a batch: class probabilities (softmax) or probabilities (bernoulli), with any other loss or
   * none the outputs themselves. Neither targets nor memory for a backward pass are needed; dropout is off.
   *
   *   x [T, B, D]   ->   predictions [T, B, O], or [B, O] if each row has one output
   *
   * Use `forward(batch, { predict: true })` for the outputs before that function, or for the final states, and `decode` to
   * generate sequences.
   * @param options `from` continues from the states of another pass.
   * @throws the errors of `forward`.
   * @example
   * const net = network({ layers: [elman({ input: 2, hidden: 3 })], output: 2, loss: 'softmax' });
   * const likely = net.predict({ x: [[[1, 0]], [[0, 1]]] });
   * likely.shape; // [2, 1, 2]
   * likely.get(0, 0, 0) + likely.get(0, 0, 1); // 1
   */
  predict(batch: Batch, options: Pick<PassOptions, 'from'> = {}): Tensor {
    mustKnowKeys(options, ['from'], 'network.predict');
    const { output } = this.forward(batch, { ...options, predict: true });
    return predictionsOf(output, this.architecture.loss);
  }

  /**
   * A table of the layers as text: name, kind, shape of the output, number of parameters; below it the totals, the loss and
   * the memory.
   * @param size `T` steps and `B` rows of a batch, to state its shapes and the memory that it needs at least.
   * @example
   * const net = network({ layers: [gru({ input: 4, hidden: 8 })], output: 2, loss: 'softmax' });
   * net.summary({ T: 20, B: 32 }).split('\n')[1].startsWith('l0     gru           [20, 32, 8]') // true
   */
  summary(size: SummaryOptions = {}): string {
    return summaryOf(this, size);
  }
}

/** Gives some parameters initial values of the user's own. */
function begin(parameters: Parameters, init: NonNullable<NetworkOptions['init']>, random: Random): void {
  for (const [name, start] of Object.entries(init)) {
    const names = Object.keys(parameters.values);
    must(names.includes(name), 'network', `init must be of parameters among ${names.join(', ')}`, name);
    if (typeof start === 'function') start(parameters.values[name], random);
    else parameters.set(name, start);
  }
}

/** The runner of a network, for the engine's own modules. */
export const runnerOf = (net: Network): Runner => runnerIn(net);

/** Throws TypeError unless the value is a network of this engine. */
export function mustBeNetwork(value: unknown, where: string): asserts value is Network {
  const why = 'what network, an import or a checkpoint makes';
  mustBe(value instanceof Network, where, 'the network must be a Network', value, why);
}

/**
 * A recurrent network: layers of cells, an optional output layer, an optional loss.
 *
 * @throws TypeError for an unknown option; RangeError if sizes do not match.
 * @example network({ layers: [lstm({ input: 4, hidden: 5 })], output: 3, loss: 'softmax' }).parameters.count // 218
 */
export const network = (options: NetworkOptions): Network => new Network(options);

/** A network with zero weights, to be filled in later; it draws no random numbers. */
export const blankNetwork = (options: NetworkOptions): Network => new Network(options, 'blank');

/** Options that may differ in a copy, because the weights do not depend on them. */
export type CopyChanges = Pick<
  NetworkOptions,
  'topology' | 'dtype' | 'dropout' | 'zoneout' | 'frozen' | 'loss' | 'reduction' | 'seed' | 'executor'
>;

/**
 * A copy of a network with the same weights, in float64 unless `changes` say otherwise, because the gradient check requires
 * it. It draws the same dropout as the original would, unless it gets its own `seed`.
 * @example copyNetwork(net, { dropout: 0 }).parameters.count === net.parameters.count // true
 */
export function copyNetwork(net: Network, changes: CopyChanges = {}): Network {
  mustBeNetwork(net, 'copyNetwork');
  mustBeObject(changes, 'copyNetwork', 'changes');
  const { architecture, reduction, executor } = net;
  const copy = blankNetwork({
    ...optionsOf(architecture),
    ...{ reduction, dtype: 'float64', executor: executor.name as ExecutorName },
    ...changes,
    ...(changes.dropout === 0 && { variational: false }),
  });
  // one by one, because frozen parameters stand behind the others
  for (const [name, t] of Object.entries(net.parameters.values))
    fillFrom(copy.parameters.values[name], contents(t));
  if (changes.seed === undefined) copy.random.state = net.random.state;
  return copy;
}
