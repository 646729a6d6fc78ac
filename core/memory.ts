/**
 * The engine's one memory: reserved once, never grown, so that no view into it is ever detached.
 *
 * The reservation costs address space only; pages are committed by the operating system when first touched.
 * A region belongs to the typed array that `allocate` returned: when that array is collected, the region is free
 * again. The time of collection is unknown, so large temporary arrays are allocated in a lease, which is released
 * explicitly.
 */
import { must } from './check';
import { hasSharedMemory } from './wasm/features';

/** The element type of a tensor; all tensors of a network have the same. */
export type Dtype = 'float32' | 'float64';
/** The array that stores the elements of a tensor. */
export type Data = Float32Array | Float64Array;

const arrays = { float32: Float32Array, float64: Float64Array, int32: Int32Array };

const PAGE = 65536;
/** Every region starts on a cache line, which also aligns it for SIMD. */
const ALIGNMENT = 64;
const DEFAULT_MEGABYTES = 1024;
/** Kernels compute addresses of 32 bits. A 64-bit memory would need a second version of each, with addresses of another type. */
const MOST_MEGABYTES = 4096;
/**
 * If a reservation fails, it is halved repeatedly down to this size, before the engine falls back to ordinary arrays.
 */
const SMALLEST_MEGABYTES = 16;

interface Region {
  start: number;
  end: number;
}

/** Bytes `from`…`to` (exclusive). */
export interface ByteRange {
  from: number;
  to: number;
}

/** The allocations made while `Memory.lease` runs. */
interface Lease {
  arrays: (Data | Int32Array)[];
  /** Releases of the leases that began inside this one. */
  inner: Set<() => void>;
  reclaim: () => boolean;
}

export class Memory {
  readonly buffer: ArrayBuffer | SharedArrayBuffer;
  /** Absent if no WebAssembly memory could be reserved: arrays are then ordinary ones, and `note` gives the reason. */
  readonly wasm: WebAssembly.Memory | undefined;
  readonly note: string;
  /** Free regions in ascending order, no two adjacent. */
  private readonly free: Region[];
  private touched = ALIGNMENT; // all bytes above have never been allocated, so they are still zero
  private readonly owners: FinalizationRegistry<Region>;
  private readonly regions = new WeakMap<Data | Int32Array, Region>();
  private readonly fill: ((at: number, value: number, bytes: number) => void) | undefined;
  /** The innermost lease in progress. */
  private leasing: Lease | undefined;
  /** The arena of allocations while `Arena.lay` runs. */
  private arena: Arena | undefined;

  /**
   * @param megabytes size of the reservation; smaller ones are tried if it fails.
   * @throws RangeError unless 1 ≤ megabytes ≤ 4096.
   */
  constructor(megabytes = DEFAULT_MEGABYTES) {
    must(
      megabytes >= 1 && megabytes <= MOST_MEGABYTES,
      'memory',
      'the reservation must be 1…4096 MB',
      megabytes,
      megabytes > MOST_MEGABYTES ? 'the addresses of kernels have 32 bits' : 'BACKSTEP_MEMORY_MB',
    );
    const reserved = reserve(megabytes);
    this.wasm = reserved.wasm;
    this.note = reserved.note;
    this.fill = reserved.wasm && filling(reserved.wasm);
    this.buffer = reserved.wasm ? reserved.wasm.buffer : new ArrayBuffer(0);
    // address 0 stays unused, so that 0 can mean "none"
    this.free = reserved.wasm ? [{ start: ALIGNMENT, end: this.buffer.byteLength }] : [];
    this.owners = new FinalizationRegistry((region) => this.release(region));
  }

  /**
   * A zeroed array of `length` elements in engine memory, aligned to 64 bytes.
   * @param isWritten says that all elements are written before they are read: in an arena, they are then not zeroed.
   * @throws RangeError when the memory is full, naming how to reserve more.
   */
  allocate(length: number, dtype: Dtype, isWritten?: boolean): Data;
  allocate(length: number, dtype: 'int32', isWritten?: boolean): Int32Array;
  allocate(length: number, dtype: Dtype | 'int32', isWritten = false): Data | Int32Array {
    const View = arrays[dtype];
    if (!this.wasm) return new View(length);
    const bytes = aligned(length * View.BYTES_PER_ELEMENT);
    if (this.arena) {
      const start = this.arena.take(bytes, isWritten);
      const data = new View(this.buffer as ArrayBuffer, start ?? 0, start === undefined ? 0 : length);
      this.arena.arrays.push(data);
      return data;
    }
    const find = (): Region | undefined => this.free.find(({ start, end }) => end - start >= bytes);
    let gap = find();
    while (!gap && this.leasing?.reclaim()) gap = find();
    must(
      gap !== undefined,
      'memory',
      `the engine's ${this.buffer.byteLength / 2 ** 20} MB must have room for ${(bytes / 2 ** 20).toFixed(1)} MB more`,
      `${(this.used() / 2 ** 20).toFixed(1)} MB in use`,
      'a smaller batch or checkpointEvery needs less; networks that are no longer used are freed only while the program awaits; BACKSTEP_MEMORY_MB, set before the first tensor, gives up to 4096',
    );
    const region = { start: gap.start, end: gap.start + bytes };
    gap.start = region.end;
    if (gap.start === gap.end) this.free.splice(this.free.indexOf(gap), 1);

    const data = new View(this.buffer as ArrayBuffer, region.start, length);
    const old = (this.touched - region.start) / data.BYTES_PER_ELEMENT;
    if (old > 0) this.zero(data, 0, Math.min(length, old));
    this.touched = Math.max(this.touched, region.end);
    this.owners.register(data, region, data);
    this.regions.set(data, region);
    this.leasing?.arrays.push(data);
    return data;
  }

  /** Frees all of an array but its first `bytes`, beyond which it must not be used any more. */
  shorten(data: Data, bytes: number): void {
    const region = this.regions.get(data) as Region;
    const end = region.start + aligned(bytes);
    if (end < region.end) this.release({ start: end, end: region.end });
    region.end = end;
  }

  /**
   * Runs `make` and collects its allocations, including those of inner leases: `release` frees all of them at once,
   * and arrays that are still referenced then alias new data. If `make` throws, they are freed, too.
   * @param reclaim is called when memory is full: it frees memory and returns true, or returns false if it cannot.
   */
  lease<R>(make: () => R, reclaim = (): boolean => false): { made: R; release: () => void } {
    const outer = this.leasing;
    const lease: Lease = { arrays: [], inner: new Set(), reclaim };
    const release = (): void => {
      outer?.inner.delete(release);
      for (const data of lease.arrays.splice(0)) {
        this.owners.unregister(data);
        this.release(this.regions.get(data) as Region);
      }
      for (const give of [...lease.inner]) give();
    };
    outer?.inner.add(release);
    try {
      return { made: this.during(lease, make), release };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Runs `make`, whose allocations are freed at its end: its result must not refer to them. */
  borrow<R>(make: () => R): R {
    const { made, release } = this.lease(make);
    release();
    return made;
  }

  /** Runs `make` outside of every lease and arena: its allocations outlive them. */
  apart<R>(make: () => R): R {
    return this.own(() => this.during(undefined, make));
  }

  /** Runs `make` outside of an arena, so that no other layout overwrites its allocations. */
  own<R>(make: () => R): R {
    return this.within(undefined, make);
  }

  /** Runs `make` with all allocations in an arena, or in none if undefined. */
  within<R>(arena: Arena | undefined, make: () => R): R {
    const outer = this.arena;
    this.arena = arena;
    try {
      return make();
    } finally {
      this.arena = outer;
    }
  }

  /** Bytes in use; 0 if arrays are ordinary ones. */
  used(): number {
    if (!this.wasm) return 0;
    return (
      this.buffer.byteLength - ALIGNMENT - this.free.reduce((sum, { start, end }) => sum + end - start, 0)
    );
  }

  /** Whether a contiguous region of this size is free. */
  hasRoom(bytes: number): boolean {
    return this.free.some(({ start, end }) => end - start >= bytes);
  }

  /** Sets the elements `from`…`to` (exclusive) of an array, here or elsewhere, to zero; default all. */
  zero(data: Data | Int32Array, from = 0, to = data.length): void {
    const { byteOffset, BYTES_PER_ELEMENT: size } = data;
    if (this.fill && this.holds(data)) this.fill(byteOffset + from * size, 0, (to - from) * size);
    else data.fill(0, from, to);
  }

  /** True when `data` lies in this memory, so that a kernel can reach it by address. */
  holds(data: ArrayBufferView): boolean {
    return data.buffer === this.buffer;
  }

  private during<R>(lease: Lease | undefined, make: () => R): R {
    const outer = this.leasing;
    this.leasing = lease;
    try {
      return make();
    } finally {
      this.leasing = outer;
    }
  }

  private release({ start, end }: Region): void {
    const { free } = this;
    const found = free.findIndex((gap) => gap.start > start);
    const at = found < 0 ? free.length : found;
    const [before, after] = [free[at - 1] as Region | undefined, free[at] as Region | undefined];
    const [joinsBefore, joinsAfter] = [before?.end === start, after?.start === end];
    if (before && joinsBefore) {
      before.end = after && joinsAfter ? after.end : end;
      if (joinsAfter) free.splice(at, 1);
    } else if (after && joinsAfter) after.start = start;
    else free.splice(at, 0, { start, end });
  }
}

/** Bytes of a region with room for `bytes`. */
const aligned = (bytes: number): number => Math.max(ALIGNMENT, Math.ceil(bytes / ALIGNMENT) * ALIGNMENT);

/** Room for the first layout of an arena, before its size is known, where so much as `PLENTY` is free. */
const FIRST = 2 ** 20;
const PLENTY = 16 * FIRST;
/** Minimum growth of an arena, so that gradually increasing sizes do not force a new layout each time. */
const GROWTH = 1.25;

/**
 * Memory that layouts of many sizes share, one at a time. Every layout starts at its beginning, so its size is that
 * of the largest.
 *
 * A layout that takes it over finds the data of the previous one there.
 */
export class Arena {
  /** Allocations of the latest layout, in order. */
  arrays: (Data | Int32Array)[] = [];
  /** Their bytes. */
  private sizes: number[] = [];
  private lease: { made: Data; release: () => void } | undefined;
  /** Bytes of the lease. */
  private capacity = 0;
  private taken = 0;
  /** The parts of the latest layout that are zero at its start. */
  private zeroed: ByteRange[] = [];
  /** Whether it was allocated for the latest layout, and so holds zeros. */
  private isNew = false;

  constructor(private readonly memory: Memory) {}

  /** Runs `make` without memory: its arrays are empty, and serve only as identities. `sizes` are their bytes. */
  static sketch<R>(
    memory: Memory,
    make: (arena: Arena) => R,
  ): { made: R; arrays: readonly (Data | Int32Array)[]; sizes: readonly number[] } {
    const arena = new Arena(memory);
    const made = arena.run(() => make(arena));
    return { made, arrays: arena.arrays, sizes: arena.sizes };
  }

  /**
   * Runs `make` with its allocations in the arena. If they do not fit, all earlier layouts are discarded, the memory
   * is replaced by a larger one, and `make` runs again. A small first layout fits: it gets the memory that it takes.
   * @param giveUp discards all layouts, including that of the first run.
   * @param reclaim as in `Memory.lease`.
   * @returns the result of `make`, and the parts of the layout that `clear` zeroes.
   */
  lay<R>(make: () => R, giveUp: () => void, reclaim: () => boolean): { made: R; zeroed: ByteRange[] } {
    const { memory } = this;
    const isFirst = !this.lease && memory.hasRoom(PLENTY);
    if (isFirst) this.reserve(FIRST, reclaim);
    let made = this.run(make, isFirst);
    const bytes = this.taken;
    const fits = bytes <= this.capacity;
    this.isNew = isFirst || !fits;
    if (!fits) {
      const roomy = Math.max(bytes, aligned(GROWTH * this.capacity));
      giveUp();
      this.lease?.release();
      this.reserve(memory.hasRoom(roomy) ? roomy : bytes, reclaim);
      made = this.run(make);
    }
    return { made, zeroed: this.zeroed };
  }

  /** Zeroes these parts, for a layout that takes over from another one. */
  clear(zeroed: readonly ByteRange[]): void {
    if (!this.isNew && this.lease)
      for (const { from, to } of zeroed) this.memory.zero(this.lease.made, from / 8, to / 8);
    this.isNew = false;
  }

  /** The address of the next `bytes`; undefined if they do not fit. */
  take(bytes: number, isWritten = false): number | undefined {
    const at = this.taken;
    this.taken += bytes;
    const last = this.zeroed.at(-1);
    if (last?.to === at && !isWritten) last.to = this.taken;
    else if (!isWritten) this.zeroed.push({ from: at, to: this.taken });
    this.sizes.push(bytes);
    return this.lease && this.taken <= this.capacity ? this.lease.made.byteOffset + at : undefined;
  }

  private reserve(bytes: number, reclaim: () => boolean): void {
    this.lease = undefined;
    this.capacity = 0;
    this.lease = this.memory.lease(() => this.memory.allocate(bytes / 8, 'float64'), reclaim);
    this.capacity = bytes;
  }

  /** @param trim frees the memory that `make` leaves. */
  private run<R>(make: () => R, trim = false): R {
    this.taken = 0;
    this.arrays = [];
    this.sizes = [];
    this.zeroed = [];
    try {
      return this.memory.within(this, make);
    } finally {
      if (trim && this.lease) {
        this.capacity = Math.min(this.capacity, aligned(this.taken));
        this.memory.shorten(this.lease.made, this.capacity);
      }
    }
  }
}

function reserve(megabytes: number): { wasm?: WebAssembly.Memory; note: string } {
  if (typeof WebAssembly === 'undefined') return { note: 'no WebAssembly here: ordinary arrays' };
  const least = Math.min(SMALLEST_MEGABYTES, megabytes);
  for (let size = megabytes; size >= least; size = Math.floor(size / 2)) {
    const pages = Math.ceil((size * 2 ** 20) / PAGE);
    try {
      const wasm = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: hasSharedMemory() });
      return { wasm, note: size === megabytes ? '' : `${megabytes} MB could not be reserved: ${size} MB` };
    } catch {
      continue; // a smaller reservation may still fit
    }
  }
  return { note: `not even ${least} MB of WebAssembly memory could be reserved: ordinary arrays` };
}

/**
 * `memory.fill` as a function, or undefined if it cannot be compiled. It is six times as fast as `fill` of a typed array,
 * which stores the elements of shared memory one by one.
 */
function filling(
  memory: WebAssembly.Memory,
): ((at: number, value: number, bytes: number) => void) | undefined {
  const limits = memory.buffer instanceof ArrayBuffer ? 1 : 3; // with a maximum; shared
  const bytes = new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...[1, 7, 1, 0x60, 3, 0x7f, 0x7f, 0x7f, 0], // type: three i32
    ...[2, 11, 1, 1, 0x6d, 1, 0x6d, 2, limits, 0, 0x80, 0x80, 4], // import: memory m.m of up to 65,536 pages
    ...[3, 2, 1, 0],
    ...[7, 8, 1, 4, 0x66, 0x69, 0x6c, 0x6c, 0, 0], // export: fill
    ...[10, 13, 1, 11, 0, 0x20, 0, 0x20, 1, 0x20, 2, 0xfc, 11, 0, 0x0b], // memory.fill(at, value, bytes)
  ]);
  try {
    const { fill } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { m: { m: memory } }).exports;
    return fill as (at: number, value: number, bytes: number) => void;
  } catch {
    return undefined; // a page may forbid compiling
  }
}

let shared: Memory | undefined;

/**
 * The engine memory of this process, reserved at the first call.
 * @param megabytes size of that reservation; default BACKSTEP_MEMORY_MB, else 1024.
 */
export function engineMemory(megabytes?: number): Memory {
  if (!shared) {
    const wanted = typeof process === 'undefined' ? undefined : process.env.BACKSTEP_MEMORY_MB;
    shared = new Memory(megabytes ?? (wanted === undefined ? DEFAULT_MEGABYTES : Number(wanted)));
  }
  return shared;
}

/**
 * Reserves the engine's memory, with another size than the default of 1024 MB. It must be called before the first tensor or
 * network, and also holds for worker threads that start later. BACKSTEP_MEMORY_MB does the same without code.
 *
 * Address space is reserved at once; the system assigns memory when it is used. More than 4096 MB is impossible, because
 * kernels compute addresses of 32 bits: a smaller batch, or `checkpointEvery`, needs less.
 *
 * @returns the size in MB; smaller than requested if the system has no such address space.
 * @throws RangeError unless 1 ≤ megabytes ≤ 4096, or if memory of another size has been reserved.
 * @example
 * reserveMemory(1024); // 1024
 */
export function reserveMemory(megabytes: number): number {
  const now = shared && shared.buffer.byteLength / 2 ** 20;
  must(
    now === undefined || now === megabytes,
    'reserveMemory',
    'memory must be reserved before the first tensor or network',
    `${now} MB`,
    'already reserved',
  );
  const { buffer } = engineMemory(megabytes);
  if (typeof process !== 'undefined') process.env.BACKSTEP_MEMORY_MB = String(megabytes);
  return buffer.byteLength / 2 ** 20;
}
