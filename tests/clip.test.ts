import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { clipGlobalNorm, clipValue, globalNorm } from '../bptt/train/clip';
import { network } from '../bptt/network/network';
import { optimizer } from '../bptt/train/optimizers';
import { Parameters } from '../bptt/network/parameters';
import { elman } from '../cells/elman';
import { constant } from '../core/random/init';
import type { Dtype } from '../core/memory';
import { Random } from '../core/random/random';
import { toFlat } from '../core/tensor';

function parametersOf(
  gradients: Record<string, { shape: number[]; data: number[] }>,
  dtype?: Dtype,
): Parameters {
  const shapes = Object.entries(gradients).map(([name, { shape }]) => [name, { shape, init: constant(0) }]);
  const parameters = new Parameters(
    Object.fromEntries(shapes) as Parameters['shapes'],
    dtype ?? 'float64',
    new Random(0),
  );
  for (const [name, { data }] of Object.entries(gradients)) {
    const g = parameters.gradients[name];
    g.data.set(data, g.offset);
  }
  return parameters;
}
const some = (scale = 1, dtype?: Dtype): Parameters =>
  parametersOf(
    {
      'l0.Wx': { shape: [2, 1], data: [3 * scale, 0] },
      'l0.Wh': { shape: [3, 4], data: Array.from({ length: 12 }, (_, k) => (k === 7 ? -4 * scale : 0)) },
      'l0.b': { shape: [1], data: [12 * scale] },
    },
    dtype,
  );
const gradientsOf = (parameters: Parameters): number[] => Array.from(parameters.flatGradients.data);

describe('global norm', () => {
  test('is added up by the executor of the network', () => {
    const { parameters } = network({ layers: [elman({ input: 1, hidden: 2 })], executor: 'plain' });
    expect(parameters.executor.name).toBe('plain');
    const blocks: number[][] = [];
    const counted = new Parameters(parameters.shapes, 'float64', new Random(0), {
      ...parameters.executor,
      sumSquares: (_, from, to) => (blocks.push([from, to]), 25),
    });
    expect(globalNorm(counted)).toBe(5);
    expect(blocks).toEqual([[0, counted.flat.data.length]]);
  });

  test('one norm over all parameters together: 3, 4 and 12 make 13', () => {
    expect(globalNorm(some())).toBe(13);
    expect(globalNorm(some(1, 'float32'))).toBe(13);
  });

  test('above the limit the norm is the limit and the direction stays (cosine 1)', () => {
    const random = new Random(3);
    const data = (n: number): number[] => Array.from({ length: n }, () => random.normal(0, 100));
    const parameters = parametersOf({
      a: { shape: [30, 50], data: data(1500) },
      b: { shape: [7], data: data(7) },
    });
    const before = gradientsOf(parameters);
    const { norm, coefficient } = clipGlobalNorm(parameters, 5);
    const after = gradientsOf(parameters);
    const dot = (p: number[], q: number[]): number => p.reduce((sum, value, k) => sum + value * q[k], 0);
    expect(Math.abs(norm / Math.sqrt(dot(before, before)) - 1)).toBeLessThan(1e-14);
    expect(coefficient).toBe(5 / norm);
    expect(after).toEqual(before.map((g) => g * coefficient));
    expect(Math.abs(globalNorm(parameters) - 5)).toBeLessThan(1e-14);
    const cosine = dot(before, after) / Math.sqrt(dot(before, before) * dot(after, after));
    expect(Math.abs(cosine - 1)).toBeLessThan(1e-14);
  });

  test('at or below the limit the gradients are untouched to the bit', () => {
    for (const limit of [13, 13.000001, 1e300, Infinity]) {
      const parameters = some();
      expect(clipGlobalNorm(parameters, limit)).toEqual({ norm: 13, coefficient: 1 });
      expect(gradientsOf(parameters)).toEqual(gradientsOf(some()));
    }
  });

  test('a zero gradient stays zero', () => {
    const parameters = some(0);
    expect(clipGlobalNorm(parameters, 1)).toEqual({ norm: 0, coefficient: 1 });
    expect(gradientsOf(parameters).every((g) => g === 0)).toBe(true);
  });

  test.each([
    [NaN, 'float64'],
    [-Infinity, 'float64'],
    [NaN, 'float32'],
    [Infinity, 'float32'],
  ] as const)('%d in %s is an error that names the first bad tensor, and changes nothing', (bad, dtype) => {
    const parameters = some(1, dtype);
    parameters.gradients['l0.Wh'].set(2, 3, bad);
    parameters.gradients['l0.b'].set(0, NaN);
    const before = gradientsOf(parameters);
    const message = `clip: gradients must be finite, got ${bad} in l0.Wh (row 2, column 3)`;
    expect(() => clipGlobalNorm(parameters, 1)).toThrow(new RangeError(message));
    expect(() => clipValue(parameters, 1)).toThrow(new RangeError(message));
    expect(gradientsOf(parameters)).toEqual(before);
  });

  test('a bad bias is named by its unit', () => {
    const parameters = some();
    parameters.gradients['l0.b'].set(0, NaN);
    expect(() => globalNorm(parameters)).toThrow('clip: gradients must be finite, got NaN in l0.b (unit 0)');
  });

  test.each([1e-200, 1e-160, 1e160, 1e300])('squares of numbers near %d do not leave the range', (scale) => {
    expect(Math.abs(globalNorm(some(scale)) / (13 * scale) - 1)).toBeLessThan(1e-14);
    const parameters = some(scale);
    clipGlobalNorm(parameters, scale);
    expect(Math.abs(globalNorm(parameters) / scale - 1)).toBeLessThan(1e-14);
  });

  test('a norm beyond the range is an error', () => {
    expect(() => clipGlobalNorm(some(1.3e307), 1)).not.toThrow();
    const parameters = parametersOf({ a: { shape: [2], data: [1.7e308, 1.7e308] } });
    expect(() => clipGlobalNorm(parameters, 1)).toThrow(
      'clip: the norm of the gradients must be finite, got Infinity',
    );
  });

  test('rounding does not grow with the network', () => {
    const parameters = parametersOf({ a: { shape: [1000, 1000], data: Array<number>(1e6).fill(0.1) } });
    expect(Math.abs(globalNorm(parameters) - 100)).toBeLessThan(1e-11);
  });

  test('limits that are none are refused', () => {
    expect(() => clipGlobalNorm(some(), 0)).toThrow('clip: the norm must be > 0, got 0');
    expect(() => clipGlobalNorm(some(), NaN)).toThrow('clip: the norm must be > 0, got NaN');
    expect(() => clipGlobalNorm(some(), 1, { epsilon: -1 })).toThrow(
      'clip: epsilon must be a finite number >= 0',
    );
    expect(() => clipValue(some(), 0)).toThrow('clip: the limit must be > 0, got 0');
  });
});

test('by value, every entry is limited on its own', () => {
  const parameters = some();
  clipValue(parameters, 3.5);
  expect(toFlat(parameters.gradients['l0.Wx'])).toEqual([3, 0]);
  expect(parameters.gradients['l0.Wh'].get(1, 3)).toBe(-3.5);
  expect(toFlat(parameters.gradients['l0.b'])).toEqual([3.5]);
});

test('with a huge loss, the update after clipping is no longer than learning rate times limit', () => {
  const net = network({ layers: [elman({ input: 2, hidden: 3 })], output: 2, loss: 'squared', seed: 1 });
  const sgd = optimizer(net, { name: 'sgd', learningRate: 0.1 });
  const before = Float64Array.from(net.parameters.flat.data);
  net.parameters.zeroGradients();
  const pass = net.forward({ x: [[[1, 2]], [[3, 4]]], targets: [[[1e9, -1e9]], [[1e9, 1e9]]] });
  pass.backward();
  expect(clipGlobalNorm(net.parameters, 2).norm).toBeGreaterThan(1e8);
  sgd.step();
  const moved = Math.hypot(...net.parameters.flat.data.map((p, k) => p - before[k]));
  expect(moved).toBeLessThanOrEqual(0.1 * 2 * (1 + 1e-12));
  expect(moved).toBeGreaterThan(0.19);
});

interface Vector {
  name: string;
  clip: {
    max_norm: number;
    total_norm: number;
    coef: number;
    grads_after: Record<string, { data: number[] }>;
  };
  params: Record<string, unknown>;
  grads: Record<string, { shape: number[]; data: number[] }>;
}
const golden = join(__dirname, 'golden');
const vectors = readdirSync(golden)
  .filter((file) => file.startsWith('clip_global_norm'))
  .map((file) => JSON.parse(readFileSync(join(golden, file), 'utf8')) as Vector);

test('there are golden vectors', () => expect(vectors.length).toBeGreaterThan(0));

test.each(vectors.map((v) => [v.name, v] as const))(
  'golden, PyTorch, to 1e-12: %s',
  (_, { clip, params, grads }) => {
    const own = Object.entries(grads).filter(([name]) => name in params);
    const parameters = parametersOf(Object.fromEntries(own));
    const { norm, coefficient } = clipGlobalNorm(parameters, clip.max_norm, { epsilon: 1e-6 });
    expect(Math.abs(norm / clip.total_norm - 1)).toBeLessThan(1e-12);
    expect(Math.abs(coefficient / clip.coef - 1)).toBeLessThan(1e-12);
    for (const [name, { data }] of Object.entries(clip.grads_after)) {
      const g = toFlat(parameters.gradients[name]);
      data.forEach((value, k) => expect(Math.abs(g[k] - value)).toBeLessThanOrEqual(1e-12 * Math.abs(value)));
    }
  },
);
