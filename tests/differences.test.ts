/** Central differences of functions whose slopes are known, with their kinks and rounding errors. */
import { centralDifferences } from '../bptt/check/finite';
import { backwardGradients, positionOf, problemOfCell, type Problem } from '../bptt/check/problem';
import { gradientRounding, RoundingExecutor, measuredSpread } from '../bptt/check/rounding';
import { elman } from '../cells/elman';
import { equations } from '../core/equations/equations';
import { plain } from '../core/programs/plain';
import { Program } from '../core/programs/program';
import { Random } from '../core/random/random';
import { columns, tensor, toFlat, transpose, zeros, type Tensor } from '../core/tensor';

/** L = Σ f(w) over the entries of a row w. */
function sumOf(f: string, w: Tensor): Problem {
  const forward = new Program();
  const loss = zeros([1]);
  const each = zeros([1, w.shape[1]]);
  equations('sum', 'w [N, W]   writes each [N, W]', `each = ${f}`).record(forward, { w, each });
  const total = zeros([1, 1]);
  equations('sum', 'each [N, W]   writes total [N, 1]', 'total = sum(each, axis=1)').record(forward, {
    each,
    total,
  });
  equations('sum', 'total [N, W]   writes loss [W]', 'loss = sum(total)').record(forward, { total, loss });
  const variables = { w: { value: w, gradient: zeros([1, w.shape[1]]) } };
  return { variables, forward, loss } as unknown as Problem;
}
const row = (...numbers: number[]): Tensor => tensor([numbers]);
const cube = 'w * w * w';

describe('of w³ at w = 2, whose slope is 12', () => {
  test('the step grows with the coordinate: (3³ − 1³) / 2 = 13', () => {
    const slope = centralDifferences(sumOf(cube, row(2)), { richardson: false, step: 0.5 });
    expect(slope({ w: [1] })).toBe(13);
  });

  test('extrapolated from two steps it is exact: (4 · 12.25 − 13) / 3', () =>
    expect(centralDifferences(sumOf(cube, row(2)), { step: 0.5 })({ w: [1] })).toBe(12));

  test('a small coordinate has the whole step: (½³ + ½³) / 1 = ¼ at w = 0', () => {
    const slope = centralDifferences(sumOf(cube, row(0)), { richardson: false, step: 0.5 });
    expect(slope({ w: [1] })).toBe(0.25);
  });

  test('along 2 the step is that of the coordinate: (3³ − 1³) / 1', () => {
    const slope = centralDifferences(sumOf(cube, row(2)), { richardson: false, step: 0.5 });
    expect(slope({ w: [2] })).toBe(26);
  });

  test('along several coordinates the step is one for all, and zeros do not count', () => {
    const slope = centralDifferences(sumOf(cube, row(2, 5, 1)), { richardson: false, step: 0.5 });
    // (2.5³ − 1.5³) + (1.5³ − 0.5³)
    expect(slope({ w: [1, 0, 1] })).toBe(12.25 + 3.25);
    expect(slope({ w: [1, 0, 0] })).toBe(13);
  });

  test('by default it is right to 1e-9, and by plain differences to 1e-7', () => {
    expect(centralDifferences(sumOf(cube, row(2)))({ w: [1] })).toBeCloseTo(12, 9);
    const plainly = centralDifferences(sumOf(cube, row(2)), { richardson: false });
    expect(plainly({ w: [1] })).toBeCloseTo(12, 7);
  });

  test('the weights are as before', () => {
    const w = row(0.1, 2);
    const slope = centralDifferences(sumOf(cube, w));
    slope({ w: [1, 1] });
    slope.refined({ w: [0.3, 1] });
    expect(toFlat(w)).toEqual([0.1, 2]);
  });
});

describe('at a kink', () => {
  const slope = centralDifferences(sumOf('relu(w)', row(0.004, -1)), { step: 0.01 });
  test('within a step there is no slope', () => expect(slope({ w: [1, 0] })).toBeUndefined());
  test('elsewhere there is', () => expect(slope({ w: [0, 1] })).toBe(0));
  test('the search for the best step finds one that does not reach it', () => {
    const { slope: found, uncertainty } = slope.refined({ w: [1, 0] }) ?? { slope: NaN, uncertainty: NaN };
    expect(found).toBeCloseTo(1, 12);
    expect(uncertainty).toBeLessThan(1e-11);
  });
  test('exactly on it there is none', () => {
    const on = centralDifferences(sumOf('relu(w)', row(0)));
    expect([on({ w: [1] }), on.refined({ w: [1] })]).toEqual([undefined, undefined]);
  });
});

describe('rounding', () => {
  const of = (options: { richardson?: boolean; step: number }): number =>
    centralDifferences(sumOf(cube, row(2)), options).rounding({ w: [1] });

  test('of the loss counts by 1 / h, and three times in two steps', () => {
    const [wide, narrow] = [1e-2, 1e-5].map((step) => of({ richardson: false, step }));
    expect(wide).toBeGreaterThan(0);
    // of 8, to a few times 2⁻⁵², divided by h = 2 · 1e-2
    expect(wide).toBeLessThan((10 * 8 * 2 ** -52) / 2e-2);
    expect(narrow / wide).toBeCloseTo(1000, 9);
    expect(of({ step: 1e-2 }) / wide).toBeCloseTo(3, 12);
  });

  test('bounds how wrong the best slope is', () => {
    for (const [f, exact] of [
      [cube, 12],
      ['exp(w)', Math.exp(2)],
      ['tanh(w)', 1 / Math.cosh(2) ** 2],
    ] as const) {
      const best = centralDifferences(sumOf(f, row(2))).refined({ w: [1] });
      expect(Math.abs((best?.slope ?? NaN) - exact)).toBeLessThanOrEqual(10 * (best?.uncertainty ?? NaN));
      expect(best?.uncertainty).toBeLessThan(1e-9);
    }
  });

  test('moves every number that a program writes by at most 2⁻⁵² of it, and nothing else', () => {
    const [x, both] = [
      tensor([
        [1, 3],
        [5, 7],
      ]),
      zeros([2, 4]),
    ];
    const program = new Program();
    const y = columns(both, 1, 3);
    equations('copy', 'x [N, W]   writes y [N, W]', 'y = x').record(program, { x, y });
    program.bind(new RoundingExecutor(new Random(1)))();
    const moved = toFlat(y).map((v, k) => v / toFlat(x)[k] - 1);
    expect(moved.filter((by) => by !== 0).length).toBeGreaterThan(0);
    for (const by of moved) expect(Math.abs(by)).toBeLessThanOrEqual(2 ** -52);
    expect(toFlat(x)).toEqual([1, 3, 5, 7]);
    expect([...toFlat(columns(both, 0, 1)), ...toFlat(columns(both, 3, 4))]).toEqual([0, 0, 0, 0]);
  });

  test('is the largest distance of several runs', () => {
    const values = [3, 1, 4, 1, 5, 9, 2, 6];
    let k = 0;
    expect(measuredSpread(4, () => values[k++])).toBe(5);
    expect(k).toBe(8);
    expect(measuredSpread(4, () => 4)).toBe(0);
  });

  test('of gradients is small but not zero, and grows with the direction', () => {
    const problem = problemOfCell(elman({ input: 3, hidden: 4 }));
    problem.forward.bind(plain)();
    const gradients = backwardGradients(problem.variables, problem.backward, plain);
    const rounding = gradientRounding(problem, gradients);
    const along = (by: number) => ({ 'l0.Wh': gradients['l0.Wh'].map(() => by) });
    expect(rounding(along(1))).toBeGreaterThan(0);
    expect(rounding(along(1))).toBeLessThan(1e-12);
    expect(rounding(along(4))).toBe(4 * rounding(along(1)));
    expect(rounding(along(0))).toBe(0);
  });
});

describe('the position of an entry, counted by rows, in the data', () => {
  const whole = tensor([
    [0, 1, 2, 3],
    [4, 5, 6, 7],
    [8, 9, 10, 11],
  ]);
  test.each<[string, Tensor, number[]]>([
    ['of a matrix', whole, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]],
    ['of some of its columns', columns(whole, 1, 3), [1, 2, 5, 6, 9, 10]],
    ['of its transpose', transpose(whole), [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]],
    ['of a column', whole.pick(null, 2), [2, 6, 10]],
  ])('%s', (_, view, expected) => {
    expect(expected.map((_position, k) => positionOf(view, k))).toEqual(expected);
  });
});
