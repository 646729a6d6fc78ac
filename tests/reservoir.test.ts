/** Echo-state networks: a reservoir that is not trained, and an output layer fitted by ridge regression. */
import { fitReadout } from '../bptt/train/readout';
import { network, type Network } from '../bptt/network/network';
import { spectrum } from '../bptt/flow/spectrum';
import { elman } from '../cells/elman';
import { reservoir } from '../cells/reservoir';
import { Random } from '../core/random/random';
import { toFlat, toNested } from '../core/tensor';
import { describeCell, expectByHand, runCell, times, zip, type Reference } from './cellsuite';
import { testErrors } from './errors';
import { settings } from './executors';

const reference: Reference = (x, { h }, { Wx, Wh, b, leak: [[leak]] }) => ({
  h: zip(
    (a, c, d, old) => (1 - leak) * old + leak * Math.tanh(a + c + d),
    times(x, Wx),
    times(h, Wh),
    b ? b[0] : h.map(() => 0),
    h,
  ),
});

describeCell(
  [true, false].map((bias) => ({
    name: bias ? 'reservoir' : 'reservoir, no bias',
    make: (sizes) => reservoir({ ...sizes, bias, leak: 0.3 }),
    reference,
  })),
);

test.each(settings)('by hand, $name', (setting) => {
  // z = 2 + 3·2 + b = ln 2, so g = 3/5; h = 3 + (3/5 − 3)/4 = 2.4
  // dh = 25, dz = 25/4 · 16/25 = 4, dhPrev = 25 · 3/4 + 4 · 2, dleak = 25 · (3/5 − 3)
  const { output, gradients } = runCell(
    reservoir({ input: 1, hidden: 1 }),
    setting,
    { Wx: [1], Wh: [2], b: [Math.LN2 - 8], leak: [0.25] },
    { x: [[[2]]], initial: { h: [3] } },
    { output: [20], states: { h: [5] } },
  );
  const expected = { x: [4], h0: [26.75], Wx: [8], Wh: [12], b: [4], leak: [-60] };
  expectByHand({ output, ...gradients }, { output: [2.4], ...expected }, setting);
});

test('all eigenvalues of its matrix are on one circle, and nothing but the output layer is trained', () => {
  const net = network({ layers: [reservoir({ input: 2, hidden: 12, spectralRadius: 0.7 })], output: 1 });
  const { eigenvalues } = spectrum(toNested(net.parameters.values['l0.Wh']) as number[][]);
  for (const { modulus } of eigenvalues) expect(modulus).toBeCloseTo(0.7, 12);
  expect(net.parameters.trained).toEqual(['head.Wy', 'head.by']);
});

test('it forgets its first state', () => {
  const net = network({ layers: [reservoir({ input: 1, hidden: 20, spectralRadius: 0.8 })], seed: 2 });
  const x = Array.from({ length: 100 }, (_, t) => [[Math.sin(t)]]);
  const end = (h: number[]): number[] => toFlat(net.forward({ x, initial: { 'l0.h': h } }).states['l0.h']);
  const [a, b] = [Array<number>(20).fill(1), Array<number>(20).fill(-1)].map(end);
  expect(Math.max(...a.map((v, k) => Math.abs(v - b[k])))).toBeLessThan(1e-8);
});

describe('fitReadout', () => {
  const [T, B] = [40, 2];
  const make = (): Network => network({ layers: [elman({ input: 1, hidden: 5 })], output: 2, seed: 3 });
  const random = new Random(1);
  const draw = (width: number) => ({
    shape: [T, B, width],
    numbers: Float64Array.from({ length: T * B * width }, () => random.normal()),
  });
  const [x, targets] = [draw(1), draw(2)];

  test.each([
    [0, 0],
    [0.5, 7],
  ])('with ridge %d and a washout of %i, the gradient is 0 where it stops', (ridge, washout) => {
    const net = make();
    const error = fitReadout(net, { x, targets }, { ridge, washout });
    const pass = net.forward({ x });
    const residues = toFlat(pass.output).map((y, k) => (k < washout * B * 2 ? 0 : y - targets.numbers[k]));
    const mean = residues.reduce((sum, r) => sum + r * r, 0) / ((T - washout) * B * 2);
    expect(error).toBeCloseTo(Math.sqrt(mean), 12);
    pass.backward({ output: residues });
    const { values, gradients } = net.parameters;
    toFlat(gradients['head.by']).forEach((g) => expect(g).toBeCloseTo(0, 9));
    const Wy = toFlat(values['head.Wy']);
    toFlat(gradients['head.Wy']).forEach((g, k) => expect(g + ridge * Wy[k]).toBeCloseTo(0, 9));
  });

  test('an output layer that made the targets is found again, exactly', () => {
    const [from, to] = [make(), make()];
    const wanted = toFlat(from.forward({ x }).output);
    to.parameters.set('head.Wy', new Float64Array(10));
    fitReadout(to, { x, targets: { shape: [T, B, 2], numbers: wanted } }, { ridge: 0 });
    const [Wy, found] = [from, to].map((net) => toFlat(net.parameters.values['head.Wy']));
    found.forEach((w, k) => expect(w).toBeCloseTo(Wy[k], 9));
  });

  const bare = network({ layers: [elman({ input: 1, hidden: 5 })] });
  const withLoss = network({ layers: [elman({ input: 1, hidden: 5 })], output: 2, loss: 'squared' });
  const all = { x, targets };
  testErrors(TypeError, [
    [() => fitReadout(bare, all), 'fitReadout: the network must have an output layer, got none'],
    [
      () => fitReadout(withLoss, all),
      'fitReadout: the network must have no loss, got squared (the squared error is minimized)',
    ],
    [() => fitReadout(make(), null as never), 'fitReadout: the batch must be an object, got null'],
    [
      () => fitReadout(make(), all, { lambda: 1 } as never),
      'fitReadout: options must be among ridge, washout, got lambda',
    ],
  ]);
  testErrors(RangeError, [
    [() => fitReadout(make(), { x }), 'fitReadout: targets must be given, got none'],
    [() => fitReadout(make(), all, { ridge: -1 }), 'fitReadout: ridge must be a number >= 0, got -1'],
    [
      () => fitReadout(make(), all, { ridge: '1' as never }),
      "fitReadout: ridge must be a number >= 0, got the string '1'",
    ],
    [
      () => fitReadout(make(), all, { washout: T }),
      `fitReadout: washout must be a whole number in 0…${T - 1}, got ${T}`,
    ],
    [
      () => fitReadout(make(), all, { ridge: 0, washout: T - 1 }),
      'fitReadout: the solution must be unique, got a matrix that is not positive definite (the states depend on each other: a larger ridge, or more steps, make it unique)',
    ],
    [
      () => fitReadout(make(), { x, targets: x }),
      'fitReadout: targets must be [40, 2, 2], got [40, 2, 1] (the network has such outputs)',
    ],
  ]);
});
