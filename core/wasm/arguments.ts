/**
 * The arguments of all calls of a bound program, in one array of the engine's memory. Calls read them when they run, so
 * the same calls run the program for another size, or on other arrays, once its arguments are set.
 */
import type { Data, Memory } from '../memory';
import { classesOf, isOneHot } from '../onehot';
import type { Tensor } from '../tensor';

/** A number, or the byte address of an array's element. */
export type Argument = number | Address;

/** The address `bytes` after the start of an array. */
export interface Address {
  array: Data | Int32Array;
  bytes: number;
}

/** The address of a tensor's first element; for class numbers, that of row 0. */
export const addressOf = (t: Tensor): Address =>
  isOneHot(t)
    ? { array: classesOf(t), bytes: 0 }
    : { array: t.data, bytes: t.offset * t.data.BYTES_PER_ELEMENT };

export class Arguments {
  /** Read by the calls. */
  readonly room: Int32Array;
  /** The same arguments as they were given. */
  readonly given: Argument[] = [];

  /** @param size upper bound of their number. */
  constructor(memory: Memory, size: number) {
    this.room = size === 0 ? new Int32Array(0) : memory.own(() => memory.allocate(size, 'int32'));
  }

  /** Adds arguments and returns the index of the first. */
  put(args: readonly Argument[]): number {
    const at = this.given.length;
    for (const arg of args) {
      this.room[this.given.length] = typeof arg === 'number' ? arg : arg.array.byteOffset + arg.bytes;
      this.given.push(arg);
    }
    return at;
  }
}
