/** Connectionist temporal classification against all alignments, differences, and hand-worked cases. */
import {
  bidirectional,
  ctc,
  ctcLabels,
  decodeCheckpoint,
  encodeCheckpoint,
  encodeOnnx,
  fit,
  lstm,
  network,
  pytorchProject,
  Random,
  softmax,
  tensor,
  toFlat,
  type Tensor,
} from '../index';
import type { Pass } from '../bptt/network/passes/pass';

const passOf = (output: Tensor): Pass => ({ output }) as Pass;
const random = new Random(1);
const logits = (T: number, B: number, O: number): number[] =>
  Array.from({ length: T * B * O }, () => 2 * random.normal());
const lossOf = (numbers: number[], shape: number[], batch: object, options = {}) =>
  ctc(options)(passOf(tensor(numbers, shape)), { x: [], ...batch });

/** −log of the sum over all paths of `steps` classes that read as `labels`, one by one. */
function byEnumeration(y: readonly number[][], labels: readonly number[], blank: number): number {
  const p = y.map((row) => softmax(row));
  const [O] = [y[0].length];
  let total = 0;
  for (let code = 0; code < O ** y.length; code++) {
    const path = y.map((_, t) => Math.floor(code / O ** t) % O);
    const read = path.filter((k, t) => k !== blank && k !== path[t - 1]);
    if (read.join() === labels.join()) total += path.reduce((product, k, t) => product * p[t][k], 1);
  }
  return -Math.log(total);
}

const rows = (numbers: number[], T: number, B: number, O: number, b: number): number[][] =>
  Array.from({ length: T }, (_, t) => numbers.slice((t * B + b) * O, (t * B + b + 1) * O));

test.each([
  [[], 0],
  [[1], 0],
  [[1, 2], 0],
  [[2, 2], 0],
  [[1, 2, 1], 0],
  [[0, 1], 2],
  [[0, 0, 1], 2],
])('the loss of %j, blank %i, is that of all alignments together', (labels, blank) => {
  const [T, B, O] = [5, 1, 3];
  const y = logits(T, B, O);
  const { loss } = lossOf(y, [T, B, O], { targets: [labels] }, { blank, reduction: 'sum' });
  expect(Math.abs(loss - byEnumeration(rows(y, T, B, O, 0), labels, blank))).toBeLessThan(1e-12);
});

test.each(['sum', 'mean'] as const)('its gradient is that of central differences: %s', (reduction) => {
  const [T, B, O] = [6, 3, 4];
  const y = logits(T, B, O);
  const batch = { targets: [[1, 2], [3, 3, 1], []], lengths: [6, 5, 3] };
  const { output } = lossOf(y, [T, B, O], batch, { reduction });
  const { numbers } = output as unknown as { numbers: Float64Array };
  const h = 1e-5;
  y.forEach((value, k) => {
    const [above, below] = [h, -h].map((d) => {
      const moved = [...y];
      moved[k] = value + d;
      return lossOf(moved, [T, B, O], batch, { reduction }).loss;
    });
    expect(Math.abs(numbers[k] - (above - below) / (2 * h))).toBeLessThan(1e-8);
  });
  // outputs after the end of a row count nothing
  expect(Array.from(numbers.slice((5 * B + 1) * O, (5 * B + 2) * O))).toEqual([0, 0, 0, 0]);
});

test('a hand-worked case: two steps, one label, p = 1/2 everywhere', () => {
  // paths 1 1, 1 _, _ 1 of the four: P = 3/4; at t = 0 the label is in two of the three
  const { loss, output } = lossOf([0, 0, 0, 0], [2, 1, 2], { targets: [[1]] });
  expect(loss).toBeCloseTo(Math.log(4 / 3), 14);
  const { numbers } = output as unknown as { numbers: Float64Array };
  [1 / 6, -1 / 6, 1 / 6, -1 / 6].forEach((d, k) => expect(numbers[k]).toBeCloseTo(d, 14));
});

test('stays finite for extreme outputs', () => {
  const { loss, output } = lossOf([1000, -1000, 1000, -1000], [2, 1, 2], { targets: [[1]] });
  // two of the three paths have one unlikely step, e^-2000 each
  expect(loss).toBeCloseTo(2000 - Math.log(2), 10);
  expect(Array.from((output as unknown as { numbers: Float64Array }).numbers).every(Number.isFinite)).toBe(
    true,
  );
});

test('names what is wrong', () => {
  const shape = [2, 1, 2];
  const y = [0, 0, 0, 0];
  expect(() => lossOf(y, shape, { targets: [[1, 1]] })).toThrow(
    'ctc: row 0 must have at least 3 steps, got 2 (2 labels, 1 of them equal to the one before)',
  );
  expect(() => lossOf(y, shape, { targets: [[0]] })).toThrow('other than the blank, 0, got 0');
  expect(() => lossOf(y, shape, { targets: [[2]] })).toThrow('labels must be classes in 0…1');
  expect(() => lossOf(y, shape, { targets: [[1], [1]] })).toThrow('targets must be of 1 rows, got 2');
  expect(() => lossOf(y, shape, {})).toThrow('targets must be a list of labels for each row');
  expect(() => lossOf(y, [4, 1], { targets: [[1]] })).toThrow('the output must be [T, B, O]');
  expect(() => ctc({ blank: -1 })).toThrow('blank must be a whole number');
  expect(() => lossOf(y, shape, { targets: [[1]] }, { blank: 2 })).toThrow('blank must be a class in 0…1');
});

test('the labels of the likeliest path', () => {
  const path = [0, 2, 2, 0, 2, 1, 1];
  const output = tensor(path.map((k) => [[0, 1, 2].map((c) => Number(c === k))]));
  expect(ctcLabels(output)).toEqual([[2, 2, 1]]);
  expect(ctcLabels(output, { lengths: [4] })).toEqual([[2]]);
  expect(ctcLabels(output, { blank: 1 })).toEqual([[0, 2, 0, 2]]);
  expect(() => ctcLabels(output, { lengths: [8] })).toThrow('ctcLabels: every length must be in 1…7, got 8');
  expect(() => ctcLabels(output, { lengths: [1, 2] })).toThrow('ctcLabels: lengths must be [1], got [2]');
  expect(() => ctcLabels(output, { blank: -1 })).toThrow('ctcLabels: blank must be a whole number');
  expect(() => ctcLabels(output, { length: [4] } as never)).toThrow('ctcLabels: options must be among');
});

test('fit learns labels whose alignment is unknown, and a check of the network holds', async () => {
  // each label is a burst of its class, as long as chance wants, between pauses
  const draw = () => {
    const labels = Array.from({ length: 1 + random.below(2) }, () => 1 + random.below(2));
    const x = labels.flatMap((k) => [0, ...Array<number>(1 + random.below(3)).fill(k)]);
    return { labels, x };
  };
  const batch = () => {
    const all = Array.from({ length: 16 }, draw);
    const T = Math.max(...all.map(({ x }) => x.length));
    return {
      x: Array.from({ length: T }, (_, t) => all.map(({ x }) => x[t] ?? 0)),
      lengths: all.map(({ x }) => x.length),
      targets: all.map(({ labels }) => labels),
    };
  };
  function* batches() {
    for (;;) yield batch();
  }
  const net = network({ layers: [lstm({ input: 3, hidden: 12 })], output: 3, seed: 1 });
  const optimizer = { name: 'adam', learningRate: 0.03 } as const;
  await fit(net, batches(), { loss: ctc(), optimizer, clip: { norm: 1 }, steps: 120 });
  const { targets, ...test } = batch();
  const read = ctcLabels(net.predict(test), { lengths: test.lengths });
  const right = read.filter((labels, b) => labels.join() === targets[b].join()).length;
  expect(right).toBeGreaterThan(13);
});

describe('a network that is trained so', () => {
  const T = 24;
  const numbers = Array.from({ length: T * 2 * 2 }, () => random.normal());
  const batch = { x: { shape: [T, 2, 2], numbers }, lengths: [T, 17], targets: [[1, 2, 2], [2]] };
  const made = (dtype: 'float32' | 'float64') =>
    network({ layers: [bidirectional(lstm({ input: 2, hidden: 3 }))], output: 3, dtype });
  const options = { loss: ctc(), optimizer: { name: 'adam' } } as const;

  test.each(['float32', 'float64'] as const)('is saved, goes on, and is exported, in %s', async (dtype) => {
    const net = made(dtype);
    await fit(net, [batch, batch], options);
    const { network: copy } = decodeCheckpoint(encodeCheckpoint({ network: net }));
    const { x, lengths } = batch;
    expect(toFlat(copy.predict({ x, lengths }))).toEqual(toFlat(net.predict({ x, lengths })));
    const losses = await Promise.all([net, copy].map(async (of) => fit(of, [batch], options)));
    expect(losses[1].history).toEqual(losses[0].history);
    expect(Object.keys(pytorchProject({ network: net }))).toContain('model.py');
    expect(encodeOnnx(net).length).toBeGreaterThan(100);
  });

  test('in segments gives the same', async () => {
    const forward = () => network({ layers: [lstm({ input: 2, hidden: 3 })], output: 3, seed: 2 });
    const [whole, parts] = [forward(), forward()];
    await fit(whole, [batch, batch], options);
    await fit(parts, [batch, batch], { ...options, checkpointEvery: 8 });
    expect(toFlat(parts.parameters.flat)).toEqual(toFlat(whole.parameters.flat));
  });

  test('what it cannot have is refused before it begins', async () => {
    const never = {
      [Symbol.iterator]: (): never => {
        throw new Error('a batch was taken');
      },
    };
    const run = (more: object, of = made('float64')) => fit(of, never, { ...options, ...more });
    await expect(run({ threads: 2 })).rejects.toThrow('fit: threads must be 1, got 2');
    await expect(run({ chunk: 4 })).rejects.toThrow('fit: chunk must be left out, got 4');
    await expect(run({ checkpointEvery: 4 })).rejects.toThrow(
      'fit: checkpointEvery must be left out, got 4 (layer 0 is bidirectional lstm',
    );
    await expect(run({ loss: ctc({ blank: 3 }) })).rejects.toThrow(
      'ctc: blank must be a class in 0…2, got 3',
    );
    const last = network({ layers: [lstm({ input: 2, hidden: 3 })], output: 3, topology: 'many-to-one' });
    await expect(run({}, last)).rejects.toThrow(
      'ctc: the network must have an input and an output at every step, got many-to-one',
    );
    const trained = network({ layers: [lstm({ input: 2, hidden: 3 })], output: 3, loss: 'softmax' });
    await expect(run({}, trained)).rejects.toThrow('fit: the network must be without a loss, got softmax');
  });
});
