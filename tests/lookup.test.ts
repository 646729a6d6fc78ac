/** One-hot matrices: their views, their products on every executor, and networks that use them for class indices. */
import fc from 'fast-check';
import { gradcheck } from '../bptt/check/gradcheck';
import { network, type Network } from '../bptt/network/network';
import type { Cell } from '../cells/cell';
import { lstm } from '../cells/lstm';
import { lossNames, lossOf, recordLoss } from '../losses';
import { hoist } from '../core/programs/hoist';
import { classesOf, isOneHot, NONE, oneHot } from '../core/onehot';
import { Program } from '../core/programs/program';
import { Random } from '../core/random/random';
import { add, exp, mul } from '../core/programs/scalar';
import { statement } from '../core/programs/statement';
import { columns, rows, tensor, toFlat, toNested, transpose, zeros, type Tensor } from '../core/tensor';
import { testErrors } from './errors';
import { distance, settings } from './executors';
import { asRows, B, classes, D, layers, lengths, softmax, T, targets } from './onehotnets';
import type { Layout } from './layouts';
import { productAndTwin, type ProductCase } from './products';
import { runnerOf } from '../bptt/network/network';

// the same examples in every run: a failure must be there again when it is looked at
fc.configureGlobal({ seed: 20 });

const of = (classes: number[], D: number): Tensor => {
  const x = oneHot(classes.length, D);
  classesOf(x).set(classes);
  return x;
};

describe('a one-hot matrix', () => {
  const x = of([2, NONE, 0], 4);
  const all = [
    [0, 0, 1, 0],
    [0, 0, 0, 0],
    [1, 0, 0, 0],
  ];

  test('is written out as it is sliced and transposed', () => {
    expect(toNested(x)).toEqual(all);
    expect(toNested(rows(x, 1, 3))).toEqual(all.slice(1));
    expect(toNested(columns(x, 1, 3))).toEqual(all.map((row) => row.slice(1, 3)));
    const part = transpose(columns(rows(x, 0, 2), 2, 4));
    expect(toNested(part)).toEqual([
      [1, 0],
      [0, 0],
    ]);
    expect(toNested(transpose(part))).toEqual([
      [1, 0],
      [0, 0],
    ]);
    expect(toNested(columns(x, 4, 4))).toEqual([[], [], []]);
  });

  test('of one column is told from its transpose', () => {
    const one = of([0, NONE, 0], 1);
    expect(toNested(one)).toEqual([[1], [0], [1]]);
    expect(toNested(transpose(one))).toEqual([[1, 0, 1]]);
  });

  test('starts as zeros, and knows that it is one', () => {
    expect(toNested(oneHot(2, 2))).toEqual([
      [0, 0],
      [0, 0],
    ]);
    expect([isOneHot(x), isOneHot(transpose(rows(x, 1, 2))), isOneHot(zeros([3, 4]))]).toEqual([
      true,
      true,
      false,
    ]);
  });

  testErrors(RangeError, [
    [() => oneHot(0, 3), 'oneHot: N must be a whole number >= 1, got 0'],
    [() => oneHot(3, 1.5), 'oneHot: D must be a whole number >= 1, got 1.5'],
    [() => oneHot(2 ** 16, 2 ** 15), 'oneHot: N must be at most 65534, got 65536 (D = 32768)'],
  ]);
});

interface Case extends ProductCase {
  classes: number[];
  from: number;
  to: number;
  transposed: boolean;
}

describe.each(settings)('$name', ({ executor, dtype, rounding }) => {
  /** A product with some columns of a one-hot matrix, and its naive twin with the same matrix written out. */
  const both = ({ classes, from, to, transposed, ...rest }: Case) => {
    const random = new Random(1);
    const part = columns(of(classes, 6), from, to);
    const x = transposed ? transpose(part) : part;
    const writtenOut = tensor(toNested(x) as number[][]);
    return productAndTwin({ executor, dtype }, x, rest, () => random.normal(), writtenOut);
  };

  test('rows are looked up and added up: as with the matrix written out, in every layout', () => {
    const layout = fc.constantFrom<Layout>('contiguous', 'columns', 'transposed', 'every other');
    const cases = fc.record({
      classes: fc.array(fc.integer({ min: NONE, max: 5 }), { minLength: 1, maxLength: 9 }),
      // some classes are before the visible columns, some after them
      columns: fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 5 })),
      N: fc.constantFrom(1, 2, 3, 4, 5, 7, 16, 19, 33),
      b: layout,
      out: layout,
      bias: fc.boolean(),
      accumulate: fc.boolean(),
      transposed: fc.boolean(),
    });
    fc.assert(
      fc.property(cases, ({ columns, ...given }) => {
        const { actual, expected, around } = both({
          ...given,
          from: Math.min(...columns),
          to: Math.max(...columns) + 1,
        });
        expect(distance(actual, expected)).toBeLessThanOrEqual(rounding);
        expect(around).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test('by hand: a class twice is added twice, a row of none is the bias', () => {
    const x = of([1, 0, 1, NONE], 3);
    const W = tensor(
      [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
      undefined,
      dtype,
    );
    const [y, dW] = [zeros([4, 2], dtype), zeros([3, 2], dtype)];
    const program = new Program();
    program.matmul(x, W, y, { bias: tensor([10, 20], undefined, dtype) });
    program.matmul(transpose(x), y, dW, { accumulate: true });
    const run = program.bind(executor);
    run();
    expect(toNested(y)).toEqual([
      [13, 24],
      [11, 22],
      [13, 24],
      [10, 20],
    ]);
    expect(toNested(dW)).toEqual([
      [11, 22],
      [26, 48],
      [0, 0],
    ]);
    classesOf(x).fill(2); // whatever the classes are by then
    run();
    expect(toNested(y)).toEqual(Array.from({ length: 4 }, () => [15, 26]));
    expect(toNested(dW)).toEqual([
      [11, 22],
      [26, 48],
      [60, 104],
    ]);
  });

  test('where every number is looked at, the matrix is written out', () => {
    const x = of([2, 0], 3);
    const double = statement(({ x, k }) => ({ y: mul(x, k) }));
    const k = tensor([2], undefined, dtype);
    const [y, yT, sums, twice] = [[2, 3], [3, 2], [3], [2, 2]].map((shape) => zeros(shape, dtype));
    const program = new Program();
    program.pointwise(double, { x, k, y });
    program.pointwise(double, { x: transpose(x), k, y: yT });
    program.sumRows(x, sums);
    program.matmul(y, transpose(x), twice);
    program.bind(executor)();
    expect(toNested(y)).toEqual([
      [0, 0, 2],
      [2, 0, 0],
    ]);
    expect(toNested(yT)).toEqual(toNested(transpose(y)));
    expect(toFlat(sums)).toEqual([1, 0, 1]);
    expect(toNested(twice)).toEqual([
      [2, 0],
      [0, 2],
    ]);
  });
});

describe.each(settings)('elementwise equations of $name, $dtype', ({ executor, dtype }) => {
  const random = new Random(4);
  const [N, D] = [7, 21];
  const numbers = of([3, NONE, 20, 0, 3, 16, 7], D);
  const dense = (x: Tensor): Tensor => tensor(toFlat(x), [...x.shape], dtype);
  const drawn = (shape: number[]): Tensor => {
    const t = zeros(shape, dtype);
    for (let k = 0; k < t.data.length; k++) t.data[k] = random.normal();
    return t;
  };
  const [y, c] = [drawn([N, D]), drawn([N, 1])];
  const body = statement(({ x, y, c }) => ({ p: mul(add(y, c), x), q: add(exp(y), mul(c, x)) }));

  /** The results of reading x as it is, and written out. */
  const both = (
    record: (program: Program, x: Tensor, out: Record<string, Tensor>) => void,
    x: Tensor,
    shape: number[],
  ) =>
    [x, dense(x)].map((read) => {
      const program = new Program();
      const out = { p: zeros(shape, dtype), q: zeros(shape, dtype) };
      record(program, read, out);
      program.bind(executor)();
      return [toFlat(out.p), toFlat(out.q)];
    });

  test('read class numbers with the bits of the matrix written out', () => {
    const [own, twin] = both((program, x, out) => program.pointwise(body, { x, y, c, ...out }), numbers, [
      N,
      D,
    ]);
    expect(own).toEqual(twin);
    expect(own[0].filter((p) => p !== 0)).toHaveLength(N - 1);
  });

  test('of some rows and columns', () => {
    const part = (t: Tensor): Tensor => columns(rows(t, 2, 6), 3, 18);
    const [own, twin] = both(
      (program, x, out) => program.pointwise(body, { x, y: part(y), c: rows(c, 2, 6), ...out }),
      part(numbers),
      [4, 15],
    );
    expect(own).toEqual(twin);
    expect(own[0].filter((p) => p !== 0)).toHaveLength(2);
  });

  test('step by step, in a loop', () => {
    const [own, twin] = both(
      (program, x, out) =>
        program.repeat(N, (each, t) => {
          const at = (of: Tensor): Tensor => rows(of, t, t + 1);
          each.pointwise(body, { x: at(x), y: at(y), c: at(c), p: at(out.p), q: at(out.q) });
        }),
      numbers,
      [N, D],
    );
    expect(own).toEqual(twin);
  });

  test('that replace an input, or read two of them', () => {
    const twice = statement(({ x, other, y }) => ({ y: add(mul(x, y), other) }));
    const results = [numbers, dense(numbers)].map((x) => {
      const [program, replaced, other] = [new Program(), drawn([N, D]), of([1, 1, 1, 1, 1, 1, 1], D)];
      replaced.data.set(y.data);
      const q = zeros([N, D], dtype);
      program.pointwise(body, { x, y: replaced, c, p: replaced, q });
      program.pointwise(twice, { x, other, y: replaced });
      program.bind(executor)();
      return [toFlat(replaced), toFlat(q)];
    });
    expect(results[0]).toEqual(results[1]);
  });

  test.each(lossNames().filter((loss) => lossOf(loss).targets === 'classes'))('the loss %s', (loss) => {
    const results = [numbers, dense(numbers)].map((target) => {
      const [forward, backward] = [new Program(), new Program()];
      const [dy, rowLoss, sum] = [[N, D], [N, 1], [1]].map((shape) => zeros(shape, dtype));
      recordLoss(loss, forward, backward, { y, dy, target, weight: c, rowLoss, loss: sum });
      forward.bind(executor)();
      backward.bind(executor)();
      return [toFlat(sum), toFlat(rowLoss), toFlat(dy)];
    });
    expect(results[0]).toEqual(results[1]);
    expect(results[0][2].some((slope) => slope !== 0)).toBe(true);
  });
});

test('a network of many classes stores targets as class numbers', () => {
  const O = 1024;
  const options = {
    layers: [lstm({ input: 3, hidden: 2 })],
    output: O,
    loss: 'softmax',
    dtype: 'float64',
  } as const;
  const net = network(options);
  const read = { x: [[[1, 2, 3]], [[0, 1, -1]]], targets: [Int32Array.of(O - 1), Int32Array.of(5)] };
  const plan = runnerOf(net).lay(read);
  expect(plan.target && isOneHot(plan.target)).toBe(true);
  const logits = net.forward(read).output;
  const expected = [O - 1, 5].map((k, t) => {
    const row = toNested(logits) as number[][][];
    return Math.log(row[t][0].reduce((sum, v) => sum + Math.exp(v), 0)) - row[t][0][k];
  });
  expect(net.forward(read).loss).toBeCloseTo((expected[0] + expected[1]) / 2, 12);
  expect(() => net.forward({ ...read, targets: [[O], [0]] })).toThrow(
    'network.forward: targets must be class numbers in 0…1023, got 1024 at t = 0, row 0',
  );
});

describe('what is recorded', () => {
  test('nothing that only writes to class numbers: they have no gradient', () => {
    const x = oneHot(2, 3);
    const program = new Program();
    program.matmul(zeros([2, 4]), zeros([4, 3]), x);
    program.pointwise(
      statement(() => ({ x: 0 })),
      { x },
    );
    program.sumColumns(zeros([2, 5]), oneHot(2, 1));
    expect(program.operations).toEqual([]);
    // a statement that has other results too is run for them
    const y = zeros([2, 3]);
    program.pointwise(
      statement(({ k }) => ({ x: k, y: k })),
      { k: tensor([7]), x, y },
    );
    program.bind(settings[0].executor)();
    expect(toFlat(y)).toEqual([7, 7, 7, 7, 7, 7]);
    expect((toNested(x) as number[][]).flat()).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test('shapes count as those of any matrix', () => {
    const program = new Program();
    const x = oneHot(2, 3);
    expect(() => program.matmul(x, zeros([4, 5]), zeros([2, 5]))).toThrow(
      'matmul: b must be [3, 5], got [4, 5] (K = 3 is fixed by a [2, 3])',
    );
    expect(() => program.matmul(x, zeros([3, 5], 'float32'), zeros([2, 5]))).toThrow(
      'matmul: out must be float32, got float64 (the dtype of b)',
    );
    expect(() => program.matmul(zeros([2, 4]), zeros([4, 3]), oneHot(2, 4))).toThrow(
      'matmul: out must be [2, 3], got [2, 4] (a [2, 4], b [4, 3])',
    );
    expect(program.operations).toEqual([]);
  });

  test('the look-ups of all steps become one, and so do the sums by class', () => {
    const net = network({ layers: [lstm({ input: 5, hidden: 3 })], output: 5, loss: 'softmax' });
    const { forward, backward } = runnerOf(net).plan({ T: 4, B: 2, masked: false, classes: true });
    const looked = (program: Program): number[][] =>
      hoist(program).operations.flatMap((op) =>
        op.kind === 'product' && isOneHot(op.a) ? [[...op.a.shape, ...op.b.shape]] : [],
      );
    expect(looked(forward)).toEqual([[8, 5, 5, 12]]);
    expect(looked(backward)).toEqual([[5, 8, 8, 12]]);
  });
});

const gradients = ({ parameters }: Network): number[] => Array.from(parameters.flatGradients.data);

describe.each(settings)('networks, $name', ({ executorName, dtype, rounding }) => {
  test.each(Object.keys(layers))('%s: class numbers give what one-hot rows give', (name) => {
    for (const ragged of [undefined, lengths]) {
      const results = [classes, asRows(classes)].map((x) => {
        const net = network({ ...softmax, layers: layers[name](), dtype, executor: executorName, seed: 3 });
        const pass = net.forward({ x, targets, lengths: ragged });
        const { loss, output } = pass;
        pass.backward();
        return [loss, ...toFlat(output), ...gradients(net)];
      });
      expect(distance(results[0], results[1])).toBeLessThanOrEqual(rounding);
    }
  });

  test('padding has no effect and no gradient, bit for bit', () => {
    const results = [0, 4, -1, NaN, 99].map((padding) => {
      const net = network({ ...softmax, layers: layers.bidirectional(), dtype, executor: executorName });
      const x = classes.map((row, t) => row.map((k, b) => (t < lengths[b] ? k : padding)));
      const pass = net.forward({ x, targets, lengths });
      const { loss } = pass;
      pass.backward();
      return [loss, ...gradients(net)];
    });
    for (const result of results.slice(1)) expect(result).toEqual(results[0]);
  });

  test('a class that no row has gets a gradient of exactly zero', () => {
    const net = network({ ...softmax, layers: layers.lstm(), dtype, executor: executorName });
    const pass = net.forward({ x: classes.map((row) => row.map((k) => (k === 4 ? 5 : k))), targets });
    pass.backward();
    const dWx = toNested(net.parameters.gradients['l0.Wx']) as number[][];
    expect(dWx[4].every((v) => v === 0)).toBe(true);
    expect(dWx[5].every((v) => v !== 0)).toBe(true);
  });

  test('class numbers and rows of numbers take turns, each with a plan of its own', () => {
    const net = network({ ...softmax, layers: layers.elman(), dtype, executor: executorName });
    const once = net.forward({ x: classes, targets }).loss;
    net.forward({ x: asRows(classes).map((row) => row.map((v) => v.map((n) => 2 * n))), targets });
    expect(net.forward({ x: classes, targets }).loss).toBe(once);
  });
});

describe('the gradient of class numbers', () => {
  test('is refused with the reason; one-hot rows have one', () => {
    const net = network({ ...softmax, layers: layers.bidirectional() });
    const pass = net.forward({ x: classes, targets });
    const back = pass.backward();
    expect(() => back.x).toThrow(TypeError);
    expect(() => back.x).toThrow(
      'pass.backward: x must be numbers to have a gradient, got class numbers ' +
        '(class numbers are discrete; pass one-hot rows [T, B, D] for a gradient)',
    );
    const again = net.forward({ x: asRows(classes), targets });
    expect(again.backward().x.shape).toEqual([T, B, D]);
  });
});

describe('a cell of the user that looks at x itself', () => {
  const forward = statement(({ z, x }) => ({ h: add(z, x) }));
  const backward = statement(({ dhOut, dhNext }) => {
    const dh = add(dhOut, dhNext);
    return { dz: dh, dx: dh };
  });
  /** h = x + hPrev Wh: its input bypasses the weights. */
  const skip: Cell = {
    name: 'skip',
    input: D,
    hidden: D,
    parameters: { Wh: { shape: [D, D], init: (t, random) => fillWith(t, () => random.normal(0, 0.3)) } },
    states: { h: D },
    buffers: { z: D, dz: D },
    step(program, v) {
      program.matmul(v.hPrev, v.Wh, v.z);
      program.pointwise(forward, v);
    },
    stepBackward(program, v) {
      program.pointwise(backward, v);
      program.matmul(v.dz, transpose(v.Wh), v.dhPrev);
      program.matmul(transpose(v.hPrev), v.dz, v.dWh, { accumulate: true });
    },
  };
  const fillWith = (t: Tensor, value: () => number): void => {
    for (let k = 0; k < t.shape[0]; k++) for (let c = 0; c < t.shape[1]; c++) t.set(k, c, value());
  };

  test('reads class numbers as the rows that they stand for', () => {
    const [byClass, byRow] = [classes, asRows(classes)].map((x) => {
      const net = network({ loss: 'softmax', layers: [skip] });
      const pass = net.forward({ x, targets, lengths });
      const { loss } = pass;
      pass.backward();
      return [loss, ...gradients(net)];
    });
    expect(distance(byClass, byRow)).toBeLessThanOrEqual(1e-14);
    const net = network({ loss: 'softmax', layers: [skip] });
    expect(gradcheck(net, { batch: { x: classes, targets, lengths } }).ok).toBe(true);
  });
});
