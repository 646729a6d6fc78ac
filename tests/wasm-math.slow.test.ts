/** Accuracy of the float64 functions over their whole range, and of the reference itself. */
import { Random } from '../core/random/random';
import { add, big, type Big, exact, exponentOf, toNumber } from './exact';
import { functionOf, reference, worst, type Name } from './functionerrors';

function error64(got: number, y: Big): number {
  const finite = Number.isFinite(got) ? big(got) : { m: BigInt(Math.sign(got)), e: 1024 };
  return Math.abs(toNumber(add(finite, { m: -y.m, e: y.e }), 52 - Math.max(exponentOf(y), -1022)));
}

describe('the reference', () => {
  test('agrees with Math to 2 ulp', () => {
    const random = new Random(1);
    for (const name of Object.keys(exact) as Name[]) {
      const x = Array.from({ length: 300 }, () => random.uniform(name === 'log' ? 0 : -0.999, 3));
      expect(worst(x, (k) => error64(reference[name](x[k]), exact[name](x[k]))).ulp).toBeLessThan(2);
    }
  });
});

// measured at some 20 million arguments each: 1.02, 0.87, 1.42, 2.00, 2.15
const bounds64: [Name, number, ((u: number) => number)[]][] = [
  ['exp', 1.1, [(u) => 2 * u - 1, (u) => 1457 * u - 748, (u) => 40 * u - 745, (u) => 709 + 0.78 * u]],
  [
    'log',
    1,
    [(u) => 2 * u, (u) => 0.7 + 0.72 * u, (u) => 2 ** (2096 * u - 1074), (u) => 2 ** (-1022 - 52 * u)],
  ],
  [
    'log1p',
    1.5,
    [
      (u) => 2 * u - 1,
      (u) => 0.9 * u - 0.45,
      (u) => 0.4 + 0.04 * u,
      (u) => 2 ** (1024 * u),
      (u) => 2 ** (-1074 * u),
      (u) => -(2 ** (-1074 * u)),
    ],
  ],
  ['sigmoid', 2.1, [(u) => 2 * u - 1, (u) => 80 * u - 40, (u) => -744 * u, (u) => -0.02 * u]],
  [
    'tanh',
    2.3,
    [
      (u) => 0.25 * u,
      (u) => 4 * u - 2,
      (u) => 0.515 + 0.02 * u,
      (u) => -20 * u,
      (u) => 10 ** (-30 * u),
      (u) => 2 ** (-1074 * u),
    ],
  ],
];

describe.each(bounds64)('%s, float64', (name, bound, ranges) => {
  const f = functionOf(name, 'float64');

  test(`is within ${bound} ulp of the true value, subnormal arguments and results included`, () => {
    const random = new Random(4);
    const x = ranges.flatMap((range) =>
      Array.from({ length: 400 }, () => range(random.uniform(0, 1))).filter((x) => x !== 0),
    );
    const y = f(x);
    expect(worst(x, (k) => error64(y[k], exact[name](x[k]))).ulp).toBeLessThanOrEqual(bound);
  });
});
