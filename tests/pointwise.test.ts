import fc from 'fast-check';
import { plain } from '../core/programs/plain';
import { Program } from '../core/programs/program';
import { Random } from '../core/random/random';
import * as scalar from '../core/programs/scalar';
import { apply, language, type OperationName, type Scalar } from '../core/programs/scalar';
import { inputsOf, statement, type Statement } from '../core/programs/statement';
import { columns, tensor, toFlat, zeros, type Tensor, type Tensors } from '../core/tensor';
import { distance, rounded, settings } from './executors';
import { filled, layouts, place, type Layout } from './layouts';
import {
  gruBackward,
  gruForward,
  lstmBackward,
  lstmForward,
  peepholeBackward,
  peepholeForward,
} from './statements';

// the same examples in every run: a failure must be there again when it is looked at
fc.configureGlobal({ seed: 20 });

const { add, sub, mul, tanh, exp } = scalar;

/** Around the lane counts and the tile length, and one past several tiles. */
const sizes = [1, 3, 5, 19, 128, 256, 257, 600];

const blends: Record<string, Statement> = {
  lstmForward,
  lstmBackward,
  gruForward,
  gruBackward,
  peepholeForward,
  peepholeBackward,
};

/** Runs a statement on random inputs [R, C], and computes the expected results entry by entry. */
function onRandomInputs(
  body: Statement,
  [R, C]: [number, number],
  { dtype, executor }: (typeof settings)[number],
  layout: Layout,
): { actual: number[]; expected: number[]; around: boolean }[] {
  const random = new Random(3);
  const inputs: Tensors = {};
  for (const name of inputsOf(body.graph)) inputs[name] = filled(R, C, dtype, layout, () => random.normal());
  const places = Object.keys(body.graph.outputs).map((name) => ({ name, ...place(R, C, dtype, layout) }));
  const program = new Program();
  const outputs = Object.fromEntries(places.map(({ name, view }) => [name, view]));
  program.pointwise(body, { ...inputs, ...outputs });
  program.bind(executor)();
  const entries = Array.from({ length: R * C }, (_, k) => {
    const at = Object.entries(inputs).map(([input, t]) => [input, t.get(Math.floor(k / C), k % C)]);
    return body(Object.fromEntries(at) as Record<string, number>);
  });
  return places.map(({ name, view, around }) => {
    const expected = entries.map((entry) => entry[name] as number);
    return { actual: toFlat(view), expected, around: around() };
  });
}

describe.each(settings)('$name', (setting) => {
  const { executor, dtype, ulp, rounding } = setting;

  test('by hand: y = x * x + k over two rows, k a row', () => {
    const x = tensor(
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
      undefined,
      dtype,
    );
    const y = zeros([2, 3], dtype);
    const program = new Program();
    const square = statement(({ x, k }) => ({ y: add(mul(x, x), k) }));
    program.pointwise(square, { x, k: tensor([10, 20, 30], undefined, dtype), y });
    program.bind(executor)();
    // 1+10 4+20 9+30 / 16+10 25+20 36+30
    expect(toFlat(y)).toEqual([11, 24, 39, 26, 45, 66]);
  });

  describe.each(Object.keys(language) as OperationName[])('%s', (op) => {
    const { arity } = language[op];
    const names = ['a', 'b', 'c'].slice(0, arity); // a statement is given no more than it reads
    const body = statement((v) => {
      const [p, q, r] = names.map((name) => v[name]);
      return { y: apply(op, p, q, r) };
    });
    /** Runs the operation on columns of numbers. */
    const run = (a: number[], b: number[], c: number[]): number[] => {
      const y = zeros([1, a.length], dtype);
      const given: Tensors = { y };
      names.forEach((name, k) => (given[name] = tensor([[a, b, c][k]], undefined, dtype)));
      const program = new Program();
      program.pointwise(body, given);
      program.bind(executor)();
      return toFlat(y);
    };
    const exactly = (a: number, b: number, c: number): number =>
      rounded(apply(op, rounded(a, dtype), rounded(b, dtype), rounded(c, dtype)) as number, dtype);

    test('is the scalar operation, within 4 units in the last place', () => {
      const random = new Random(5);
      const positive = op === 'log' || op === 'sqrt' || op === 'log1p';
      const draw = (): number[] =>
        Array.from({ length: 500 }, () => (positive ? random.uniform(0, 20) : random.normal(0, 4)));
      const [a, b, c] = [draw(), draw(), draw()];
      const wrong = run(a, b, c).flatMap((y, k) => {
        const expected = exactly(a[k], b[k], c[k]);
        return Math.abs(y - expected) <= 4 * ulp * Math.abs(expected) ? [] : [{ k, y, expected }];
      });
      expect(wrong).toEqual([]);
    });

    test('denormals, zeros, infinities and NaN pass through as in the scalar operation', () => {
      const tiny = dtype === 'float64' ? 1e-310 : 1e-40;
      const special = [0, -0, tiny, -tiny, Infinity, -Infinity, NaN, 1, -1];
      const all = special.flatMap((a) =>
        special.flatMap((b) => (arity === 3 ? special : [2]).map((c) => ({ a, b, c }))),
      );
      const column = (name: 'a' | 'b' | 'c'): number[] => all.map((v) => v[name]);
      const results = run(column('a'), column('b'), column('c'));
      results.forEach((y, k) => {
        const { a, b, c } = all[k];
        const expected = exactly(a, b, c);
        const close = Math.abs(y - expected) <= 4 * ulp * Math.abs(expected);
        // 0 and −0 are considered equal
        if (!close && !Object.is(y, expected)) {
          throw new Error(`${op}(${[a, b, c].slice(0, arity).join()}) must be ${expected}, got ${y}`);
        }
      });
    });
  });

  test('tanh keeps its relative accuracy down to the smallest numbers', () => {
    const xs = Array.from({ length: 31 }, (_, power) => (power % 2 ? -1 : 1) * 1.7 * 10 ** -power);
    const y = zeros([1, xs.length], dtype);
    const program = new Program();
    program.pointwise(
      statement(({ x }) => ({ y: tanh(x) })),
      { x: tensor([xs], undefined, dtype), y },
    );
    program.bind(executor)();
    toFlat(y).forEach((value, k) => {
      expect(Math.abs(value / Math.tanh(rounded(xs[k], dtype)) - 1)).toBeLessThanOrEqual(4 * ulp);
    });
  });

  describe.each(Object.keys(blends))('%s equals the function called number by number', (name) => {
    test.each(layouts)('in %s', (layout) => {
      for (const { actual, expected, around } of onRandomInputs(blends[name], [3, 19], setting, layout)) {
        expect(distance(actual, expected)).toBeLessThanOrEqual(rounding);
        expect(around).toBe(true);
      }
    });
  });

  test.each(sizes)('rows of %d, in every layout, and nothing around them is touched', (C) => {
    const body = statement(({ x, y }) => ({ z: add(mul(x, y), exp(sub(0, mul(x, x)))), w: tanh(y) }));
    for (const layout of layouts) {
      for (const { actual, expected, around } of onRandomInputs(body, [2, C], setting, layout)) {
        expect(distance(actual, expected)).toBeLessThanOrEqual(rounding);
        expect(around).toBe(true);
      }
    }
  });

  test.each([1, 5, 300])('rows, columns and single numbers are broadcast over [3, %d]', (C) => {
    const x = filled(3, C, dtype, 'columns', (r, c) => 100 * r + c);
    const row = filled(1, C, dtype, 'columns', (_, c) => c / 8);
    const column = filled(3, 1, dtype, 'columns', (r) => r / 4);
    const y = zeros([3, C], dtype);
    const program = new Program();
    const body = statement(({ x, r, c, n }) => ({ y: add(sub(x, r), mul(c, n)) }));
    program.pointwise(body, { x, r: row, c: column, n: tensor([2], undefined, dtype), y });
    program.bind(executor)();
    // all of these are exact in both dtypes
    for (let r = 0; r < 3; r++)
      for (let c = 0; c < C; c++) expect(y.get(r, c)).toBe(100 * r + c - c / 8 + r / 2);
  });

  test.each([1, 5, 300])('an output may replace an input, [2, %d]', (C) => {
    const a = filled(2, C, dtype, 'columns', (r, c) => r + c);
    const b = filled(2, C, dtype, 'columns', (r, c) => 2 * r - c);
    const program = new Program();
    program.pointwise(
      statement(({ a, b }) => ({ sum: add(a, b), product: mul(a, b) })),
      { a, b, sum: a, product: b },
    );
    program.bind(executor)();
    for (let r = 0; r < 2; r++) {
      for (let c = 0; c < C; c++) {
        expect(a.get(r, c)).toBe(3 * r);
        expect(b.get(r, c)).toBe((r + c) * (2 * r - c) || 0);
      }
    }
  });

  test.each([1, 5, 300])('even when the inputs only change places, [2, %d]', (C) => {
    const a = filled(2, C, dtype, 'contiguous', (r, c) => r + c + 1);
    const b = filled(2, C, dtype, 'contiguous', (r, c) => -r - c - 1);
    const program = new Program();
    program.pointwise(
      statement(({ a, b }) => ({ p: b, q: a })),
      { a, b, p: a, q: b },
    );
    program.bind(executor)();
    for (let r = 0; r < 2; r++) {
      for (let c = 0; c < C; c++) expect([a.get(r, c), b.get(r, c)]).toEqual([-r - c - 1, r + c + 1]);
    }
  });

  test('constants and inputs may be outputs themselves', () => {
    const a = tensor([[1, 2, 3]], undefined, dtype);
    const [same, one, also] = [zeros([1, 3], dtype), zeros([1, 3], dtype), zeros([1, 3], dtype)];
    const program = new Program();
    const body = statement(({ a }) => ({ same: a, one: 1, also: a }));
    program.pointwise(body, { a, same, one, also });
    program.bind(executor)();
    expect([same, one, also].map(toFlat)).toEqual([
      [1, 2, 3],
      [1, 1, 1],
      [1, 2, 3],
    ]);
  });

  test('nothing is done, and nothing breaks, over no rows or no columns', () => {
    const body = statement(({ x }) => ({ y: tanh(x) }));
    for (const shape of [
      [0, 3],
      [2, 0],
    ]) {
      const program = new Program();
      const y = zeros(shape, dtype);
      program.pointwise(body, { x: zeros(shape, dtype), y });
      program.bind(executor)();
      expect(toFlat(y)).toEqual([]);
    }
  });

  test('two runs are bit-equal', () => {
    const results = [0, 1].map(() =>
      onRandomInputs(lstmBackward, [5, 37], setting, 'columns').map(({ actual }) => actual),
    );
    expect(results[0]).toEqual(results[1]);
  });
});

test('the plain executor in float64 computes any expression as the function does, to the bit', () => {
  type Body = (v: Record<string, Scalar>) => Scalar;
  const expressions = fc.letrec<{ tree: Body }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4, depthIdentifier: 'tree' },
      fc.constantFrom('a', 'b', 'c').map(
        (name): Body =>
          (v) =>
            v[name],
      ),
      fc.constantFrom(-2, 0, 1, 3).map(
        (value): Body =>
          () =>
            value,
      ),
      ...(Object.keys(language) as OperationName[]).map((op) =>
        fc.tuple(tie('tree'), tie('tree'), tie('tree')).map((parts): Body => (v) => {
          const args = parts.map((part) => part(v)).slice(0, language[op].arity);
          return apply(op, args[0], args[1], args[2]);
        }),
      ),
    ),
  })).tree;
  const given = fc.record({
    bodies: fc.array(expressions, { minLength: 1, maxLength: 3 }),
    R: fc.integer({ min: 1, max: 3 }),
    C: fc.integer({ min: 1, max: 7 }),
    layout: fc.constantFrom(...layouts),
    numbers: fc.array(fc.double(), { minLength: 63, maxLength: 63 }),
  });
  fc.assert(
    fc.property(given, ({ bodies, R, C, layout, numbers }) => {
      const body = statement((v) => Object.fromEntries(bodies.map((of, k) => [`y${k}`, of(v)])));
      const at = (name: number, r: number, c: number): number => numbers[name * 21 + r * 7 + c];
      const input = (name: number): Tensor => filled(R, C, 'float64', layout, (r, c) => at(name, r, c));
      const tensors: Tensors = { a: input(0), b: input(1), c: input(2) };
      for (const name of Object.keys(body.graph.outputs)) tensors[name] = place(R, C, 'float64', layout).view;
      const program = new Program();
      program.pointwise(body, tensors);
      program.bind(plain)();
      const entries = Array.from({ length: R * C }, (_, k) => {
        const [r, c] = [Math.floor(k / C), k % C];
        return body({ a: at(0, r, c), b: at(1, r, c), c: at(2, r, c) });
      });
      for (const name of Object.keys(body.graph.outputs))
        expect(toFlat(tensors[name])).toEqual(entries.map((entry) => entry[name]));
    }),
    { numRuns: 300 },
  );
});

test('the plain executor in float32 rounds after every operation', () => {
  const [a, b] = [0.1, 0.7].map(Math.fround);
  const y = zeros([1, 1], 'float32');
  const program = new Program();
  const inputs = { a: tensor([[a]], undefined, 'float32'), b: tensor([[b]], undefined, 'float32') };
  program.pointwise(
    statement(({ a, b }) => ({ y: mul(add(a, b), b) })),
    { ...inputs, y },
  );
  program.bind(plain)();
  expect(y.get(0, 0)).toBe(Math.fround(Math.fround(a + b) * b));
});

test('a column of a matrix is updated in place', () => {
  const t = tensor([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  const middle = columns(t, 1, 2);
  const program = new Program();
  program.pointwise(
    statement(({ x }) => ({ y: mul(x, 10) })),
    { x: middle, y: middle },
  );
  program.bind(plain)();
  expect(toFlat(t)).toEqual([1, 20, 3, 4, 50, 6]);
});
