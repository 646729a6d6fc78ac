/** The Legendre memory unit: its equations, the matrices of its memory, and what training leaves alone. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { legendreDelay, legendreMemory } from '../cells/parts/legendre';
import { lmu } from '../cells/lmu';
import { fit } from '../bptt/train/fit';
import { globalNorm } from '../bptt/train/clip';
import { optimizer } from '../bptt/train/optimizers';
import { parallel } from '../bptt/parallel/parallel';
import { network, type Network } from '../bptt/network/network';
import { toFlat } from '../core/tensor';
import { decodeCheckpoint, encodeCheckpoint } from '../io/checkpoint';
import { describeCell, expectByHand, runCell, times, zip, type Reference } from './cellsuite';
import { testErrors } from './errors';
import { settings } from './executors';

const plus = (...lists: number[][]): number[] => zip((...v) => v.reduce((sum, x) => sum + x), ...lists);

const reference: Reference = (x, { h, m: mPrev }, { ex, eh, em, Wx, Wh, Wm, b, Am, Bm }) => {
  const u = plus(times(x, ex), times(h, eh), times(mPrev, em));
  const m = plus(times(mPrev, Am), times(u, Bm));
  const z = plus(times(x, Wx), times(h, Wh), times(m, Wm), ...(b ? [b[0]] : []));
  return { h: z.map(Math.tanh), m };
};

describeCell(
  [true, false].map((bias) => ({
    name: bias ? 'lmu' : 'lmu, no bias',
    make: (sizes) => lmu({ ...sizes, bias, order: 4, theta: 6 }),
    reference,
  })),
);

describe.each(settings)('by hand, $name', (setting) => {
  test('one step of one unit with one number of memory', () => {
    // u = 2 + 3·2 + 4·(−1) = 4; m = −1/2 + 4/4 = 1/2; z = 1·2 + 2·3 + 4/2 + b = ln 2, so h = 3/5
    // dh = 20 + 5, dz = 25 · 16/25 = 16; dm = 1 + 16·4 = 65; du = 65/4
    const weights = {
      ...{ ex: [1], eh: [2], em: [4], Wx: [1], Wh: [2], Wm: [4], b: [Math.LN2 - 10] },
      ...{ Am: [0.5], Bm: [0.25] },
    };
    const { output, states, gradients } = runCell(
      lmu({ input: 1, hidden: 1, order: 1 }),
      setting,
      weights,
      { x: [[[2]]], initial: { h: [3], m: [-1] } },
      { output: [20], states: { h: [5], m: [1] } },
    );
    expectByHand({ output, ...states }, { output: [0.6], h: [0.6], m: [0.5] }, setting);
    const du = 16.25;
    const expected = {
      ...{ x: [16 + du], h0: [32 + 2 * du], m0: [32.5 + 4 * du] },
      ...{ ex: [2 * du], eh: [3 * du], em: [-du], Wx: [32], Wh: [48], Wm: [8], b: [16] },
      ...{ Am: [-65], Bm: [260] },
    };
    expectByHand(gradients, expected, setting);
  });
});

describe('the memory', () => {
  test('of one number is a leaky average: e^{−1/θ}', () => {
    const { A, B } = legendreMemory(1, 10);
    expect(A[0][0]).toBeCloseTo(Math.exp(-0.1), 15);
    expect(B[0]).toBeCloseTo(1 - Math.exp(-0.1), 15);
  });

  test('of one number, over a window of one step: e^{−1}', () => {
    const { A, B } = legendreMemory(1, 1);
    expect(A[0][0]).toBeCloseTo(Math.exp(-1), 15);
    expect(B[0]).toBeCloseTo(1 - Math.exp(-1), 15);
  });

  test.each([
    [1, 1],
    [2, 3],
    [5, 1],
    [5, 40],
    [8, 4],
  ])('of %i numbers: one step of a window of %i is two of twice that', (order, theta) => {
    const [whole, half] = [theta, 2 * theta].map((window) => legendreMemory(order, window));
    const twice = (i: number, to: (k: number) => number): number =>
      half.A[i].reduce((sum, a, k) => sum + a * to(k), 0);
    const largest = Math.max(...whole.A.flat().map(Math.abs), ...whole.B.map(Math.abs));
    whole.A.forEach((row, i) => {
      row.forEach((a, j) =>
        expect(Math.abs(a - twice(i, (k) => half.A[k][j])) / largest).toBeLessThan(1e-13),
      );
      expect(Math.abs(whole.B[i] - twice(i, (k) => half.B[k]) - half.B[i]) / largest).toBeLessThan(1e-13);
    });
    expect([whole.A.length, ...whole.A.map((row) => row.length), whole.B.length]).toEqual(
      Array<number>(order + 2).fill(order),
    );
  });

  test.each(['lmu', 'lmu_b1', 'lmu_t1'])("is PyTorch's matrix exponential in %s.json", (name) => {
    const text = readFileSync(join(__dirname, 'golden', `${name}.json`), 'utf8');
    const { params, hyper } = JSON.parse(text) as {
      params: Record<'A' | 'B', { shape: number[]; data: number[] }>;
      hyper: { theta: number };
    };
    const { A, B } = legendreMemory(params.A.shape[0], hyper.theta);
    A.flat().forEach((a, k) => expect(a).toBeCloseTo(params.A.data[k], 13));
    B.forEach((b, k) => expect(b).toBeCloseTo(params.B.data[k], 13));
  });

  test('keeps a constant: in the end, the first number is the input, and the others are 0', () => {
    const { A, B } = legendreMemory(6, 20);
    let m = B.map(() => 0);
    for (let t = 0; t < 400; t++) m = A.map((row, i) => 3 * B[i] + row.reduce((s, a, j) => s + a * m[j], 0));
    m.forEach((v, i) => expect(v).toBeCloseTo(i === 0 ? 3 : 0, 12));
  });

  test('the readers are Legendre polynomials: 1, 2r − 1, 6r² − 6r + 1', () => {
    for (const r of [0, 0.25, 0.7, 1]) {
      const [p, q, s] = legendreDelay(3, r);
      expect(p).toBe(1);
      expect(q).toBeCloseTo(2 * r - 1, 15);
      expect(s).toBeCloseTo(6 * r * r - 6 * r + 1, 14);
    }
    expect(legendreDelay(1, 0.3)).toEqual([1]);
    expect(legendreDelay(2, 0)).toEqual([1, -1]);
    // P4(x) = (35 x⁴ − 30 x² + 3) / 8 at x = 1/2
    expect(legendreDelay(5, 0.75)[4]).toBeCloseTo((35 / 16 - 30 / 4 + 3) / 8, 15);
  });

  test('of 20 numbers gives a slow sine back, at every delay of its window', () => {
    const [order, window] = [20, 100];
    const { A, B } = legendreMemory(order, window + 1);
    let m = B.map(() => 0);
    const u = (t: number): number => Math.sin((2 * Math.PI * 2 * t) / window);
    for (let t = 0; t < 400; t++) {
      m = A.map((row, i) => B[i] * u(t) + row.reduce((s, a, j) => s + a * m[j], 0));
      if (t < 250) continue;
      for (const delay of [0, 13, 50, 100]) {
        const read = legendreDelay(order, (delay + 0.5) / (window + 1)).reduce((s, w, i) => s + w * m[i], 0);
        // a held sine has steps of up to 0.126, which 20 polynomials smooth
        expect(Math.abs(read - u(t - delay))).toBeLessThan(0.02);
      }
    }
  });
});

describe('training leaves the memory as it is', () => {
  const make = (): Network =>
    network({
      layers: [lmu({ input: 2, hidden: 3, order: 4, theta: 5 })],
      output: 2,
      loss: 'squared',
      seed: 1,
    });
  const T = 5;
  const numbers = Float64Array.from({ length: T * 2 * 2 }, (_, k) => Math.sin(k));
  const batch = { x: { shape: [T, 2, 2], numbers }, targets: { shape: [T, 2, 2], numbers } };
  const memoryOf = ({ parameters }: Network): number[] =>
    ['l0.Am', 'l0.Bm'].flatMap((name) => toFlat(parameters.values[name]));

  test('with weight decay, weight noise and clipping, in one thread and in two', async () => {
    for (const count of [1, 2]) {
      const net = make();
      const execArgv = ['-r', join(__dirname, '../scripts/register.js')];
      const threads = await parallel(net, { threads: count, execArgv });
      const before = memoryOf(net);
      const Wx = toFlat(net.parameters.values['l0.Wx']);
      await fit(net, Array(4).fill(batch), {
        optimizer: { name: 'adamw', learningRate: 0.1, weightDecay: 0.5 },
        ...{ weightNoise: 0.1, clip: { norm: 0.01 }, threads },
      });
      threads.close();
      expect(memoryOf(net)).toEqual(before);
      expect(toFlat(net.parameters.values['l0.Wx'])).not.toEqual(Wx);
    }
  });

  test('their gradients are there, but count neither for the norm nor among the weights', () => {
    const net = make();
    net.forward(batch).backward();
    expect(toFlat(net.parameters.gradients['l0.Am']).some((g) => g !== 0)).toBe(true);
    const trained = net.parameters.trained.flatMap((name) => toFlat(net.parameters.gradients[name]));
    const norm = Math.sqrt(trained.reduce((sum, g) => sum + g * g, 0));
    expect(globalNorm(net.parameters)).toBeCloseTo(norm, 12);
    expect(net.parameters.count).toBe(trained.length);
    net.parameters.zeroGradients();
    expect(toFlat(net.parameters.gradients['l0.Am']).every((g) => g === 0)).toBe(true);
  });

  test('a checkpoint brings back the memory, and the optimizer without it', () => {
    const net = make();
    net.parameters.set(
      'l0.Am',
      Array.from({ length: 16 }, (_, k) => k / 16),
    );
    const adam = optimizer(net, { name: 'adam' });
    net.forward(batch).backward();
    adam.step();
    expect(Object.keys(adam.state())).not.toContain('m.l0.Am');
    const back = decodeCheckpoint(encodeCheckpoint({ network: net, optimizer: adam }));
    expect(memoryOf(back.network)).toEqual(memoryOf(net));
    expect(toFlat(back.optimizer!.state()['m.l0.Wx'])).toEqual(toFlat(adam.state()['m.l0.Wx']));
  });
});

testErrors(RangeError, [
  [() => lmu({ input: 2, hidden: 3, order: 0 }), 'lmu: order must be a whole number >= 1, got 0'],
  [() => lmu({ input: 2, hidden: 3, theta: NaN }), 'lmu: theta must be a number >= 1, got NaN'],
  [() => legendreMemory(0, 5), 'legendreMemory: order must be a whole number >= 1, got 0'],
  [() => legendreMemory(3, 0.5), 'legendreMemory: theta must be a number >= 1, got 0.5'],
  [() => legendreMemory(3, Infinity), 'legendreMemory: theta must be a number >= 1, got Infinity'],
  [() => legendreMemory(3, '5' as never), "legendreMemory: theta must be a number >= 1, got the string '5'"],
  [() => legendreDelay(3, '0' as never), "legendreDelay: r must be in 0…1, got the string '0'"],
  [() => legendreDelay(0, 0.5), 'legendreDelay: order must be a whole number >= 1, got 0'],
  [() => legendreDelay(3, -0.5), 'legendreDelay: r must be in 0…1, got -0.5'],
  [() => legendreDelay(3, 1.5), 'legendreDelay: r must be in 0…1, got 1.5'],
]);
