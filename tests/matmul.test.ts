import fc from 'fast-check';
import { errorBounds } from '../bptt/check/bounds';
import { matmulNaive } from '../core/programs/matmul';
import { Program } from '../core/programs/program';
import { Random } from '../core/random/random';
import { tensor, toFlat, toNested, transpose, zeros, type Tensor } from '../core/tensor';
import { distance, settings } from './executors';
import { filled, layouts, place, type Layout } from './layouts';
import { productAndTwin, type ProductCase } from './products';

// the same examples in every run: a failure must be there again when it is looked at
fc.configureGlobal({ seed: 20 });

const [A, B] = [
  [
    [1, 2, 3],
    [4, 5, 6],
  ],
  [
    [7, 10],
    [8, 11],
    [9, 12],
  ],
];

test('the naive twin by hand', () => {
  // 1·7 + 2·8 + 3·9 = 50, 1·10 + 2·11 + 3·12 = 68, 4·7 + 5·8 + 6·9 = 122, 4·10 + 5·11 + 6·12 = 167
  const out = tensor([
    [1, 1],
    [1, 1],
  ]);
  const bias = tensor([100, 200]);
  const given = { kind: 'product', a: tensor(A), b: tensor(B), out } as const;
  matmulNaive({ ...given, accumulate: false });
  expect(toFlat(out)).toEqual([50, 68, 122, 167]);
  matmulNaive({ ...given, bias, accumulate: false });
  expect(toFlat(out)).toEqual([150, 268, 222, 367]);
  matmulNaive({ ...given, accumulate: true });
  expect(toFlat(out)).toEqual([200, 336, 344, 534]);
  matmulNaive({ ...given, bias, accumulate: true });
  expect(toFlat(out)).toEqual([350, 604, 566, 901]);
});

interface Case extends ProductCase {
  M: number;
  K: number;
  a: Layout;
}

describe.each(settings)('$name', ({ executor, dtype, rounding }) => {
  /** A product of random numbers and its naive twin. */
  const both = ({ M, K, a, ...rest }: Case, seed = 0) => {
    const random = new Random(seed);
    const draw = (): number => random.normal();
    return productAndTwin({ executor, dtype }, filled(M, K, dtype, a, draw), rest, draw);
  };

  test('by hand, with every transpose', () => {
    const of = (values: number[][]): Tensor => tensor(values, undefined, dtype);
    const turned = (values: number[][]): Tensor =>
      transpose(of(values[0].map((_, c) => values.map((r) => r[c]))));
    for (const a of [of(A), turned(A)]) {
      for (const b of [of(B), turned(B)]) {
        for (const out of [zeros([2, 2], dtype), transpose(zeros([2, 2], dtype))]) {
          const program = new Program();
          program.matmul(a, b, out, { bias: tensor([100, 200], undefined, dtype) });
          program.bind(executor)();
          expect(toNested(out)).toEqual([
            [150, 268],
            [222, 367],
          ]);
        }
      }
    }
  });

  describe.each(layouts)('a in %s', (a) => {
    test.each(layouts)('b in %s: equals the naive twin, with and without bias and accumulation', (b) => {
      for (const out of ['contiguous', 'transposed columns', 'every other'] as const) {
        for (const [M, K, N] of [
          [1, 3, 5],
          [5, 1, 1],
          [3, 5, 19],
          [7, 6, 4],
          [2, 19, 13],
        ]) {
          for (const bias of [false, true]) {
            for (const accumulate of [false, true]) {
              const { actual, expected, around } = both({ M, K, N, a, b, out, bias, accumulate });
              expect(distance(actual, expected)).toBeLessThanOrEqual(rounding);
              expect(around).toBe(true);
            }
          }
        }
      }
    });
  });

  test.each([
    [1, 130, 67],
    [33, 64, 128],
    [65, 130, 35],
    [3, 1100, 35],
    [130, 70, 9],
  ])('blocks and their tails: [%d, %d] times [%d columns]', (M, K, N) => {
    for (const [a, b] of [
      ['contiguous', 'contiguous'],
      ['transposed', 'contiguous'],
      ['contiguous', 'transposed'],
      ['columns', 'transposed columns'],
    ] as const) {
      for (const accumulate of [false, true]) {
        const { actual, expected } = both({ M, K, N, a, b, out: 'columns', bias: !accumulate, accumulate });
        // entries add K products: their errors grow with it
        expect(distance(actual, expected)).toBeLessThanOrEqual(rounding);
      }
    }
  });

  test('any shape and layout equals the naive twin', () => {
    const size = fc.integer({ min: 1, max: 24 });
    const layout = fc.constantFrom(...layouts);
    const cases = fc.record({
      M: size,
      K: size,
      N: size,
      a: layout,
      b: layout,
      out: layout,
      bias: fc.boolean(),
      accumulate: fc.boolean(),
    });
    fc.assert(
      fc.property(cases, fc.nat(1000), (given, seed) => {
        const { actual, expected, around } = both(given, seed);
        expect(distance(actual, expected)).toBeLessThanOrEqual(rounding);
        expect(around).toBe(true);
      }),
    );
  });

  test('the adjoint: <A x, y> = <x, Aᵀ y>', () => {
    const bound = dtype === 'float64' ? errorBounds.adjoint : rounding;
    const size = fc.integer({ min: 1, max: 40 });
    fc.assert(
      fc.property(size, size, fc.integer({ min: 1, max: 6 }), fc.nat(1000), (M, K, N, seed) => {
        const random = new Random(seed);
        const draw = (): number => random.normal();
        const matrix = filled(M, K, dtype, 'columns', draw);
        const [x, y] = [filled(K, N, dtype, 'contiguous', draw), filled(M, N, dtype, 'contiguous', draw)];
        const [Ax, Aty] = [zeros([M, N], dtype), zeros([K, N], dtype)];
        const program = new Program();
        program.matmul(matrix, x, Ax);
        program.matmul(transpose(matrix), y, Aty);
        program.bind(executor)();
        const dot = (p: Tensor, q: Tensor): number => {
          const other = toFlat(q);
          return toFlat(p).reduce((sum, v, k) => sum + v * other[k], 0);
        };
        const scale = Math.sqrt(dot(Ax, Ax) * dot(y, y));
        expect(Math.abs(dot(Ax, y) - dot(x, Aty))).toBeLessThanOrEqual(bound * scale);
      }),
    );
  });

  test('zeros give exactly zero, and identity gives back every bit', () => {
    const random = new Random(1);
    const x = filled(5, 7, dtype, 'columns', () => random.normal());
    const one = filled(7, 7, dtype, 'transposed', (r, c) => (r === c ? 1 : 0));
    const [none, same] = [zeros([5, 3], dtype), zeros([5, 7], dtype)];
    none.data.fill(9);
    const program = new Program();
    program.matmul(x, zeros([7, 3], dtype), none);
    program.matmul(x, one, same);
    program.bind(executor)();
    expect(toFlat(none).every((v) => v === 0)).toBe(true);
    expect(toFlat(same)).toEqual(toFlat(x));
  });

  test('an overwritten result does not remember what stood there, not even NaN', () => {
    const { view } = place(3, 5, dtype, 'columns');
    for (let r = 0; r < 3; r++) for (let c = 0; c < 5; c++) view.set(r, c, NaN);
    const program = new Program();
    program.matmul(zeros([3, 2], dtype), zeros([2, 5], dtype), view);
    program.bind(executor)();
    expect(toFlat(view).every((v) => v === 0)).toBe(true);
  });

  test.each([
    [NaN, NaN],
    [Infinity, Infinity],
  ])('%d in one row of a reaches that row and no other', (bad, expected) => {
    for (const b of layouts) {
      const a = filled(6, 9, dtype, 'contiguous', (r, c) => (r === 4 && c === 8 ? bad : 1));
      const right = filled(9, 11, dtype, b, () => 1);
      const out = zeros([6, 11], dtype);
      const program = new Program();
      program.matmul(a, right, out);
      program.bind(executor)();
      for (let m = 0; m < 6; m++)
        for (let n = 0; n < 11; n++) expect(out.get(m, n)).toBe(m === 4 ? expected : 9);
    }
  });

  test('without rows nothing is done; over no products the sum is the bias', () => {
    const out = tensor([[7, 7]], undefined, dtype);
    const program = new Program();
    program.matmul(zeros([0, 3], dtype), zeros([3, 2], dtype), zeros([0, 2], dtype));
    program.matmul(zeros([1, 0], dtype), zeros([0, 2], dtype), out, {
      bias: tensor([1, 2], undefined, dtype),
    });
    program.bind(executor)();
    expect(toFlat(out)).toEqual([1, 2]);
  });

  test('two runs are bit-equal', () => {
    const given = { M: 13, K: 37, N: 21, a: 'columns', b: 'transposed', out: 'columns', bias: true } as const;
    expect(both({ ...given, accumulate: true }).actual).toEqual(both({ ...given, accumulate: true }).actual);
  });
});
