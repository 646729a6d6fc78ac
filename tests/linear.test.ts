/** The cells with a linear recurrence: minGRU, minLSTM and the diagonal linear unit. */
import { network } from '../bptt/network/network';
import { diagonal } from '../cells/diagonal';
import { mingru } from '../cells/mingru';
import { minlstm } from '../cells/minlstm';
import { Random } from '../core/random/random';
import { toFlat } from '../core/tensor';
import { counting } from '../tasks/counting';
import { block, describeCell, expectByHand, runCell, sigmoid, times, zip, type Reference } from './cellsuite';
import { settings, type Setting } from './executors';
import { testErrors } from './errors';

const plus = (p: number, q: number): number => p + q;
const gatesOf = (x: number[], Wx: number[][], b: number[][] | undefined, H: number): number[][] => {
  const a = b ? zip(plus, times(x, Wx), b[0]) : times(x, Wx);
  return Array.from({ length: a.length / H }, (_, k) => block(a, k, H));
};

const mingruReference: Reference = (x, { h }, { Wx, b }) => {
  const [z, n] = gatesOf(x, Wx, b, h.length);
  return { h: zip((az, an, old) => (1 - sigmoid(az)) * old + sigmoid(az) * an, z, n, h) };
};
const minlstmReference: Reference = (x, { h }, { Wx, b }) => {
  const [ai, af, an] = gatesOf(x, Wx, b, h.length);
  const next = (p: number, q: number, n: number, old: number): number =>
    (sigmoid(q) * old + sigmoid(p) * n) / (sigmoid(p) + sigmoid(q));
  return { h: zip(next, ai, af, an, h) };
};
const diagonalReference =
  (eigenvalue: (s: number) => number): Reference =>
  (x, { h }, { Wx, b }) => {
    const [s, q] = gatesOf(x, Wx, b, h.length);
    return { h: zip((as, aq, old) => eigenvalue(as) * old + aq, s, q, h) };
  };

describeCell(
  [true, false].flatMap((bias) => {
    const end = bias ? '' : ', no bias';
    return [
      { name: `minGRU${end}`, make: (sizes) => mingru({ ...sizes, bias }), reference: mingruReference },
      { name: `minLSTM${end}`, make: (sizes) => minlstm({ ...sizes, bias }), reference: minlstmReference },
      {
        name: `diagonal${end}`,
        make: (sizes) => diagonal({ ...sizes, bias }),
        reference: diagonalReference(sigmoid),
      },
      {
        name: `diagonal, signed${end}`,
        make: (sizes) => diagonal({ ...sizes, bias, eigenvalues: 'signed' }),
        reference: diagonalReference((s) => Math.tanh(s / 2)),
      },
    ];
  }),
);

// one unit, one step, x = 2, hPrev = 5; the biases bring each gate to the value named; dh = 20 from the output, 4 from t+1
const given = { x: [[[2]]], initial: { h: [5] } };
const upstream = { output: [20], states: { h: [4] } };
const weightsFor = (Wx: number[], a: number[]): Record<'Wx' | 'b', number[]> => ({
  Wx,
  b: a.map((v, k) => v - 2 * Wx[k]),
});
const gradientsFor = (Wx: number[], da: number[], dh0: number) => ({
  x: [da.reduce((sum, d, k) => sum + d * Wx[k], 0)],
  h0: [dh0],
  Wx: da.map((d) => 2 * d),
  b: da,
});

describe.each(settings)('by hand, $name', (setting: Setting) => {
  const run = (cell: Parameters<typeof runCell>[0], Wx: number[], a: number[]) => {
    const { output, gradients } = runCell(cell, setting, weightsFor(Wx, a), given, upstream);
    return { output, ...gradients };
  };
  const sizes = { input: 1, hidden: 1 };

  test('minGRU', () => {
    // z = σ(ln 3) = 3/4, n = 9: h = 5/4 + 27/4 = 8    daz = 24 · (9 − 5) · 3/16 = 18    dan = 24 · 3/4 = 18    dh0 = 6
    const expected = { output: [8], ...gradientsFor([1, 3], [18, 18], 6) };
    expectByHand(run(mingru(sizes), [1, 3], [Math.log(3), 9]), expected, setting);
  });

  test('minLSTM', () => {
    // i = 1/4, f = 3/4, so p = 3/4 and q = 1/4; n = 9: h = 15/4 + 9/4 = 6    dp = 24 · (5 − 9) = −96
    // daf = −96 · 3/16 · 1/4 = −4.5    dai = 96 · 3/16 · 3/4 = 13.5    dan = 24/4 = 6    dh0 = 18
    const expected = { output: [6], ...gradientsFor([1, 3, 4], [13.5, -4.5, 6], 18) };
    expectByHand(run(minlstm(sizes), [1, 3, 4], [-Math.log(3), Math.log(3), 9]), expected, setting);
  });

  test('diagonal', () => {
    // p = σ(ln 3) = 3/4: h = 15/4 + 9    das = 24 · 5 · 3/16 = 22.5    daq = 24    dh0 = 18
    const expected = { output: [12.75], ...gradientsFor([1, 3], [22.5, 24], 18) };
    expectByHand(run(diagonal(sizes), [1, 3], [Math.log(3), 9]), expected, setting);
  });

  test('diagonal, signed', () => {
    // s = 1/4, p = −1/2: h = −5/2 + 9    das = 2 · 24 · 5 · 3/16 = 45    daq = 24    dh0 = −12
    const expected = { output: [6.5], ...gradientsFor([1, 3], [45, 24], -12) };
    const cell = diagonal({ ...sizes, eigenvalues: 'signed' });
    expectByHand(run(cell, [1, 3], [-Math.log(3), 9]), expected, setting);
  });
});

test('one unit whose eigenvalue may be −1 computes the parity of 1000 bits, by weights set by hand', () => {
  // x is one-hot: a zero keeps the count (p = 1, q = 0), a one makes it 1 − count (p = −1, q = 1)
  const net = network({ layers: [diagonal({ input: 2, hidden: 1, bias: false, eigenvalues: 'signed' })] });
  net.parameters.set('l0.Wx', [40, 0, -40, 1]);
  const { bits, counts } = counting(new Random(1), 2, 1000, 1000);
  const { output } = net.forward({ x: { shape: [1000, 1], numbers: bits } });
  expect(toFlat(output)).toEqual(counts);
});

testErrors(TypeError, [
  [
    () => mingru({ input: 2, hidden: 3, recurrentInit: 'identity' } as never),
    'mingru: options must be among input, hidden, bias, inputInit, layerNorm, residual, got recurrentInit',
  ],
  [
    () => diagonal({ input: 2, hidden: 3, eigenvalues: 'complex' } as never),
    'diagonal: eigenvalues must be one of positive, signed, got complex',
  ],
]);
