/** The learning rate that follows validations: as PyTorch, resumed, in training. */
import { fit, gru, network, plateau, type Better, type PlateauOptions } from '../index';

const values = [3, 2, 2.1, 2, 1.99, 1.99, 1.9899, 1.5, 1.6, 1.6, 1.6, 1.6, 1.6, 1.6, 1.6, 1.4999];
const half = (...exponents: number[]) => exponents.map((n) => 0.5 ** n);
/** Learning rates of torch.optim.lr_scheduler.ReduceLROnPlateau (1.13) after each value, from 1 and with eps = 0. */
const cases: [PlateauOptions, Better, number[]][] = [
  [{ factor: 0.5, patience: 0 }, 'lower', half(0, 0, 1, 2, 2, 3, 4, 4, 5, 6, 7, 8, 9, 10, 11, 12)],
  [{ factor: 0.5, patience: 1, cooldown: 2 }, 'lower', half(0, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3)],
  [
    { factor: 0.1, patience: 1, threshold: 0.02, mode: 'absolute' },
    'lower',
    [1, 1, 1, 0.1, 0.1, 1e-2, 1e-2, 1e-2, 1e-2, 1e-3, 1e-3, 1e-4, 1e-4, 1e-5, 1e-5, 1e-6],
  ],
  [{ factor: 0.5, patience: 1 }, 'higher', half(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7)],
  [
    { factor: 0.5, patience: 0, minimum: 0.2 },
    'lower',
    [1, 1, 0.5, 0.25, 0.25, ...Array<number>(11).fill(0.2)],
  ],
  [
    { factor: 0.5, patience: 2, threshold: 0.3 },
    'lower',
    half(0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4),
  ],
];

test.each(cases)('with %j, %s is better, lowers the rate when PyTorch does', (options, better, rates) => {
  const lower = plateau(options);
  const ours = values.map((value) => {
    lower.see(value, better);
    return lower.factor;
  });
  ours.forEach((rate, k) => expect(rate / rates[k]).toBeCloseTo(1, 12));
});

test('a state that was saved as JSON continues the same', () => {
  const options = { factor: 0.5, patience: 1, cooldown: 2 };
  const [whole, first, second] = [0, 1, 2].map(() => plateau(options));
  for (const value of values) whole.see(value);
  for (const value of values.slice(0, 7)) first.see(value);
  second.state = JSON.parse(JSON.stringify(first.state)) as typeof first.state;
  for (const value of values.slice(7)) second.see(value);
  expect(second.state).toEqual(whole.state);
});

test('in training it multiplies the schedule, from the validation on', async () => {
  const net = network({ layers: [gru({ input: 1, hidden: 2 })], output: 1, loss: 'squared' });
  const batch = { x: [[[1]]], targets: [[[0]]] };
  const rates: number[] = [];
  const losses = [3, 3, 3, 1];
  await fit(net, Array<typeof batch>(5).fill(batch), {
    optimizer: { name: 'sgd', learningRate: 0.8 },
    threads: 1,
    schedule: { name: 'step', every: 4, factor: 0.1 },
    validation: { batches: () => [batch], every: 1, metric: () => losses.shift() ?? 0 },
    plateau: { factor: 0.5, patience: 0 },
    onStep: ({ learningRate }) => void rates.push(learningRate),
  });
  [0.8, 0.8, 0.4, 0.2, 0.02].forEach((rate, k) => expect(rates[k]).toBeCloseTo(rate, 14));
});

test('an option that is undefined has its default', () =>
  expect(plateau({ factor: undefined, mode: undefined }).options).toEqual(plateau().options));

test('is refused without validation, and out of range', async () => {
  const net = network({ layers: [gru({ input: 1, hidden: 2 })], output: 1, loss: 'squared' });
  const run = fit(net, [], { optimizer: { name: 'sgd' }, plateau: {} });
  await expect(run).rejects.toThrow('fit: validation must be given, got undefined (plateau needs it)');
  expect(() => plateau({ factor: 1 })).toThrow('plateau: factor must be in 0 < factor < 1, got 1');
  expect(() => plateau({ patience: -1 })).toThrow('plateau: patience must be a whole number >= 0');
  expect(() => plateau({ mode: 'rel' as never })).toThrow('plateau: mode must be one of relative, absolute');
  expect(() => plateau({ minimum: 2 })).toThrow('plateau: minimum must be a factor in 0…1');
  for (const name of ['factor', 'threshold', 'minimum'])
    expect(() => plateau({ [name]: '0.5' })).toThrow(`plateau: ${name} must be`);
  expect(() => plateau({ pace: 2 } as never)).toThrow('plateau: options must be among');
});
