/** Patterns of +1 and −1: validation, random generation, corruption. */
import { isNumber, must, mustBe, mustCount } from '../core/check';
import { mustBeRandom, type Random } from '../core/random/random';
import { isTensor, tensor, toFlat, type Tensor } from '../core/tensor';

/** One state of all units: +1 or −1 each. */
export type HopfieldState = Int8Array;
/** Patterns as a list of lists, or as a tensor [P, N]. */
export type HopfieldPatterns = readonly ArrayLike<number>[] | Tensor;

/**
 * Copies patterns into a new tensor [P, N].
 * @throws TypeError unless given a list or a tensor; RangeError for no patterns, unequal lengths or values other than ±1.
 */
export function readPatterns(given: HopfieldPatterns, where: string): Tensor {
  mustBe(Array.isArray(given) || isTensor(given), where, 'patterns must be a list or a tensor', given);
  if (isTensor(given)) must(given.shape.length === 2, where, 'patterns must be [P, N]', given.shape);
  const lists: readonly ArrayLike<number>[] = isTensor(given)
    ? Array.from({ length: given.shape[0] }, (_, k) => toFlat(given.pick(k)))
    : given;
  must(lists.length > 0, where, 'there must be at least one pattern', 'none');
  const N = lists[0]?.length;
  const states = lists.map((list, k) => readState(list, N, where, `pattern ${k}`, 'the units of pattern 0'));
  return tensor(states.map((state) => Array.from(state)));
}

/** A copy of one pattern of N units, validated. */
export function readState(
  given: ArrayLike<number>,
  N: number,
  where: string,
  name: string,
  why: string,
): HopfieldState {
  mustBe(typeof given === 'object' && given !== null, where, `${name} must be a list`, given);
  must(given.length === N && N > 0, where, `${name} must hold ${N || 1} units`, given.length, why);
  for (let i = 0; i < N; i++) {
    const fits = given[i] === 1 || given[i] === -1;
    if (!fits) must(false, where, `${name} must be of +1 and -1`, `${given[i]} at unit ${i}`);
  }
  return Int8Array.from(given);
}

/**
 * Patterns drawn at random: each unit is +1 or −1 with equal probability.
 * @throws RangeError for counts below 1.
 * @example randomPatterns(3, 100, new Random(1)).length // 3
 */
export function randomPatterns(count: number, units: number, random: Random): HopfieldState[] {
  mustCount(count, 'randomPatterns', 'count');
  mustCount(units, 'randomPatterns', 'units');
  mustBeRandom(random, 'randomPatterns');
  const draw = (): number => (random.word() < 2 ** 31 ? 1 : -1);
  return Array.from({ length: count }, () => Int8Array.from({ length: units }, draw));
}

/**
 * A copy of a pattern with a given fraction of its units flipped, chosen at random; their number is rounded.
 * @throws RangeError unless 0 ≤ fraction ≤ 1.
 * @example corrupt([1, 1, 1, 1], 0.5, new Random(1)) // two of the four are −1
 */
export function corrupt(pattern: ArrayLike<number>, fraction: number, random: Random): HopfieldState {
  must(
    isNumber(fraction) && fraction >= 0 && fraction <= 1,
    'corrupt',
    'the fraction of flipped units must be in 0 … 1',
    fraction,
  );
  mustBeRandom(random, 'corrupt');
  const state = readState(pattern, pattern.length, 'corrupt', 'the pattern', 'its own length');
  const units = random.shuffle(Array.from(state.keys()));
  for (const unit of units.slice(0, Math.round(fraction * units.length))) state[unit] *= -1;
  return state;
}
