/** Several outputs of one network by name: losses, gradients, predictions, checkpoints, threads, refusals. */
import {
  decodeCheckpoint,
  decodeSafetensors,
  encodeCheckpoint,
  encodeOnnx,
  encodeSafetensors,
  fit,
  gradcheck,
  gru,
  loss,
  namedOutputs,
  network,
  parallel,
  registerLoss,
  toFlat,
  toNested,
  type Batch,
  type NamedOutput,
  type Tensor,
} from '../index';
import { distance } from './executors';
import { B, D, H, T, lengths, make, named, own, x } from './namedcase';
import { register } from './process';

const batch: Batch = { x, targets: named.targets(own), lengths };

/** Networks with the weights of a part of the columns, and the loss of that part. */
function single(of: ReturnType<typeof make>, from: number, width: number, loss: string) {
  const net = network({ layers: [gru({ input: D, hidden: H })], output: width, loss, seed: 4 });
  for (const name of Object.keys(net.parameters.values)) {
    const [one, whole] = [net.parameters.values[name], of.parameters.values[name]];
    const numbers = toFlat(whole);
    const head = name.startsWith('head.');
    const values = head ? numbers.filter((_, k) => k % 7 >= from && k % 7 < from + width) : numbers;
    values.forEach((v, k) => one.data.set([v], one.offset + k));
  }
  return net;
}

test('the loss is the weighted sum of those of networks with one output, and so is each gradient', () => {
  const net = make();
  const pass = net.forward(batch);
  pass.backward();
  const parts = [
    { net: single(net, 0, 2, 'softmax'), targets: own.sign, weight: 1 },
    { net: single(net, 2, 3, 'softmax'), targets: own.level, weight: 0.5 },
    { net: single(net, 5, 2, 'squared'), targets: own.sum, weight: 2 },
  ];
  let expected = 0;
  const dWh = Array<number>(toFlat(net.parameters.gradients['l0.Wh']).length).fill(0);
  for (const { net: one, targets, weight } of parts) {
    const each = one.forward({ x, targets, lengths });
    expected += weight * each.loss;
    each.backward();
    toFlat(one.parameters.gradients['l0.Wh']).forEach((d, k) => (dWh[k] += weight * d));
  }
  expect(pass.loss).toBeCloseTo(expected, 12);
  expect(distance(toFlat(net.parameters.gradients['l0.Wh']), dWh)).toBeLessThan(1e-12);
});

test('its equations are proved', () => {
  const { ok, rows } = gradcheck(make(), { batch, oracles: ['exact'] });
  expect(ok).toBe(true);
  expect(rows.length).toBeGreaterThan(2);
});

test('predictions are by name: probabilities of classes, numbers as they are', () => {
  const net = make();
  const { sign, level, sum } = named.split(net.predict({ x, lengths }));
  const rows = (t: Tensor): number[][] => (toNested(t) as number[][][]).flat();
  expect([sign.shape, level.shape, sum.shape]).toEqual([
    [T, B, 2],
    [T, B, 3],
    [T, B, 2],
  ]);
  for (const row of [...rows(sign), ...rows(level)]) expect(row.reduce((a, p) => a + p)).toBeCloseTo(1, 12);
  const { output } = net.forward({ x, lengths }, { predict: true });
  expect(toFlat(sum)).toEqual(toFlat(named.split(output).sum));
  expect(() => named.split(sum)).toThrow('namedOutputs: the output must be 7 wide, got 2 (sign, level, sum)');
});

test('a checkpoint holds them, and training goes on to the bit, as on another executor', async () => {
  const net = make({ dtype: 'float32' });
  const options = { optimizer: { name: 'adam' }, threads: 1 } as const;
  await fit(net, Array(4).fill(batch), options);
  const bytes = encodeCheckpoint({ network: net });
  const copy = decodeCheckpoint(bytes).network;
  expect(toFlat(copy.predict({ x }))).toEqual(toFlat(net.predict({ x })));
  const [a, b] = await Promise.all([net, copy].map((of) => fit(of, [batch], options)));
  expect(b.history).toEqual(a.history);
  expect(copyOn('plain')).toBeCloseTo(copyOn('wasm'), 5);
  function copyOn(executor: string): number {
    return decodeCheckpoint(bytes, { executor } as never).network.forward(batch).loss;
  }
  // as if from another process
  const { tensors, metadata } = decodeSafetensors(bytes);
  const { name } = named.loss;
  const renamed: Record<string, string> = {
    ...metadata,
    loss: metadata.loss.replace(`"name":"${name}"`, '"name":"else"'),
  };
  renamed.network = renamed.network.replace(JSON.stringify(name), '"else"');
  expect(decodeCheckpoint(encodeSafetensors(tensors, renamed)).network.forward(batch).loss).toBe(
    decodeCheckpoint(bytes).network.forward(batch).loss,
  );
  expect(encodeOnnx(net).length).toBeGreaterThan(100);
});

test('threads share a batch', async () => {
  const [one, two] = [make(), make()];
  one.forward(batch).backward();
  const team = await parallel(two, { threads: 2, execArgv: register });
  two.parameters.zeroGradients();
  const shared = await team.forwardBackward(batch);
  team.close();
  expect(shared.loss).toBeCloseTo(one.forward(batch).loss, 12);
  expect(distance(toFlat(two.parameters.flatGradients), toFlat(one.parameters.flatGradients))).toBeLessThan(
    1e-12,
  );
});

test('a function may stand apart from its bracket in the equations of a loss', () => {
  const { name } = registerLoss(
    loss({
      ...{ name: 'apart', title: 'apart', targets: 'numbers' },
      forward: 'rowLoss = sum (abs (y - target), axis=1)',
      backward: 'dy = weight * (2 * step (y - target) - 1)',
    }),
  );
  expect(namedOutputs({ a: { width: 2, loss: name } }).loss.definition.forward).toContain(
    'rowLoss_a = sum (abs (y_a - target_a), axis=1)',
  );
});

describe('what does not fit is refused', () => {
  const of =
    (one: Partial<NamedOutput>, name = 'a') =>
    () =>
      namedOutputs({ [name]: { width: 2, loss: 'softmax', ...one } });
  test.each<[() => unknown, string]>([
    [() => namedOutputs({}), 'namedOutputs: there must be an output, got none'],
    [of({}, 'a b'), 'namedOutputs: an output must be named by letters and digits, got a b'],
    [of({}, 'a_b'), 'namedOutputs: an output must be named by letters and digits, got a_b'],
    [
      () =>
        loss({
          ...named.loss.definition,
          name: 'twice',
          columns: [
            ['sign', 2, 'same'],
            ['sign', 2, 'same'],
          ],
        }),
      'twice: columns must have names that differ, got sign, sign',
    ],
    [
      () =>
        make({
          output: 2,
          loss: loss({
            ...{ name: 'uneven', title: 'uneven', targets: 'numbers', columns: [['a', 2, 'same']] },
            repeated: { level_a: [1, 2, 3] },
            forward: 'error_a = level_a * (y_a - target_a)\nrowLoss = sum(error_a * error_a, axis=1)',
            backward: 'dy_a = 2 * weight * level_a * error_a',
          }),
        }),
      'the output of uneven must have a multiple of 3 numbers, got 2 (one for each level_a)',
    ],
    [of({ width: 0 }), 'namedOutputs: the width of a must be a whole number >= 1, got 0'],
    [of({ weight: -1 }), 'namedOutputs: the weight of a must be > 0, got -1'],
    [of({ loss: 'sofmax' }), 'sofmax (did you mean softmax?)'],
    [
      of({ loss: 'quantile' }),
      'namedOutputs: a must have a multiple of 3 columns, got 2 (one for each level)',
    ],
    [of({ loss: named.loss.name }), 'namedOutputs: the loss of a must be of one output'],
    [of({ widht: 2 } as never), 'namedOutputs: a: options must be among width, loss, weight, got widht'],
    [() => make({ output: 6 }), 'network: the output must be 7 for the columns of its loss, got 6'],
    [
      () => named.targets({ ...own, sign: own.level.map((row) => row.map(() => 2)) }),
      'targets of sign must be classes in 0…1, got 2',
    ],
    [
      () => named.targets({ ...own, level: [[1]] }),
      'targets of level must be [5, 3], got [1, 1] (class numbers)',
    ],
    [
      () => named.targets({ ...own, sum: own.sign }),
      'targets of sum must be [5, 3, 2], got [5, 3] (2 numbers each)',
    ],
    [
      () => named.targets({ ...own, sun: [] } as never),
      'namedOutputs: targets must be for sign, level, sum, got sun',
    ],
    [() => named.targets({ sign: own.sign } as never), 'targets of level must'],
    [() => named.split(null as never), 'namedOutputs: the output must be a tensor, got null'],
  ])('%#', (call, message) => expect(call).toThrow(message));
});
