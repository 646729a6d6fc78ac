/**
 * A user's own cell, loss, optimizer and schedule, through the public API alone: each is found wherever such things
 * are named, or refused there by name.
 */
import { join } from 'node:path';
import {
  cellFromText,
  decodeCheckpoint,
  encodeCheckpoint,
  encodeOnnx,
  EquationError,
  fit,
  gradcheck,
  gru,
  loss,
  lossNames,
  network,
  optimizer,
  optimizerNames,
  parallel,
  Random,
  registerLoss,
  registerOptimizer,
  registerSchedule,
  schedule,
  toFlat,
  toKeras,
  pytorchProject,
  type Batch,
  type Cell,
  type OptimizerDefinition,
} from '../index';

const register = join(__dirname, '..', 'scripts', 'register.js');

/** A unit that leaks: h = leak * hPrev + (1 - leak) * tanh(x Wx + b). */
const leaky = (input: number, hidden: number) =>
  cellFromText({
    input,
    hidden,
    equations: `cell leaky
shapes
  x [D]   states h [H]   parameters Wx [D, H]  leak [H]
forward
  n = tanh(x @ Wx)
  h = leak * hPrev + (1 - leak) * n
backward
  dh = dhOut + dhNext
  da = dh * (1 - leak) * (1 - n * n)
  dhPrev = dh * leak
  dx = da @ Wx.T
  dWx += x.T @ da
  dleak += sum(dh * (hPrev - n))
start
  leak 0.5`,
  });

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

/** Only the sign of an average of gradients counts (Chen et al. 2023, "Lion"). */
const lionMaking: OptimizerDefinition<{ learningRate: number; betas: [number, number] }> = {
  name: 'own-lion',
  title: 'Lion',
  defaults: { learningRate: 1e-3, betas: [0.9, 0.99] },
  update: ({ betas: [beta1, beta2] }) => ({
    states: ['m'],
    equations: `
      u = beta1 * mPrev + (1 - beta1) * g
      p = pPrev - lr * (step(u) - step(-u))
      m = beta2 * mPrev + (1 - beta2) * g`,
    numbers: (_t, lr) => ({ lr, beta1, beta2 }),
  }),
};
const lion = registerOptimizer(lionMaking);

const inverse = registerSchedule({
  name: 'own-inverse',
  options: ['after'],
  check: ({ after }, where) => {
    if (!(after > 0)) throw new RangeError(`${where}: after must be > 0, got ${after}`);
  },
  factor:
    ({ after }) =>
    (step) =>
      1 / (1 + step / after),
});

const make = (loss = 'smooth') =>
  network({ layers: [leaky(2, 4), leaky(4, 3)], output: 3, loss, seed: 1, dtype: 'float64' });
const random = new Random(3);
const numbers = (width: number) =>
  Array.from({ length: 4 }, () =>
    Array.from({ length: 3 }, () => Array.from({ length: width }, () => random.normal())),
  );
const batch: Batch = { x: numbers(2), targets: numbers(3) };
const batches = Array<Batch>(60).fill(batch);

test('the gradients of a network of them are right', () =>
  expect(gradcheck(make(), { batch }).ok).toBe(true));

describe('a loss', () => {
  test('is known by its name', () => expect(lossNames()).toContain('smooth'));

  test('is computed as its equations say', () => {
    const { loss: value, output } = make().forward(batch);
    const q = (batch.targets as number[][][]).flat(2);
    const sum = toFlat(output).reduce((total, v, k) => total + Math.sqrt((v - q[k]) ** 2 + 1) - 1, 0);
    expect(value).toBeCloseTo(sum / 12, 12);
  });

  test('with wrong gradients is found out', () => {
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

  test('is saved by name, and read where the name is known', () => {
    const loaded = decodeCheckpoint(encodeCheckpoint({ network: make() })).network;
    expect(loaded.architecture.loss).toBe('smooth');
  });

  test('has a name of its own; an unknown one is refused', () => {
    expect(() => registerLoss(smooth)).toThrow('registerLoss: the name must be new, got smooth');
    expect(() => make('hinge')).toThrow(
      /loss must be one of softmax, smoothed, bernoulli, squared, absolute, huber, quantile, smooth.*, got hinge/,
    );
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
});

test('an optimizer is known by its name, and does what its equations say', () => {
  expect(optimizerNames()).toContain('own-lion');
  const net = make();
  const { flat, flatGradients } = net.parameters;
  const own = optimizer(net, lion({ learningRate: 0.5 }));
  expect(own.options).toEqual({ name: 'own-lion', learningRate: 0.5, betas: [0.9, 0.99] });
  const before = Float64Array.from(flat.data);
  const m = new Float64Array(before.length);
  for (const _ of [1, 2, 3]) {
    net.parameters.zeroGradients();
    net.forward(batch).backward();
    own.step();
    flatGradients.data.forEach((g, k) => {
      before[k] -= 0.5 * Math.sign(0.9 * m[k] + (1 - 0.9) * g);
      m[k] = 0.99 * m[k] + (1 - 0.99) * g;
    });
  }
  expect(Array.from(flat.data)).toEqual(Array.from(before));
});

test('it trains, is saved with its memory, and goes on from there as if nothing had been', async () => {
  const how = { threads: 1 } as const;
  const net = make();
  const before = net.forward(batch).loss;
  const own = optimizer(net, lion({ learningRate: 0.03 }));
  await fit(net, batches, { ...how, optimizer: own, steps: 40 });
  expect(net.forward(batch).loss).toBeLessThan(before * 0.75);

  const read = decodeCheckpoint(encodeCheckpoint({ network: net, optimizer: own }));
  expect(read.optimizer?.options).toEqual(own.options);
  const [one, other] = await Promise.all(
    [
      { net, optimizer: own },
      { net: read.network, optimizer: read.optimizer! },
    ].map(async ({ net: trained, optimizer: by }) => {
      await fit(trained, batches, { ...how, optimizer: by, steps: 10 });
      return Array.from(trained.parameters.flat.data);
    }),
  );
  expect(other).toEqual(one);
});

test('worker threads learn the loss from its text, and train to the same weights', async () => {
  const weights = [1, 2].map(async (threads) => {
    const net = make();
    const team = await parallel(net, { threads, execArgv: ['-r', register] });
    await fit(net, batches, { optimizer: lion({ learningRate: 0.03 }), steps: 2, threads: team });
    team.close();
    return Array.from(net.parameters.flat.data);
  });
  const [one, two] = await Promise.all(weights);
  expect(Math.max(...two.map((w, k) => Math.abs(w - one[k])))).toBeLessThan(1e-12);
});

test('a schedule is known by its name, with a warm-up like any other, and training follows it', async () => {
  const rate = schedule(inverse({ after: 10, warmUp: 2 }));
  expect([0, 1, 2, 12].map(rate)).toEqual([0.5, 1, 1, 0.5]);
  expect(() => schedule(inverse({ after: 0 }))).toThrow('schedule: after must be > 0, got 0');
  expect(() => schedule(inverse())).toThrow('after must be > 0, got undefined');
  expect(() => schedule(inverse({ before: 1 } as object))).toThrow(
    'schedule: options must be among name, warmUp, after, got before',
  );
  const rates: number[] = [];
  const onStep = (info: { learningRate: number }) => void rates.push(info.learningRate);
  const optimizer = lion({ learningRate: 1 });
  await fit(make(), batches, { optimizer, schedule: inverse({ after: 2 }), steps: 3, threads: 1, onStep });
  expect(rates).toEqual([1, 1 / 1.5, 0.5]);
});

describe('an exporter that does not know something refuses it by name', () => {
  const known = (name: string) => network({ layers: [gru({ input: 2, hidden: 3 })], output: 3, loss: name });
  test('a cell', () => {
    expect(() => encodeOnnx(make())).toThrow(/leaky/);
    expect(() => toKeras(make())).toThrow(/leaky/);
  });
  test('a loss', () =>
    expect(() => pytorchProject({ network: known('smooth') })).toThrow(
      'torch: the loss must state what it is in PyTorch, got smooth',
    ));
  test('an optimizer', () => {
    const net = known('squared');
    expect(() => pytorchProject({ network: net, optimizer: optimizer(net, lion()) })).toThrow(
      'torch: the optimizer must state what it is in PyTorch, got own-lion',
    );
  });
});

test('a cell of your own that has the name of a built-in one is not taken for it', () => {
  const equations = `cell elman
shapes
  x [D]   states h [H]   parameters Wx [D, H]  Wh [H, H]  b [H]
forward
  h = sigmoid(x @ Wx + hPrev @ Wh + b)
backward
  dh = dhOut + dhNext
  da = dh * h * (1 - h)
  dx = da @ Wx.T
  dhPrev = da @ Wh.T
  dWx += x.T @ da
  dWh += hPrev.T @ da
  db += sum(da)`;
  const made = cellFromText({ input: 2, hidden: 3, equations });
  const net = network({ layers: [made], output: 2 });
  expect(() => encodeOnnx(net)).toThrow('onnx: l0 must be a built-in elman, lstm or gru, got elman');
  expect(() => toKeras(net)).toThrow('keras: l0 must be a built-in elman, lstm or gru, got elman');
  expect(pytorchProject({ network: net })['model.py']).toContain('class ElmanCell(nn.Module):');
  // its text travels with it, unless it was made without one
  const [same] = decodeCheckpoint(encodeCheckpoint({ network: net })).network.architecture.layers;
  expect((same as Cell).equations).toEqual(made.equations);
  const bare = network({ layers: [{ ...made, options: {} }], output: 2 });
  expect(() => encodeCheckpoint({ network: bare })).toThrow(
    'checkpoint: a cell of your own must have a name of its own, got elman (a built-in cell is called that)',
  );
});

test('a schedule without its Python is refused by the export to PyTorch by name', () => {
  const net = network({ layers: [gru({ input: 2, hidden: 3 })], output: 3, loss: 'squared' });
  expect(() => pytorchProject({ network: net, schedule: inverse({ after: 5 }) })).toThrow(
    'torch: the schedule must state what it is in Python, got own-inverse',
  );
});

test('options of it are checked as any others', () => {
  const net = make();
  expect(() => optimizer(net, lion({ learningRate: -1 }))).toThrow(
    'optimizer own-lion: learningRate must be a finite number >= 0, got -1',
  );
  expect(() => optimizer(net, lion({ beta: 1 } as object))).toThrow(
    'optimizer own-lion: options must be among name, sparse, groups, learningRate, betas, got beta',
  );
});

test.each<[string, string, RegExp]>([
  ['an unknown name', 'p = pPrev - lr * G', /bad, line 1, column \d+: unknown name "G" \(did you mean g\?\)/],
  ['no new parameters', 'q = g * lr', /p is never written/],
  ['a sum over the parameters', 'p = pPrev - lr * g / sum(g * g, axis=1)', /needs a tensor of its own/],
  ['a sum over rows', 'p = sum(g)', /^optimizer bad: the equations must be elementwise, got a sum/],
])('%s in the equations is said when they are registered', (_name, equations, message) => {
  const register = (): unknown =>
    registerOptimizer({
      ...{ name: 'bad', title: 'bad', defaults: { learningRate: 1 } },
      update: () => ({ equations, numbers: (_t, lr) => ({ lr }) }),
    });
  expect(register).toThrow(message);
  expect(optimizerNames()).not.toContain('bad');
});

test('a name is taken once', () => {
  expect(() => registerOptimizer(lionMaking)).toThrow(
    'registerOptimizer: the name must be new, got own-lion',
  );
  expect(() => registerSchedule({ name: 'cosine', options: [], factor: () => () => 1 })).toThrow(
    'registerSchedule: the name must be new, got cosine',
  );
});
