import fc from 'fast-check';
import ndarray from 'ndarray';
import { Unroll } from '../bptt/unroll';
import type { Cell } from '../cells/cell';
import { clockwork } from '../cells/clockwork';
import { elman } from '../cells/elman';
import { gru } from '../cells/gru';
import { jordan } from '../cells/jordan';
import { lstm } from '../cells/lstm';
import { defer, hoist } from '../core/programs/hoist';
import { identity } from '../core/random/init';
import { Program, type Operation } from '../core/programs/program';
import { Random } from '../core/random/random';
import { mul } from '../core/programs/scalar';
import { statement } from '../core/programs/statement';
import { rows, tensor, toFlat, transpose, zeros, type Tensor, type Tensors } from '../core/tensor';
import { distance, executors } from './executors';

// the same examples in every run: a failure must be there again when it is looked at
fc.configureGlobal({ seed: 20 });

const [T, B, D, H] = [4, 2, 3, 5];
const [plain] = executors;

/** The recording of a cell over `steps` steps, and the tensors it works on. */
function unrolled(cell: Cell, steps = T): { forward: Program; backward: Program; unroll: Unroll } {
  const make = (): Tensors =>
    Object.fromEntries(Object.entries(cell.parameters).map(([name, { shape }]) => [name, zeros(shape)]));
  const [x, dx] = [zeros([steps * B, D]), zeros([steps * B, D])];
  const sizes = { T: steps, B, dtype: 'float64' } as const;
  const unroll = new Unroll(cell, { ...sizes, x, dx, parameters: make(), gradients: make() });
  const [forward, backward] = [new Program(), new Program()];
  unroll.forward(forward);
  unroll.backward(backward);
  return { forward, backward, unroll };
}

const shape = (operation: Operation): string =>
  operation.kind === 'product'
    ? `product [${operation.a.shape.join()}] [${operation.b.shape.join()}]`
    : operation.kind === 'reduction'
      ? `sum [${operation.from.shape.join()}]`
      : 'statement';

describe('what is merged', () => {
  test('in an elman cell only the recurrence stays in the loop', () => {
    const { forward, backward } = unrolled(elman({ input: D, hidden: H }));
    expect(hoist(forward).operations.map(shape)).toEqual([
      // z = x Wx + b of all steps first
      `product [${T * B},${D}] [${D},${H}]`,
      ...Array.from({ length: T }, () => [`product [${B},${H}] [${H},${H}]`, 'statement']).flat(),
    ]);
    const back = hoist(backward).operations.map(shape);
    expect(back.filter((line) => line === 'statement')).toHaveLength(T);
    // dhPrev = dz Whᵀ at every step; then dx, dWx, dWh and db once each
    expect(back.filter((line) => line === `product [${B},${H}] [${H},${H}]`)).toHaveLength(T);
    const large = back.filter((line) => line.includes(`${T * B}`));
    expect(large.sort()).toEqual(
      [
        `product [${T * B},${H}] [${H},${D}]`,
        `product [${D},${T * B}] [${T * B},${H}]`,
        `product [${H},${T * B}] [${T * B},${H}]`,
        `sum [${T * B},${H}]`,
      ].sort(),
    );
    expect(back).toHaveLength(2 * T + 4);
  });

  test.each([
    ['lstm', lstm({ input: D, hidden: H }), 1, 4],
    ['lstm with peepholes', lstm({ input: D, hidden: H, peepholes: true }), 1, 7],
    ['gru, reset after', gru({ input: D, hidden: H }), 1, 6],
    ['gru, reset before', gru({ input: D, hidden: H, reset: 'before' }), 1, 5],
  ])(
    '%s: the input projection once, and every parameter gradient and dx once',
    (_name, cell, before, after) => {
      const { forward, backward } = unrolled(cell);
      const large = (program: Program): Operation[] =>
        hoist(program).operations.filter(
          (operation) =>
            (operation.kind === 'product' && [...operation.a.shape, ...operation.b.shape].includes(T * B)) ||
            (operation.kind === 'reduction' && operation.from.shape[0] === T * B),
        );
      expect(large(forward)).toHaveLength(before);
      expect(large(backward)).toHaveLength(after);
    },
  );

  test('in a clockwork cell the fastest module is merged as if it were alone', () => {
    const [steps, units] = [T, 2];
    const { forward, backward } = unrolled(clockwork({ input: D, hidden: 6, periods: [1, 2, 4] }));
    const lines = hoist(forward).operations.map(shape);
    const projection = (n: number): string => `product [${n},${D}] [${D},${units}]`;
    expect(lines.filter((line) => line === projection(steps * B))).toHaveLength(1);
    // modules of period 2 and 4 at t = 0, 2 and t = 0
    expect(lines.filter((line) => line === projection(B))).toHaveLength(3);
    const back = hoist(backward).operations.map(shape);
    expect(back).toContain(`product [${D},${steps * B}] [${steps * B},${units}]`);
    expect(back).toContain(`product [6,${steps * B}] [${steps * B},${units}]`);
    expect(back).toContain(`sum [${steps * B},${units}]`);
  });

  test('the program that is given stays as it was', () => {
    const { backward } = unrolled(elman({ input: D, hidden: H }));
    const before = [...backward.operations];
    hoist(backward);
    expect(backward.operations).toEqual(before);
  });
});

describe('what must not be merged', () => {
  test('a linear recurrence h_t = h_(t−1) W: each step needs the one before', () => {
    // W = [0 1; 2 0] turns [1 1] into [2 1], [2 2], [4 2]
    const W = tensor([
      [0, 1],
      [2, 0],
    ]);
    const h = zeros([4, 2]);
    h.set(0, 0, 1);
    h.set(0, 1, 1);
    const program = new Program();
    for (let t = 0; t < 3; t++) program.matmul(rows(h, t, t + 1), W, rows(h, t + 1, t + 2));
    expect(hoist(program).operations).toHaveLength(3);
    hoist(program).bind(plain)();
    expect(toFlat(h)).toEqual([1, 1, 2, 1, 2, 2, 4, 2]);
  });

  test('a sum that starts anew, and one that adds to it', () => {
    const from = tensor([[1], [2], [4]]);
    const out = tensor([100]);
    const program = new Program();
    program.sumRows(rows(from, 0, 1), out);
    program.sumRows(rows(from, 1, 2), out, { accumulate: true });
    program.sumRows(rows(from, 2, 3), out, { accumulate: true });
    hoist(program).bind(plain)();
    expect(toFlat(out)).toEqual([7]);
  });

  test('a product that overwrites and one that accumulates', () => {
    for (const first of [false, true]) {
      const [a, W, out] = [tensor([[1], [2]]), tensor([[10]]), tensor([[100], [200]])];
      const program = new Program();
      program.matmul(rows(a, 0, 1), W, rows(out, 0, 1), { accumulate: first });
      program.matmul(rows(a, 1, 2), W, rows(out, 1, 2), { accumulate: !first });
      hoist(program).bind(plain)();
      expect(toFlat(out)).toEqual(first ? [110, 20] : [10, 220]);
    }
    // Σ over the rows of all steps, begun anew by the first: 1·1 + 2·2 + 4·4
    for (const start of [false, true]) {
      const [a, d, out] = [tensor([[1], [2], [4]]), tensor([[1], [2], [4]]), tensor([[100]])];
      const program = new Program();
      for (let t = 0; t < 3; t++)
        program.matmul(transpose(rows(a, t, t + 1)), rows(d, t, t + 1), out, { accumulate: start || t > 0 });
      hoist(program).bind(plain)();
      expect(toFlat(out)).toEqual([start ? 121 : 21]);
    }
  });

  test('products with another bias, or into another place', () => {
    const [a, W, out] = [tensor([[1], [1]]), tensor([[1]]), zeros([2, 1])];
    const program = new Program();
    program.matmul(rows(a, 0, 1), W, rows(out, 0, 1), { bias: tensor([10]) });
    program.matmul(rows(a, 1, 2), W, rows(out, 1, 2), { bias: tensor([20]) });
    hoist(program).bind(plain)();
    expect(toFlat(out)).toEqual([11, 21]);
  });
});

describe.each([
  ['elman', elman({ input: D, hidden: H })],
  ['lstm', lstm({ input: D, hidden: H, peepholes: true })],
  ['gru, reset after', gru({ input: D, hidden: H })],
  ['gru, reset before', gru({ input: D, hidden: H, reset: 'before' })],
  ['jordan', jordan({ input: D, hidden: H, output: 4, feedback: 'p' })],
  ['clockwork', clockwork({ input: D, hidden: 6, periods: [1, 2, 3] })],
])('%s', (_name, cell) => {
  test.each(executors)('computes the same on the $name executor, step by step and merged', (executor) => {
    const results = [(p: Program) => p, hoist].map((change) => {
      const { forward, backward, unroll } = unrolled(cell);
      const random = new Random(1);
      const { x, parameters } = unroll.options;
      for (const t of [x, ...Object.values(parameters), unroll.dOutput])
        for (let k = 0; k < t.data.length; k++) t.data[k] = random.normal(0, 0.5);
      change(forward).bind(executor)();
      change(backward).bind(executor)();
      const { gradients, dx } = unroll.options;
      return [unroll.output, dx, ...Object.values(gradients), ...Object.values(unroll.dStates)].map(toFlat);
    });
    results[1].forEach((values, k) => expect(distance(values, results[0][k])).toBeLessThanOrEqual(1e-14));
  });
});

describe('long sequences', () => {
  /** Reads of operands per operation while a program is rewritten. */
  function looks(steps: number): number {
    const { backward, unroll } = unrolled(clockwork({ input: D, hidden: 6, periods: [1, 2, 4] }), steps);
    let count = 0;
    const counted = (t: Tensor): Tensor => {
      const { data } = t;
      const get = (): typeof data => (count++, data);
      return Object.defineProperty(ndarray(data, t.shape, t.stride, t.offset), 'data', { get });
    };
    const all = (tensors: Tensors): Tensors =>
      Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, counted(t)]));
    const operations = backward.operations.map((op): Operation => {
      if (op.kind === 'product') return { ...op, a: counted(op.a), b: counted(op.b), out: counted(op.out) };
      if (op.kind === 'reduction') return { ...op, from: counted(op.from), out: counted(op.out) };
      return { ...op, inputs: all(op.inputs), outputs: all(op.outputs) };
    });
    const { deferred } = defer(hoist(new Program(operations)), unroll.options.dx.data);
    expect(deferred.operations.length).toBeGreaterThan(steps / 2); // slow modules leave gaps between the products
    return count / operations.length;
  }

  test('each operation costs the same, however many steps there are', () => {
    expect(looks(400) / looks(100)).toBeLessThan(1.1);
  });

  test('a program of 200,000 operations', () => {
    const [a, y] = [zeros([1, 1]), zeros([1, 1])];
    const one = new Program();
    one.pointwise(
      statement(({ a }) => ({ y: mul(a, 2) })),
      { a, y },
    );
    const all = new Program(Array<Operation>(200_000).fill(one.operations[0]));
    expect(hoist(all).operations).toHaveLength(200_000);
    one.append(all);
    expect(one.operations).toHaveLength(200_001);
  });
});

describe('defer', () => {
  test('takes out what only computes dx, which nothing else reads', () => {
    const { backward, unroll } = unrolled(elman({ input: D, hidden: H }));
    const { rest, deferred } = defer(hoist(backward), unroll.options.dx.data);
    expect(deferred.operations.map(shape)).toEqual([`product [${T * B},${H}] [${H},${D}]`]);
    expect(rest.operations).toHaveLength(2 * T + 3);
    expect(
      rest.operations.some((op) => op.kind === 'product' && op.out.data === unroll.options.dx.data),
    ).toBe(false);
  });

  test('takes what only computes it out of a loop, of which the rest stays', () => {
    const [steps, width] = [4, 3];
    const h = zeros([steps + 1, width]);
    const wanted = zeros([steps, width]);
    const double = statement(({ x }) => ({ y: mul(x, 2) }));
    const program = new Program();
    program.repeat(steps, (each, t) => {
      each.pointwise(double, { x: rows(h, t, t + 1), y: rows(h, t + 1, t + 2) });
      each.pointwise(double, { x: rows(h, t + 1, t + 2), y: rows(wanted, t, t + 1) });
    });
    const { rest, deferred } = defer(program, wanted.data);
    const written = ({ operations }: Program): Tensor[] =>
      operations.flatMap((o) => ('outputs' in o ? o.outputs.y : []));
    expect(written(rest).map(({ data }) => data)).toEqual(Array(steps).fill(h.data));
    expect(written(deferred).map(({ data }) => data)).toEqual(Array(steps).fill(wanted.data));
    h.set(0, 0, 1);
    rest.bind(plain)();
    expect(toFlat(wanted)).toEqual(Array(steps * width).fill(0));
    deferred.bind(plain)();
    expect(Array.from({ length: steps }, (_, t) => wanted.get(t, 0))).toEqual([4, 8, 16, 32]);
  });

  test('leaves it where it is when something reads it, or changes what it reads', () => {
    const [a, W, out, last] = [tensor([[1, 2]]), zeros([2, 2]), zeros([1, 2]), zeros([1, 2])];
    identity(3)(W, new Random());
    const double = statement(({ x }) => ({ y: mul(x, 2) }));
    for (const [x, y] of [
      [out, last],
      [a, a],
    ]) {
      const program = new Program();
      program.matmul(a, W, out);
      program.pointwise(double, { x, y });
      const { rest, deferred } = defer(program, out.data);
      expect([rest, deferred.operations]).toEqual([program, []]);
    }
  });
});
