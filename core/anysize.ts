/**
 * Programs for any size, derived from programs recorded for three sizes.
 *
 * The programs of T steps and of T + 1 steps differ only in the counts of loops and in the shapes and offsets of operands,
 * which are linear in T. So two recordings determine all others, and a third verifies that. The programs of a new length
 * then cost a few numbers for each operand, and no recording.
 */
import ndarray from 'ndarray';
import type { Data } from './memory';
import { classesOf, isOneHot, oneHotData, pitchOf } from './onehot';
import { operandsOf, withOperands, type Entry, type Loop, type Operation } from './operation';
import { Program } from './program';
import type { Tensor } from './tensor';

type Arrays = readonly (Data | Int32Array)[];

/** The programs recorded for one size. */
export interface Sample {
  size: number;
  /** All arrays of the layout, always in the same order. */
  arrays: Arrays;
  programs: readonly Program[];
}

/** A linear function of the size. */
type Linear = (size: number) => number;

/** Finds an array of a layout by its index. */
type Find = (slot: number) => Data;
type Make<T> = (size: number, find: Find) => T;

export class AnySize {
  private constructor(
    private readonly programs: readonly (readonly Make<Entry>[])[],
    /** Distance between rows of one-hot arrays, by index. */
    private readonly pitches: ReadonlyMap<number, number>,
  ) {}

  /** From samples of three sizes; undefined if they differ in more than offsets, shapes and counts. */
  static from(samples: readonly [Sample, Sample, Sample]): AnySize | undefined {
    const reader = new Reader(samples);
    const programs = samples[0].programs.map((_, k) =>
      reader.entries(samples.map(({ programs }) => programs[k].entries)),
    );
    return programs.every((one) => one !== undefined) ? new AnySize(programs, reader.pitches) : undefined;
  }

  /** The programs for a layout of this size with these arrays. */
  at(size: number, arrays: Arrays): Program[] {
    const made: Data[] = [];
    const find = (slot: number): Data => {
      const pitch = this.pitches.get(slot);
      return (made[slot] ??=
        pitch === undefined ? (arrays[slot] as Data) : oneHotData(arrays[slot] as Int32Array, pitch));
    };
    return this.programs.map((entries) => new Program(entries.map((make) => make(size, find))));
  }
}

/** Compares samples. Each method returns undefined if their differences are not linear in the size. */
class Reader {
  readonly pitches = new Map<number, number>();
  private readonly sizes: readonly number[];
  private readonly slots: readonly Map<Data | Int32Array, number>[];

  constructor(samples: readonly Sample[]) {
    this.sizes = samples.map(({ size }) => size);
    this.slots = samples.map(({ arrays }) => new Map(arrays.map((array, slot) => [array, slot])));
  }

  entries(all: readonly (readonly Entry[])[]): Make<Entry>[] | undefined {
    const [first] = all;
    if (all.some(({ length }) => length !== first.length)) return undefined;
    return complete(first.map((_, k) => this.entry(all.map((entries) => entries[k]))));
  }

  private entry(all: readonly Entry[]): Make<Entry> | undefined {
    const loops = all.filter((entry) => entry.kind === 'loop');
    if (loops.length === all.length) return this.loop(loops);
    return loops.length > 0 ? undefined : this.operation(all as readonly Operation[]);
  }

  private loop(all: readonly Loop[]): Make<Loop> | undefined {
    const { body } = all[0];
    const count = this.linear(all.map((loop) => loop.count));
    if (!count || all.some((loop) => loop.body.length !== body.length)) return undefined;
    const each = (which: 'first' | 'next'): Make<Operation>[] | undefined =>
      complete(body.map((_, k) => this.operation(all.map((loop) => loop.body[k][which]))));
    const [firsts, nexts] = [each('first'), each('next')];
    if (!firsts || !nexts) return undefined;
    return (size, find) => ({
      kind: 'loop',
      count: count(size),
      body: firsts.map((first, k) => ({ first: first(size, find), next: nexts[k](size, find) })),
    });
  }

  private operation(all: readonly Operation[]): Make<Operation> | undefined {
    const [first] = all;
    const operands = all.map(operandsOf);
    if (!all.every((one, k) => isLike(first, one) && operands[k].length === operands[0].length))
      return undefined;
    const makes = complete(operands[0].map((_, k) => this.tensor(operands.map((own) => own[k]))));
    if (!makes) return undefined;
    return (size, find) => {
      let at = 0;
      return withOperands(first, () => makes[at++](size, find));
    };
  }

  private tensor(all: readonly Tensor[]): Make<Tensor> | undefined {
    const [first] = all;
    const slots = all.map((t, k) => this.slots[k].get(isOneHot(t) ? classesOf(t) : t.data));
    const [slot] = slots;
    const isSame =
      slots.every((other) => other === slot) &&
      (slot !== undefined || all.every((t) => t.data === first.data)) &&
      all.every((t) => t.shape.length === first.shape.length) &&
      all.every((t) => t.stride.every((n, axis) => n === first.stride[axis]));
    const offset = this.linear(all.map((t) => t.offset));
    const shape = complete(first.shape.map((_, axis) => this.linear(all.map((t) => t.shape[axis]))));
    if (!isSame || !offset || !shape) return undefined;
    if (slot === undefined && all.every((t) => isAsLarge(t, first))) return () => first;
    if (slot !== undefined && isOneHot(first)) this.pitches.set(slot, pitchOf(first));
    const { stride, data } = first;
    return (size, find) =>
      ndarray<Data>(
        slot === undefined ? data : find(slot),
        shape.map((axis) => axis(size)),
        stride,
        offset(size),
      );
  }

  private linear([n, next, ...others]: readonly number[]): Linear | undefined {
    const { sizes } = this;
    const by = (next - n) / (sizes[1] - sizes[0]);
    const of: Linear = (size) => n + by * (size - sizes[0]);
    return others.every((other, k) => other === of(sizes[k + 2])) ? of : undefined;
  }
}

/** The list, or undefined if an element is missing. */
const complete = <T>(all: (T | undefined)[]): T[] | undefined =>
  all.every((one) => one !== undefined) ? all : undefined;

const isAsLarge = (t: Tensor, other: Tensor): boolean =>
  t.offset === other.offset && t.shape.every((n, axis) => n === other.shape[axis]);

/** Whether two operations differ only in their operands. */
function isLike(p: Operation, q: Operation): boolean {
  if (p.kind === 'pointwise') return q.kind === 'pointwise' && p.graph === q.graph;
  if (p.kind === 'reduction')
    return q.kind === 'reduction' && p.what === q.what && p.accumulate === q.accumulate;
  return (
    q.kind === 'product' && p.accumulate === q.accumulate && (p.bias === undefined) === (q.bias === undefined)
  );
}
