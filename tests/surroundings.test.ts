/** Layer normalization, residual connections and dense layers: values, gradients, checkpoints, threads, refusals. */
import {
  bidirectional,
  cell,
  cellFromText,
  clockwork,
  copyNetwork,
  decodeCheckpoint,
  dense,
  encodeCheckpoint,
  encodeOnnx,
  fit,
  gradcheck,
  gru,
  init,
  jordan,
  lmu,
  lstm,
  mutationScore,
  network,
  problemOfCell,
  textOfCell,
  toFlat,
  toNested,
} from '../index';

const D = 4;
const around = [{ layerNorm: true }, { residual: true }, { layerNorm: true, residual: true }];
describe.each([
  ['gru', gru],
  ['lstm', lstm],
  ['dense', dense],
] as const)('%s', (_name, make) => {
  test.each(around)('with %j has the right gradients', (options) => {
    const cell = make({ input: D, hidden: D, ...options });
    const report = gradcheck(cell, {
      T: 4,
      B: 2,
      lengths: [4, 2],
      oracles: ['exact', 'statement', 'doubleSum'],
    });
    expect(report.rows.filter(({ ok }) => !ok)).toEqual([]);
    expect(report.ok).toBe(true);
  });
});

test('comes back from a checkpoint', () => {
  const cell = lstm({ input: D, hidden: D, layerNorm: true, residual: true, forgetBias: 0.5 });
  const net = network({ layers: [cell], output: 2 });
  const { network: same } = decodeCheckpoint(encodeCheckpoint({ network: net }));
  const x = [[[1, 2, 3, 5]], [[0, 1, -1, 2]]];
  expect(toFlat(same.forward({ x }).output)).toEqual(toFlat(net.forward({ x }).output));
});

test('a planted mistake in each line around a cell is found', () => {
  const cell = gru({ input: 3, hidden: 3, layerNorm: true, residual: true });
  const { survivors, killed } = mutationScore(problemOfCell(cell, { T: 3, B: 2 }), { oracles: ['exact'] });
  expect(survivors).toEqual([]);
  expect(killed).toBeGreaterThan(50);
});

test('the difference oracle and the Jacobian agree on an LSTM with both', () => {
  const cell = lstm({ input: 4, hidden: 4, layerNorm: true, residual: true });
  expect(gradcheck(cell, { T: 3, B: 2 }).ok).toBe(true);
});

test('layer normalization gives the cell rows of mean 0 and variance 1, scaled and shifted', () => {
  const plain = dense({ input: D, hidden: 2, activation: 'none' });
  const normed = dense({ input: D, hidden: 2, activation: 'none', layerNorm: true });
  const [a, b] = [plain, normed].map((layer) => network({ layers: [layer], seed: 4 }));
  b.parameters.set('l0.gain', [1, 2, 3, 4]);
  b.parameters.set('l0.shift', [0.5, 0, 0, -1]);
  const row = [1, 2, 3, 6];
  const [mean, variance] = [3, 14 / 4];
  const xn = row.map(
    (v, k) => ([1, 2, 3, 4][k] * (v - mean)) / Math.sqrt(variance + 1e-5) + [0.5, 0, 0, -1][k],
  );
  a.parameters.set('l0.Wx', toNested(b.parameters.values['l0.Wx']) as number[][]);
  const expected = toFlat(a.forward({ x: [[xn]] }).output);
  toFlat(b.forward({ x: [[row]] }).output).forEach((v, k) => expect(v).toBeCloseTo(expected[k], 12));
});

test('a residual layer adds its input to the output, and remembers its own', () => {
  const [a, b] = [false, true].map((residual) =>
    network({ layers: [gru({ input: 2, hidden: 2, residual })], seed: 2 }),
  );
  const x = [[[1, -2]], [[0.5, 3]], [[-1, 0]]];
  const [plain, added] = [a, b].map((net) => toNested(net.forward({ x }).output) as number[][][]);
  expect(added).toEqual(plain.map((rows, t) => rows.map((row, r) => row.map((v, k) => v + x[t][r][k]))));
  expect(Object.keys(b.forward({ x }).states)).toEqual(['l0.y', 'l0.h']);
});

test('a dense layer is the same function at every step', () => {
  const net = network({ layers: [dense({ input: 2, hidden: 3, activation: 'relu' })] });
  const x = [[[1, 2]], [[1, 2]], [[0, 1]]];
  const [first, second] = toNested(net.forward({ x }).output) as number[][][];
  expect(second).toEqual(first);
});

test('stacks of them train on threads as in one, and in float32', async () => {
  const layers = [
    gru({ input: 3, hidden: 6, layerNorm: true }),
    dense({ input: 6, hidden: 4, activation: 'relu' }),
    bidirectional(lstm({ input: 4, hidden: 4, residual: true, layerNorm: true })),
  ];
  const net = network({ layers, output: 2, loss: 'softmax', topology: 'many-to-one' });
  const batch = {
    x: Array.from({ length: 5 }, (_, t) => Array.from({ length: 4 }, (_, b) => [t, b, t - b])),
    targets: [0, 1, 1, 0],
    lengths: [5, 3, 5, 2],
  };
  expect(gradcheck(net, { batch, oracles: ['forwardMode'] }).ok).toBe(true);
  const small = copyNetwork(net, { dtype: 'float32' });
  const options = { optimizer: { name: 'adam', learningRate: 0.02 }, steps: 60, threads: 1 } as const;
  const { history } = await fit(small, Array<typeof batch>(60).fill(batch), options);
  expect(history.loss[history.loss.length - 1].loss).toBeLessThan(0.2);
});

test('a cell from text takes them', () => {
  const equations = textOfCell(gru({ input: 3, hidden: 3 }));
  const cell = cellFromText({ input: 3, hidden: 3, equations, residual: true, layerNorm: true });
  expect(Object.keys(cell.states)).toEqual(['y', 'h']);
  expect(gradcheck(cell, { oracles: ['exact'] }).ok).toBe(true);
});

test('a cell may be written in any style', () => {
  const equations = {
    name: 'own',
    // the states last, a comment with a word of the language, nothing before the first line
    shapes: 'x [D]   parameters Wx [D, H]   Wh [H, H]   # not the states\nstates h [H]   # the end',
    forward: 'z = x @ Wx + hPrev @ Wh\nh = tanh(z)',
    backward: [
      'dh = dhOut + dhNext',
      'dz = dh * (1 - h * h)',
      '\tdx=dz @ Wx.T # at once',
      'dhPrev = dz @ Wh.T',
      'dWx += x.T @ dz',
      'dWh += hPrev.T @ dz',
    ].join('\n'),
  };
  const starts = { Wx: init.glorot(), Wh: init.glorot() };
  for (const options of around as Record<string, boolean>[]) {
    const own = cell(equations, { sizes: { D, H: D }, init: starts, options });
    expect(gradcheck(own, { T: 3, B: 2, oracles: ['exact'] }).ok).toBe(true);
  }
});

test('what cannot have them is refused by name', () => {
  expect(() => gru({ input: 2, hidden: 3, residual: true })).toThrow(
    'gru: input must be 3 with residual, got 2 (the input is added to the output)',
  );
  expect(() => lstm({ input: 4, hidden: 4, projection: 2, residual: true })).toThrow('input must be 2');
  expect(lstm({ input: 2, hidden: 4, projection: 2, residual: true }).states).toEqual({ y: 2, h: 2, c: 4 });
  expect(() => clockwork({ input: 2, hidden: 2, periods: [1, 2], layerNorm: true } as never)).toThrow(
    'clockwork: options must be among',
  );
  expect(() => gru({ input: 2, hidden: 2, layerNorm: 1 as never })).toThrow(
    'layerNorm must be true or false',
  );
  expect(() => dense({ input: 2, hidden: 2, activation: 'gelu' as never })).toThrow('dense: activation');
  expect(() => jordan({ input: 2, hidden: 3, output: 3, residual: true })).toThrow('jordan: input must be 3');
  expect(lmu({ input: 3, hidden: 3, residual: true }).states).toMatchObject({ y: 3 });
  const zero = 'a single number, normalized, is always 0';
  expect(() => gru({ input: 1, hidden: 2, layerNorm: true })).toThrow(
    `gru: input must be >= 2 with layerNorm, got 1 (${zero})`,
  );
  expect(() => lstm({ input: 2, hidden: 1, gateNorm: true })).toThrow(
    `lstm: hidden must be >= 2 with gateNorm, got 1 (${zero})`,
  );
  const net = network({ layers: [gru({ input: 2, hidden: 2, layerNorm: true })], output: 2 });
  expect(() => encodeOnnx(net)).toThrow(/gru/);
});
