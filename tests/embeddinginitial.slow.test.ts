/** Networks with embeddings: gradient checks of an encoder with a decoder, and of one initial state for all layers. */
import { optionsOf } from '../bptt/network/architecture';
import { gradcheck } from '../bptt/check/gradcheck';
import { bidirectional } from '../bptt/network/layers/layer';
import { network, type Network, type NetworkOptions } from '../bptt/network/network';
import { elman } from '../cells/elman';
import { embedding } from '../cells/embedding';
import { gru } from '../cells/gru';
import { lstm } from '../cells/lstm';
import { decodeCheckpoint, encodeCheckpoint } from '../io/checkpoint';
import { H, lengths, O, softmax, table, targets, V, W, x } from './embeddednets';

describe('an encoder and a decoder, each with an embedding of its own', () => {
  const coder = (): Network =>
    network({
      topology: 'encoder-decoder',
      encoder: [table(), bidirectional(gru({ input: W, hidden: 2 }))],
      layers: [embedding({ input: O, width: 3 }), gru({ input: 3, hidden: 4 })],
      ...softmax,
      dropout: 0.2,
      seed: 6,
    });
  const batch = { x, lengths, targets: targets.slice(0, 3), targetLengths: [1, 3, 2] };

  test('are parameters, and have gradients', () => {
    const net = coder();
    const names = Object.keys(net.parameters.values).slice(0, 2);
    expect(names).toEqual(['encoderEmbedding.E', 'embedding.E']);
    const { rows, ok } = gradcheck(net, { batch, coordinates: 40, directions: 2 });
    expect(rows.filter((row) => !row.ok)).toEqual([]);
    expect([ok, names.every((name) => rows.some((row) => row.variable === name))]).toEqual([true, true]);
  });

  test('fed back, a decoder reads the mean of the rows it expects', () => {
    const { dropout: _, ...options } = optionsOf(coder().architecture);
    const net = network({ ...options, feed: 'output', seed: 6 });
    expect(gradcheck(net, { batch, coordinates: 40, directions: 2 }).ok).toBe(true);
  });
});

describe('one initial state for all layers', () => {
  const alike = (): NetworkOptions['layers'] => [
    elman({ input: V, hidden: H }),
    gru({ input: H, hidden: H }),
    bidirectional(gru({ input: H, hidden: H })),
  ];
  const shared = { ...softmax, layers: alike(), trainInitial: 'shared' as const, seed: 2 };

  test('is checked, survives a checkpoint and reaches every state of an lstm', () => {
    const net = network({
      ...shared,
      layers: [lstm({ input: V, hidden: H }), lstm({ input: H, hidden: H })],
    });
    const { rows, ok } = gradcheck(net, { batch: { x, targets, lengths }, coordinates: 40, directions: 2 });
    expect(ok).toBe(true);
    expect(rows.filter(({ oracle }) => oracle === 'differences').map(({ variable }) => variable)).toEqual(
      expect.arrayContaining(['initial.h', 'initial.c']),
    );
    const { network: again } = decodeCheckpoint(encodeCheckpoint({ network: net }));
    expect(again.architecture.trainInitial).toBe('shared');
    expect(again.forward({ x, targets }).loss).toBe(net.forward({ x, targets }).loss);
  });
});
