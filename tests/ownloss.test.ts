/** A loss from outside, through the public API alone: checked, trained, saved, exported; and refused where it cannot be. */
import {
  decodeCheckpoint,
  encodeCheckpoint,
  EquationError,
  fit,
  gradcheck,
  gru,
  loss,
  lossNames,
  network,
  Random,
  registerLoss,
  toFlat,
  pytorchProject,
  type Batch,
} from '../index';

/** A smooth absolute error, as users have wished for: √((y − q)² + 1) − 1. */
const smooth = loss({
  name: 'smooth',
  title: 'smooth absolute error',
  targets: 'numbers',
  forward: `
    root = sqrt((y - target) * (y - target) + 1)
    rowLoss = sum(root - 1, axis=1)`,
  backward: 'dy = weight * (y - target) / root',
});
registerLoss(smooth);

const make = (name = 'smooth') =>
  network({ layers: [gru({ input: 2, hidden: 4 })], output: 3, loss: name, seed: 1 });
const batchOf = (random: Random, T = 4, B = 3): Batch => {
  const numbers = (width: number) =>
    Array.from({ length: T }, () =>
      Array.from({ length: B }, () => Array.from({ length: width }, () => random.normal())),
    );
  return { x: numbers(2), targets: numbers(3) };
};

test('is known by its name', () => expect(lossNames()).toContain('smooth'));

test('is computed as its equations say', () => {
  const net = make();
  const batch = batchOf(new Random(3));
  const { loss: value, output } = net.forward(batch);
  const y = toFlat(output);
  const q = (batch.targets as number[][][]).flat(2);
  const sum = y.reduce((total, v, k) => total + Math.sqrt((v - q[k]) ** 2 + 1) - 1, 0);
  expect(value).toBeCloseTo(sum / 12, 12);
});

test('its gradients are checked like any other, and a wrong one is found', () => {
  const batch = batchOf(new Random(3));
  expect(gradcheck(make(), { batch }).ok).toBe(true);
  const wrong = loss({
    name: 'wrong',
    title: 'with a mistake',
    targets: 'numbers',
    forward: 'rowLoss = sum((y - target) * (y - target), axis=1)',
    backward: 'dy = weight * (y - target)', // the factor 2 is missing
  });
  registerLoss(wrong);
  expect(gradcheck(make('wrong'), { batch }).ok).toBe(false);
});

test('trains', async () => {
  const net = make();
  const batch = batchOf(new Random(4));
  const before = net.forward(batch).loss;
  const again = Array<Batch>(100).fill(batch);
  await fit(net, again, { optimizer: { name: 'adam', learningRate: 0.05 }, steps: 100, threads: 1 });
  expect(net.forward(batch).loss).toBeLessThan(before / 2);
});

test('is saved by name, and read where the name is known', () => {
  const loaded = decodeCheckpoint(encodeCheckpoint({ network: make() })).network;
  expect(loaded.architecture.loss).toBe('smooth');
});

test('is refused by an exporter that does not know it, by name', () => {
  expect(() => pytorchProject({ network: make() })).toThrow(
    /loss must state what it is in PyTorch, got smooth/,
  );
});

test('a name is taken once; an unknown one is refused', () => {
  expect(() => registerLoss(smooth)).toThrow('registerLoss: the name must be new, got smooth');
  expect(() => make('hinge')).toThrow(/loss must be one of softmax, bernoulli, squared, smooth.*, got hinge/);
});

test.each([
  ['rowLoss = sum(y, axis=1)', 'dz = weight * y', 'dy is never written'],
  ['total = sum(y, axis=1)', 'dy = weight * y', 'rowLoss is never written'],
  ['rowLoss = y', 'dy = weight * y', 'rowLoss is [N, 1], but y is [N, O]'],
  ['rowLoss = sum(y, axis=1)\nz = y', 'dy = weight * y', 'z is written, but never read'],
])('%j with %j: %s', (forward, backward, reason) => {
  const build = (): unknown => loss({ name: 'bad', title: 'bad', targets: 'numbers', forward, backward });
  expect(build).toThrow(EquationError);
  expect(build).toThrow(reason);
});
