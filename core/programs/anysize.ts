/**
 * Programs for any size, bound once.
 *
 * The bound programs of T steps and of T + 1 steps make the same calls, whose arguments are linear in T: counts, shapes,
 * and positions in arrays. So two of them determine the arguments for every T, and a third one verifies that. With the
 * length S of a source the arguments are linear in each of both, and four programs determine them. A new length then
 * costs a few hundred numbers; nothing is recorded or bound.
 */
import type { Data } from '../memory';
import type { Arguments, Replay } from './program';

/** All arrays of a layout, always in the same order. */
export type Arrays = readonly (Data | Int32Array)[];

/** The programs bound for some sizes. */
export interface BoundSample {
  /** T, or T and S. */
  sizes: readonly number[];
  arrays: Arrays;
  replays: readonly Replay[];
}

/**
 * An argument that depends on the sizes, or on where an array is: Σ factors[k] · terms[k], from the array's start if it has
 * one.
 */
interface Varying {
  room: Int32Array;
  at: number;
  factors: readonly number[];
  /** Index of the array. */
  slot?: number;
}

export class AnySize {
  private constructor(
    /** The programs of the first sample, which run for the sizes that were set last. */
    readonly replays: readonly Replay[],
    private readonly origin: readonly number[],
    private readonly varying: readonly Varying[],
  ) {}

  /** The sizes of the samples that `from` needs: each size is that of the origin or one more. */
  static corners(origin: readonly number[]): number[][] {
    return Array.from({ length: 2 ** origin.length }, (_, corner) =>
      origin.map((size, axis) => size + ((corner >> axis) & 1)),
    );
  }

  /**
   * From samples of these corners, verified against a known sample of other sizes; undefined if they differ in more than
   * arguments that are linear in each size.
   */
  static from(corners: readonly BoundSample[], known: BoundSample): AnySize | undefined {
    const [{ replays, arrays, sizes: origin }] = corners;
    const samples = [...corners, known];
    const varying: Varying[] = [];
    const slots = samples.map((sample) => new Map(sample.arrays.map((array, slot) => [array, slot])));
    const terms = termsOf(known.sizes, origin);
    const isLinear = replays.every((_, k) => {
      const all = samples.map((sample) => sample.replays[k].args);
      return all.every((args) => args !== undefined) && compare(all, { terms, slots, varying });
    });
    const isSame = samples.every((sample) => sample.arrays.length === arrays.length);
    return isLinear && isSame ? new AnySize(replays, origin, varying) : undefined;
  }

  /** Sets the arguments for these sizes, and a layout of them. */
  set(sizes: readonly number[], arrays: Arrays): void {
    const terms = termsOf(sizes, this.origin);
    for (const { room, at, factors, slot } of this.varying)
      room[at] = valueOf(factors, terms) + (slot === undefined ? 0 : arrays[slot].byteOffset);
  }
}

/** The products of the distances from the origin, along all axes of each corner: 1, t; or 1, t, s, ts. */
function termsOf(sizes: readonly number[], origin: readonly number[]): number[] {
  let terms = [1];
  sizes.forEach((size, axis) => (terms = [...terms, ...terms.map((term) => term * (size - origin[axis]))]));
  return terms;
}

function valueOf(factors: readonly number[], terms: readonly number[]): number {
  let sum = 0;
  for (let k = 0; k < factors.length; k++) sum += factors[k] * terms[k];
  return sum;
}

/** The factors of the terms, from the values at the corners. */
function factorsOf(corners: readonly number[]): number[] {
  const factors = [...corners];
  for (let axis = 1; axis < factors.length; axis *= 2)
    for (let k = factors.length - 1; k >= 0; k--) if (k & axis) factors[k] -= factors[k ^ axis];
  return factors;
}

interface Comparison {
  /** Those of the known sample. */
  terms: readonly number[];
  /** For each sample, the indices of its arrays. */
  slots: readonly ReadonlyMap<Data | Int32Array, number>[];
  /** Receives the arguments that vary. */
  varying: Varying[];
}

/** Compares the arguments of one program in all samples, the known one last; false if they are not linear in each size. */
function compare(all: readonly Arguments[], { terms, slots, varying }: Comparison): boolean {
  const [{ given, room }] = all;
  if (all.some((args) => args.given.length !== given.length)) return false;
  return given.every((_, at) => {
    const [array, ...otherArrays] = all.map((args) => arrayOf(args.given[at]));
    const [slot, ...others] = all.map((args, k) => slotOf(args.given[at], slots[k]));
    if (others.some((other) => other !== slot)) return false;
    // an array that is not in the layout, such as that of the weights, must be the same one
    if (slot === undefined && otherArrays.some((other) => other !== array)) return false;
    const values = all.map((args) => numberOf(args.given[at]));
    const factors = factorsOf(values.slice(0, -1));
    if (values[values.length - 1] !== valueOf(factors, terms)) return false;
    const varies = factors.some((factor, k) => k > 0 && factor !== 0);
    if (varies || slot !== undefined) varying.push({ room, at, factors, slot });
    // an address in an array outside of the layout must not vary
    return slot !== undefined || array === undefined || !varies;
  });
}

type Argument = Arguments['given'][number];

const arrayOf = (arg: Argument): unknown => (typeof arg === 'number' ? undefined : arg.array);
const numberOf = (arg: Argument): number => (typeof arg === 'number' ? arg : arg.bytes);
const slotOf = (arg: Argument, slots: ReadonlyMap<Data | Int32Array, number>): number | undefined =>
  typeof arg === 'number' ? undefined : slots.get(arg.array);
