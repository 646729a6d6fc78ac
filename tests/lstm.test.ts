import { gradcheck } from '../bptt/check/gradcheck';
import { network } from '../bptt/network/network';
import { lstm } from '../cells/lstm';
import { Random } from '../core/random/random';
import { columns, toFlat, zeros } from '../core/tensor';
import { block, describeCell, expectByHand, runCell, sigmoid, times, zip, type Reference } from './cellsuite';
import { distance, settings } from './executors';

const plus = (...lists: number[][]): number[] => zip((...v) => v.reduce((sum, x) => sum + x), ...lists);
const product = (...lists: number[][]): number[] => zip((...v) => v.reduce((p, x) => p * x), ...lists);

const reference: Reference = (x, { h, c: cPrev }, { Wx, Wh, b, pi, pf, po, Wp }) => {
  const H = cPrev.length;
  const a = plus(times(x, Wx), times(h, Wh), ...(b ? [b[0]] : []));
  const [ai, af, ag, ao] = [0, 1, 2, 3].map((k) => block(a, k, H));
  const seen = (gate: number[], weight: number[][] | undefined, state: number[]): number[] =>
    weight ? plus(gate, product(state, weight[0])) : gate;
  const i = seen(ai, pi, cPrev).map(sigmoid);
  const f = seen(af, pf, cPrev).map(sigmoid);
  const c = plus(product(f, cPrev), product(i, ag.map(Math.tanh)));
  const o = seen(ao, po, c).map(sigmoid);
  const m = product(o, c.map(Math.tanh));
  return { h: Wp ? times(m, Wp) : m, c };
};

describeCell([
  ...[false, true].flatMap((peepholes) =>
    [true, false].map((bias) => ({
      name: `${peepholes ? 'peepholes' : 'plain gates'}${bias ? '' : ', no bias'}`,
      make: (sizes: { input: number; hidden: number }) => lstm({ ...sizes, peepholes, bias }),
      reference,
    })),
  ),
  ...[1, 3, 7].map((projection) => ({
    name: `peepholes, ${projection} projected units`,
    make: (sizes: { input: number; hidden: number }) => lstm({ ...sizes, peepholes: true, projection }),
    reference,
  })),
]);

test('with peepholes and a projection wider than the layer, every oracle agrees', () => {
  const { ok } = gradcheck(lstm({ input: 3, hidden: 5, peepholes: true, projection: 7 }));
  expect(ok).toBe(true);
});

describe.each(settings)('by hand, $name', (setting) => {
  // one unit, one step, x = 2, hPrev = 3; the biases bring the gates to
  //   i = σ(ln 3) = 3/4   f = σ(0) = 1/2   g = tanh(ln 2) = 3/5   o = σ(ln 4) = 4/5
  // cPrev is such that c = cPrev / 2 + 9/20 = ln 2, so tanh(c) = 3/5 and h = 4/5 · 3/5
  const cPrev = 2 * (Math.LN2 - 0.45);
  const [Wx, Wh] = [
    [1, 2, 3, 4],
    [5, 6, 7, 8],
  ];
  const gates = [Math.log(3), 0, Math.LN2, Math.log(4)];
  const b = gates.map((a, k) => a - 2 * Wx[k] - 3 * Wh[k]);
  const given = { x: [[[2]]], initial: { h: [3], c: [cPrev] } };
  // dh = 20 from the output and 5 from t+1, dc = 1 from t+1
  const upstream = { output: [20], states: { h: [5], c: [1] } };
  const through = (da: number[]): Record<string, number[]> => ({
    x: [da.reduce((sum, v, k) => sum + v * Wx[k], 0)],
    h0: [da.reduce((sum, v, k) => sum + v * Wh[k], 0)],
    Wx: da.map((v) => 2 * v),
    Wh: da.map((v) => 3 * v),
    b: da,
  });

  test('one step', () => {
    // dao = 25 · 3/5 · 4/5 · 1/5 = 2.4              dc = 1 + 25 · 4/5 · (1 − 9/25) = 13.8
    // dai = 13.8 · 3/5 · 3/4 · 1/4 = 1.5525         daf = 13.8 · cPrev · 1/4 = 3.45 cPrev
    // dag = 13.8 · 3/4 · 16/25 = 6.624              dcPrev = 13.8 · 1/2 = 6.9
    const cell = lstm({ input: 1, hidden: 1 });
    const { output, states, gradients } = runCell(cell, setting, { Wx, Wh, b }, given, upstream);
    const da = [1.5525, 3.45 * cPrev, 6.624, 2.4];
    expectByHand({ output, ...states }, { output: [0.48], h: [0.48], c: [Math.LN2] }, setting);
    expectByHand(gradients, { ...through(da), c0: [6.9] }, setting);
  });

  test('one step with a projection Wp = 4', () => {
    // m = 0.48, h = 4 m; dm = 25 · 4, so dao, and what reaches c through h, are four times as large; dWp = 25 m
    const cell = lstm({ input: 1, hidden: 1, projection: 1 });
    const weights = { Wx, Wh, b, Wp: [4] };
    const { output, gradients } = runCell(cell, setting, weights, given, upstream);
    // dc = 1 + 100 · 4/5 · 16/25 = 52.2
    const da = [(52.2 * 9) / 80, (52.2 * cPrev) / 4, (52.2 * 12) / 25, 9.6];
    expectByHand({ output, ...gradients }, { output: [1.92], ...through(da), c0: [26.1], Wp: [12] }, setting);
  });

  test('one step with peepholes pi = 2, pf = 3, po = 5', () => {
    // the biases cancel the peepholes, so the gates are as above; three paths now reach c:
    // dao = 2.4                                     dc = 13.8 + 2.4 · 5 = 25.8
    // dai = 25.8 · 3/5 · 3/16 = 2.9025              daf = 25.8 · cPrev · 1/4 = 6.45 cPrev
    // dag = 25.8 · 3/4 · 16/25 = 12.384             dcPrev = 25.8 · 1/2 + 2 dai + 3 daf
    const cell = lstm({ input: 1, hidden: 1, peepholes: true });
    const seen = [2 * cPrev, 3 * cPrev, 0, 5 * Math.LN2];
    const weights = { Wx, Wh, b: b.map((v, k) => v - seen[k]), pi: [2], pf: [3], po: [5] };
    const { output, gradients } = runCell(cell, setting, weights, given, upstream);
    const [dai, daf] = [2.9025, 6.45 * cPrev];
    expectByHand(
      { output, ...gradients },
      {
        output: [0.48],
        ...through([dai, daf, 12.384, 2.4]),
        c0: [12.9 + 2 * dai + 3 * daf],
        pi: [dai * cPrev],
        pf: [daf * cPrev],
        po: [2.4 * Math.LN2],
      },
      setting,
    );
  });
});

describe('the forget gate starts open', () => {
  const H = 4;
  const bias = (options: object): number[] => {
    const b = zeros([4 * H]);
    lstm({ input: 3, hidden: H, ...options }).parameters.b.init(b, new Random(1));
    return toFlat(b);
  };
  const row = (forget: number): number[] =>
    Array.from({ length: 4 * H }, (_, k) => (k >= H && k < 2 * H ? forget : 0));

  test('its bias is 1, or what is asked; the other biases are 0', () => {
    expect(bias({})).toEqual(row(1));
    expect(bias({ forgetBias: 2.5 })).toEqual(row(2.5));
    expect(bias({ forgetBias: 0 })).toEqual(row(0));
  });

  test('with no input, dc_T/dc_0 is the product of the gates, σ(1)^T', () => {
    const T = 5;
    const net = network({ layers: [lstm({ input: 3, hidden: H })] });
    // without recurrent weights the only path from c_0 to c_T is the memory itself
    net.parameters.set('l0.Wh', new Float64Array(4 * H * H));
    const pass = net.forward({ x: { shape: [T, 1, 3], numbers: new Float64Array(T * 3) } });
    const { initial } = pass.backward({ states: { 'l0.c': [1, 1, 1, 1] } });
    expect(distance(toFlat(initial['l0.c']), Array<number>(H).fill(sigmoid(1) ** T))).toBeLessThan(1e-14);
  });
});

test('each gate starts for itself: four orthogonal matrices, four Glorot blocks', () => {
  const H = 4;
  const { parameters } = lstm({ input: 3, hidden: H });
  const [Wx, Wh] = [zeros([3, 4 * H]), zeros([H, 4 * H])];
  parameters.Wh.init(Wh, new Random(1));
  parameters.Wx.init(Wx, new Random(1));
  for (let k = 0; k < 4; k++) {
    const gate = columns(Wh, k * H, (k + 1) * H);
    for (let r = 0; r < H; r++) {
      let square = 0;
      for (let c = 0; c < H; c++) square += gate.get(r, c) ** 2;
      expect(square).toBeCloseTo(1, 14);
    }
  }
  // √(6 / (3 + 4)), not √(6 / (3 + 16)): the limit of one gate
  const largest = Math.max(...toFlat(Wx).map(Math.abs));
  expect(largest).toBeGreaterThan(Math.sqrt(6 / 19));
  expect(largest).toBeLessThanOrEqual(Math.sqrt(6 / 7));
});

test('parameters, states and options', () => {
  const shapes = (options: object): object =>
    Object.fromEntries(
      Object.entries(lstm({ input: 3, hidden: 5, ...options }).parameters).map(([name, { shape }]) => [
        name,
        shape,
      ]),
    );
  expect(shapes({})).toEqual({ Wx: [3, 20], Wh: [5, 20], b: [20] });
  expect(shapes({ bias: false })).toEqual({ Wx: [3, 20], Wh: [5, 20] });
  expect(shapes({ peepholes: true })).toEqual({
    Wx: [3, 20],
    Wh: [5, 20],
    b: [20],
    pi: [5],
    pf: [5],
    po: [5],
  });
  expect(shapes({ projection: 2 })).toEqual({ Wx: [3, 20], Wh: [2, 20], b: [20], Wp: [5, 2] });
  expect(lstm({ input: 3, hidden: 5, projection: 2 }).states).toEqual({ h: 2, c: 5 });
  const cell = lstm({ input: 3, hidden: 5 });
  expect(Object.keys(cell.states)).toEqual(['h', 'c']);
  expect(cell.options).toMatchObject({ bias: true, peepholes: false, forgetBias: 1 });
  expect(lstm({ input: 3, hidden: 5, bias: false }).options).toMatchObject({ bias: false, forgetBias: 0 });
});

test.each<[object, string, ErrorConstructor]>([
  [{ input: -1, hidden: 3 }, 'lstm: input must be a whole number >= 1, got -1', RangeError],
  [{ input: 3, hidden: 3, forgetBias: NaN }, 'lstm: forgetBias must be a finite number, got NaN', RangeError],
  [
    { input: 3, hidden: 3, bias: false, forgetBias: 1 },
    'lstm: forgetBias must be 0 without biases, got 1',
    RangeError,
  ],
  [
    { input: 3, hidden: 3, peephole: true },
    'lstm: options must be among input, hidden, bias, inputInit, recurrentInit, layerNorm, residual, projection, peepholes, gateNorm, forgetBias, chrono, got peephole',
    TypeError,
  ],
  [{ input: 3, hidden: 3, projection: 0 }, 'lstm: projection must be a whole number >= 1, got 0', RangeError],
])('%j: %s', (options, message, kind) => {
  expect(() => lstm(options as never)).toThrow(message);
  expect(() => lstm(options as never)).toThrow(kind);
});
