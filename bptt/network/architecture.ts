/** An architecture: what a network is made of, checked. */
import { lossOf, type LossTargets } from '../../losses';
import { affineParameters } from '../../cells/affine';
import type { Parameter } from '../../cells/cell';
import { isEmbedding, type Embedding } from '../../cells/embedding';
import { isNumber, must, mustBe, mustBeOneOf, mustCount, mustKnowKeys } from '../../core/check';
import type { ExecutorName } from '../../core/executor';
import { constant } from '../../core/init';
import type { Dtype } from '../../core/memory';
import { attentionParameters, scores, type AttentionScore } from './attention';
import { mustBridge } from './bridge';
import { inputOf, isLayer, mustReadForward, nameOf, widthOf, type Direction, type Layer } from './layer';
import { withPrefix } from './parameters';
import { cellsOf, firstCellsOf, readerOf, type Layers } from './stack';
import { feedsOf, topologies, type Feed, type Topology } from './topology';

/** What a network is built from: its layers, and how they are joined, read, scored and started. */
export interface NetworkOptions {
  /** Which steps have an input and which an output; default many-to-many. */
  topology?: Topology;
  /**
   * The layers, first one first, each a cell or a `bidirectional` pair: each reads the output of the one before. Before
   * the first one an `embedding` may stand.
   */
  layers: readonly (Embedding | Layer)[];
  /** Encoder-decoder: the layers that read. Their final states start `layers`, which write. */
  encoder?: readonly (Embedding | Layer)[];
  /** One-to-many and encoder-decoder: what `layers` read after their first input. */
  feed?: Feed;
  /** Encoder-decoder: lets the decoder look back at all that the encoder has put out; how steps are scored. */
  attention?: AttentionScore;
  /** Encoder-decoder: the class that stands before the first target; default 0. */
  start?: number;
  /** O: adds an output layer y = h Wy + by of that width. */
  output?: number;
  /** What is minimized; without it, `backward` is given dL/doutput. */
  loss?: string;
  /** Whether the loss is averaged over the valid steps (default) or added up. */
  reduction?: 'mean' | 'sum';
  /** Probability of dropping a unit after each layer while training; default 0. */
  dropout?: number;
  /**
   * Learn the initial states, one row each, the same for all sequences; default false. `shared`: the same for all layers
   * too, which must have the same states.
   */
  trainInitial?: boolean | 'shared';
  /** Of all tensors; default float64, as the gradient check wants it. */
  dtype?: Dtype;
  /** Seed of weights and dropout; default 0. */
  seed?: number;
  /** What runs the passes; default the one in BACKSTEP_EXECUTOR, else `wasm` where SIMD works, else `plain`. */
  executor?: ExecutorName;
}

const optionNames =
  'topology layers encoder feed start attention output loss reduction dropout trainInitial dtype seed executor'.split(
    ' ',
  );

/** What a network is made of; what was left out is filled in, and embeddings are told from the layers. */
export interface Architecture
  extends Layers, Pick<NetworkOptions, 'attention' | 'feed' | 'start' | 'output' | 'loss'> {
  topology: Topology;
  /** Probability of dropping a unit after each layer while training. */
  dropout: number;
  /** Whether the initial states are learnt, and whether they are the same for all layers. */
  trainInitial: boolean | 'shared';
  dtype: Dtype;
}

/** The options that ask for an architecture. */
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
 * The architecture that options ask for.
 * @throws TypeError for an unknown option or one that has no place in the topology; RangeError when sizes disagree.
 */
export function architectureOf(options: NetworkOptions): Architecture {
  mustKnowKeys(options, optionNames, where);
  const { topology = 'many-to-many', output, loss } = options;
  const { dropout = 0, trainInitial = false, dtype = 'float64' } = options;
  mustBeOneOf(topology, topologies, where, 'topology');
  const main = stackOf(options.layers, 'layers', 'layer');
  must(isNumber(dropout) && dropout >= 0 && dropout < 1, where, 'dropout must be in 0 ≤ p < 1', dropout);
  mustBeOneOf(dtype, ['float64', 'float32'], where, 'dtype');
  if (loss !== undefined) lossOf(loss, where);
  if (output !== undefined) mustCount(output, where, 'output');
  const architecture: Architecture = {
    ...{ topology, ...main, output, loss, dropout, trainInitial, dtype },
    ...(topology in feedsOf && { feed: feedOf(options, topology) }),
    ...(topology === 'encoder-decoder' && {
      ...encoderOptions(options),
      attention: options.attention,
      start: options.start ?? 0,
    }),
  };
  for (const key of ['encoder', 'attention', 'start', 'feed'] as const) {
    const placed = options[key] === undefined || key in architecture;
    mustBe(placed, where, `${key} must be left out`, options[key], `the topology is ${topology}`);
  }
  const known = trainInitial === 'shared' || typeof trainInitial === 'boolean';
  mustBe(known, where, 'trainInitial must be true, false or shared', trainInitial);
  if (trainInitial === 'shared') mustShareStates(architecture);
  if (topology === 'encoder-decoder') mustDecode(architecture);
  if (architecture.feed === 'output') mustFeedItself(architecture);
  return architecture;
}
const where = 'network';

/** What targets are; undefined without a loss. */
export const targetsOf = ({ loss }: Pick<Architecture, 'loss'>): LossTargets | undefined =>
  loss === undefined ? undefined : lossOf(loss).targets;

/** O, the width of the output. */
export const widthOfOutput = ({ layers, output }: Architecture): number =>
  output ?? widthOf(layers[layers.length - 1]);

/** Names, shapes and starts of all parameters. */
export function parameterShapes(architecture: Architecture): Record<string, Parameter> {
  const { encoder, layers, attention, output, trainInitial } = architecture;
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
  if (output !== undefined) Object.assign(all, withPrefix(affineParameters(width, output), 'head.'));
  return all;
}

/** The parameter that the state `s` of a cell starts from. */
export const initialName = (trainInitial: true | 'shared', name: string, s: string): string =>
  trainInitial === 'shared' ? `initial.${s}` : `${name}.${s}0`;

/** Some layers and the embedding before them, after a check that each reads what the one before gives. */
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

function encoderOptions({ encoder }: NetworkOptions): Pick<Layers, 'encoderEmbedding' | 'encoder'> {
  const { embedding, layers } = stackOf(encoder as NetworkOptions['layers'], 'encoder', 'encoder layer');
  return { ...(embedding && { encoderEmbedding: embedding }), encoder: layers };
}

/** Checks that the cells that start from one initial state have one. */
function mustShareStates(architecture: Architecture): void {
  const [first, ...others] = firstCellsOf(architecture);
  const statesOf = ({ cell }: Direction): string =>
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
  if (architecture.attention !== undefined) mustBeOneOf(architecture.attention, scores, where, 'attention');
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

/** Checks that the output can be read by the layers that it is made of. */
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
