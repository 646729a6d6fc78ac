/** Networks that begin with an embedding, and a batch of class indices for them. */
import { bidirectional } from '../bptt/network/layers/layer';
import type { NetworkOptions } from '../bptt/network/network';
import { elman } from '../cells/elman';
import { embedding } from '../cells/embedding';
import { gru } from '../cells/gru';
import { lstm } from '../cells/lstm';

// different sizes T, B, V, W, H and O reveal mix-ups; only one row has full length
export const [T, B, V, W, H, O] = [5, 3, 8, 4, 7, 6];
export const lengths = [5, 2, 4];
export const x = Array.from({ length: T }, (_, t) =>
  Array.from({ length: B }, (_, b) => (3 * t + 2 * b) % (V - 1)),
);
export const targets = x.map((row) => row.map((k) => (k + 1) % O));

export const table = (): ReturnType<typeof embedding> => embedding({ input: V, width: W });
export const stacks: Record<string, () => NetworkOptions['layers']> = {
  lstm: () => [table(), lstm({ input: W, hidden: H })],
  'elman and gru': () => [table(), elman({ input: W, hidden: H }), gru({ input: H, hidden: 5 })],
  bidirectional: () => [
    table(),
    bidirectional(lstm({ input: W, hidden: 3 }), gru({ input: W, hidden: 2 })),
    elman({ input: 5, hidden: 4 }),
  ],
};
export const softmax: Omit<NetworkOptions, 'layers'> = { output: O, loss: 'softmax' };
