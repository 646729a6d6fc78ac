/** The probability that the exact oracle misses a mistake: degrees worked by hand, and how the probability depends on them. */
import { Degrees } from '../bptt/check/exact/degree';
import { chanceOf, type Look } from '../bptt/check/exact/points';
import { equations } from '../core/equations/equations';
import { primes } from '../core/field';
import { evaluateInField } from '../core/residues';

describe('the degree of an expression of two variables', () => {
  const variable = { re: 1, du: 0 };
  test.each<[string, { numerator: number; divisors?: number; arguments?: number }]>([
    ['a * b + 1', { numerator: 2 }],
    ['a - a * b * b', { numerator: 3 }],
    ['-a * b', { numerator: 2 }],
    ['3 * b + 0 * a', { numerator: 2 }], // a constant counts as a variable
    ['0 * a', { numerator: 0 }],
    ['(a * b + a) / (a - b)', { numerator: 2, divisors: 1 }],
    ['1 / (a * b) + 1 / a', { numerator: 1, divisors: 3 }],
    ['exp(a * a * b) * b', { numerator: 2, arguments: 3 }],
    ['log(a * b) + sqrt(a * a * a)', { numerator: 1, arguments: 3 }],
    ['relu(a * b) * b', { numerator: 3, arguments: 2 }],
    ['abs(a * b * a)', { numerator: 3, arguments: 3 }],
    ['max(a * b, b)', { numerator: 2, arguments: 2 }],
    // 1 − 2 / (1 + e²ᵃᵇ)
    ['tanh(a * b)', { numerator: 2, divisors: 2, arguments: 2 }],
  ])('%s', (expression, { numerator, divisors = 0, arguments: inside = 0 }) => {
    const { statements } = equations('degree', 'a, b [N, W]   writes y [N, W]', `y = ${expression} + 0 * b`);
    const degrees = new Degrees();
    const { y } = evaluateInField(statements[0].graph, degrees, { a: variable, b: variable });
    expect([y.re, degrees.divisors, degrees.arguments]).toEqual([numerator, divisors, inside]);
  });
});

describe('the probability that a mistake passes at all points', () => {
  const look = { coins: 0, known: 10, equalities: 7 };
  const smooth: Look[] = [look, look, look, look];
  const flips = (count: number): Look[] => [...smooth, ...Array<Look>(count).fill({ ...look, coins: 1 })];
  const p = Math.min(...primes);

  test('is the fourth power of degree / p, for the four points', () => {
    expect(chanceOf(smooth, { gradients: 1000, arguments: 0 })).toBeCloseTo((1000 / p) ** 4, 30);
    expect(chanceOf(smooth, { gradients: 0, arguments: 0 })).toBe(0);
  });

  test('has a term for any two of the arguments, which may collide', () => {
    const met = chanceOf(smooth, { gradients: 0, arguments: 500 });
    expect(met / (50 * (500 / p) ** 4)).toBeCloseTo(1, 12);
  });

  test('takes the largest number of arguments of all points', () => {
    const more = [look, look, { ...look, known: 100 }, look];
    const met = chanceOf(more, { gradients: 0, arguments: 500 });
    expect(met / (5000 * (500 / p) ** 4)).toBeCloseTo(1, 12);
  });

  test('is larger if the points disagree on which arguments are equal', () => {
    const other = [look, look, look, { ...look, equalities: 8 }];
    const met = chanceOf(other, { gradients: 1000, arguments: 500 });
    expect(met / ((1000 + 50 * 500) / p) ** 4).toBeCloseTo(1, 12);
  });

  test('of a mistake on one side of a kink halves with each point that chooses sides at random', () => {
    const [ten, twenty] = [10, 20].map((count) => chanceOf(flips(count), { gradients: 1, arguments: 0 }));
    expect(ten * 2 ** 10).toBeCloseTo(1, 4);
    expect(twenty * 2 ** 20).toBeCloseTo(1, 4);
    expect(ten * 2 ** 10).toBeGreaterThan(1);
  });

  test('is at most 1', () => expect(chanceOf(flips(1), { gradients: 2 * p, arguments: p })).toBe(1));
});
