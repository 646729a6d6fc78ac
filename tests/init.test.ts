import { network } from '../bptt/network/network';
import { lstm } from '../cells/lstm';
import * as init from '../core/random/init';
import { orthonormalRows } from '../core/random/orthonormal';
import { Random } from '../core/random/random';
import { columns, toFlat, toNested, transpose, zeros, type Tensor } from '../core/tensor';
import { testErrors } from './errors';
import { dtypes } from './executors';
import { layouts, place } from './layouts';

const { chrono, constant, gates, glorot, identity, normal, orthogonal, uniform } = init;

const mean = (values: number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;
const deviation = (values: number[]): number => Math.sqrt(mean(values.map((v) => v * v)) - mean(values) ** 2);

/** A Aᵀ where that is the smaller one, else Aᵀ A: the identity times gain² for an orthogonal start. */
function gram(t: Tensor): number[][] {
  const m = toNested(t.shape[0] <= t.shape[1] ? t : transpose(t)) as number[][];
  return m.map((p) => m.map((q) => p.reduce((sum, v, k) => sum + v * q[k], 0)));
}

describe.each(dtypes)('%s', (dtype) => {
  test('constant and identity, by hand', () => {
    const t = zeros([2, 3], dtype);
    constant(7)(t, new Random());
    expect(toFlat(t)).toEqual([7, 7, 7, 7, 7, 7]);
    identity(0.5)(t, new Random());
    expect(toNested(t)).toEqual([
      [0.5, 0, 0],
      [0, 0.5, 0],
    ]);
    identity()(t, new Random());
    expect(t.get(1, 1)).toBe(1);
  });

  test('uniform and normal have the right standard deviation', () => {
    const t = zeros([60, 50], dtype);
    uniform(0.3)(t, new Random(1));
    const values = toFlat(t);
    expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(Math.fround(0.3));
    expect(Math.abs(deviation(values) - 0.3 / Math.sqrt(3))).toBeLessThan(0.005);
    normal(0.3)(t, new Random(1));
    expect(Math.abs(deviation(toFlat(t)) - 0.3)).toBeLessThan(0.012);
    expect(Math.abs(mean(toFlat(t)))).toBeLessThan(0.02);
  });

  test('glorot: the variance is 2 / (rows + columns)', () => {
    const t = zeros([70, 30], dtype);
    glorot()(t, new Random(1));
    // uniform in ±√(6/100) has variance 6/100/3 = 2/100
    expect(Math.max(...toFlat(t).map(Math.abs))).toBeLessThanOrEqual(Math.fround(Math.sqrt(0.06)));
    expect(Math.abs(deviation(toFlat(t)) ** 2 - 0.02)).toBeLessThan(0.001);
  });

  test.each([
    [4, 4],
    [3, 7],
    [7, 3],
    [1, 5],
    [5, 1],
  ])('orthogonal [%d, %d]: every singular value is the gain', (R, C) => {
    const t = zeros([R, C], dtype);
    orthogonal(1.5)(t, new Random(2));
    gram(t).forEach((line, r) =>
      line.forEach((v, c) =>
        expect(Math.abs(v - (r === c ? 2.25 : 0))).toBeLessThanOrEqual(dtype === 'float64' ? 1e-14 : 1e-6),
      ),
    );
  });

  test.each([
    [128, 128],
    [129, 129],
    [150, 301],
    [301, 150],
    [272, 272],
  ])('orthogonal by products [%d, %d]: every singular value is the gain', (R, C) => {
    const t = zeros([R, C], dtype);
    orthogonal(1.5)(t, new Random(2));
    let worst = 0;
    gram(t).forEach((line, r) =>
      line.forEach((v, c) => (worst = Math.max(worst, Math.abs(v - (r === c ? 2.25 : 0))))),
    );
    expect(worst).toBeLessThanOrEqual(dtype === 'float64' ? 2e-14 : 1e-5);
  });

  test('the gates are filled one by one, each as if it stood alone', () => {
    const t = zeros([3, 12], dtype);
    gates(4, orthogonal())(t, new Random(5));
    const random = new Random(5);
    for (let k = 0; k < 4; k++) {
      const alone = zeros([3, 3], dtype);
      orthogonal()(alone, random);
      expect(toFlat(columns(t, 3 * k, 3 * k + 3))).toEqual(toFlat(alone));
    }
  });

  test('each gate may start in a way of its own', () => {
    const t = zeros([2, 6]);
    gates(3, [2, 0, -1].map(constant))(t, new Random());
    expect(toNested(t)).toEqual([
      [2, 2, 0, 0, -1, -1],
      [2, 2, 0, 0, -1, -1],
    ]);
  });

  test('gates of a vector too', () => {
    const t = zeros([6], dtype);
    let next = 0;
    gates(3, (part) => constant(next++)(part, new Random()))(t, new Random());
    expect(toFlat(t)).toEqual([0, 0, 1, 1, 2, 2]);
  });

  test.each(layouts)('a view in %s is filled, and nothing around it', (layout) => {
    for (const start of [constant(3), uniform(1), normal(1), glorot(), identity(), orthogonal()]) {
      const { view, around } = place(3, 4, dtype, layout);
      start(view, new Random(1));
      expect(toFlat(view).some((v) => v !== 0)).toBe(true);
      expect(around()).toBe(true);
      const plain = zeros([3, 4], dtype);
      start(plain, new Random(1));
      expect(toFlat(view)).toEqual(toFlat(plain));
    }
  });
});

test('orthogonal draws again what lies within the rows it has', () => {
  const random = new Random(1);
  const t = zeros([2, 2]);
  // the second draw repeats the first and is of no use, the third is new
  for (const value of [1, 0, 2, 0, 1, 1]) jest.spyOn(random, 'normal').mockReturnValueOnce(value);
  orthogonal()(t, random);
  expect(toNested(t)).toEqual([
    [1, 0],
    [0, 1],
  ]);
});

describe('the rows are those of Gram–Schmidt, row by row and each twice', () => {
  const rowByRow = (V: number[][]): number[][] => {
    const Q: number[][] = [];
    for (const row of V) {
      const v = [...row];
      for (const q of [...Q, ...Q]) {
        const dot = v.reduce((sum, x, k) => sum + q[k] * x, 0);
        for (let k = 0; k < v.length; k++) v[k] -= dot * q[k];
      }
      const norm = Math.sqrt(v.reduce((sum, x) => sum + x * x, 0));
      Q.push(v.map((x) => x / norm));
    }
    return Q;
  };
  const drawn = (n: number, length: number): number[][] => {
    const random = new Random(3);
    return Array.from({ length: n }, () => Array.from({ length }, () => random.normal()));
  };

  test.each([
    [1, 9],
    [5, 5],
    [128, 131],
  ])('[%d, %d]: bit for bit', (n, length) => {
    const V = orthonormalRows(n, length, 'float32', new Random(3));
    expect(V.map((v) => Array.from(v))).toEqual(rowByRow(drawn(n, length)));
  });

  test.each([
    [129, 129, 'float64', 1e-11],
    [200, 333, 'float64', 1e-13],
    [200, 333, 'float32', 1e-5],
  ] as const)('[%d, %d] by products of %s: within %d', (n, length, dtype, bound) => {
    const expected = rowByRow(drawn(n, length));
    const V = orthonormalRows(n, length, dtype, new Random(3));
    const worst = Math.max(...V.map((v, r) => Math.max(...v.map((x, k) => Math.abs(x - expected[r][k])))));
    expect(worst).toBeLessThan(bound);
  });

  test('a row that repeats one before it is drawn again, across products too', () => {
    const random = new Random(4);
    const normal = random.normal.bind(random);
    let first: number[] = [];
    let draws = 0;
    jest.spyOn(random, 'normal').mockImplementation(() => {
      const k = draws++;
      // row 140 is twice row 0
      if (k >= 140 * 160 && k < 141 * 160) return 2 * first[k - 140 * 160];
      const value = normal();
      if (k < 160) first = [...first, value];
      return value;
    });
    const V = orthonormalRows(150, 160, 'float64', random);
    const dots = V.map((v) => v.reduce((sum, x, k) => sum + x * V[140][k], 0));
    expect(Math.max(...dots.map((d, r) => Math.abs(d - (r === 140 ? 1 : 0))))).toBeLessThan(1e-14);
    expect(draws).toBeGreaterThanOrEqual(150 * 160);
  });

  test('the same rows whatever executor networks have', () => {
    const rowsBy = (executor: string): number[] => {
      const before = process.env.BACKSTEP_EXECUTOR;
      process.env.BACKSTEP_EXECUTOR = executor;
      try {
        return orthonormalRows(140, 140, 'float32', new Random(5)).flatMap((v) => Array.from(v));
      } finally {
        if (before === undefined) delete process.env.BACKSTEP_EXECUTOR;
        else process.env.BACKSTEP_EXECUTOR = before;
      }
    };
    expect(rowsBy('plain')).toEqual(rowsBy('wasm'));
    // and on every machine with SIMD
    expect(rowsBy('wasm').slice(139 * 140, 139 * 140 + 3)).toEqual([
      -0.042418103546400944, 0.009720565965926114, 0.04041057685990342,
    ]);
  });
});

test('one seed gives one start', () => {
  for (const start of [uniform(1), normal(1), glorot(), orthogonal()]) {
    const [a, b, c] = [1, 1, 2].map((seed) => {
      const t = zeros([4, 3]);
      start(t, new Random(seed));
      return toFlat(t);
    });
    expect(a).toEqual(b);
    expect(a).not.toEqual(c);
  }
});

test('chrono: the times over which units forget are uniform, and input and forget gates add up to 1', () => {
  const [H, longest] = [4000, 50];
  const b = zeros([4 * H]);
  b.data.fill(7);
  chrono(longest)(b, new Random(3));
  const [i, f, g, o] = [0, 1, 2, 3].map((k) => toFlat(b).slice(k * H, (k + 1) * H));
  const gate = (z: number): number => 1 / (1 + Math.exp(-z));
  const times = f.map((z) => 1 / (1 - gate(z)));
  expect(Math.min(...times)).toBeGreaterThanOrEqual(2 - 1e-9);
  expect(Math.max(...times)).toBeLessThanOrEqual(longest + 1e-9);
  const [low, high] = [2, longest];
  const error = (high - low) / Math.sqrt(12 * H);
  expect(Math.abs(mean(times) - (low + high) / 2)).toBeLessThan(4 * error);
  expect(deviation(times) / ((high - low) / Math.sqrt(12))).toBeCloseTo(1, 1);
  i.forEach((z, k) => expect(gate(z) + gate(f[k])).toBeCloseTo(1, 12));
  expect(new Set([...g, ...o])).toEqual(new Set([0]));
});

test('an LSTM with these biases keeps its memory for that long', () => {
  const net = network({ layers: [lstm({ input: 1, hidden: 50 })], seed: 1 });
  const retained = (): number => {
    const x = { shape: [30, 1, 1], numbers: new Float64Array(30) };
    const of = (value: number) => ({ shape: [1, 50], numbers: new Float64Array(50).fill(value) });
    const pass = net.forward({ x, initial: { 'l0.h': of(0), 'l0.c': of(1) } });
    return mean(toFlat(pass.states['l0.c']));
  };
  const before = retained();
  chrono(100)(net.parameters.values['l0.b'], new Random(2));
  expect(before).toBeLessThan(0.05);
  expect(retained()).toBeGreaterThan(0.2);
});

testErrors(RangeError, [
  [() => chrono('9' as never), "chrono: longest must be a number > 2, got the string '9'"],
  [() => chrono(2), 'chrono: longest must be a number > 2, got 2'],
  [() => chrono(9)(zeros([6]), new Random()), 'chrono: the biases must be [4H], got [6]'],
  [() => orthogonal()(zeros([3]), new Random()), 'orthogonal: the tensor must be a matrix, got [3]'],
  [
    () => gates(4, constant(0))(zeros([2, 6]), new Random()),
    'gates: the last size must be a multiple of 4, got [2, 6]',
  ],
  [() => gates(4, [constant(0)])(zeros([2, 8]), new Random()), 'gates: there must be 4 initializers, got 1'],
]);
