import fc from 'fast-check';
import * as scalar from '../core/programs/scalar';
import {
  apply,
  Dual,
  language,
  named,
  primal,
  tangent,
  type OperationName,
  type Scalar,
} from '../core/programs/scalar';

// the same examples in every run: a failure must be there again when it is looked at
fc.configureGlobal({ seed: 20 });

const { add, sub, mul, div, neg, abs, min, max, exp, log, log1p, sqrt } = scalar;
const { tanh, sigmoid, relu, step, select, stop } = scalar;

/** Two inputs in the reals, their result, and the derivative along each: [a, b], y, [∂y/∂a, ∂y/∂b]. */
const byHand: [OperationName, number[], number, number[]][] = [
  ['add', [3, 5], 8, [1, 1]],
  ['sub', [3, 5], -2, [1, -1]],
  ['mul', [3, 5], 15, [5, 3]],
  ['div', [3, 4], 0.75, [1 / 4, -3 / 16]],
  ['neg', [3], -3, [-1]],
  ['abs', [-3], 3, [-1]],
  ['abs', [3], 3, [1]],
  ['min', [3, 5], 3, [1, 0]],
  ['min', [5, 3], 3, [0, 1]],
  ['max', [3, 5], 5, [0, 1]],
  ['max', [5, 3], 5, [1, 0]],
  ['exp', [0], 1, [1]],
  ['log', [4], Math.log(4), [1 / 4]],
  ['log1p', [3], Math.log(4), [1 / 4]],
  ['sqrt', [16], 4, [1 / 8]],
  // tanh(ln 2) = (4 − 1) / (4 + 1), and 1 − (3/5)² = 16/25
  ['tanh', [Math.LN2], 3 / 5, [16 / 25]],
  // σ(ln 3) = 3 / (3 + 1), and 3/4 · 1/4 = 3/16
  ['sigmoid', [Math.log(3)], 3 / 4, [3 / 16]],
  ['relu', [3], 3, [1]],
  ['relu', [-3], 0, [0]],
  ['step', [3], 1, [0]],
  ['step', [-3], 0, [0]],
  ['select', [1, 3, 5], 3, [0, 1, 0]],
  ['select', [-1, 3, 5], 5, [0, 0, 1]],
  ['stop', [3], 3, [0]],
];

const functions = { add, sub, mul, div, neg, abs, min, max, exp, log, log1p, sqrt } as Record<
  string,
  (...args: Scalar[]) => Scalar
>;
Object.assign(functions, { tanh, sigmoid, relu, step, select, stop });

describe('the language', () => {
  test('is closed: eighteen operations, each of them worked by hand below', () => {
    expect(Object.keys(language)).toHaveLength(18);
    expect(new Set(byHand.map(([op]) => op))).toEqual(new Set(Object.keys(language)));
    expect(Object.keys(functions)).toEqual(Object.keys(language));
  });

  test.each(byHand)('%s(%j) = %d, with derivatives %j', (op, args, value, slopes) => {
    expect(functions[op](...args)).toBeCloseTo(value, 15);
    args.forEach((_, k) => {
      const along = args.map((a, j) => (j === k ? new Dual(a, 1) : a));
      const y = functions[op](...along);
      expect(primal(y)).toBeCloseTo(value, 15);
      expect(tangent(y)).toBeCloseTo(slopes[k], 15);
    });
  });

  test.each(byHand)(
    '%s(%j) along all its arguments at once: the chain rule adds up',
    (op, args, _value, slopes) => {
      const y = functions[op](...args.map((a, k) => new Dual(a, k + 2)));
      expect(tangent(y)).toBeCloseTo(
        slopes.reduce((sum, slope, k) => sum + slope * (k + 2), 0),
        14,
      );
    },
  );
});

describe('duals', () => {
  const smooth: [string, (x: Scalar) => Scalar][] = [
    ['x * tanh(x) + exp(x)', (x) => add(mul(x, tanh(x)), exp(x))],
    ['sigmoid(x) / (1 + x * x)', (x) => div(sigmoid(x), add(1, mul(x, x)))],
    ['sqrt(1 + x * x) - log(2 + x * x)', (x) => sub(sqrt(add(1, mul(x, x))), log(add(2, mul(x, x))))],
    ['log1p(exp(-x)) * max(x, 10)', (x) => mul(log1p(exp(neg(x))), max(x, 10))],
    [
      'abs(x - 20) * min(x, 10) * relu(x + 20)',
      (x) => mul(mul(abs(sub(x, 20)), min(x, 10)), relu(add(x, 20))),
    ],
    ['select(x + 20, x * x, x)', (x) => select(add(x, 20), mul(x, x), x)],
  ];

  test.each(smooth)('the slope of %s agrees with central differences to 1e-8', (_name, f) => {
    fc.assert(
      fc.property(fc.double({ min: -3, max: 3, noNaN: true }), (x) => {
        const h = 1e-5;
        const slope = (primal(f(x + h)) - primal(f(x - h))) / (2 * h);
        const exact = tangent(f(new Dual(x, 1)));
        expect(Math.abs(exact - slope)).toBeLessThanOrEqual(1e-8 * Math.max(1, Math.abs(exact)));
      }),
    );
  });

  test('carry the same value as plain numbers, to the bit', () => {
    fc.assert(
      fc.property(fc.double(), fc.double(), fc.double(), (a, b, c) => {
        for (const op of Object.keys(language) as OperationName[]) {
          expect(primal(apply(op, new Dual(a, 1), b, c))).toBe(apply(op, a, b, c));
        }
      }),
    );
  });

  test('a still argument adds nothing, even where its slope is infinite', () => {
    expect(tangent(sqrt(new Dual(0, 0)))).toBe(0);
    expect(tangent(log(new Dual(0, 0)))).toBe(0);
    expect(tangent(mul(new Dual(Infinity, 0), new Dual(0, 1)))).toBe(Infinity);
    expect(tangent(sqrt(new Dual(0, 1)))).toBe(Infinity);
  });

  test('a number is a dual that stands still', () => {
    expect([primal(3), tangent(3)]).toEqual([3, 0]);
    expect([primal(new Dual(3, 4)), tangent(new Dual(3, 4))]).toEqual([3, 4]);
  });
});

describe('at the edges', () => {
  test('kinks belong to the side below: relu(0) = 0 with slope 0, step(0) = 0, select(0, a, b) = b', () => {
    expect(tangent(relu(new Dual(0, 1)))).toBe(0);
    expect([relu(0), step(0), select(0, 1, 2)]).toEqual([0, 0, 2]);
    expect(tangent(abs(new Dual(0, 1)))).toBe(0);
    // at a tie the first argument counts, and only that one
    expect(tangent(max(new Dual(1, 3), new Dual(1, 5)))).toBe(3);
    expect(tangent(min(new Dual(1, 3), new Dual(1, 5)))).toBe(3);
  });

  test('NaN passes through everything but the choices', () => {
    for (const op of Object.keys(language) as OperationName[]) {
      const choice = op === 'step' || op === 'select';
      expect(Number.isNaN(apply(op, NaN, 1, 2))).toBe(!choice);
    }
    // a NaN is on neither side: the choices take the second way
    expect([step(NaN), select(NaN, 1, 2)]).toEqual([0, 2]);
  });

  test('infinities come out as the limits', () => {
    expect([exp(-Infinity), exp(Infinity), log(0), log1p(-1)]).toEqual([0, Infinity, -Infinity, -Infinity]);
    expect([tanh(-Infinity), tanh(Infinity), sigmoid(-Infinity), sigmoid(Infinity)]).toEqual([-1, 1, 0, 1]);
    expect([relu(-Infinity), relu(Infinity)]).toEqual([0, Infinity]);
  });

  test('tanh keeps its relative accuracy down to |x| = 1e-30', () => {
    for (let power = -30; power <= -4; power++) {
      for (const x of [10 ** power, -3 * 10 ** power]) {
        // the series x − x³/3 + 2x⁵/15: its next term is below 1e-26 x here
        const series = x * (1 - (x * x) / 3 + (2 * x ** 4) / 15);
        expect(Math.abs((tanh(x) as number) / series - 1)).toBeLessThan(1e-15);
      }
    }
  });
});

test('named changes neither numbers nor duals', () => {
  const dual = new Dual(1, 2);
  expect(named('y', 3)).toBe(3);
  expect(named('y', dual)).toBe(dual);
});
