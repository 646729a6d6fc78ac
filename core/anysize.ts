/**
 * Programs for any size, bound once.
 *
 * The bound programs of T steps and of T + 1 steps make the same calls, whose arguments are linear in T: counts, shapes,
 * and positions in arrays. So two of them determine the arguments for every T, and a third one verifies that. A new length
 * then costs a few hundred numbers; nothing is recorded or bound.
 */
import type { Data } from './memory';
import type { Arguments, Replay } from './program';

/** All arrays of a layout, always in the same order. */
export type Arrays = readonly (Data | Int32Array)[];

/** The programs bound for one size. */
export interface Sample {
  size: number;
  arrays: Arrays;
  replays: readonly Replay[];
}

/** An argument that depends on the size, or on where an array is: value + by · size, from the array's start if it has one. */
interface Varying {
  room: Int32Array;
  at: number;
  value: number;
  by: number;
  /** Index of the array. */
  slot?: number;
}

export class AnySize {
  private constructor(
    /** The programs of the first sample, which run for the size that was set last. */
    readonly replays: readonly Replay[],
    private readonly varying: readonly Varying[],
  ) {}

  /** From samples of three sizes; undefined if they differ in more than arguments that are linear in the size. */
  static from(samples: readonly [Sample, Sample, Sample]): AnySize | undefined {
    const [{ replays, arrays }] = samples;
    const varying: Varying[] = [];
    const slots = samples.map((sample) => new Map(sample.arrays.map((array, slot) => [array, slot])));
    const isLinear = replays.every((_, k) => {
      const all = samples.map((sample) => sample.replays[k].args);
      return all.every((args) => args !== undefined) && compare(all, { samples, slots, varying });
    });
    const isSame = samples.every((sample) => sample.arrays.length === arrays.length);
    return isLinear && isSame ? new AnySize(replays, varying) : undefined;
  }

  /** Sets the arguments for a size and a layout of that size. */
  set(size: number, arrays: Arrays): void {
    for (const { room, at, value, by, slot } of this.varying)
      room[at] = value + by * size + (slot === undefined ? 0 : arrays[slot].byteOffset);
  }
}

interface Comparison {
  samples: readonly Sample[];
  /** For each sample, the indices of its arrays. */
  slots: readonly ReadonlyMap<Data | Int32Array, number>[];
  /** Receives the arguments that vary. */
  varying: Varying[];
}

/** Compares the arguments of one program in all samples; false if they are not linear in the size. */
function compare(all: readonly Arguments[], { samples, slots, varying }: Comparison): boolean {
  const [{ given, room }] = all;
  if (all.some((args) => args.given.length !== given.length)) return false;
  const [size, nextSize, lastSize] = samples.map((sample) => sample.size);
  return given.every((_, at) => {
    const [array, ...otherArrays] = all.map((args) => arrayOf(args.given[at]));
    const [slot, ...others] = all.map((args, k) => slotOf(args.given[at], slots[k]));
    if (others.some((other) => other !== slot)) return false;
    // an array that is not in the layout, such as that of the weights, must be the same one
    if (slot === undefined && otherArrays.some((other) => other !== array)) return false;
    const [number, next, last] = all.map((args) => numberOf(args.given[at]));
    const by = (next - number) / (nextSize - size);
    const value = number - by * size;
    if (last !== value + by * lastSize) return false;
    if (by !== 0 || slot !== undefined) varying.push({ room, at, value, by, slot });
    // that of an array outside of the layout remains in its place
    return slot !== undefined || array === undefined || by === 0;
  });
}

type Argument = Arguments['given'][number];

const arrayOf = (arg: Argument): unknown => (typeof arg === 'number' ? undefined : arg.array);
const numberOf = (arg: Argument): number => (typeof arg === 'number' ? arg : arg.bytes);
const slotOf = (arg: Argument, slots: ReadonlyMap<Data | Int32Array, number>): number | undefined =>
  typeof arg === 'number' ? undefined : slots.get(arg.array);
