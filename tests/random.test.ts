import fc from 'fast-check';
import { Random, type RandomState } from '../core/random/random';
import { testErrors } from './errors';

// the same examples in every run: a failure must be there again when it is looked at
fc.configureGlobal({ seed: 20 });

/** xoshiro128** as its authors state it, in whole numbers without a size. */
function* reference(seed: RandomState): Generator<number> {
  const mask = 0xffffffffn;
  const rotate = (x: bigint, k: bigint): bigint => ((x << k) | (x >> (32n - k))) & mask;
  let [a, b, c, d] = seed.map(BigInt);
  for (;;) {
    yield Number((rotate((b * 5n) & mask, 7n) * 9n) & mask);
    const t = (b << 9n) & mask;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = rotate(d, 11n);
  }
}

const word = fc.integer({ min: 0, max: 2 ** 32 - 1 });

describe('words', () => {
  test('from the state 1, 2, 3, 4, the numbers that other implementations give', () => {
    const random = new Random();
    random.state = [1, 2, 3, 4];
    // 2 · 5 = 10, rotated left by 7: 1280, · 9 = 11520; then the second word of the state is 0
    const expected = [11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849];
    expect(expected.map(() => random.word())).toEqual(expected);
  });

  test('follow the definition from any state', () => {
    fc.assert(
      fc.property(fc.tuple(word, word, word, word), (state) => {
        fc.pre(state.some((w) => w !== 0));
        const random = new Random();
        random.state = state;
        const twin = reference(state);
        for (let k = 0; k < 20; k++) expect(random.word()).toBe(twin.next().value);
      }),
    );
  });

  test('one seed, one sequence, for ever: checkpoints depend on it', () => {
    expect(new Random(0).state).toEqual([1684164658, 3653269916, 2939563536, 2141751570]);
    expect(new Random().state).toEqual(new Random(0).state);
    const first = (seed: number): number[] => {
      const random = new Random(seed);
      return [random.word(), random.word()];
    };
    expect([0, 1, 2 ** 32 - 1].map(first)).toEqual([
      [1789933344, 44971166],
      [393288148, 2174103013],
      [4104197751, 1825856343],
    ]);
    const random = new Random(7);
    expect([random.uniform(), random.normal(), random.below(10)]).toEqual([
      0.049009592574554284, -1.8412060672028703, 3,
    ]);
  });

  test('a saved state goes on where it was', () => {
    fc.assert(
      fc.property(word, fc.nat(50), (seed, skipped) => {
        const random = new Random(seed);
        for (let k = 0; k < skipped; k++) random.word();
        const other = new Random();
        other.state = JSON.parse(JSON.stringify(random.state)) as RandomState;
        expect([other.normal(), other.below(9), other.word()]).toEqual([
          random.normal(),
          random.below(9),
          random.word(),
        ]);
      }),
    );
  });

  test('a state that was read does not move with the generator', () => {
    const random = new Random(1);
    const { state } = random;
    random.word();
    expect(random.state).not.toEqual(state);
  });
});

describe('numbers', () => {
  const N = 20000;
  const draws = (draw: (random: Random) => number): number[] => {
    const random = new Random(3);
    return Array.from({ length: N }, () => draw(random));
  };
  const mean = (values: number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;

  test('uniform ones lie in [low, high), evenly', () => {
    const values = draws((random) => random.uniform(-2, 3));
    expect(Math.min(...values)).toBeGreaterThanOrEqual(-2);
    expect(Math.max(...values)).toBeLessThan(3);
    // mean 0.5 and variance 25/12, each within four standard errors
    expect(Math.abs(mean(values) - 0.5)).toBeLessThan(4 * Math.sqrt(25 / 12 / N));
    expect(Math.abs(mean(values.map((v) => (v - 0.5) ** 2)) - 25 / 12)).toBeLessThan(0.06);
  });

  test('uniform ones reach both ends of their 53 bits', () => {
    const random = new Random();
    const lows = (bits: number[]): number => {
      jest.spyOn(random, 'word').mockReturnValueOnce(bits[0]).mockReturnValueOnce(bits[1]);
      return random.uniform();
    };
    expect(lows([0, 0])).toBe(0);
    expect(lows([2 ** 32 - 1, 2 ** 32 - 1])).toBe(1 - 2 ** -53);
  });

  test('normal ones have their mean, deviation and tails', () => {
    const values = draws((random) => random.normal(1, 2));
    expect(Math.abs(mean(values) - 1)).toBeLessThan((4 * 2) / Math.sqrt(N));
    expect(Math.abs(Math.sqrt(mean(values.map((v) => (v - 1) ** 2))) - 2)).toBeLessThan(0.04);
    // 4.55 % lie beyond two deviations, 0.27 % beyond three
    const beyond = (k: number): number => values.filter((v) => Math.abs(v - 1) > 2 * k).length / N;
    expect(Math.abs(beyond(2) - 0.0455)).toBeLessThan(0.006);
    expect(Math.abs(beyond(3) - 0.0027)).toBeLessThan(0.0015);
    expect(values.every(Number.isFinite)).toBe(true);
  });

  test('below n, each number as often as any other', () => {
    const counts = Array<number>(7).fill(0);
    for (const v of draws((random) => random.below(7))) counts[v]++;
    // chi-square with 6 degrees of freedom: beyond 22.5 once in a thousand
    const chi = counts.reduce((sum, n) => sum + (n - N / 7) ** 2 / (N / 7), 0);
    expect(chi).toBeLessThan(22.5);
    expect(new Random().below(1)).toBe(0);
  });

  test('chosen in proportion to weights, never one of weight 0', () => {
    const weights = new Float32Array([0, 1, 0, 3, 0]);
    const counts = Array<number>(5).fill(0);
    for (const v of draws((random) => random.choose(weights))) counts[v]++;
    expect([counts[0], counts[2], counts[4]]).toEqual([0, 0, 0]);
    expect(Math.abs(counts[3] / N - 0.75)).toBeLessThan(4 * Math.sqrt((0.75 * 0.25) / N));
  });

  test('where rounding leaves a rest, the last one with a weight is chosen', () => {
    const random = new Random();
    jest.spyOn(random, 'uniform').mockReturnValue(1);
    expect(random.choose([0.1, 0.2, 0])).toBe(1);
  });
});

test('shuffling keeps every item, in place, in every order', () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), word, (items, seed) => {
      const before = [...items];
      expect(new Random(seed).shuffle(items)).toBe(items);
      expect([...items].sort((a, b) => a - b)).toEqual(before.sort((a, b) => a - b));
    }),
  );
  const random = new Random(4);
  const orders = new Map<string, number>();
  for (let k = 0; k < 6000; k++) {
    const order = random.shuffle(['a', 'b', 'c']).join('');
    orders.set(order, (orders.get(order) ?? 0) + 1);
  }
  expect(orders.size).toBe(6);
  for (const count of orders.values()) expect(Math.abs(count - 1000)).toBeLessThan(4 * Math.sqrt(1000));
});

testErrors(RangeError, [
  [() => new Random(-1), 'random: the seed must be a whole number in 0 … 2^32 - 1, got -1'],
  [() => new Random(1.5), 'got 1.5'],
  [() => new Random(2 ** 32), 'got 4294967296'],
  [() => new Random(NaN), 'got NaN'],
  [() => (new Random().state = [1, 2, 3] as never), 'random: the state must be [4], got [3]'],
  [() => (new Random().state = [0, 0, 0, 0]), 'random: the state must not be all zeros, got 0, 0, 0, 0'],
  [() => new Random().below(0), 'random.below: n must be a whole number >= 1, got 0'],
  [() => new Random().below(2.5), 'got 2.5'],
  [() => new Random().choose([0, 0]), 'random.choose: the weights must have a positive, finite sum, got 0'],
  [() => new Random().choose([1, Infinity]), 'got Infinity'],
  [() => new Random().choose([NaN]), 'got NaN'],
  [() => new Random().choose([]), 'got 0'],
]);
