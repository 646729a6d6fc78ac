import type { Activation } from '../cells/parts/activation';
import { elman } from '../cells/elman';
import { Random } from '../core/random/random';
import { toNested, zeros } from '../core/tensor';
import { describeCell, expectByHand, runCell, sigmoid, times, zip, type Reference } from './cellsuite';
import { settings } from './executors';

const activations: Record<Activation, (z: number) => number> = {
  tanh: Math.tanh,
  sigmoid,
  relu: (z) => Math.max(z, 0),
};

const reference =
  (activation: Activation): Reference =>
  (x, { h }, { Wx, Wh, b }) => {
    const z = zip((p, q) => p + q, times(x, Wx), times(h, Wh));
    return { h: (b ? zip((p, q) => p + q, z, b[0]) : z).map(activations[activation]) };
  };

describeCell(
  (['tanh', 'sigmoid', 'relu'] as const).flatMap((activation) =>
    [true, false].map((bias) => ({
      name: `${activation}${bias ? '' : ', no bias'}`,
      make: (sizes) => elman({ ...sizes, activation, bias }),
      reference: reference(activation),
    })),
  ),
);

describe.each(settings)('by hand, $name', (setting) => {
  test('relu over two steps, in whole numbers', () => {
    // z_1 = 2 [1 −1] + [1 0] [1 2; 0 1] + [0 1] = [3 1]           h_1 = [3 1]
    // z_2 = 9 [1 −1] + [3 1] [1 2; 0 1] + [0 1] = [12 −1]         h_2 = [12 0]: the second unit is cut off
    // back from dh_2 = [1 5] + [0 2]: dz_2 = [1 0]   dx_2 = 1     dh_1 = [1 1] + [1 0] Whᵀ = [2 1]
    //   dWx = 9 [1 0]   dWh = [3 1]ᵀ [1 0]   db = [1 0]
    // dz_1 = [2 1]   dx_1 = 2 − 1 = 1   dh_0 = [2 1] Whᵀ = [2 + 2, 0 + 1]
    //   dWx += 2 [2 1]   dWh += [1 0]ᵀ [2 1]   db += [2 1]
    const weights = { Wx: [1, -1], Wh: [1, 2, 0, 1], b: [0, 1] };
    const given = { x: [[[2]], [[9]]], initial: { h: [1, 0] } };
    const upstream = { output: [1, 1, 1, 5], states: { h: [0, 2] } };
    const cell = elman({ input: 1, hidden: 2, activation: 'relu' });
    const { output, states, gradients } = runCell(cell, setting, weights, given, upstream);
    expect(output).toEqual([3, 1, 12, 0]);
    expect(states).toEqual({ h: [12, 0] });
    expect(gradients).toEqual({ Wx: [13, 2], Wh: [5, 1, 1, 0], b: [3, 1], x: [1, 1], h0: [4, 1] });
  });

  // two rows, one step, one unit: x = 2 and 0, hPrev = 1/2, hPrev Wh + b = 0, so z = 2 Wx and 0
  const given = { x: [[[2], [0]]], initial: { h: [0.5, 0.5] } };

  test('tanh', () => {
    // tanh(ln 2) = 3/5, slope 16/25; tanh(0) = 0, slope 1. With dh = 5: dz = 16/5 and 5
    // dx = dz Wx, dh0 = 2 dz, dWx = 2 · 16/5 + 0 · 5, dWh = 1/2 (16/5 + 5), db = 16/5 + 5
    const Wx = Math.LN2 / 2;
    const cell = elman({ input: 1, hidden: 1 });
    const upstream = { output: [5, 5], states: { h: [0, 0] } };
    const { output, gradients } = runCell(cell, setting, { Wx: [Wx], Wh: [2], b: [-1] }, given, upstream);
    expectByHand(
      { output, ...gradients },
      { output: [0.6, 0], x: [3.2 * Wx, 5 * Wx], h0: [6.4, 10], Wx: [6.4], Wh: [4.1], b: [8.2] },
      setting,
    );
  });

  test('sigmoid', () => {
    // σ(ln 3) = 3/4, slope 3/16; σ(0) = 1/2, slope 1/4. With dh = 16: dz = 3 and 4
    const Wx = Math.log(3) / 2;
    const cell = elman({ input: 1, hidden: 1, activation: 'sigmoid' });
    const upstream = { output: [16, 16], states: { h: [0, 0] } };
    const { output, gradients } = runCell(cell, setting, { Wx: [Wx], Wh: [2], b: [-1] }, given, upstream);
    expectByHand(
      { output, ...gradients },
      { output: [0.75, 0.5], x: [3 * Wx, 4 * Wx], h0: [6, 8], Wx: [6], Wh: [3.5], b: [7] },
      setting,
    );
  });
});

describe('the start', () => {
  test('Wx Glorot, Wh orthogonal, b zero; each by name', () => {
    const { parameters } = elman({ input: 3, hidden: 4 });
    expect(Object.entries(parameters).map(([name, { shape }]) => [name, shape])).toEqual([
      ['Wx', [3, 4]],
      ['Wh', [4, 4]],
      ['b', [4]],
    ]);
    const Wh = zeros([4, 4]);
    parameters.Wh.init(Wh, new Random(1));
    const rows = toNested(Wh) as number[][];
    rows.forEach((p, r) =>
      rows.forEach((q, c) =>
        expect(
          times(
            p,
            q.map((v) => [v]),
          )[0],
        ).toBeCloseTo(r === c ? 1 : 0, 14),
      ),
    );
  });

  test.each([
    ['identity', [1, 0, 0, 1]],
    ['zeros', [0, 0, 0, 0]],
  ] as const)('recurrentInit %s', (recurrentInit, expected) => {
    const Wh = zeros([2, 2]);
    elman({ input: 3, hidden: 2, recurrentInit }).parameters.Wh.init(Wh, new Random(1));
    expect(toNested(Wh)).toEqual([expected.slice(0, 2), expected.slice(2)]);
  });

  test('uniform lies in ±1/√H, normal has deviation 1/√H', () => {
    for (const name of ['uniform', 'normal'] as const) {
      const Wx = zeros([100, 25]);
      elman({ input: 100, hidden: 25, inputInit: name }).parameters.Wx.init(Wx, new Random(1));
      const values = (toNested(Wx) as number[][]).flat();
      const deviation = Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);
      expect(Math.abs(deviation - (name === 'uniform' ? 0.2 / Math.sqrt(3) : 0.2))).toBeLessThan(0.01);
    }
  });

  test('a checkpoint can hold all options', () => {
    expect(elman({ input: 3, hidden: 4 }).options).toEqual({
      input: 3,
      hidden: 4,
      bias: true,
      activation: 'tanh',
      inputInit: 'glorot',
      recurrentInit: 'orthogonal',
    });
  });
});

test.each<[object, string, ErrorConstructor]>([
  [{ input: 0, hidden: 3 }, 'elman: input must be a whole number >= 1, got 0', RangeError],
  [{ input: 3, hidden: 2.5 }, 'elman: hidden must be a whole number >= 1, got 2.5', RangeError],
  [{ input: 3 }, 'elman: hidden must be a whole number >= 1, got undefined', RangeError],
  [
    { input: 3, hidden: 3, activation: 'gelu' },
    'elman: activation must be one of tanh, sigmoid, relu, got gelu',
    TypeError,
  ],
  [
    { input: 3, hidden: 3, hiden: 3 },
    'elman: options must be among input, hidden, bias, inputInit, recurrentInit, layerNorm, residual, activation, got hiden',
    TypeError,
  ],
  [
    { input: 3, hidden: 3, inputInit: 'magic' },
    'elman: the initializer must be one of glorot, orthogonal, uniform, normal, identity, zeros, got magic',
    TypeError,
  ],
])('%j: %s', (options, message, kind) => {
  expect(() => elman(options as never)).toThrow(message);
  expect(() => elman(options as never)).toThrow(kind);
});

test('options that are not an object are refused', () => {
  expect(() => elman(null as never)).toThrow('elman: options must be an object, got null');
  expect(() => elman(undefined as never)).toThrow('elman: options must be an object, got undefined');
});
