/** Optimizers that update only the used rows of an embedding, against those that update all. */
import { join } from 'node:path';
import { fit } from '../bptt/train/fit';
import { optimizer, type OptimizerOptions } from '../bptt/train/optimizers';
import { network, type Network } from '../bptt/network/network';
import { embedding } from '../cells/embedding';
import { gru } from '../cells/gru';
import { lstm } from '../cells/lstm';
import { Random } from '../core/random/random';
import { toFlat, type Tensor } from '../core/tensor';
import { torchOptimizerCall } from '../io/torch/optimizers';
import { parallel } from '../bptt/parallel/parallel';
import { testErrors } from './errors';
import { settings } from './executors';

const register = join(__dirname, '..', 'scripts', 'register.js');
const [V, W, T, B] = [50, 5, 3, 4];
const random = new Random(8);
const classes = (count: number): number[][] =>
  Array.from({ length: T }, () => Array.from({ length: B }, () => random.below(count)));
// the first 20 classes only: the others are never read
const batches = Array.from({ length: 6 }, () => ({ x: classes(20), targets: classes(3) }));

const build = (more: object = {}): Network =>
  network({
    layers: [embedding({ input: V, width: W }), gru({ input: W, hidden: 4 })],
    ...{ output: 3, loss: 'softmax', seed: 5 },
    ...more,
  });

const weights = ({ parameters }: Network): number[] => Array.from(parameters.flat.data);
const table = (t: Tensor): number[][] => {
  const numbers = toFlat(t);
  return Array.from({ length: V }, (_, row) => numbers.slice(row * W, (row + 1) * W));
};

async function trained(net: Network, options: OptimizerOptions, more: object = {}): Promise<number[]> {
  await fit(net, batches, { optimizer: options, threads: 1, ...more });
  return weights(net);
}

describe.each(settings)('$name, $dtype', ({ executorName: executor, dtype }) => {
  const options: OptimizerOptions[] = [
    { name: 'sgd', learningRate: 0.1 },
    { name: 'adagrad', learningRate: 0.1, lrDecay: 0.1 },
  ];
  test.each(options)('$name gives the bits of updating all rows', async (given) => {
    for (const more of [{}, { clip: { norm: 0.01 } }, { clip: { value: 1e-3 } }, { accumulate: 2 }]) {
      const [all, used] = [false, true].map((sparse) =>
        trained(build({ executor, dtype }), { ...given, sparse }, more),
      );
      expect(await used).toEqual(await all);
    }
  });

  test('adam leaves rows that are not used, and their states, as they are', () => {
    const [net, twin] = [build({ executor, dtype }), build({ executor, dtype })];
    const [first, second] = [[[1, 2]], [[2, 3]]].map((x) => ({ x, targets: [[0, 1]] }));
    const adam = optimizer(net, { name: 'adam', sparse: true });
    const dense = optimizer(twin, { name: 'adam' });
    const start = table(net.parameters.values['embedding.E']);
    for (const batch of [first, second])
      for (const [each, by] of [
        [net, adam],
        [twin, dense],
      ] as const) {
        each.parameters.zeroGradients();
        each.forward(batch).backward();
        by.step();
      }
    const [own, other] = [net, twin].map(({ parameters }) => table(parameters.values['embedding.E']));
    const [m, mOther] = [adam, dense].map((by) => table(by.state()['m.embedding.E']));
    // used in both steps, or in the second one alone: as if all rows were updated
    for (const row of [2, 3]) expect([own[row], m[row]]).toEqual([other[row], mOther[row]]);
    // used in the first alone: Adam goes on moving it, SparseAdam does not
    expect(own[1]).not.toEqual(other[1]);
    expect(m[1].map((value) => value * 0.9)).toEqual(
      mOther[1].map((value) => expect.closeTo(value, 6) as number),
    );
    own.forEach((row, k) => {
      if (k === 0 || k > 3) expect([row, m[k]]).toEqual([start[k], Array(W).fill(0)]);
    });
    expect(own[1]).not.toEqual(start[1]);
  });
});

test('SparseAdam by definition', () => {
  const net = build({ dtype: 'float64' });
  const adam = optimizer(net, { name: 'adam', sparse: true, learningRate: 0.01 });
  const { values, gradients } = net.parameters;
  const p = table(values['embedding.E']);
  const [m, v] = [p.map((row) => row.map(() => 0)), p.map((row) => row.map(() => 0))];
  batches.forEach((batch, k) => {
    net.parameters.zeroGradients();
    net.forward(batch).backward();
    const g = table(gradients['embedding.E']);
    adam.step();
    for (const row of new Set(batch.x.flat()))
      for (let c = 0; c < W; c++) {
        m[row][c] = 0.9 * m[row][c] + 0.1 * g[row][c];
        v[row][c] = 0.999 * v[row][c] + 0.001 * g[row][c] ** 2;
        const [first, second] = [1 - 0.9 ** (k + 1), 1 - 0.999 ** (k + 1)];
        p[row][c] -= (0.01 / first) * (m[row][c] / (Math.sqrt(v[row][c] / second) + 1e-8));
      }
  });
  const own = table(values['embedding.E']);
  own.forEach((row, k) => row.forEach((value, c) => expect(value).toBeCloseTo(p[k][c], 12)));
});

test('both tables of an encoder-decoder, each by its own classes', async () => {
  const make = (): Network =>
    network({
      ...{
        topology: 'encoder-decoder',
        encoder: [embedding({ input: 9, width: 3 }), lstm({ input: 3, hidden: 4 })],
      },
      ...{
        layers: [embedding({ input: 7, width: 2 }), lstm({ input: 2, hidden: 4 })],
        output: 7,
        loss: 'softmax',
      },
    });
  const batch = {
    x: [
      [1, 8],
      [2, 8],
    ],
    targets: [
      [3, 5],
      [4, 5],
    ],
    lengths: [2, 1],
  };
  const run = async (sparse: boolean): Promise<number[]> => {
    const net = make();
    await fit(net, [batch, batch], { optimizer: { name: 'sgd', learningRate: 0.1, sparse }, threads: 1 });
    return weights(net);
  };
  expect(await run(true)).toEqual(await run(false));
});

test('probabilities use all rows', async () => {
  const x = Array.from({ length: T }, () => Array.from({ length: B }, () => Array<number>(V).fill(1 / V)));
  const [all, used] = [false, true].map(async (sparse) => {
    const net = build();
    await fit(net, [{ x, targets: batches[0].targets }], { optimizer: { name: 'adam', sparse }, threads: 1 });
    return weights(net);
  });
  expect(await used).toEqual(await all);
});

test('a sequence in segments uses the rows of all of them', async () => {
  const long = {
    x: Array.from({ length: 40 }, (_, t) => [t]),
    targets: Array.from({ length: 40 }, () => [1]),
  };
  const [whole, segments] = [undefined, 8].map(async (checkpointEvery) => {
    const net = build();
    await fit(net, [long, long], {
      ...{ optimizer: { name: 'adam', sparse: true }, threads: 1 },
      ...(checkpointEvery && { checkpointEvery }),
    });
    return weights(net);
  });
  expect(await segments).toEqual(await whole);
});

test('threads mark the rows of their shares', async () => {
  const net = build();
  const team = await parallel(net, { threads: 2, execArgv: ['-r', register] });
  try {
    net.parameters.zeroGradients();
    await team.forwardBackward(batches[0], { training: true });
    const used: number[] = [];
    const { used: rows } = net.parameters;
    rows.each(rows.tables[0], (row) => used.push(row));
    expect(used).toEqual([...new Set(batches[0].x.flat())].sort((p, q) => p - q));
  } finally {
    team.close();
  }
});

test('a failed update leaves the weights as they were', async () => {
  const net = build({ dtype: 'float32' });
  const before = weights(net);
  const rate = { name: 'sgd', learningRate: 1e300, sparse: true } as const;
  await expect(fit(net, batches, { optimizer: rate, threads: 1 })).rejects.toThrow(/finite/);
  expect(weights(net)).toEqual(before);
});

describe('errors', () => {
  const make =
    (options: OptimizerOptions, net = build()) =>
    () =>
      optimizer(net, options);
  testErrors(RangeError, [
    [
      make({ name: 'adamw', sparse: true }),
      'optimizer adamw: weightDecay must be 0, got 0.01 (sparse: it moves rows that are not used)',
    ],
    [
      make({ name: 'sgd', momentum: 0.9, sparse: true }),
      'optimizer sgd: momentum must be 0, got 0.9 (sparse: it moves rows that are not used)',
    ],
    [
      make(
        { name: 'adam', sparse: true },
        network({ layers: [gru({ input: 2, hidden: 3 })], output: 2, loss: 'squared' }),
      ),
      'optimizer adam: the network must have an embedding, got none (sparse updates the rows of one)',
    ],
  ]);
  testErrors(TypeError, [
    [
      make({ name: 'adam', sparse: 1 as unknown as boolean }),
      'optimizer adam: sparse must be true or false, got 1',
    ],
    [
      () => torchOptimizerCall({ name: 'adam', sparse: true }),
      'torch: adam must update all rows of an embedding, got sparse: true (torch.optim needs an embedding with sparse gradients, and an optimizer for it alone)',
    ],
  ]);
});
