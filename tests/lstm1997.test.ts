import { gradcheck } from '../bptt/check/gradcheck';
import { network } from '../bptt/network/network';
import { variantOf } from '../cells/variant';
import { lstm } from '../cells/lstm';
import { lstm1997 } from '../cells/lstm1997';
import { randomNormals } from '../bptt/check/problem';
import { Random } from '../core/random/random';
import { toFlat, zeros } from '../core/tensor';
import { block, describeCell, expectByHand, runCell, sigmoid, times, zip, type Reference } from './cellsuite';
import { distance, settings } from './executors';

const plus = (...lists: number[][]): number[] => zip((...v) => v.reduce((sum, x) => sum + x), ...lists);
const product = (...lists: number[][]): number[] => zip((...v) => v.reduce((p, x) => p * x), ...lists);

const reference: Reference = (x, { h, c: cPrev }, { Wx, Wh, b }) => {
  const a = plus(times(x, Wx), times(h, Wh), ...(b ? [b[0]] : []));
  const [ai, ag, ao] = [0, 1, 2].map((k) => block(a, k, h.length));
  const c = plus(cPrev, product(ai.map(sigmoid), ag.map(Math.tanh)));
  return { h: product(ao.map(sigmoid), c.map(Math.tanh)), c };
};

describeCell(
  [
    { name: 'three gates' },
    { name: 'three gates, no bias', bias: false },
    { name: 'truncated gradient', truncated: true },
  ].map(({ name, ...options }) => ({ name, make: (sizes) => lstm1997({ ...sizes, ...options }), reference })),
);

test.each(settings)('by hand, $name', (setting) => {
  // one unit, one step, x = 2, hPrev = 3; the biases bring the gates to i = σ(ln 3) = 3/4, g = tanh(ln 2) = 3/5,
  // o = σ(ln 4) = 4/5; cPrev is such that c = cPrev + 9/20 = ln 2, so tanh(c) = 3/5 and h = 4/5 · 3/5
  const cPrev = Math.LN2 - 0.45;
  const [Wx, Wh] = [
    [1, 3, 4],
    [5, 7, 8],
  ];
  const b = [Math.log(3), Math.LN2, Math.log(4)].map((a, k) => a - 2 * Wx[k] - 3 * Wh[k]);
  const given = { x: [[[2]]], initial: { h: [3], c: [cPrev] } };
  // dh = 20 from the output and 5 from t+1, dc = 1 from t+1:
  // dao = 25 · 3/5 · 4/5 · 1/5 = 2.4              dc = 1 + 25 · 4/5 · (1 − 9/25) = 13.8 = dcPrev
  // dai = 13.8 · 3/5 · 3/4 · 1/4 = 1.5525         dag = 13.8 · 3/4 · 16/25 = 6.624
  const upstream = { output: [20], states: { h: [5], c: [1] } };
  const cell = lstm1997({ input: 1, hidden: 1 });
  const { output, states, gradients } = runCell(cell, setting, { Wx, Wh, b }, given, upstream);
  const da = [1.5525, 6.624, 2.4];
  expectByHand({ output, ...states }, { output: [0.48], h: [0.48], c: [Math.LN2] }, setting);
  expectByHand(
    gradients,
    {
      x: [da.reduce((sum, v, k) => sum + v * Wx[k], 0)],
      h0: [da.reduce((sum, v, k) => sum + v * Wh[k], 0)],
      c0: [13.8],
      Wx: da.map((v) => 2 * v),
      Wh: da.map((v) => 3 * v),
      b: da,
    },
    setting,
  );
});

test('it is the LSTM whose forget gate stands open: same numbers with f = 1', () => {
  const [D, H, T, B] = [3, 4, 6, 2];
  const [old, forgetful] = [lstm1997, lstm].map((cell) =>
    network({ layers: [cell({ input: D, hidden: H })], output: 2, loss: 'squared' }),
  );
  // σ(40) is 1 to the last bit; the forget gate sees nothing but that bias
  const widen = (t: number[], rows: number, f: number): number[] =>
    Array.from({ length: rows }, (_, r) => {
      const [i, g, o] = [0, 1, 2].map((k) => t.slice((3 * r + k) * H, (3 * r + k + 1) * H));
      return [...i, ...Array<number>(H).fill(f), ...g, ...o];
    }).flat();
  for (const [name, rows, f] of [
    ['l0.Wx', D, 0],
    ['l0.Wh', H, 0],
    ['l0.b', 1, 40],
  ] as const)
    forgetful.parameters.set(name, widen(toFlat(old.parameters.values[name]), rows, f));
  for (const name of ['head.Wy', 'head.by'])
    forgetful.parameters.set(name, toFlat(old.parameters.values[name]));
  const random = new Random(5);
  const batch = {
    x: { shape: [T, B, D], numbers: randomNormals(T * B * D, random) },
    targets: { shape: [T, B, 2], numbers: randomNormals(T * B * 2, random) },
    lengths: [6, 4],
  };
  const [a, b] = [old, forgetful].map((net) => {
    const pass = net.forward(batch);
    const { loss } = pass;
    net.parameters.zeroGradients();
    return { loss, x: toFlat(pass.backward().x) };
  });
  expect(Math.abs(a.loss - b.loss)).toBeLessThan(1e-14);
  expect(distance(a.x, b.x)).toBeLessThan(1e-13);
});

test('the constant error carousel: with no recurrent weights dc_T/dc_0 is 1, however long the sequence', () => {
  const [H, T] = [3, 500];
  const net = network({ layers: [lstm1997({ input: 2, hidden: H })] });
  net.parameters.set('l0.Wh', new Float64Array(3 * H * H));
  const pass = net.forward({ x: { shape: [T, 1, 2], numbers: randomNormals(T * 2, new Random(1)) } });
  const { initial } = pass.backward({ states: { 'l0.c': [1, 1, 1] } });
  expect(toFlat(initial['l0.c'])).toEqual([1, 1, 1]);
});

describe('the truncated gradient', () => {
  const [D, H, T, B] = [3, 4, 6, 2];
  const cut = lstm1997({ input: D, hidden: H, truncated: true });
  const full = lstm1997({ input: D, hidden: H });

  it('has the same outputs as the full one, and another gradient', () => {
    const x = { shape: [T, B, D], numbers: randomNormals(T * B * D, new Random(2)) };
    const [a, b] = [cut, full].map((cell) => {
      const net = network({ layers: [cell] });
      const pass = net.forward({ x });
      pass.backward({ output: { shape: [T, B, H], numbers: new Float64Array(T * B * H).fill(1) } });
      return [toFlat(pass.output), toFlat(net.parameters.gradients['l0.Wh'])];
    });
    expect(a[0]).toEqual(b[0]);
    expect(distance(a[1], b[1])).toBeGreaterThan(1e-3);
  });

  it('is the full gradient of a cell that gets the outputs of the step before as inputs from outside', () => {
    const random = new Random(3);
    const x = randomNormals(T * B * D, random);
    const upstream = randomNormals(T * B * H, random);
    const output = { shape: [T, B, H], numbers: upstream };
    const net = network({ layers: [cut] });
    const pass = net.forward({ x: { shape: [T, B, D], numbers: x } });
    const dx = toFlat(pass.backward({ output }).x);
    const h = toFlat(pass.output);

    const outside = network({ layers: [lstm1997({ input: D + H, hidden: H })] });
    const { values, gradients } = net.parameters;
    outside.parameters.set('l0.Wx', [...toFlat(values['l0.Wx']), ...toFlat(values['l0.Wh'])]);
    outside.parameters.set('l0.Wh', new Float64Array(3 * H * H));
    outside.parameters.set('l0.b', toFlat(values['l0.b']));
    const both = Array.from({ length: T * B }, (_, row) => [
      ...x.slice(row * D, (row + 1) * D),
      ...Array.from({ length: H }, (_u, u) => (row < B ? 0 : h[(row - B) * H + u])),
    ]).flat();
    const known = outside.forward({ x: { shape: [T, B, D + H], numbers: both } });
    expect(distance(toFlat(known.output), h)).toBeLessThan(1e-15);
    const dBoth = toFlat(known.backward({ output }).x);
    const first = Array.from({ length: T * B }, (_, row) =>
      dBoth.slice(row * (D + H), row * (D + H) + D),
    ).flat();
    expect(distance(dx, first)).toBeLessThan(1e-14);
    const weights = [...toFlat(gradients['l0.Wx']), ...toFlat(gradients['l0.Wh'])];
    expect(distance(weights, toFlat(outside.parameters.gradients['l0.Wx']))).toBeLessThan(1e-14);
    expect(distance(toFlat(gradients['l0.b']), toFlat(outside.parameters.gradients['l0.b']))).toBeLessThan(
      1e-14,
    );
  });

  it('passes every oracle, and they see when it is cut elsewhere than stated', () => {
    const report = gradcheck(cut);
    expect(report.verdict).toBe('right');
    expect(report.rows.filter(({ verdict }) => verdict === 'wrong')).toEqual([]);
    expect(new Set(report.rows.map(({ oracle }) => oracle)).size).toBe(10);
    const { forward, backward } = cut.equations!;
    const wrong = [
      variantOf(cut, { backward: backward.replace(/dhPrev = 0.*/, 'dhPrev = da @ Wh.T') }),
      variantOf(cut, { forward: forward.replace('stop(hPrev)', 'hPrev') }),
    ];
    for (const oracle of ['differences', 'forwardMode', 'exact'] as const)
      for (const cell of wrong) expect(gradcheck(cell, { oracles: [oracle] }).verdict).toBe('wrong');
  });
});

test('the biases start at 0, those of the input gate where they are told to', () => {
  const bias = (inputBias?: number): number[] => {
    const b = zeros([6]);
    lstm1997({ input: 3, hidden: 2, inputBias }).parameters.b.init(b, new Random(1));
    return toFlat(b);
  };
  expect(bias()).toEqual([0, 0, 0, 0, 0, 0]);
  expect(bias(-3)).toEqual([-3, -3, 0, 0, 0, 0]);
  expect(() => bias(NaN)).toThrow('lstm1997: inputBias must be a finite number');
  const bare = { input: 3, hidden: 2, bias: false, inputBias: -3 };
  expect(() => lstm1997(bare)).toThrow('lstm1997: inputBias must be 0 without biases');
});

test('refuses what only the LSTM with a forget gate has', () => {
  expect(() => lstm1997({ input: 2, hidden: 3, forgetBias: 1 } as never)).toThrow(
    'lstm1997: options must be among',
  );
});
