/** Training in chunks, with a loss of one's own, judged by a metric. */
import {
  decodeSafetensors,
  embedding,
  encodeCheckpoint,
  encodeSafetensors,
  evaluate,
  fit,
  gradcheck,
  gru,
  load,
  loss,
  lossNames,
  network,
  optimizer,
  Random,
  registerLoss,
  toFlat,
  truncated,
  type Batch,
  type LossFunction,
  type StreamBatch,
} from '../index';

const random = new Random(5);
const [T, B] = [7, 3];
const row = (width: number) => Array.from({ length: width }, () => random.normal());
const batch = {
  x: Array.from({ length: T }, () => Array.from({ length: B }, () => row(2))),
  targets: Array.from({ length: T }, () => Array.from({ length: B }, () => row(2))),
};
const options = { layers: [gru({ input: 2, hidden: 4 })], output: 2, loss: 'squared' } as const;
const sgd = { name: 'sgd', learningRate: 0.05 } as const;
const part = (from: number, to: number): StreamBatch => ({
  x: batch.x.slice(from, to),
  targets: batch.targets.slice(from, to),
});

describe('chunk', () => {
  test('is the same as batches that carry on', async () => {
    const [chunked, carried] = [network(options), network(options)];
    const parts = [
      part(0, 3),
      { ...part(3, 6), initial: 'carry' },
      { ...part(6, 7), initial: 'carry' },
    ] as const;
    const seen: number[] = [];
    const result = await fit(chunked, [batch, batch], {
      optimizer: sgd,
      chunk: 3,
      threads: 1,
      onStep: ({ tokens }) => void seen.push(tokens),
    });
    await fit(carried, [...parts, ...parts], { optimizer: sgd, threads: 1 });
    expect(toFlat(chunked.parameters.flat)).toEqual(toFlat(carried.parameters.flat));
    expect([result.steps, seen]).toEqual([6, [9, 9, 3, 9, 9, 3]]);
  });

  test('leaves out what has ended: rows of unequal length, and chunks without any', async () => {
    const lengths = [2, 4, 1];
    const net = network(options);
    const tokens: number[] = [];
    const step = {
      optimizer: sgd,
      chunk: 2,
      threads: 1,
      onStep: (info: { tokens: number }) => void tokens.push(info.tokens),
    };
    await fit(net, [{ ...batch, lengths }], step);
    expect(tokens).toEqual([5, 2]);
  });

  test('a chunk without weight is read, and makes no step', async () => {
    const weights = batch.x.map((rows, t) => rows.map((_, b) => (t < 3 ? 0 : 1 + b)));
    const [chunked, carried] = [network(options), network(options)];
    const { steps } = await fit(chunked, [{ ...batch, weights }], { optimizer: sgd, chunk: 3, threads: 1 });
    const { states } = carried.forward(part(0, 3) as Batch);
    const initial = { 'l0.h': states['l0.h'] };
    const rest = [
      { ...part(3, 6), weights: weights.slice(3, 6), initial },
      { ...part(6, 7), weights: weights.slice(6), initial: 'carry' as const },
    ];
    await fit(carried, rest, { optimizer: sgd, threads: 1 });
    expect(steps).toBe(2);
    expect(toFlat(chunked.parameters.flat)).toEqual(toFlat(carried.parameters.flat));
  });

  test('with one chunk of all steps, training is as without', async () => {
    const [a, b] = [network(options), network(options)];
    await fit(a, [batch, batch], { optimizer: sgd, chunk: T, threads: 1 });
    await fit(b, [batch, batch], { optimizer: sgd, threads: 1 });
    expect(toFlat(a.parameters.flat)).toEqual(toFlat(b.parameters.flat));
  });

  test('accumulated over all chunks, the gradient is that of truncated', async () => {
    const [a, b] = [network(options), network(options)];
    await fit(a, [batch], { optimizer: sgd, chunk: 3, accumulate: 3, threads: 1 });
    const own = optimizer(b, sgd);
    truncated(b, batch, { chunk: 3, training: true });
    own.step();
    const [ours, expected] = [a, b].map((net) => toFlat(net.parameters.flat));
    ours.forEach((v, k) => expect(v).toBeCloseTo(expected[k], 13));
  });

  test('is refused where it makes no sense', async () => {
    const last = network({ ...options, topology: 'many-to-one' });
    await expect(fit(last, [batch], { optimizer: sgd, chunk: 3 })).rejects.toThrow(
      'fit: chunk needs an output',
    );
    const net = network(options);
    await expect(fit(net, [batch], { optimizer: sgd, chunk: 0 })).rejects.toThrow(
      'chunk must be a whole number',
    );
    await expect(fit(net, [batch], { optimizer: sgd, chunk: 3, checkpointEvery: 2 })).rejects.toThrow(
      'fit: checkpointEvery must be left out with chunk, got 2 (a chunk is run as a whole)',
    );
    const run = (more: object) => fit(net, [{ ...batch, ...more }], { optimizer: sgd, chunk: 3, threads: 1 });
    await expect(run({ lengths: Array(B).fill(0) })).rejects.toThrow(
      `fit: step 1: every length must be in 1…${T}, got 0`,
    );
    const weights = Array.from({ length: T }, () => Array<number>(B).fill(NaN));
    await expect(run({ weights })).rejects.toThrow(
      'fit: step 1: weights must be finite and not negative, got NaN',
    );
  });
});

/** The loss `squared` once more, as a function. */
const mine: LossFunction = ({ output }, { targets }) => {
  const y = toFlat(output);
  const t = (targets as number[][][]).flat(2);
  const error = y.map((v, k) => v - t[k]);
  return {
    loss: error.reduce((sum, e) => sum + e * e, 0) / y.length,
    output: { shape: output.shape, numbers: error.map((e) => (2 * e) / y.length) },
  };
};

describe('a loss of one’s own', () => {
  const bare = { ...options, loss: undefined };

  test('as the built-in one, gives the same training', async () => {
    const [own, built] = [network(bare), network(options)];
    const more = { optimizer: sgd, clip: { norm: 1 } } as const;
    const validation = { batches: () => [batch], every: 1 };
    const results = [
      await fit(own, [batch, batch, batch], { ...more, loss: mine, validation }),
      await fit(built, [batch, batch, batch], { ...more, threads: 1, validation }),
    ];
    const [a, b] = results.map(({ history }) => [...history.loss, ...history.validationLoss]);
    a.forEach(({ loss }, k) => expect(loss).toBeCloseTo(b[k].loss, 13));
    toFlat(own.parameters.flat).forEach((v, k) =>
      expect(v).toBeCloseTo(toFlat(built.parameters.flat)[k], 13),
    );
  });

  test('accumulates, carries states and draws dropout', async () => {
    const net = network({ ...bare, dropout: 0.5 });
    const stream = [part(0, 3), { ...part(3, 6), initial: 'carry' as const }];
    const { steps, states } = await fit(net, stream, { optimizer: sgd, loss: mine, accumulate: 2 });
    expect([steps, states['l0.h'].length]).toEqual([1, B * 4]);
  });

  test('is refused with a loss of the network, threads or chunks, and if it is not finite', async () => {
    const net = network(bare);
    const run = (more: object, of = net) => fit(of, [batch], { optimizer: sgd, loss: mine, ...more });
    await expect(run({}, network(options))).rejects.toThrow('fit: the network must be without a loss');
    await expect(run({ threads: 2 })).rejects.toThrow('fit: threads must be 1');
    await expect(run({ chunk: 2 })).rejects.toThrow('fit: chunk must be left out');
    await expect(run({ loss: 'squared' })).rejects.toThrow('fit: loss must be a function');
    await expect(fit(net, [batch], { optimizer: sgd })).rejects.toThrow('fit: the network must have a loss');
    const bad: LossFunction = (pass, given) => ({ ...mine(pass, given), loss: NaN });
    await expect(run({ loss: bad })).rejects.toThrow(/fit: step 1: loss: it must be finite, got NaN/);
    const late = async (...given: Parameters<LossFunction>) => Promise.resolve(mine(...given));
    for (const wrong of [late, () => undefined, () => ({ loss: 1 })])
      await expect(run({ loss: wrong })).rejects.toThrow(
        'fit: step 1: loss: the function must return { loss, output }',
      );
    const short: LossFunction = () => ({ loss: 1, output: [1, 2] });
    await expect(run({ loss: short })).rejects.toThrow('fit: step 1');
  });
});

describe('a loss from equations', () => {
  const definition = {
    name: 'quartic',
    title: 'fourth power',
    targets: 'numbers',
    forward: 'square = (y - target) * (y - target)\nrowLoss = sum(square * square, axis=1)',
    backward: 'dy = 4 * weight * square * (y - target)',
  } as const;

  test('is given as it is, and travels with a checkpoint', () => {
    const net = network({ ...options, loss: loss({ ...definition, pytorch: '(y - targets).pow(4).sum()' }) });
    expect([net.architecture.loss, lossNames()]).toEqual(['quartic', expect.arrayContaining(['quartic'])]);
    expect(gradcheck(net, { batch }).ok).toBe(true);
    // the same again is no other
    expect(network({ ...options, loss: loss(definition) }).forward(batch).loss).toBe(net.forward(batch).loss);
    const bytes = encodeCheckpoint({ network: net });
    expect(load(bytes).network.forward(batch).loss).toBe(net.forward(batch).loss);
    const { metadata } = decodeSafetensors(bytes);
    expect(JSON.parse(metadata.loss)).toEqual(definition);
    // as if from another process, which does not know it
    const stranger: Record<string, string> = {
      ...metadata,
      loss: JSON.stringify({ ...definition, name: 'quartic-2' }),
    };
    stranger.network = metadata.network.replace('"quartic"', '"quartic-2"');
    const foreign = encodeSafetensors(decodeSafetensors(bytes).tensors, stranger);
    expect(load(foreign).network.forward(batch).loss).toBe(net.forward(batch).loss);
    expect(load(foreign).network.architecture.loss).toBe('quartic-2');
  });

  test('is refused under the name of another, and damaged', () => {
    const other = loss({ ...definition, name: 'squared' });
    expect(() => network({ ...options, loss: other })).toThrow(
      'network: a loss of your own must have a name of its own, got squared',
    );
    const bytes = encodeCheckpoint({ network: network({ ...options, loss: loss(definition) }) });
    const { tensors, metadata } = decodeSafetensors(bytes);
    for (const wrong of ['7', '{}', '{', JSON.stringify({ ...definition, name: 'q', backward: 'dy = z' })])
      expect(() => load(encodeSafetensors(tensors, { ...metadata, loss: wrong }))).toThrow(
        'checkpoint: the file must be a whole checkpoint of backstep',
      );
    expect(() => network({ ...options, loss: 7 as never })).toThrow('loss must be one of');
  });
});

describe('a metric', () => {
  test.each(['higher', 'lower'] as const)(
    'decides which weights are kept and when to stop: %s',
    async (better) => {
      const net = network(options);
      const scores = [1, 3, 2, 2, 5];
      const kept: number[][] = [];
      const result = await fit(net, Array<typeof batch>(9).fill(batch), {
        optimizer: sgd,
        threads: 1,
        validation: {
          batches: () => [batch],
          every: 1,
          better,
          metric: (given) => {
            expect(given).toBe(net);
            kept.push(toFlat(net.parameters.flat));
            return scores[kept.length - 1];
          },
        },
        earlyStopping: { patience: 2 },
      });
      const best = better === 'higher' ? 2 : 1;
      expect(result.stopped).toBe('patience');
      expect(result.best).toMatchObject({ step: best, metric: scores[best - 1] });
      expect(toFlat(net.parameters.flat)).toEqual(kept[best - 1]);
    },
  );

  test('is shown to onStep beside the loss; may be a promise; must be a number', async () => {
    const net = network(options);
    const seen: unknown[] = [];
    const validation = { batches: () => [batch], every: 2, metric: () => Promise.resolve(0.5) };
    await fit(net, [batch, batch], {
      optimizer: sgd,
      threads: 1,
      validation,
      onStep: ({ validationLoss, validationMetric }) =>
        void seen.push([typeof validationLoss, validationMetric]),
    });
    expect(seen).toEqual([
      ['undefined', undefined],
      ['number', 0.5],
    ]);
    const wrong = { ...validation, every: 1, metric: () => NaN };
    await expect(fit(net, [batch], { optimizer: sgd, threads: 1, validation: wrong })).rejects.toThrow(
      'fit: validation after step 1: the metric must be a number, got NaN',
    );
    const better = { batches: () => [batch], every: 1, better: 'higher' as const };
    await expect(fit(net, [batch], { optimizer: sgd, validation: better })).rejects.toThrow(
      'there is no metric',
    );
  });
});

test('a registered loss of classes with many outputs needs no matrix of all classes', () => {
  registerLoss(
    loss({
      name: 'counted-classes',
      title: 'cross-entropy that counts its targets',
      targets: 'classes',
      forward: `
        count = sum(target, axis=1)
        logSum = logsumexp(y, axis=1)
        picked = target * y
        rowLoss = count * logSum - sum(picked, axis=1)`,
      backward: 'dy = weight * (exp(y - logSum) - target)',
      prediction: 'softmax',
    }),
  );
  // an identity of 30,000 classes would take 3.6 GB
  const V = 30_000;
  const layers = [embedding({ input: V, width: 2 }), gru({ input: 2, hidden: 2 })];
  const [own, built] = ['counted-classes', 'softmax'].map((name) =>
    network({ layers, output: V, loss: name, dtype: 'float32' }),
  );
  const given = { x: [[5]], targets: [[7]] };
  expect(evaluate(own, given).loss).toBeCloseTo(evaluate(built, given).loss, 4);
});
