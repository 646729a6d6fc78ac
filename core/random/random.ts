/** A seeded random number generator with a state that can be saved: xoshiro128** (Blackman & Vigna 2018). */
import { must, mustBe, mustShape } from '../check';
import { cosOfTurn, log } from './portable';

/** Four 32-bit words. */
export type RandomState = [number, number, number, number];

/**
 * A random number generator: a seed gives the same numbers on every machine, and a saved state continues the sequence.
 *
 * Every draw changes the state. It is not cryptographically secure.
 *
 * Source: Blackman & Vigna 2018, "Scrambled linear pseudorandom number generators"; the seed is spread by splitmix32.
 * @example
 * const random = new Random(7);
 * const { state } = random;
 * const first = random.uniform();
 * random.state = state;
 * random.uniform() === first; // true
 */
export class Random {
  private s: Uint32Array;

  /**
   * @param seed a whole number in 0 … 2³² − 1; the same seed gives the same sequence everywhere.
   * @throws RangeError for any other seed.
   */
  constructor(seed = 0) {
    must(
      Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32,
      'random',
      'the seed must be a whole number in 0 … 2^32 - 1',
      seed,
    );
    // splitmix32 spreads the seed over the four words, so that similar seeds start far apart
    let z = seed;
    this.s = Uint32Array.from({ length: 4 }, () => {
      z = (z + 0x9e3779b9) | 0;
      let x = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
      x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
      return x ^ (x >>> 15);
    });
  }

  /** A copy of the four words of the state. */
  get state(): RandomState {
    return Array.from(this.s) as RandomState;
  }

  /** @throws RangeError unless given four words that are not all zero (zero is a fixed point). */
  set state(words: ArrayLike<number>) {
    mustShape([words.length], [4], 'random', 'the state');
    const s = Uint32Array.from(Array.from(words));
    must(
      s.some((word) => word !== 0),
      'random',
      'the state must not be all zeros',
      '0, 0, 0, 0',
    );
    this.s = s;
  }

  /** A whole number in 0 … 2³² − 1, every one equally likely. */
  word(): number {
    const s = this.s;
    const result = Math.imul(rotate(Math.imul(s[1], 5), 7), 9) >>> 0;
    const t = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 11);
    return result;
  }

  /** A number in [low, high), with 53 random bits. */
  uniform(low = 0, high = 1): number {
    const bits = (this.word() >>> 5) * 67108864 + (this.word() >>> 6);
    return low + (high - low) * (bits / 9007199254740992);
  }

  /** A normally distributed number (Box & Muller 1958). */
  normal(mean = 0, deviation = 1): number {
    const radius = Math.sqrt(-2 * log(1 - this.uniform()));
    return mean + deviation * radius * cosOfTurn(this.uniform());
  }

  /** A whole number in 0 … n − 1. */
  below(n: number): number {
    must(Number.isInteger(n) && n >= 1, 'random.below', 'n must be a whole number >= 1', n);
    return Math.floor(this.uniform() * n);
  }

  /** An index drawn with probability proportional to `weights`. */
  choose(weights: ArrayLike<number>): number {
    let total = 0;
    for (let k = 0; k < weights.length; k++) total += weights[k];
    must(
      total > 0 && Number.isFinite(total),
      'random.choose',
      'the weights must have a positive, finite sum',
      total,
    );
    let rest = this.uniform() * total;
    let last = 0;
    for (let k = 0; k < weights.length; k++) {
      if (weights[k] > 0) last = k;
      rest -= weights[k];
      if (rest < 0) return k;
    }
    return last; // reached only by rounding; never an index of weight 0
  }

  /** Shuffles in place (Fisher–Yates) and returns the same array. */
  shuffle<A extends unknown[] | Uint32Array>(items: A): A {
    for (let k = items.length - 1; k > 0; k--) {
      const other = this.below(k + 1);
      [items[k], items[other]] = [items[other], items[k]];
    }
    return items;
  }
}

/** Throws TypeError unless the value is a generator of random numbers, of this or another copy of the library. */
export function mustBeRandom(random: unknown, where: string): asserts random is Random {
  const fits = typeof random === 'object' && random !== null && 'word' in random;
  mustBe(fits, where, 'random must be a generator', random, 'new Random(seed)');
}

const rotate = (x: number, k: number): number => (x << k) | (x >>> (32 - k));
