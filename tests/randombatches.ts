/** A small network and an endless stream of random batches, for the tests of `fit`. */
import type { Batch } from '../bptt/network/batch/batch';
import { network, type Network, type NetworkOptions } from '../bptt/network/network';
import type { FlatNumbers } from '../bptt/network/batch/numbers';
import { gru } from '../cells/gru';
import { Random } from '../core/random/random';

export const [T, B, D, H, O] = [5, 3, 4, 6, 7];

export const make = (options: Partial<NetworkOptions> = {}): Network =>
  network({ layers: [gru({ input: D, hidden: H })], output: O, loss: 'softmax', seed: 2, ...options });

/** The k-th batch of an endless stream; the same k gives the same batch. */
export function batchOf(k: number, more: Partial<Batch> = {}): Batch {
  const random = new Random(k);
  const targets = Array.from({ length: T * B }, () => random.below(O));
  return { x: inputsOf(k), targets: { shape: [T, B], numbers: targets }, ...more };
}
export function inputsOf(k: number, at = 0, bad?: number): FlatNumbers {
  const random = new Random(k + 1000);
  const numbers = Array.from({ length: T * B * D }, () => random.normal());
  if (bad !== undefined) numbers[at] = bad;
  return { shape: [T, B, D], numbers };
}
export function* endless(more: Partial<Batch> = {}, from = 0): Generator<Batch> {
  for (let k = from; ; k++) yield batchOf(k, more);
}
export const weightsOf = (net: Network): number[] => Array.from(net.parameters.flat.data);
