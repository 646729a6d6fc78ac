/**
 * The topologies, which determine how many inputs and outputs a sequence has.
 *
 *                     input      output
 *   one-to-one        [B, D]     [B, O]         one step; no recurrence
 *   one-to-many       [B, D]     [T, B, O]      input at t = 0 only; then see `Feed`
 *   many-to-one       [T, B, D]  [B, O]         after the last step of each row
 *   many-to-many      [T, B, D]  [T, B, O]      one for each
 *   encoder-decoder   [S, B, D]  [T, B, O]      S and T differ: one stack of layers reads, another one writes
 *
 * A side with one step has no time axis. Class numbers represent one-hot rows and have no last axis.
 */
import { must, mustBeOneOf } from '../../core/check';
import { mustReadForward, type Layer } from './layers/layer';

/** Which steps have an input and which an output; the shapes are in the table at the top of `topology.ts`. */
export type Topology = 'one-to-one' | 'one-to-many' | 'many-to-one' | 'many-to-many' | 'encoder-decoder';

type Count = 'one' | 'many';
const ends: Record<Topology, { input: Count; output: Count }> = {
  'one-to-one': { input: 'one', output: 'one' },
  'one-to-many': { input: 'one', output: 'many' },
  'many-to-one': { input: 'many', output: 'one' },
  'many-to-many': { input: 'many', output: 'many' },
  'encoder-decoder': { input: 'many', output: 'many' },
};
export const topologies = Object.keys(ends) as Topology[];

/** Whether there is an input only at t = 0. */
export const beginsWithOne = (topology: Topology): boolean => ends[topology].input === 'one';
/** Whether each row has one output, after its last step. */
export const endsInOne = (topology: Topology): boolean => ends[topology].output === 'one';

/** The axes of the input before its width: [T, B], or [B] if there is one. */
export const inputAxes = (topology: Topology, T: number, B: number): number[] =>
  beginsWithOne(topology) ? [B] : [T, B];
/** The axes of outputs and targets before their width: [T, B], or [B] if each row has one. */
export const outputAxes = (topology: Topology, T: number, B: number): number[] =>
  endsInOne(topology) ? [B] : [T, B];

/**
 * The input after the first step: `nothing` (zeros), the network's own `output` of the previous step, or `given` inputs (for
 * a decoder, by default the previous target).
 */
export type Feed = 'given' | 'nothing' | 'output';
/** The feeds that a topology allows, default first; none for topologies with an input at every step. */
export const feedsOf: Readonly<Partial<Record<Topology, readonly Feed[]>>> = {
  'one-to-many': ['nothing', 'output'],
  'encoder-decoder': ['given', 'nothing', 'output'],
};

/**
 * Checks that a network reads an input at every step and has no encoder, for formats that support nothing else.
 * @throws TypeError naming its topology.
 */
export const mustReadSteps = (topology: Topology, where: string): Topology =>
  mustBeOneOf(topology, ['many-to-many', 'many-to-one'], where, 'the topology');

/** The properties of a network that determine whether a sequence can be run in parts. */
export interface LayersAndFeed {
  encoder?: readonly Layer[];
  layers: readonly Layer[];
  feed?: Feed;
}

/**
 * Checks that a sequence can be run in parts: no layer may read it from the end, and all information must be in the states.
 * @throws RangeError naming the obstacle.
 */
export function mustStream(
  { encoder, layers, feed }: LayersAndFeed,
  where: string,
  what: string,
  got: unknown,
): void {
  must(encoder === undefined, where, what, got, 'the encoder has to read all before the decoder begins');
  must(feed !== 'output', where, what, got, 'the output is fed back, but is not a state that can be carried');
  mustReadForward(layers, where, what, got);
}
