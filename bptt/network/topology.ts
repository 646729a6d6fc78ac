/**
 * The topologies: how many inputs and how many outputs a sequence has.
 *
 *                     input      output
 *   one-to-one        [B, D]     [B, O]         one step; no recurrence
 *   one-to-many       [B, D]     [T, B, O]      the input comes at t = 0; after that see `Feed`
 *   many-to-one       [T, B, D]  [B, O]         after the last step of each row
 *   many-to-many      [T, B, D]  [T, B, O]      one for each
 *   encoder-decoder   [S, B, D]  [T, B, O]      S and T differ: one stack of layers reads, another one writes
 *
 * A side that is one has no axis of time. Class numbers stand for one-hot rows, and have no last axis either.
 */
import { must, mustBeOneOf } from '../../core/check';
import { mustReadForward, type Layer } from './layer';

/** Which steps have an input and which an output, by name; the shapes are in the table at the top of `topology.ts`. */
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

/** Whether the input comes at t = 0 only. */
export const beginsWithOne = (topology: Topology): boolean => ends[topology].input === 'one';
/** Whether each row has one output, after its last step. */
export const endsInOne = (topology: Topology): boolean => ends[topology].output === 'one';

/** The axes of the input before its width: [T, B], or [B] where there is one. */
export const inputAxes = (topology: Topology, T: number, B: number): number[] =>
  beginsWithOne(topology) ? [B] : [T, B];
/** The axes of outputs and targets before their width: [T, B], or [B] where each row has one. */
export const outputAxes = (topology: Topology, T: number, B: number): number[] =>
  endsInOne(topology) ? [B] : [T, B];

/**
 * What the layers that write read after their first input: `nothing` (zeros), the network's own `output` of the step
 * before, or what is `given` (of a decoder: the target of the step before, unless inputs of its own are).
 */
export type Feed = 'given' | 'nothing' | 'output';
/** The feeds that a topology can have, the default first; none where an input comes at every step anyway. */
export const feedsOf: Readonly<Partial<Record<Topology, readonly Feed[]>>> = {
  'one-to-many': ['nothing', 'output'],
  'encoder-decoder': ['given', 'nothing', 'output'],
};

/**
 * Checks that a network reads an input at every step and has no encoder, for formats that know nothing else.
 * @throws TypeError naming its topology.
 */
export const mustReadSteps = (topology: Topology, where: string): Topology =>
  mustBeOneOf(topology, ['many-to-many', 'many-to-one'], where, 'the topology');

/** What has to be known of a network to tell whether it can run in parts. */
export interface Shape {
  encoder?: readonly Layer[];
  layers: readonly Layer[];
  feed?: Feed;
}

/**
 * Checks that a sequence may be run in parts: nothing may need its end before its start, or be lost in between.
 * @throws RangeError naming what does.
 */
export function mustStream(
  { encoder, layers, feed }: Shape,
  where: string,
  what: string,
  got: unknown,
): void {
  must(encoder === undefined, where, what, got, 'the encoder has to read all before the decoder begins');
  must(feed !== 'output', where, what, got, 'the output is fed back, and is no state that could be carried');
  mustReadForward(layers, where, what, got);
}
