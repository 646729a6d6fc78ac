/** An architecture: what a network is made of, checked. */
import { affineParameters } from '../cells/affine';
import type { Parameter } from '../cells/cell';
import { must, mustBe, mustBeOneOf, mustCount, mustKnowKeys } from '../core/check';
import type { ExecutorName } from '../core/executor';
import { constant } from '../core/init';
import type { Dtype } from '../core/memory';
import { mustBridge } from './bridge';
import { inputOf, isLayer, mustReadForward, nameOf, widthOf, type Layer } from './layer';
import type { LossName } from './losses';
import { withPrefix } from './parameters';
import { cellsOf, firstCellsOf } from './stack';
import { feedsOf, topologies, type Feed, type Topology } from './topology';

export interface NetworkOptions {
  /** Which steps have an input and which an output; default many-to-many. */
  topology?: Topology;
  /** The layers, first one first, each a cell or a `bidirectional` pair: each reads the output of the one before. */
  layers: readonly Layer[];
  /** Encoder-decoder: the layers that read. Their final states start `layers`, which write. */
  encoder?: readonly Layer[];
  /** One-to-many and encoder-decoder: what `layers` read after their first input. */
  feed?: Feed;
  /** Encoder-decoder: the class that stands before the first target; default 0. */
  start?: number;
  /** O: adds an output layer y = h Wy + by of that width. */
  output?: number;
  /** What is minimised; without it, `backward` is given dL/doutput. */
  loss?: LossName;
  /** Whether the loss is averaged over the valid steps (default) or added up. */
  reduction?: 'mean' | 'sum';
  /** Probability of dropping a unit after each layer while training; default 0. */
  dropout?: number;
  /** Learn the initial states, one row each, shared by all sequences; default false. */
  trainInitial?: boolean;
  dtype?: Dtype;
  /** Seed of weights and dropout; default 0. */
  seed?: number;
  executor?: ExecutorName;
}

const optionNames =
  'topology layers encoder feed start output loss reduction dropout trainInitial dtype seed executor'.split(
    ' ',
  );

/** What a network is made of; what was left out is filled in. */
export interface Architecture extends Pick<
  NetworkOptions,
  'layers' | 'encoder' | 'feed' | 'start' | 'output' | 'loss'
> {
  topology: Topology;
  dropout: number;
  trainInitial: boolean;
  dtype: Dtype;
}

/**
 * The architecture that options ask for.
 * @throws TypeError for an unknown option or one that has no place in the topology; RangeError when sizes disagree.
 */
export function architectureOf(options: NetworkOptions): Architecture {
  mustKnowKeys(options, optionNames, where);
  const { topology = 'many-to-many', layers, encoder, output, loss } = options;
  const { dropout = 0, trainInitial = false, dtype = 'float64' } = options;
  mustBeOneOf(topology, topologies, where, 'topology');
  mustStack(layers, 'layers', 'layer');
  must(dropout >= 0 && dropout < 1, where, 'dropout must be in 0 ≤ p < 1', dropout);
  mustBeOneOf(dtype, ['float64', 'float32'], where, 'dtype');
  if (loss !== undefined) mustBeOneOf(loss, ['softmax', 'bernoulli', 'squared'], where, 'loss');
  if (output !== undefined) mustCount(output, where, 'output');
  const architecture: Architecture = {
    ...{ topology, layers, output, loss, dropout, trainInitial, dtype },
    ...(topology in feedsOf && { feed: feedOf(options, topology) }),
    ...(topology === 'encoder-decoder' && { encoder, start: options.start ?? 0 }),
  };
  for (const key of ['encoder', 'start', 'feed'] as const) {
    const placed = options[key] === undefined || key in architecture;
    mustBe(placed, where, `${key} must be left out`, options[key], `the topology is ${topology}`);
  }
  if (topology === 'encoder-decoder') mustDecode(architecture);
  if (architecture.feed === 'output') mustFeedItself(architecture);
  return architecture;
}
const where = 'network';

/** O, the width of the output. */
export const widthOfOutput = ({ layers, output }: Architecture): number =>
  output ?? widthOf(layers[layers.length - 1]);

/** Names, shapes and starts of all parameters. */
export function parameterShapes(architecture: Architecture): Record<string, Parameter> {
  const { layers, output, trainInitial } = architecture;
  const all: Record<string, Parameter> = {};
  const first = firstCellsOf(architecture).map(({ name }) => name);
  for (const { name, cell } of cellsOf(architecture)) {
    Object.assign(all, withPrefix(cell.parameters, `${name}.`));
    if (!trainInitial || !first.includes(name)) continue;
    for (const [s, width] of Object.entries(cell.states))
      all[`${name}.${s}0`] = { shape: [1, width], init: constant(0) };
  }
  const width = widthOf(layers[layers.length - 1]);
  if (output !== undefined) Object.assign(all, withPrefix(affineParameters(width, output), 'head.'));
  return all;
}

/** Checks that each of some layers reads what the one before gives. */
function mustStack(layers: readonly Layer[], name: string, one: string): void {
  const isList: boolean = Array.isArray(layers) && layers.length > 0;
  mustBe(isList, where, `${name} must be a list of at least one cell`, layers);
  layers.forEach((layer, k) => {
    mustBe(isLayer(layer), where, `${one} ${k} must be a cell or bidirectional`, layer);
    if (k === 0) return;
    const width = widthOf(layers[k - 1]);
    const why = `the width of the output of ${one} ${k - 1}, ${nameOf(layers[k - 1])}`;
    must(inputOf(layer) === width, where, `${one} ${k} must have input ${width}`, inputOf(layer), why);
  });
}

function feedOf({ feed }: NetworkOptions, topology: Topology): Feed {
  const known = feedsOf[topology] ?? [];
  return feed === undefined ? known[0] : mustBeOneOf(feed, known, where, `feed of ${topology}`);
}

function mustDecode(architecture: Architecture): void {
  const { encoder, layers, feed, loss, start = 0 } = architecture;
  mustStack(encoder as readonly Layer[], 'encoder', 'encoder layer');
  mustReadForward(layers, where, 'a decoder must read forward', 'a bidirectional layer');
  mustBridge(architecture, where);
  mustCount(start, where, 'start', 0);
  const D = inputOf(layers[0]);
  const read = loss === 'softmax' && feed !== 'nothing';
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
  const [D, O] = [inputOf(layers[0]), widthOfOutput(architecture)];
  must(
    D === O,
    where,
    `the output must be ${D} wide to be fed back`,
    O,
    `D = ${D} is fixed by ${nameOf(layers[0])}`,
  );
}
