/** The check suite's networks of every topology and every kind of decoder input. */
import { clockwork } from '../../../cells/clockwork';
import { elman } from '../../../cells/elman';
import { gru } from '../../../cells/gru';
import { jordan } from '../../../cells/jordan';
import { lstm } from '../../../cells/lstm';
import { bidirectional, type Layer } from '../../network/layers/layer';
import type { NetworkOptions } from '../../network/network';
import { caseSizes, networkCase, type GradcheckCase, type CaseKind } from './networkcase';

const { D, O } = caseSizes;
const hidden = 3;

/** An encoder and a decoder of two layers each. */
const deep = (input: number): { encoder: Layer[]; layers: Layer[] } => ({
  encoder: [lstm({ input: D, hidden }), gru({ input: hidden, hidden: 2 })],
  layers: [lstm({ input, hidden }), gru({ input: hidden, hidden: 2 })],
});
const shallow = (input: number): { encoder: Layer[]; layers: Layer[] } => ({
  encoder: [gru({ input: D, hidden })],
  layers: [gru({ input, hidden })],
});

export function topologyCases(): GradcheckCase[] {
  const one = { topology: 'one-to-one', output: O } as const;
  const many = { topology: 'one-to-many', output: O } as const;
  const coder = { topology: 'encoder-decoder', output: O } as const;
  const writer = [lstm({ input: D, hidden })];
  // the output of the last layer is read only after the last step, so there is one of the same kind below
  const above = [gru({ input: D, hidden }), gru({ input: hidden, hidden: 2 })];
  const readers = [bidirectional(gru({ input: D, hidden: 2 }))];
  const bothWays = [bidirectional(gru({ input: D, hidden: 2 }), elman({ input: D, hidden: 2 }))];
  const echo = [lstm({ input: O, hidden }), gru({ input: hidden, hidden: 2 })];

  const ragged = { ragged: true };
  const cases: [string, CaseKind, () => NetworkOptions][] = [
    ['softmax', {}, () => ({ ...one, layers: above, loss: 'softmax' })],
    ['class numbers, softmax', { classes: true }, () => ({ ...one, layers: above, loss: 'softmax' })],
    ['no loss', {}, () => ({ ...one, layers: above })],
    ['softmax, lengths', ragged, () => ({ ...many, layers: writer, loss: 'softmax' })],
    ['both ways, squared, lengths', ragged, () => ({ ...many, layers: bothWays, loss: 'squared' })],
    ['fed p, softmax', {}, () => ({ ...many, feed: 'output', layers: echo, loss: 'softmax' })],
    [
      'fed p, softmax, lengths, dropout',
      ragged,
      () => ({ ...many, feed: 'output', layers: echo, loss: 'softmax', dropout: 0.3 }),
    ],
    [
      'fed σ(y), bernoulli, lengths',
      ragged,
      () => ({ ...many, feed: 'output', layers: echo, loss: 'bernoulli', trainInitial: true }),
    ],
    ['fed y, squared, lengths', ragged, () => ({ ...many, feed: 'output', layers: echo, loss: 'squared' })],
    ['fed y, no loss', {}, () => ({ ...many, feed: 'output', layers: echo })],

    ['gru, softmax', {}, () => ({ ...coder, ...shallow(O), loss: 'softmax' })],
    [
      'class numbers, softmax, lengths',
      { ragged: true, classes: true },
      () => ({ ...coder, ...shallow(O), loss: 'softmax' }),
    ],
    ['gru, softmax, lengths', ragged, () => ({ ...coder, ...shallow(D), loss: 'softmax' })],
    ['deep, softmax, lengths', ragged, () => ({ ...coder, ...deep(O), loss: 'softmax', trainInitial: true })],
    ['deep, bernoulli, dropout', ragged, () => ({ ...coder, ...deep(O), loss: 'bernoulli', dropout: 0.3 })],
    ['deep, no loss, lengths', ragged, () => ({ ...coder, ...deep(2) })],
    [
      'read both ways, squared, lengths',
      ragged,
      () => ({ ...coder, encoder: readers, layers: [gru({ input: O, hidden: 4 })], loss: 'squared' }),
    ],
    ['fed p, softmax', ragged, () => ({ ...coder, ...shallow(O), feed: 'output', loss: 'softmax' })],
    [
      'fed y, deep, squared, lengths',
      ragged,
      () => ({ ...coder, ...deep(O), feed: 'output', loss: 'squared' }),
    ],
    ['fed nothing, no loss, lengths', ragged, () => ({ ...coder, ...shallow(2), feed: 'nothing' })],
    ['attention dot, softmax', {}, () => ({ ...coder, ...shallow(O), attention: 'dot', loss: 'softmax' })],
    [
      'attention dot, lengths, dropout',
      ragged,
      () => ({ ...coder, ...deep(O), attention: 'dot', loss: 'softmax', dropout: 0.3 }),
    ],
    [
      'attention general, lengths, squared',
      ragged,
      () => ({ ...coder, ...shallow(D), attention: 'general', loss: 'squared' }),
    ],
    [
      'attention additive, read both ways, lengths',
      ragged,
      () => ({
        ...{ ...coder, attention: 'additive', loss: 'softmax' },
        encoder: readers,
        layers: [gru({ input: D, hidden: 4 })],
      }),
    ],
    [
      'attention general, fed y, squared, lengths',
      ragged,
      () => ({ ...coder, ...shallow(O), feed: 'output', attention: 'general', loss: 'squared' }),
    ],
    [
      'attention additive, fed y, squared, lengths',
      ragged,
      () => ({ ...coder, ...shallow(O), feed: 'output', attention: 'additive', loss: 'squared' }),
    ],
    [
      'clockwork and jordan, softmax, lengths',
      ragged,
      () => ({
        ...coder,
        encoder: [
          clockwork({ input: D, hidden: 4, periods: [1, 3] }),
          jordan({ input: 4, hidden: 5, output: 2 }),
        ],
        layers: [
          clockwork({ input: O, hidden: 4, periods: [1, 2] }),
          jordan({ input: 4, hidden: 3, output: 2, feedback: 'p' }),
        ],
        loss: 'softmax',
      }),
    ],
  ];
  return cases.map(([name, kind, options]) => {
    const { topology } = options();
    return networkCase(topology as string, name, kind, options);
  });
}
