/** Networks that read class indices, a batch for them, and the same batch as one-hot rows. */
import { gradcheck } from '../bptt/check/gradcheck';
import { bidirectional, type Layer } from '../bptt/network/layers/layer';
import { network, type NetworkOptions } from '../bptt/network/network';
import { clockwork } from '../cells/clockwork';
import { elman } from '../cells/elman';
import { gru } from '../cells/gru';
import { jordan } from '../cells/jordan';
import { lstm } from '../cells/lstm';

// different sizes T, B, D and H reveal mix-ups; only one row has full length
export const [T, B, D, H] = [5, 3, 6, 7];
export const lengths = [5, 2, 4];
export const layers: Record<string, () => Layer[]> = {
  elman: () => [elman({ input: D, hidden: H })],
  lstm: () => [lstm({ input: D, hidden: H, peepholes: true })],
  'gru, reset after': () => [gru({ input: D, hidden: H })],
  'gru, reset before': () => [gru({ input: D, hidden: H, reset: 'before', bias: false })],
  jordan: () => [jordan({ input: D, hidden: H, output: 2, feedback: 'p' })],
  clockwork: () => [clockwork({ input: D, hidden: 6, periods: [1, 2, 3] })],
  'clockwork, offset': () => [clockwork({ input: D, hidden: 6, periods: [2, 3], offset: 1 })],
  bidirectional: () => [
    bidirectional(lstm({ input: D, hidden: 3 }), gru({ input: D, hidden: 2 })),
    elman({ input: 5, hidden: 4 }),
  ],
};
export const softmax: Omit<NetworkOptions, 'layers'> = { output: D, loss: 'softmax' };

/** Classes of every step, those of padding included. */
export const classes = Array.from({ length: T }, (_, t) =>
  Array.from({ length: B }, (_, b) => (3 * t + 2 * b) % D),
);
export const targets = classes.map((row) => row.map((k) => (k + 1) % D));
export const asRows = (x: number[][]): number[][][] =>
  x.map((row) => row.map((k) => Array.from({ length: D }, (_, d) => (d === k ? 1 : 0))));

/** All gradients but that of x, which has none, by every oracle. */
export function checkGradients(name: string): void {
  const net = network({ ...softmax, layers: layers[name](), seed: 4 });
  const { rows, ok } = gradcheck(net, { batch: { x: classes, targets, lengths } });
  expect(rows.filter((row) => !row.ok)).toEqual([]);
  expect(ok).toBe(true);
  expect(rows.some(({ variable }) => variable === 'x')).toBe(false);
  const checked = rows.filter(({ variable }) => variable.endsWith('.Wx')).map(({ oracle }) => oracle);
  const newton = name.startsWith('clockwork') ? [] : ['newton']; // a clock rules it out
  const truncated = name === 'bidirectional' ? [] : ['exactTruncated']; // it cannot be read in parts
  expect(new Set(checked)).toEqual(
    new Set([
      ...['differences', 'forwardMode', 'doubleSum', ...newton],
      ...['exact', 'exactDoubleSum', ...truncated],
    ]),
  );
}

/** Those of which the gradients are checked in seconds; the first of them holds an lstm, a gru and an elman. */
export const light = ['bidirectional', 'elman', 'jordan', 'clockwork', 'clockwork, offset'];
