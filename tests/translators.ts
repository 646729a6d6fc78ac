/** A small encoder-decoder, its source and the probability of what it writes, for the tests of decoding. */
import { network, type Network } from '../bptt/network/network';
import type { DecodeInput } from '../bptt/decode/writer';
import { gru } from '../cells/gru';
import { Random } from '../core/random/random';
import { toFlat } from '../core/tensor';

export const [S, B, D, H, O] = [4, 3, 2, 5, 4];
export const END = 1;
export const numbers = (count: number, seed: number): number[] => {
  const random = new Random(seed);
  return Array.from({ length: count }, () => random.normal());
};
/** An encoder-decoder with large weights, so that its output depends on its input. */
export function translator(seed = 1): Network {
  const net = network({
    topology: 'encoder-decoder',
    encoder: [gru({ input: D, hidden: H })],
    layers: [gru({ input: O, hidden: H })],
    ...{ output: O, loss: 'softmax', seed },
  });
  const random = new Random(seed);
  for (const [name, t] of Object.entries(net.parameters.values))
    net.parameters.set(
      name,
      toFlat(t).map(() => random.normal(0, 1.5)),
    );
  return net;
}
export const source: DecodeInput = {
  x: { shape: [S, B, D], numbers: numbers(S * B * D, 2) },
  lengths: [4, 2, 3],
};

/** log p of a sequence for one row of the source, by teacher forcing in one pass. */
export function logProbability(net: Network, b: number, written: readonly number[]): number {
  const rows = B;
  const targets = {
    shape: [written.length, rows],
    numbers: written.flatMap((c) => Array<number>(rows).fill(c)),
  };
  const y = toFlat(net.forward({ ...source, targets }).output);
  return written.reduce((sum, c, t) => {
    const logits = y.slice((t * rows + b) * O, (t * rows + b + 1) * O);
    const most = Math.max(...logits);
    return sum + logits[c] - most - Math.log(logits.reduce((s, v) => s + Math.exp(v - most), 0));
  }, 0);
}
