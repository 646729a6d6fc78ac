import { Program } from '../core/programs/program';
import { Random } from '../core/random/random';
import { greatest, least, norm } from '../core/programs/reduce';
import { softmax } from '../core/softmax';
import { logarithms } from '../draw/sparkline';
import { columns, tensor, toFlat, transpose, zeros } from '../core/tensor';
import { distance, settings } from './executors';
import { filled, layouts, place } from './layouts';

const table = [
  [1, 2, 3],
  [4, 5, 6],
];

describe.each(settings)('$name', ({ executor, dtype, rounding }) => {
  const run = (record: (program: Program) => void): void => {
    const program = new Program();
    record(program);
    program.bind(executor)();
  };
  const lse = (rows: number[][]): number[] => {
    const out = zeros([rows.length, 1], dtype);
    run((program) => program.logSumExp(tensor(rows, undefined, dtype), out));
    return toFlat(out);
  };

  test('sums by hand', () => {
    const t = tensor(table, undefined, dtype);
    const [over, along] = [tensor([9, 9, 9], undefined, dtype), tensor([[9], [9]], undefined, dtype)];
    run((program) => {
      program.sumRows(t, over);
      program.sumColumns(t, along);
    });
    expect([toFlat(over), toFlat(along)]).toEqual([
      [5, 7, 9],
      [6, 15],
    ]);
    run((program) => {
      program.sumRows(t, over, { accumulate: true });
      program.sumColumns(t, along, { accumulate: true });
      program.sumRows(transpose(t), columns(over, 0, 2), { accumulate: true });
    });
    // over: 5+5+6, 7+7+15, 9+9; along: 6+6, 15+15
    expect([toFlat(over), toFlat(along)]).toEqual([
      [16, 29, 18],
      [12, 30],
    ]);
  });

  test('log-sum-exp by hand', () => {
    // log(1 + 2 + 5) = log 8, log(3 · e⁴) = 4 + log 3
    const out = lse([
      [Math.log(1), Math.log(2), Math.log(5)],
      [4, 4, 4],
    ]);
    expect(distance(out, [Math.log(8), 4 + Math.log(3)])).toBeLessThanOrEqual(rounding);
  });

  test('log-sum-exp of ±1000 is finite', () => {
    const out = lse([
      [1000, 1000, -1000],
      [-1000, -1000, -1000],
      [1000, 0, 0],
    ]);
    const expected = [1000 + Math.log(2), -1000 + Math.log(3), 1000];
    expect(distance(out, expected)).toBeLessThanOrEqual(rounding);
  });

  test('log-sum-exp of infinities and NaN', () => {
    expect(
      lse([
        [-Infinity, -Infinity, -Infinity],
        [-Infinity, 2, -Infinity],
        [0, Infinity, 0],
        [0, NaN, 0],
      ]),
    ).toEqual([-Infinity, 2, Infinity, NaN]);
  });

  test.each(layouts)(
    'in %s, of any size: equal to the definition, and nothing around is touched',
    (layout) => {
      for (const [R, C] of [
        [1, 1],
        [3, 5],
        [5, 19],
        [19, 3],
        [2, 130],
        [130, 2],
      ]) {
        const random = new Random(R);
        const t = filled(R, C, dtype, layout, () => random.normal());
        const line = (r: number): number[] => Array.from({ length: C }, (_, c) => t.get(r, c));
        const [over, along, logs] = [
          place(1, C, dtype, layout),
          place(R, 1, dtype, layout),
          place(R, 1, dtype, layout),
        ];
        run((program) => {
          program.sumRows(t, over.view.pick(0));
          program.sumColumns(t, along.view);
          program.logSumExp(t, logs.view);
        });
        const all = Array.from({ length: R }, (_, r) => line(r));
        const sum = (values: number[]): number => values.reduce((total, v) => total + v, 0);
        // sums of both signs may cancel: relative to the sum of magnitudes
        const scale = (values: number[]): number => sum(values.map(Math.abs));
        toFlat(over.view).forEach((v, c) => {
          const column = all.map((values) => values[c]);
          expect(Math.abs(v - sum(column))).toBeLessThanOrEqual(rounding * scale(column));
        });
        toFlat(along.view).forEach((v, r) =>
          expect(Math.abs(v - sum(all[r]))).toBeLessThanOrEqual(rounding * scale(all[r])),
        );
        toFlat(logs.view).forEach((v, r) => {
          const exact = Math.log(sum(all[r].map(Math.exp)));
          expect(Math.abs(v - exact)).toBeLessThanOrEqual(rounding * Math.max(1, Math.abs(exact)));
        });
        expect([over.around(), along.around(), logs.around()]).toEqual([true, true, true]);
      }
    },
  );

  test('two runs are bit-equal', () => {
    const random = new Random(2);
    const t = filled(37, 21, dtype, 'columns', () => random.normal());
    const out = [0, 1].map(() => {
      const [over, along] = [zeros([21], dtype), zeros([37, 1], dtype)];
      run((program) => {
        program.sumRows(t, over);
        program.sumColumns(t, along);
      });
      return [toFlat(over), toFlat(along)];
    });
    expect(out[0]).toEqual(out[1]);
  });

  test('the norm: 3-4-5, of a view, of nothing', () => {
    const t = tensor(
      [
        [3, 100],
        [4, 100],
      ],
      undefined,
      dtype,
    );
    expect(norm(columns(t, 0, 1))).toBe(5);
    expect([norm(zeros([2, 2], dtype)), norm(zeros([0], dtype))]).toEqual([0, 0]);
  });
});

describe('the norm', () => {
  test('loses neither huge nor tiny numbers', () => {
    expect(norm(tensor([3e200, -4e200]))).toBeCloseTo(5e200, -187);
    expect(norm(tensor([3e-200, 4e-200])) / 5e-200).toBeCloseTo(1, 14);
  });

  test('tells what is not finite', () => {
    expect(norm(tensor([1, NaN, 2]))).toBeNaN();
    expect(norm(tensor([1, -Infinity]))).toBe(Infinity);
    expect(norm(tensor([Infinity, NaN]))).toBeNaN();
    expect(norm(tensor([NaN, Infinity]))).toBeNaN();
  });
});

describe('softmax of a row of numbers', () => {
  test('by hand: log 1, log 2, log 5 in eighths', () => {
    const p = softmax([Math.log(1), Math.log(2), Math.log(5)]);
    expect(distance(p, [1 / 8, 2 / 8, 5 / 8])).toBeLessThanOrEqual(1e-15);
  });

  test('logits of ±1000 stay finite', () => {
    expect(softmax([1000, -1000])).toEqual([1, 0]);
    expect(softmax([-1000, -1000])).toEqual([0.5, 0.5]);
  });

  test('does not change when all logits move together', () => {
    expect(distance(softmax([5, 6, 8]), softmax([0, 1, 3]))).toBeLessThanOrEqual(1e-15);
  });
});

test('the greatest and the least of more values than a call takes arguments', () => {
  const values = Array.from({ length: 300_000 }, (_, k) => Math.abs(k - 100_000));
  expect([greatest(values), least(values)]).toEqual([199_999, 0]);
  expect([greatest([]), least([]), greatest([1, NaN]), least([NaN, 1])]).toEqual([
    -Infinity,
    Infinity,
    NaN,
    NaN,
  ]);
  expect(softmax(values).reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 12);
  expect(logarithms(values)).toHaveLength(300_000);
});
