/** Residues: arithmetic against integers of any size, and the language's rules against its own in floating point. */
import { Random } from '../index';
import { Field, NoInverse, primes } from '../core/field';
import { evaluateInField, Point, residueRules } from '../core/residues';
import { language, type OperationName } from '../core/programs/scalar';
import { statement, type Graph } from '../core/programs/statement';
import * as scalar from '../core/programs/scalar';

describe.each(primes)('modulo %d', (p) => {
  const field = new Field(p);
  const random = new Random(p);
  const some = [0, 1, 2, p - 1, p - 2, (p - 1) / 2, ...Array.from({ length: 40 }, () => random.below(p))];
  const modulo = (n: bigint): number => Number(((n % BigInt(p)) + BigInt(p)) % BigInt(p));

  it('is a prime of which −1 is no square', () => {
    const divisors: number[] = [];
    for (let d = 2; d * d <= p; d++) if (p % d === 0) divisors.push(d);
    expect(divisors).toEqual([]);
    expect(p % 4).toBe(3);
    expect(p).toBeLessThan(2 ** 26);
  });

  it('adds, subtracts and multiplies as whole numbers do', () => {
    for (const a of some) {
      const m = BigInt(a);
      const got = some.map((b) => [field.add(a, b), field.sub(a, b), field.mul(a, b), field.neg(a)]);
      expect(got).toEqual(
        some.map(BigInt).map((n) => [modulo(m + n), modulo(m - n), modulo(m * n), modulo(-m)]),
      );
    }
  });

  it('divides and raises to powers', () => {
    for (const a of some.slice(1)) {
      expect(field.mul(field.inverse(a), a)).toBe(1);
      expect(field.power(a, 5)).toBe(modulo(BigInt(a) ** 5n));
      expect(field.power(a, p - 1)).toBe(1); // Fermat
    }
    expect(field.power(7, 0)).toBe(1);
    expect(() => field.div(1, 0)).toThrow(NoInverse);
  });

  it('takes every double for what it exactly is', () => {
    for (const x of [0, -0, 1, -1, 0.1, -2.5, 1 / 3, 1e-5, -1e30, 2 ** 60, 5e-324, 1.001]) {
      const residue = field.of(x);
      expect(Object.is(residue, -0)).toBe(false);
      expect(residue >= 0 && residue < p).toBe(true);
      // x = whole / 2ᵉ
      let [whole, e] = [x, 0];
      for (; !Number.isInteger(whole); e++) whole *= 2;
      expect(field.mul(residue, field.power(2, e))).toBe(modulo(BigInt(whole)));
    }
    expect(field.mul(field.of(0.375), field.of(-1.5))).toBe(field.of(0.375 * -1.5));
    expect(field.of(1 + 2 ** -52)).not.toBe(1);
    expect(field.of(Infinity)).toBeNaN();
  });
});

it('refuses a modulus whose products a double cannot hold', () => {
  expect(() => new Field(2 ** 26)).toThrow('field: the modulus must be a prime in 3…2²⁶ − 1, got 67108864');
});

/** Floating point under the names of a field: the rules, run on it, must be those of the language. */
const reals = {
  ...{ add: (a: number, b: number) => a + b, sub: (a: number, b: number) => a - b, neg: (a: number) => -a },
  ...{ mul: (a: number, b: number) => a * b, div: (a: number, b: number) => a / b },
  ...{ inverse: (a: number) => 1 / a, power: (a: number, n: number) => a ** n, constant: (x: number) => x },
  ...{ exp: Math.exp, log: Math.log, sqrt: Math.sqrt, side: Math.sign, positive: (a: number) => a },
} as unknown as Point;

const operations = Object.keys(language) as OperationName[];
const graphOf = (op: OperationName): Graph => {
  const args = ['a', 'b', 'c'].slice(0, language[op].arity);
  const apply: unknown = scalar[op];
  return statement((v) => ({
    y: (apply as (...s: scalar.Scalar[]) => scalar.Scalar)(...args.map((name) => v[name])),
  })).graph;
};

describe.each(operations)('%s', (op) => {
  const graph = graphOf(op);
  const rule: { arity: number; value: (a: number, b: number, c: number) => number } = language[op];
  const { arity } = rule;
  const value = ([a, b, c]: number[]): number => rule.value(a, b, c);
  const random = new Random(3);
  const positive = ['div', 'log', 'log1p', 'sqrt'].includes(op);
  const points = Array.from({ length: 20 }, () =>
    [0, 1, 2].map(() => (positive ? random.uniform(0.3, 2) : random.normal())),
  );

  it('has the value of the language, and the derivative that differences find', () => {
    for (const at of points)
      for (let k = 0; k < arity; k++) {
        const inputs = Object.fromEntries(
          ['a', 'b', 'c'].map((name, j) => [name, { re: at[j], du: j === k ? 1 : 0 }]),
        );
        const { re, du } = evaluateInField(graph, reals, inputs).y;
        expect(re).toBeCloseTo(value(at), 12);
        const moved = (h: number): number => value(at.map((x, j) => (j === k ? x + h : x)));
        const h = 1e-5;
        const near = Math.min(Math.abs(at[0]), Math.abs(at[0] - at[1]));
        if (near > 2 * h) expect(du).toBeCloseTo(op === 'stop' ? 0 : (moved(h) - moved(-h)) / (2 * h), 6);
      }
  });

  it('knows e to the power of its result, if it says so', () => {
    const { exponential } = residueRules[op];
    if (!exponential) return expect(['div', 'exp', 'sqrt', 'tanh', 'sigmoid', 'step']).toContain(op);
    for (const [a, b, c] of points)
      for (const whole of [a, 3]) {
        const e = exponential(reals, whole, b, c, (k) => Math.exp([whole, b, c][k]));
        if (e !== undefined) expect(e / Math.exp(value([whole, b, c]))).toBeCloseTo(1, 9);
      }
  });
});

describe('at a random point', () => {
  it('a value once drawn stays, whatever is drawn after it', () => {
    const point = new Point(1019, 1); // so small that draws meet
    const exps = Array.from({ length: 60 }, (_, k) => point.exp(2 + k));
    const logs = Array.from({ length: 60 }, (_, k) => point.log(300 + k));
    exps.forEach((e, k) => expect([point.exp(2 + k), point.log(e)]).toEqual([e, 2 + k]));
    logs.forEach((a, k) => expect([point.log(300 + k), point.exp(a)]).toEqual([a, 300 + k]));
  });

  const { add, sub, mul, div, neg, exp, log, log1p, sqrt, tanh, sigmoid, relu, abs, min, max, step, select } =
    scalar;
  const holds: [string, (a: scalar.Scalar, b: scalar.Scalar) => [scalar.Scalar, scalar.Scalar]][] = [
    ['eᵃ⁺ᵇ = eᵃ eᵇ', (a, b) => [exp(add(a, b)), mul(exp(a), exp(b))]],
    ['eᵃ⁻ᵇ = eᵃ / eᵇ', (a, b) => [exp(sub(a, b)), div(exp(a), exp(b))]],
    ['e²ᵃ = eᵃ eᵃ', (a) => [exp(mul(2, a)), mul(exp(a), exp(a))]],
    ['e⁻ᵃ eᵃ = 1', (a) => [mul(exp(neg(a)), exp(a)), 1]],
    ['log eᵃ = a', (a) => [log(exp(a)), a]],
    ['e^log a = a', (a) => [exp(log(a)), a]],
    ['log1p a = log(1 + a)', (a) => [log1p(a), log(add(1, a))]],
    ['σ(a) + σ(−a) = 1', (a) => [add(sigmoid(a), sigmoid(neg(a))), 1]],
    ['σ(a) = 1 / (1 + e⁻ᵃ)', (a) => [sigmoid(a), div(1, add(1, exp(neg(a))))]],
    ['tanh a = 2 σ(2a) − 1', (a) => [tanh(a), sub(mul(2, sigmoid(mul(2, a))), 1)]],
    ['−tanh a = tanh(−a)', (a) => [neg(tanh(a)), tanh(neg(a))]],
    ['relu a = max(a, 0)', (a) => [relu(a), max(a, 0)]],
    ['relu a = a step(a)', (a) => [relu(a), mul(a, step(a))]],
    ['2 relu a = a + |a|', (a) => [mul(2, relu(a)), add(a, abs(a))]],
    ['|a| = |−a|', (a) => [abs(a), abs(neg(a))]],
    ['min + max = a + b', (a, b) => [add(min(a, b), max(a, b)), add(a, b)]],
    ['min(a, b) = −max(−a, −b)', (a, b) => [min(a, b), neg(max(neg(a), neg(b)))]],
    ['select(a, a, 0) = relu a', (a) => [select(a, a, 0), relu(a)]],
    ['relu of a power of e is that', (a) => [relu(exp(a)), exp(a)]],
    [
      'softplus',
      (a) => [add(max(a, 0), log1p(exp(neg(abs(a))))), add(max(a, 0), log(add(1, exp(neg(abs(a))))))],
    ],
  ];

  it.each(holds)('%s, and so do the derivatives', (_name, both) => {
    const { graph } = statement(({ a, b }) => {
      const [left, right] = both(a, b);
      return { left, right };
    });
    for (let seed = 0; seed < 20; seed++) {
      const point = new Point(primes[seed % 3], seed);
      const inputs = { a: { re: point.draw(), du: point.draw() }, b: { re: point.draw(), du: point.draw() } };
      const { left, right } = evaluateInField(graph, point, inputs);
      expect(left).toEqual(right);
    }
  });

  const not: typeof holds = [
    ['eᵃ = eᵇ', (a, b) => [exp(a), exp(b)]],
    ['tanh a = a', (a) => [tanh(a), a]],
    ['a = 1.001 a', (a) => [a, mul(1.001, a)]],
    ['a = (1 + 2⁻⁵²) a', (a) => [a, mul(1 + 2 ** -52, a)]],
    ['√a √b = √(a b)', (a, b) => [mul(sqrt(a), sqrt(b)), sqrt(mul(a, b))]],
    ['relu a = a', (a) => [relu(a), a]],
  ];
  it.each(not)('it is not said that %s', (_name, both) => {
    const { graph } = statement(({ a, b }) => {
      const [left, right] = both(a, b);
      return { left, right };
    });
    const differs = Array.from({ length: 40 }, (_, seed) => {
      const point = new Point(primes[seed % 3], seed);
      const { left, right } = evaluateInField(graph, point, {
        a: { re: point.draw(), du: 0 },
        b: { re: point.draw(), du: 0 },
      });
      return left.re !== right.re;
    });
    expect(differs).toContain(true);
  });

  it('constants are those of the point, also after a division by 0 at another', () => {
    const { graph } = statement(({ a }) => ({ y: scalar.div(0.5, a) }));
    const at = (point: Point, a: number) => evaluateInField(graph, point, { a: { re: a, du: 0 } }).y.re;
    const [point, other] = [new Point(primes[0], 0), new Point(primes[1], 0)];
    const right = at(point, 3);
    expect(() => at(other, 0)).toThrow(NoInverse);
    expect(at(point, 3)).toBe(right);
  });

  it('constants keep the side that they have', () => {
    const { graph } = statement(() => ({
      yes: select(0.5, 1, 2),
      no: select(-0.5, 1, 2),
      zero: select(0, 1, 2),
    }));
    for (let seed = 0; seed < 10; seed++) {
      const results = evaluateInField(graph, new Point(primes[0], seed), {});
      expect([results.yes.re, results.no.re, results.zero.re]).toEqual([1, 2, 2]);
    }
  });
});
