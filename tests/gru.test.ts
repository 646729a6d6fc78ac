import { network } from '../bptt/network/network';
import { gru } from '../cells/gru';
import { Random } from '../core/random/random';
import { sizeOf, toFlat } from '../core/tensor';
import { block, describeCell, expectByHand, runCell, sigmoid, times, zip, type Reference } from './cellsuite';
import { distance, settings } from './executors';

const plus = (...lists: number[][]): number[] => zip((...v) => v.reduce((sum, x) => sum + x), ...lists);
const product = (p: number[], q: number[]): number[] => zip((a, b) => a * b, p, q);

const reference =
  (reset: 'after' | 'before'): Reference =>
  (x, { h: hPrev }, { Wx, Wh, b, bhn }) => {
    const H = hPrev.length;
    const zero = Array<number>(H).fill(0);
    const ax = plus(times(x, Wx), b ? b[0] : Array<number>(3 * H).fill(0));
    const Whn = Wh.map((row) => block(row, 2, H));
    const ah = times(hPrev, Wh);
    const r = plus(block(ax, 0, H), block(ah, 0, H)).map(sigmoid);
    const z = plus(block(ax, 1, H), block(ah, 1, H)).map(sigmoid);
    const inner =
      reset === 'after'
        ? product(r, plus(times(hPrev, Whn), bhn ? bhn[0] : zero))
        : times(product(r, hPrev), Whn);
    const n = plus(block(ax, 2, H), inner).map(Math.tanh);
    return { h: zip((z, n, h) => (1 - z) * n + z * h, z, n, hPrev) };
  };

describeCell(
  (['after', 'before'] as const).flatMap((reset) =>
    [true, false].map((bias) => ({
      name: `reset ${reset}${bias ? '' : ', no bias'}`,
      make: (sizes) => gru({ ...sizes, reset, bias }),
      reference: reference(reset),
    })),
  ),
);

describe.each(settings)('by hand, $name', (setting) => {
  // one unit, one step, x = 2, hPrev = 2; the biases bring the gates to
  //   r = σ(0) = 1/2   z = σ(ln 3) = 3/4   n = tanh(ln 2) = 3/5   h = 1/4 · 3/5 + 3/4 · 2 = 1.65
  const [Wx, Wh] = [
    [4, 5, 6],
    [1, 2, 3],
  ];
  const given = { x: [[[2]]], initial: { h: [2] } };
  const upstream = { output: [3], states: { h: [2] } }; // dh = 5
  // dan = 5 · 1/4 · 16/25 = 0.8      daz = 5 · (2 − 3/5) · 3/16 = 1.3125
  const [dan, daz] = [0.8, 1.3125];

  test('reset after the product', () => {
    // u = 2 · 3 − 2 = 4                dar = 0.8 · 4 · 1/4 = 0.8           du = 0.8 · 1/2 = 0.4
    // dhPrev = 5 · 3/4 + 0.8 · 1 + 1.3125 · 2 + 0.4 · 3 = 8.375
    // dx = 0.8 · 4 + 1.3125 · 5 + 0.8 · 6 = 14.5625
    const b = [-8 - 2, Math.log(3) - 10 - 4, Math.LN2 - 12 - 2];
    const cell = gru({ input: 1, hidden: 1 });
    const { output, gradients } = runCell(cell, setting, { Wx, Wh, b, bhn: [-2] }, given, upstream);
    expectByHand(
      { output, ...gradients },
      {
        output: [1.65],
        h0: [8.375],
        x: [14.5625],
        Wx: [1.6, 2.625, 1.6],
        Wh: [1.6, 2.625, 0.8],
        b: [0.8, daz, dan],
        bhn: [0.4],
      },
      setting,
    );
  });

  test('reset before the product', () => {
    // v = 1/2 · 2 = 1                  dv = 0.8 · 3 = 2.4                  dar = 2.4 · 2 · 1/4 = 1.2
    // dhPrev = 5 · 3/4 + 1.2 · 1 + 1.3125 · 2 + 2.4 · 1/2 = 8.775
    // dx = 1.2 · 4 + 1.3125 · 5 + 0.8 · 6 = 16.1625
    const b = [-8 - 2, Math.log(3) - 10 - 4, Math.LN2 - 12 - 3];
    const cell = gru({ input: 1, hidden: 1, reset: 'before' });
    const { output, gradients } = runCell(cell, setting, { Wx, Wh, b }, given, upstream);
    expectByHand(
      { output, ...gradients },
      {
        output: [1.65],
        h0: [8.775],
        x: [16.1625],
        Wx: [2.4, 2.625, 1.6],
        Wh: [2.4, 2.625, 0.8],
        b: [1.2, daz, dan],
      },
      setting,
    );
  });
});

describe('the two forms of reset', () => {
  const [T, B, D, H] = [3, 2, 3, 5];
  /** Outputs of both forms with the same weights; Whn is drawn by `weight`, bhn is zero. */
  const outputs = (weight: (r: number, c: number, drawn: number) => number): number[][] =>
    (['after', 'before'] as const).map((reset) => {
      const random = new Random(1);
      const net = network({ layers: [gru({ input: D, hidden: H, reset })] });
      const some = (n: number): Float64Array => Float64Array.from({ length: n }, () => random.normal());
      for (const name of ['l0.Wx', 'l0.Wh', 'l0.b'])
        net.parameters.set(name, some(sizeOf(net.parameters.values[name].shape)));
      const { 'l0.Wh': Wh } = net.parameters.values;
      for (let r = 0; r < H; r++)
        for (let c = 0; c < H; c++) Wh.set(r, 2 * H + c, weight(r, c, Wh.get(r, 2 * H + c)));
      const x = { shape: [T, B, D], numbers: some(T * B * D) };
      return toFlat(net.forward({ x, initial: { 'l0.h': some(B * H) } }).output);
    });

  test('differ where Whn is not diagonal', () => {
    const [after, before] = outputs((_r, _c, drawn) => drawn);
    expect(distance(after, before)).toBeGreaterThan(0.01);
  });

  test('agree where it is', () => {
    const [after, before] = outputs((r, c, drawn) => (r === c ? drawn : 0));
    expect(distance(after, before)).toBeLessThan(1e-14);
  });
});

describe('conventions', () => {
  const [D, H] = [3, 5];
  const random = new Random(2);
  const [x, h] = [D, H].map((n) => Float64Array.from({ length: n }, () => random.normal()));
  /** One step of one row, from the state h. */
  const step = (
    reset: 'after' | 'before',
    biases: { r?: number; z?: number; bhn?: number },
    Whn?: number,
  ): number[] => {
    const net = network({ layers: [gru({ input: D, hidden: H, reset })], seed: 3 });
    const b = [biases.r ?? 0, biases.z ?? 0, 0].flatMap((v) => Array<number>(H).fill(v));
    net.parameters.set('l0.b', b);
    if (reset === 'after') net.parameters.set('l0.bhn', Array<number>(H).fill(biases.bhn ?? 0));
    if (Whn !== undefined) {
      const { 'l0.Wh': Wh } = net.parameters.values;
      for (let r = 0; r < H; r++) for (let c = 0; c < H; c++) Wh.set(r, 2 * H + c, Whn);
    }
    return toFlat(net.forward({ x: { shape: [1, 1, D], numbers: x }, initial: { 'l0.h': h } }).output);
  };
  /** n of a unit that sees only x. */
  const candidate = (): number[] => {
    const net = network({ layers: [gru({ input: D, hidden: H })], seed: 3 });
    const Wx = Array.from({ length: D }, (_, d) =>
      Array.from({ length: H }, (_, u) => net.parameters.values['l0.Wx'].get(d, 2 * H + u)),
    );
    return times(Array.from(x), Wx).map(Math.tanh);
  };

  test.each(['after', 'before'] as const)(
    'reset %s, a bias of z of +20 copies hPrev, of −20 gives n',
    (reset) => {
      expect(distance(step(reset, { z: 20 }), h)).toBeLessThan(1e-7);
      // without reset (r = 0) n sees x alone
      expect(distance(step(reset, { z: -20, r: -40 }), candidate())).toBeLessThan(1e-7);
    },
  );

  test('bhn sits inside r * (…): a closed r hides it, an open one shows it', () => {
    expect(distance(step('after', { r: -40, bhn: 3 }), step('after', { r: -40, bhn: 0 }))).toBeLessThan(
      1e-14,
    );
    expect(distance(step('after', { r: 40, bhn: 3 }), step('after', { r: 40, bhn: 0 }))).toBeGreaterThan(
      0.01,
    );
    // with r open it only adds: Whn = 0 leaves n = tanh(x Wxn + bhn)
    const shifted = candidate().map((n) => Math.tanh(Math.atanh(n) + 3));
    expect(distance(step('after', { r: 40, z: -40, bhn: 3 }, 0), shifted)).toBeLessThan(1e-13);
  });
});

test('parameters and options', () => {
  const shapes = (options: object): object =>
    Object.fromEntries(
      Object.entries(gru({ input: 3, hidden: 5, ...options }).parameters).map(([name, { shape }]) => [
        name,
        shape,
      ]),
    );
  expect(shapes({})).toEqual({ Wx: [3, 15], Wh: [5, 15], b: [15], bhn: [5] });
  expect(shapes({ reset: 'before' })).toEqual({ Wx: [3, 15], Wh: [5, 15], b: [15] });
  expect(shapes({ bias: false })).toEqual({ Wx: [3, 15], Wh: [5, 15] });
  expect(gru({ input: 3, hidden: 5 }).options).toMatchObject({ bias: true, reset: 'after' });
});

test.each<[object, string, ErrorConstructor]>([
  [{ input: 3, hidden: Infinity }, 'gru: hidden must be a whole number >= 1, got Infinity', RangeError],
  [{ input: 3, hidden: 3, reset: 'never' }, 'gru: reset must be one of after, before, got never', TypeError],
  [
    { input: 3, hidden: 3, activation: 'tanh' },
    'gru: options must be among input, hidden, bias, inputInit, recurrentInit, layerNorm, residual, reset, got activation',
    TypeError,
  ],
])('%j: %s', (options, message, kind) => {
  expect(() => gru(options as never)).toThrow(message);
  expect(() => gru(options as never)).toThrow(kind);
});
