/** Validates the options of a network and turns them into its architecture. */
import { lossOf, mustFitOutput, nameOfLoss, type Loss, type LossTargets } from '../../losses';
import { affineParameters } from '../../cells/parts/affine';
import type { Parameter } from '../../cells/cell';
import { isEmbedding, type Embedding } from '../../cells/embedding';
import { isNumber, must, mustBe, mustBeOneOf, mustBeSwitch, mustCount, mustKnowKeys } from '../../core/check';
import type { ExecutorName } from '../../core/programs/executor';
import { constant, type Initializer } from '../../core/random/init';
import type { Dtype } from '../../core/memory';
import type { Numbers } from '../../core/tensor';
import { attentionParameters, attentionScores, type AttentionScore } from './layers/attention';
import { mustBridge } from './layers/bridge';
import {
  inputOf,
  isLayer,
  mustReadForward,
  nameOf,
  widthOf,
  type DirectedCell,
  type Layer,
} from './layers/layer';
import { noiseOptions, type NoiseOptions } from './noise';
import type { FlatNumbers } from './batch/numbers';
import { namedBy, withPrefix } from './parameters';
import { cellsOf, firstCellsOf, readerOf, type Layers } from './layers/stack';
import { feedsOf, topologies, type Feed, type Topology } from './topology';

/** Options of a network: its layers and topology, output, loss, initialization and execution. */
export interface NetworkOptions extends NoiseOptions {
  /** Which steps have an input and which an output; default many-to-many. */
  topology?: Topology;
  /**
   * The layers in order, each a cell or a `bidirectional` pair that reads the output of the previous one. An `embedding`
   * may precede the first layer.
   */
  layers: readonly (Embedding | Layer)[];
  /** Encoder-decoder: the layers of the encoder. Their final states are the initial states of `layers`, the decoder. */
  encoder?: readonly (Embedding | Layer)[];
  /** One-to-many and encoder-decoder: the input of `layers` after the first step. */
  feed?: Feed;
  /** Encoder-decoder: attention of the decoder over all outputs of the encoder, with this score; default none. */
  attention?: AttentionScore;
  /** Encoder-decoder: the start symbol, the class that precedes the first target; default 0. */
  start?: number;
  /** O: adds an output layer y = h Wy + by of that width. */
  output?: number;
  /** The loss, by its name or as made by `loss`; without it, `backward` takes dL/doutput. */
  loss?: string | Loss;
  /** Whether the loss is averaged over the valid steps (default) or summed. */
  reduction?: 'mean' | 'sum';
  /**
   * Probability of dropping a unit while training, default 0: after the embedding and after each layer; or a list with one
   * probability for the input of the first layer and one for the output of each layer.
   */
  dropout?: number | readonly number[];
  /**
   * Whether the output layer uses the table of the embedding, transposed, as its weights: y = h Eᵀ + by; default false. The last
   * layer must be as wide as the embedding, and the output as wide as its classes.
   * Source: Press & Wolf 2017, "Using the output embedding to improve language models".
   */
  tied?: boolean;
  /**
   * Parameters that training does not change, by name (`l0.Wx`) or by layer (`l0`, `embedding`, `head`). They have gradients, but
   * optimizers, clipping and norms leave them out. `copyNetwork(net, { frozen: [] })` trains them again.
   */
  frozen?: readonly string[];
  /**
   * Initial values of some parameters by name, instead of those that the layers have: an initializer of `init`, or numbers, such as
   * the rows of an embedding trained elsewhere. A checkpoint holds the values, not these.
   */
  init?: Readonly<Record<string, Initializer | Numbers | FlatNumbers>>;
  /**
   * Trains the initial states, one row each, the same for all sequences; default false. `shared`: also the same for all
   * layers, which must have states of the same names and widths.
   */
  trainInitial?: boolean | 'shared';
  /** Of all tensors; default float64, which the gradient check requires. */
  dtype?: Dtype;
  /** Seed of weights, dropout and zoneout; default 0. */
  seed?: number;
  /** The executor of the passes; default the one in BACKSTEP_EXECUTOR, else the fastest available (see `executorOf`). */
  executor?: ExecutorName;
}

const optionNames =
  'topology layers encoder feed start attention output loss reduction dropout variational zoneout tied frozen init trainInitial dtype seed executor'.split(
    ' ',
  );

/** The architecture of a network: its options with defaults filled in, and embeddings separated from the layers. */
export interface Architecture
  extends
    Layers,
    NoiseOptions,
    Pick<NetworkOptions, 'attention' | 'feed' | 'start' | 'output' | 'tied' | 'frozen'> {
  topology: Topology;
  /** The name of the loss. */
  loss?: string;
  /** Probability of dropping a unit while training: after each layer, or one for each place. */
  dropout: number | readonly number[];
  /** Whether the initial states are trained, and whether they are shared by all layers. */
  trainInitial: boolean | 'shared';
  dtype: Dtype;
}

/** The options that result in a given architecture. */
export function optionsOf({
  embedding,
  layers,
  encoderEmbedding,
  encoder,
  ...rest
}: Architecture): NetworkOptions {
  const joined = (first: Embedding | undefined, others: readonly Layer[]): readonly (Embedding | Layer)[] =>
    first ? [first, ...others] : others;
  return {
    ...rest,
    layers: joined(embedding, layers),
    ...(encoder && { encoder: joined(encoderEmbedding, encoder) }),
  };
}

/**
 * Checks options and fills in defaults.
 * @throws TypeError for an unknown option or one that the topology does not allow; RangeError if sizes do not match.
 */
export function architectureOf(options: NetworkOptions): Architecture {
  mustKnowKeys(options, optionNames, where);
  const { topology = 'many-to-many', output } = options;
  const loss = options.loss === undefined ? undefined : nameOfLoss(options.loss, where);
  const { dropout = 0, trainInitial = false, frozen = [], dtype = 'float64' } = options;
  mustBeOneOf(topology, topologies, where, 'topology');
  const main = stackOf(options.layers, 'layers', 'layer');
  mustBeDropout(dropout, main.layers, topology);
  mustBeSwitch(options, 'tied', where);
  mustBe(Array.isArray(frozen), where, 'frozen must be a list of names', frozen);
  mustBeOneOf(dtype, ['float64', 'float32'], where, 'dtype');
  if (output !== undefined) mustCount(output, where, 'output');
  const architecture: Architecture = {
    ...{ topology, ...main, output, loss, dropout, trainInitial, dtype },
    ...(options.tied && { tied: true }),
    ...(frozen.length > 0 && { frozen }),
    ...(topology in feedsOf && { feed: feedOf(options, topology) }),
    ...(topology === 'encoder-decoder' && {
      ...encoderOptions(options),
      attention: options.attention,
      start: options.start ?? 0,
    }),
  };
  const cells = cellsOf(architecture).map(({ cell }) => cell);
  Object.assign(architecture, noiseOptions(options, cells, where));
  for (const key of ['encoder', 'attention', 'start', 'feed'] as const) {
    const placed = options[key] === undefined || key in architecture;
    mustBe(placed, where, `${key} must be left out`, options[key], `the topology is ${topology}`);
  }
  if (loss !== undefined) mustFitOutput(loss, widthOfOutput(architecture), where);
  const known = trainInitial === 'shared' || typeof trainInitial === 'boolean';
  mustBe(known, where, 'trainInitial must be true, false or shared', trainInitial);
  if (trainInitial === 'shared') mustShareStates(architecture);
  if (topology === 'encoder-decoder') mustDecode(architecture);
  if (architecture.feed === 'output') mustFeedItself(architecture);
  if (architecture.tied) mustTie(architecture);
  return architecture;
}
const where = 'network';

/** The kind of targets; undefined without a loss. */
export const targetsOf = ({ loss }: Pick<Architecture, 'loss'>): LossTargets | undefined =>
  loss === undefined ? undefined : lossOf(loss).targets;

/** O, the width of the output. */
export const widthOfOutput = ({ layers, output }: Architecture): number =>
  output ?? widthOf(layers[layers.length - 1]);

/** The probability of dropping a unit below each layer of a stack, and above the last one. */
export function dropsOf(
  architecture: Architecture,
  stack: 'encoder' | 'layers',
): { below: readonly number[]; above: number } {
  const { dropout, variational = false, embedding, encoderEmbedding, layers, encoder = [] } = architecture;
  if (typeof dropout !== 'number') return { below: dropout.slice(0, -1), above: dropout[dropout.length - 1] };
  const [first, all] = stack === 'layers' ? [embedding, layers] : [encoderEmbedding, encoder];
  return { below: all.map((_, l) => (l === 0 && !first && !variational ? 0 : dropout)), above: dropout };
}

/** Names, shapes and initializers of all parameters. */
export function parameterShapes(architecture: Architecture): Record<string, Parameter> {
  const all = shapesOfAll(architecture);
  for (const name of architecture.frozen ?? []) {
    const own = namedBy(Object.keys(all), name);
    must(
      own.length > 0,
      where,
      `frozen must name parameters or layers of ${Object.keys(all).join(', ')}`,
      name,
    );
    for (const parameter of own) all[parameter] = { ...all[parameter], fixed: true };
  }
  return all;
}

function shapesOfAll(architecture: Architecture): Record<string, Parameter> {
  const { encoder, layers, attention, output, tied, trainInitial } = architecture;
  const all: Record<string, Parameter> = {};
  for (const name of ['encoderEmbedding', 'embedding'] as const)
    Object.assign(all, withPrefix(architecture[name]?.parameters ?? {}, `${name}.`));
  const first = firstCellsOf(architecture).map(({ name }) => name);
  for (const { name, cell } of cellsOf(architecture)) {
    Object.assign(all, withPrefix(cell.parameters, `${name}.`));
    if (!trainInitial || !first.includes(name)) continue;
    for (const [s, width] of Object.entries(cell.states))
      all[initialName(trainInitial, name, s)] = { shape: [1, width], init: constant(0) };
  }
  const width = widthOf(layers[layers.length - 1]);
  if (encoder && attention) {
    const read = widthOf(encoder[encoder.length - 1]);
    Object.assign(all, withPrefix(attentionParameters(attention, width, read), 'attention.'));
  }
  if (output !== undefined) {
    const { by, ...weights } = affineParameters(width, output);
    Object.assign(all, withPrefix({ ...(!tied && weights), by }, 'head.'));
  }
  return all;
}

/** The name of the parameter that holds the initial state `s` of a cell. */
export const initialName = (trainInitial: true | 'shared', name: string, s: string): string =>
  trainInitial === 'shared' ? `initial.${s}` : `${name}.${s}0`;

/** Splits a list into its embedding and its layers; checks that the widths of consecutive ones match. */
function stackOf(
  given: readonly (Embedding | Layer)[],
  name: string,
  one: string,
): Pick<Layers, 'embedding' | 'layers'> {
  const isList: boolean = Array.isArray(given) && given.length > 0;
  mustBe(isList, where, `${name} must be a list of at least one cell`, given);
  const embedding = isEmbedding(given[0]) ? given[0] : undefined;
  mustBe(!embedding || given.length > 1, where, `${name} must hold a cell`, 'an embedding alone');
  const layers = given.slice(embedding ? 1 : 0).map((layer, l): Layer => {
    const k = embedding ? l + 1 : l;
    mustBe(!isEmbedding(layer), where, `${one} ${k} must be a cell or bidirectional`, ...misplaced);
    mustBe(isLayer(layer), where, `${one} ${k} must be a cell or bidirectional`, layer);
    if (k === 0) return layer;
    const below = given[k - 1];
    const width = isEmbedding(below) ? below.width : widthOf(below);
    const why = `the width of the output of ${one} ${k - 1}, ${isEmbedding(below) ? below.name : nameOf(below)}`;
    must(inputOf(layer) === width, where, `${one} ${k} must have input ${width}`, inputOf(layer), why);
    return layer;
  });
  return { ...(embedding && { embedding }), layers };
}
const misplaced = ['an embedding', 'it reads classes, so it can only stand first'] as const;

function mustBeDropout(dropout: unknown, layers: readonly Layer[], topology: Topology): void {
  const isShare = (p: unknown): boolean => isNumber(p) && p >= 0 && p < 1;
  if (!Array.isArray(dropout)) return must(isShare(dropout), where, 'dropout must be in 0 ≤ p < 1', dropout);
  const list = dropout as readonly unknown[];
  const why = 'a list says which of the layers of one stack';
  mustBe(topology !== 'encoder-decoder', where, 'dropout must be a number', 'a list', why);
  const places = layers.length + 1;
  const place = 'one for the input, and one for the output of each layer';
  must(list.length === places, where, `dropout must be a list of ${places}`, list.length, place);
  for (const p of list) must(isShare(p), where, 'dropout must be in 0 ≤ p < 1', p);
}

/** Checks that the table of the embedding can be the weights of the output layer. */
function mustTie({ embedding, layers, output }: Architecture): void {
  mustBe(embedding !== undefined, where, 'tied needs an embedding as the first of the layers', 'none');
  const { input, width } = embedding;
  must(output === input, where, `output must be ${input} if tied`, output, 'the classes of the embedding');
  const top = widthOf(layers[layers.length - 1]);
  must(
    top === width,
    where,
    `the last layer must be ${width} wide if tied`,
    top,
    'the width of the embedding',
  );
}

function encoderOptions({ encoder }: NetworkOptions): Pick<Layers, 'encoderEmbedding' | 'encoder'> {
  const { embedding, layers } = stackOf(encoder as NetworkOptions['layers'], 'encoder', 'encoder layer');
  return { ...(embedding && { encoderEmbedding: embedding }), encoder: layers };
}

/** Checks that cells with a shared initial state have states of the same names and widths. */
function mustShareStates(architecture: Architecture): void {
  const [first, ...others] = firstCellsOf(architecture);
  const statesOf = ({ cell }: DirectedCell): string =>
    Object.entries(cell.states)
      .map(([s, width]) => `${s} [${width}]`)
      .join(' and ');
  for (const other of others) {
    const what = `${other.name} must have the states ${statesOf(first)}`;
    const why = `those of ${first.name}; trainInitial is shared`;
    must(statesOf(other) === statesOf(first), where, what, statesOf(other), why);
  }
}

function feedOf({ feed }: NetworkOptions, topology: Topology): Feed {
  const known = feedsOf[topology] ?? [];
  return feed === undefined ? known[0] : mustBeOneOf(feed, known, where, `feed of ${topology}`);
}

function mustDecode(architecture: Architecture): void {
  const { layers, feed, start = 0 } = architecture;
  mustReadForward(layers, where, 'a decoder must read forward', 'a bidirectional layer');
  mustBridge(architecture, where);
  if (architecture.attention !== undefined)
    mustBeOneOf(architecture.attention, attentionScores, where, 'attention');
  mustCount(start, where, 'start', 0);
  const D = readerOf(architecture).input;
  const read = targetsOf(architecture) === 'classes' && feed !== 'nothing';
  must(
    !read || start < D,
    where,
    `start must be a class number in 0…${D - 1}`,
    start,
    'the decoder reads it first',
  );
}

/** Checks that the output can be fed back to the layers as input. */
function mustFeedItself(architecture: Architecture): void {
  const { layers } = architecture;
  mustReadForward(
    layers,
    where,
    'a network that is fed its own output must read forward',
    'a bidirectional layer',
  );
  const [{ input: D, name }, O] = [readerOf(architecture), widthOfOutput(architecture)];
  must(D === O, where, `the output must be ${D} wide to be fed back`, O, `D = ${D} is fixed by ${name}`);
}
