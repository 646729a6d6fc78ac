import { errorBounds, relativeError } from '../bptt/check/bounds';
import { gradcheck } from '../bptt/check/gradcheck';
import { lossNames, lossOf, recordLoss } from '../losses';
import { network, type Network } from '../bptt/network/network';
import { elman } from '../cells/elman';
import { Program } from '../core/programs/program';
import { Random } from '../core/random/random';
import { add, Dual, exp, log, primal, sub, tangent, type Scalar } from '../core/programs/scalar';
import { tensor, toFlat, toNested, zeros } from '../core/tensor';
import { distance, settings, type Setting } from './executors';

const { log: ln } = Math;

/** Loss and dy of outputs [N, O] against targets, one weight a row. */
function loss(
  name: string,
  y: number[][],
  target: number[][],
  weight: number[],
  { executor, dtype }: Setting,
): { loss: number; dy: number[][] } {
  const v = {
    y: tensor(y, undefined, dtype),
    dy: zeros([y.length, y[0].length], dtype),
    target: tensor(target, undefined, dtype),
    weight: tensor(
      weight.map((w) => [w]),
      undefined,
      dtype,
    ),
    rowLoss: zeros([y.length, 1], dtype),
    loss: zeros([1], dtype),
  };
  const [forward, backward] = [new Program(), new Program()];
  recordLoss(name, forward, backward, v);
  forward.bind(executor)();
  backward.bind(executor)();
  return { loss: v.loss.get(0), dy: toNested(v.dy) as number[][] };
}

describe.each(settings)('$name', (setting) => {
  const { rounding } = setting;
  const expectClose = (actual: { loss: number; dy: number[][] }, value: number, dy: number[][]): void => {
    expect(Math.abs(actual.loss - value)).toBeLessThanOrEqual(rounding * Math.max(1, Math.abs(value)));
    expect(distance(actual.dy.flat(), dy.flat())).toBeLessThanOrEqual(rounding);
  };

  test('softmax by hand', () => {
    // softmax(ln 1, ln 2, ln 5) = (1, 2, 5) / 8, class 1: −ln 2/8 = ln 4; softmax(0, 0, 0) = 1/3 each: ln 3
    // dy = weight (p − target)
    const y = [
      [0, ln(2), ln(5)],
      [0, 0, 0],
    ];
    const target = [
      [0, 1, 0],
      [1, 0, 0],
    ];
    expectClose(loss('softmax', y, target, [1 / 2, 3], setting), ln(4) / 2 + 3 * ln(3), [
      [1 / 16, -6 / 16, 5 / 16],
      [-2, 1, 1],
    ]);
  });

  test('bernoulli by hand', () => {
    // σ(ln 3) = 3/4: ln 4/3 for a one, ln 4 for a zero, half of each for 1/2; σ(0) = 1/2: ln 2
    const y = [
      [ln(3), ln(3)],
      [ln(3), 0],
    ];
    const target = [
      [1, 0],
      [0.5, 1],
    ];
    const rows = [ln(4 / 3) + ln(4), (ln(4 / 3) + ln(4)) / 2 + ln(2)];
    expectClose(loss('bernoulli', y, target, [1, 2], setting), rows[0] + 2 * rows[1], [
      [-1 / 4, 3 / 4],
      [2 * (1 / 4), 2 * (-1 / 2)],
    ]);
  });

  test('squared by hand', () => {
    // (3 − 1)² + (0 − 2)² = 8, 1/2 · 5² = 12.5; dy = 2 weight (y − target)
    const y = [
      [3, 0],
      [5, 1],
    ];
    const target = [
      [1, 2],
      [0, 1],
    ];
    expectClose(loss('squared', y, target, [1, 1 / 2], setting), 8 + 12.5, [
      [4, -4],
      [5, 0],
    ]);
  });

  test('absolute, huber and quantile by hand', () => {
    // errors 2, −0.5, −3 and 0.5, 0, 4
    const y = [
      [3, 0, 1],
      [1, 2, 5],
    ];
    const target = [
      [1, 0.5, 4],
      [0.5, 2, 1],
    ];
    const weight = [1, 2];
    expectClose(loss('absolute', y, target, weight, setting), 5.5 + 2 * 4.5, [
      [1, -1, -1],
      [2, 0, 2],
    ]);
    // ½ e² to |e| = 1, |e| − ½ beyond: 1.5 + 0.125 + 2.5, 0.125 + 3.5
    expectClose(loss('huber', y, target, weight, setting), 4.125 + 2 * 3.625, [
      [1, -0.5, -1],
      [1, 0, 2],
    ]);
    // levels 0.1, 0.5, 0.9: 2 · 0.9 + 0.5 · 0.5 + 3 · 0.9, 0.5 · 0.9 + 4 · 0.1; no error belongs to the side below
    expectClose(loss('quantile', y, target, weight, setting), 4.75 + 2 * 0.85, [
      [0.9, -0.5, -0.9],
      [1.8, -1, 0.2],
    ]);
  });

  test('smoothed by hand', () => {
    // p = (1, 3) / 4, q = (0.05, 0.95): −0.05 ln ¼ − 0.95 ln ¾ = ln 4 − 0.95 ln 3
    const result = loss('smoothed', [[0, ln(3)]], [[0, 1]], [2], setting);
    expectClose(result, 2 * (ln(4) - 0.95 * ln(3)), [[0.4, -0.4]]);
  });

  test('logits of ±1000 stay finite, with the gradient p − target', () => {
    const extreme = [[1000, -1000]];
    expect(loss('softmax', extreme, [[1, 0]], [1], setting)).toEqual({ loss: 0, dy: [[0, 0]] });
    expect(loss('softmax', extreme, [[0, 1]], [1], setting)).toEqual({ loss: 2000, dy: [[1, -1]] });
    expect(loss('bernoulli', extreme, [[1, 0]], [1], setting)).toEqual({ loss: 0, dy: [[0, 0]] });
    expect(loss('bernoulli', extreme, [[0, 1]], [1], setting)).toEqual({ loss: 2000, dy: [[1, -1]] });
    // and between: 800 nats apart, where exp(−800) is 0 in either dtype
    expect(loss('softmax', [[0, 800]], [[1, 0]], [1], setting)).toEqual({ loss: 800, dy: [[-1, 1]] });
  });

  test('softmax: a logit of −∞ that is not the target does not affect loss and gradient', () => {
    const expected = loss('softmax', [[1, 3]], [[0, 1]], [2], setting);
    const actual = loss('softmax', [[1, -Infinity, 3]], [[0, 0, 1]], [2], setting);
    const [[first, none, last]] = actual.dy;
    expectClose({ loss: actual.loss, dy: [[first, last]] }, expected.loss, expected.dy);
    expect(none).toBe(0);
  });

  test('a weight of zero takes a row out, whatever it holds', () => {
    for (const name of lossNames().filter((name) => name !== 'quantile')) {
      const one = loss(name, [[1, 2]], [[0, 1]], [1], setting);
      const rows = [
        [1, 2],
        [700, -300],
      ];
      const two = loss(
        name,
        rows,
        [
          [0, 1],
          [1, 0],
        ],
        [1, 0],
        setting,
      );
      expect(two.loss).toBe(one.loss);
      expect(two.dy[0]).toEqual(one.dy[0]);
      expect(two.dy[1].every((v) => v === 0)).toBe(true);
    }
  });

  test('the gradient of a softmax row adds up to nothing', () => {
    const random = new Random(1);
    const y = Array.from({ length: 4 }, () => Array.from({ length: 7 }, () => random.normal(0, 3)));
    const target = y.map((row, r) => row.map((_, c) => (c === r ? 1 : 0)));
    for (const row of loss('softmax', y, target, [1, 1, 1, 1], setting).dy)
      expect(Math.abs(row.reduce((sum, v) => sum + v, 0))).toBeLessThanOrEqual(rounding);
  });
});

describe('dy against exact duals', () => {
  const O = 4;
  const random = new Random(4);
  const drawn = (): { y: number[]; target: number[]; weight: number } => ({
    y: Array.from({ length: O }, () => random.normal(0, 2)),
    target: Array.from({ length: O }, () => random.uniform()),
    weight: random.uniform(0.1, 2),
  });

  test.each(['bernoulli', 'squared', 'absolute', 'huber', 'quantile'])('%s', (name) => {
    const [forward] = lossOf(name).forward.statements;
    const [backward] = lossOf(name).backward.statements;
    for (let point = 0; point < 100; point++) {
      const { y, target, weight } = drawn();
      // binary cross-entropy is smooth at 0, where its equations have kinks that cancel
      if (name === 'bernoulli' && point === 0) y[0] = 0;
      const given = { target: target[0], weight, level: [0.1, 0.5, 0.9][point % 3] };
      const { each, ...values } = forward({ ...given, y: new Dual(y[0], 1) });
      const read = Object.fromEntries(Object.entries(values).map(([key, value]) => [key, primal(value)]));
      const dy = primal(backward({ ...given, ...read, y: y[0] }).dy);
      expect(relativeError(dy, weight * tangent(each), 1)).toBeLessThanOrEqual(errorBounds.statement);
    }
  });

  test('softmax', () => {
    for (let point = 0; point < 100; point++) {
      const { y, weight } = drawn();
      const k = random.below(O);
      for (let c = 0; c < O; c++) {
        const along: Scalar[] = y.map((v, j) => (j === c ? new Dual(v, 1) : v));
        const logSum = log(along.map((v) => exp(v)).reduce((sum, v) => add(sum, v)));
        const exact = weight * tangent(sub(logSum, along[k]));
        const given = { y: y[c], logSum: primal(logSum), target: c === k ? 1 : 0, weight };
        const dy = primal(lossOf('softmax').backward.statements[0](given).dy);
        expect(relativeError(dy, exact, 1)).toBeLessThanOrEqual(errorBounds.statement);
      }
    }
  });
});

describe('in a network', () => {
  const [T, B, D, H, O] = [4, 3, 2, 5, 3];
  const lengths = [4, 1, 3];
  const random = new Random(8);
  const some = (n: number): number[] => Array.from({ length: n }, () => random.normal());
  const x = { shape: [T, B, D], numbers: some(T * B * D) };
  const classes = Array.from({ length: T * B }, () => random.below(O));
  const values = Array.from({ length: T * B * O }, () => random.below(2));
  const of = (loss: string, options: object = {}): Network =>
    network({ layers: [elman({ input: D, hidden: H })], output: O, loss, ...options });
  const targets = (loss: string): { shape: number[]; numbers: number[] } =>
    loss === 'softmax' ? { shape: [T, B], numbers: classes } : { shape: [T, B, O], numbers: values };

  /** The loss of single steps by the definition, from the outputs. */
  const stepLoss = (loss: string, y: number[], step: number): number => {
    const row = values.slice(step * O, (step + 1) * O);
    if (loss === 'softmax') return Math.log(y.reduce((sum, v) => sum + Math.exp(v), 0)) - y[classes[step]];
    if (loss === 'squared') return y.reduce((sum, v, k) => sum + (v - row[k]) ** 2, 0) / O;
    const p = y.map((v) => 1 / (1 + Math.exp(-v)));
    return -p.reduce((sum, v, k) => sum + row[k] * Math.log(v) + (1 - row[k]) * Math.log(1 - v), 0);
  };

  describe.each(['softmax', 'bernoulli', 'squared'] as const)('%s', (name) => {
    test.each([undefined, lengths])('is the sum, or the mean, over the valid steps (lengths %j)', (given) => {
      let sum = 0;
      let count = 0;
      const net = of(name);
      const batch = { x, targets: targets(name), ...(given && { lengths: given }) };
      const { output, loss } = net.forward(batch);
      const y = toFlat(output);
      for (let t = 0; t < T; t++) {
        for (let b = 0; b < B; b++) {
          if (t >= (given?.[b] ?? T)) continue;
          const step = t * B + b;
          sum += stepLoss(name, y.slice(step * O, (step + 1) * O), step);
          count++;
        }
      }
      expect(count).toBe(given ? 8 : 12);
      expect(loss).toBeCloseTo(sum / count, 13);
      expect(of(name, { reduction: 'sum' }).forward(batch).loss).toBeCloseTo(sum, 12);
    });

    test('at the last step only, each row counts where it ends', () => {
      const net = of(name, { topology: 'many-to-one' });
      const every = of(name);
      const ends = lengths.map((length, b) => (length - 1) * B + b);
      const last =
        name === 'softmax'
          ? { shape: [B], numbers: ends.map((step) => classes[step]) }
          : { shape: [B, O], numbers: ends.flatMap((step) => values.slice(step * O, (step + 1) * O)) };
      const y = toFlat(every.forward({ x, targets: targets(name), lengths }).output);
      const expected = ends.map((step) => stepLoss(name, y.slice(step * O, (step + 1) * O), step));
      const result = net.forward({ x, targets: last, lengths });
      expect(result.output.shape).toEqual([B, O]);
      expect(result.loss).toBeCloseTo(expected.reduce((sum, v) => sum + v, 0) / B, 13);
    });

    test('neither what stands in the padding nor its length has an effect, to the bit', () => {
      const run = (net: Network, extra: number, filler: number): unknown => {
        const longer = T + extra;
        const box = (
          shape: number[],
          numbers: number[],
          fill: number,
        ): { shape: number[]; numbers: number[] } => {
          const width = numbers.length / (T * B);
          const all = [...numbers, ...Array<number>(extra * B * width).fill(fill)];
          const numbersOf = all.map((v, k) => {
            const step = Math.floor(k / width);
            return Math.floor(step / B) < lengths[step % B] ? v : fill;
          });
          return { shape: [longer, ...shape.slice(1)], numbers: numbersOf };
        };
        net.parameters.zeroGradients();
        const given = targets(name);
        const pass = net.forward({
          x: box(x.shape, x.numbers, filler),
          targets: box(given.shape, given.numbers, filler),
          lengths,
        });
        const { loss } = pass;
        const back = pass.backward();
        const dx = toFlat(back.x);
        expect(dx.slice(T * B * D).every((v) => v === 0)).toBe(true);
        return [loss, dx.slice(0, T * B * D), ...Object.values(net.parameters.gradients).map(toFlat)];
      };
      const net = of(name);
      const expected = run(net, 0, 0);
      expect(run(net, 0, 1e30)).toEqual(expected);
      expect(run(net, 0, NaN)).toEqual(expected);
      // another padded length adds other zeros: equal up to rounding
      const flat = (v: unknown): number[] => (v as (number | number[])[]).flat();
      expect(distance(flat(run(net, 3, -5)), flat(expected))).toBeLessThan(1e-14);
    });
  });

  test('a loss with a list of levels fits outputs that are a multiple of it', () => {
    expect(of('quantile').architecture.loss).toBe('quantile');
    expect(() => of('quantile', { output: 4 })).toThrow(
      'network: the output of quantile must have a multiple of 3 numbers, got 4 (one for each level)',
    );
  });

  test('one class is no question: the loss and its gradients are exactly zero', () => {
    const net = network({ layers: [elman({ input: D, hidden: H })], output: 1, loss: 'softmax' });
    const result = net.forward({ x, targets: { shape: [T, B], numbers: Array<number>(T * B).fill(0) } });
    result.backward();
    expect(result.loss).toBe(0);
    for (const t of Object.values(net.parameters.gradients))
      expect(toFlat(t).every((v) => v === 0)).toBe(true);
  });
});

test('binary cross-entropy: outputs of exactly 0, as of a new network on silence, are right and not a kink', () => {
  const net = network({ layers: [elman({ input: 2, hidden: 3 })], output: 2, loss: 'bernoulli' });
  const silence = [[[0, 0]], [[0, 0]]];
  const { ok, rows } = gradcheck(net, {
    batch: { x: silence, targets: [[[0, 1]], [[0.5, 0]]] },
    oracles: ['forwardMode', 'exact'],
  });
  expect(rows.map(({ verdict }) => verdict)).toEqual(rows.map(() => 'right'));
  expect(ok).toBe(true);
});

test('a list that repeats over the outputs is the same in plans of many lengths', () => {
  const make = (): Network =>
    network({ layers: [elman({ input: 2, hidden: 3 })], output: 6, loss: 'quantile', seed: 1 });
  const net = make();
  const random = new Random(3);
  for (const [T, B] of [
    [3, 2],
    [5, 2],
    [9, 2],
    [4, 1],
    [11, 2],
    [3, 2],
  ]) {
    const numbers = (width: number): number[][][] =>
      Array.from({ length: T }, () =>
        Array.from({ length: B }, () => Array.from({ length: width }, () => random.normal())),
      );
    const batch = { x: numbers(2), targets: numbers(6) };
    expect(net.forward(batch, { predict: true }).output.shape).toEqual([T, B, 6]);
    expect(net.forward(batch).loss).toBe(make().forward(batch).loss);
  }
});
