import { join } from 'node:path';
import type * as memoryModule from '../core/memory';
import { Arena, Memory, type Data } from '../core/memory';
import { Random } from '../core/random/random';
import { run } from './outside';

const MB = 2 ** 20;

describe('allocation', () => {
  const memory = new Memory(1);

  test('gives zeroed, aligned stretches that share nothing', () => {
    const parts = [
      memory.allocate(3, 'float64'),
      memory.allocate(100, 'float32'),
      memory.allocate(8, 'float64'),
    ];
    parts.forEach((part, k) => part.fill(k + 1));
    parts.forEach((part, k) => expect(new Set(part)).toEqual(new Set([k + 1])));
    for (const part of parts) {
      expect(part.byteOffset % 64).toBe(0);
      expect(part.byteOffset).toBeGreaterThan(0); // address 0 means "none"
      expect(memory.holds(part)).toBe(true);
    }
    expect(parts.map((part) => part.BYTES_PER_ELEMENT)).toEqual([8, 4, 8]);
    expect(memory.holds(new Float64Array(3))).toBe(false);
  });

  test('counts what is in use: whole multiples of 64 bytes, nothing at first', () => {
    const fresh = new Memory(1);
    expect(fresh.used()).toBe(0);
    const parts = [fresh.allocate(9, 'float64'), fresh.allocate(0, 'float32'), fresh.allocate(16, 'float32')];
    expect(fresh.used()).toBe(128 + 64 + 64);
    expect(parts.map((part) => part.length)).toEqual([9, 0, 16]);
  });

  test('says what is full, what was asked for and what to do', () => {
    const full = new Memory(1);
    const half = full.allocate(MB / 16, 'float64');
    expect(() => full.allocate(MB / 8, 'float64')).toThrow(
      "memory: the engine's 1 MB must have room for 1.0 MB more, got 0.5 MB in use " +
        '(a smaller batch or checkpointEvery needs less; networks that are no longer used are freed only while the program awaits; BACKSTEP_MEMORY_MB, set before the first tensor, gives up to 4096)',
    );
    expect(half).toHaveLength(MB / 16);
  });

  test('zeroes exactly the elements asked for, in any array', () => {
    const own = new Memory(1);
    const arrays = [
      own.allocate(9, 'float32'),
      own.allocate(9, 'float64'),
      own.allocate(9, 'int32'),
      new Float64Array(9),
    ];
    for (const array of arrays) {
      array.fill(7);
      own.zero(array, 2, 5);
      expect([...array]).toEqual([7, 7, 0, 0, 0, 7, 7, 7, 7]);
    }
    own.zero(arrays[0]);
    expect([...arrays[0]]).toEqual(Array(9).fill(0));
    expect([...arrays[1]].filter((n) => n === 7)).toHaveLength(6);
  });

  test('a reservation of more than 4 GB is refused with the reason', () => {
    expect(() => new Memory(4097)).toThrow(
      'memory: the reservation must be 1…4096 MB, got 4097 (the addresses of kernels have 32 bits)',
    );
  });

  test.each([0, 0.5, NaN, -1])('a reservation of %d MB is refused', (megabytes) => {
    expect(() => new Memory(megabytes)).toThrow(
      `memory: the reservation must be 1…4096 MB, got ${megabytes} (BACKSTEP_MEMORY_MB)`,
    );
  });
});

test('the memory cannot grow, so no view is ever detached', () => {
  const memory = new Memory(2);
  const { buffer } = memory;
  const first = memory.allocate(10, 'float64').fill(7);
  const kept: Data[] = [];
  for (let k = 0; k < 100; k++) kept.push(memory.allocate(1000, 'float64'));
  expect(() => memory.wasm?.grow(1)).toThrow();
  expect(memory.buffer).toBe(buffer);
  expect(memory.wasm?.buffer).toBe(buffer);
  expect([first.length, first[9], kept.length]).toEqual([10, 7, 100]);
});

test('what is no longer reachable is handed out again, zeroed, and neighboring gaps become one', () => {
  const script = ['--expose-gc', '-r', join(__dirname, '../scripts/register.js'), join(__dirname, 'gaps.ts')];
  expect(JSON.parse(run(process.execPath, script))).toEqual({
    full: expect.stringContaining('must have room') as string,
    twoGone: true,
    apart: expect.stringContaining('must have room') as string,
    threeGone: true,
    place: 2,
    zeroed: true,
    kept: true,
  });
});

describe('a lease', () => {
  const half = MB / 16; // float64 numbers in half of 1 MB

  test('is returned at once, and handed out again, zeroed', () => {
    const memory = new Memory(1);
    for (let k = 0; k < 100; k++) {
      const { made, release } = memory.lease(() => memory.allocate(half + 1, 'float64'));
      expect(new Set(made)).toEqual(new Set([0]));
      made.fill(k + 1);
      release();
      release(); // again: nothing is left to return
      expect(memory.used()).toBe(0);
    }
  });

  test('is returned when what makes it fails', () => {
    const memory = new Memory(1);
    const kept = memory.allocate(8, 'float64');
    const make = (): void => {
      memory.allocate(half, 'float64');
      memory.allocate(half, 'float64');
    };
    expect(() => memory.lease(make)).toThrow('must have room');
    expect(memory.used()).toBe(8 * kept.length);
  });

  test('holds what was allocated while it ran, in leases of its own as well, but for what is set apart', () => {
    const memory = new Memory(1);
    const before = memory.allocate(8, 'float64').fill(1);
    const { made, release } = memory.lease(() => {
      memory.allocate(8, 'float32');
      memory.lease(() => memory.allocate(8, 'float64')).release();
      const inner = memory.lease(() => memory.allocate(8, 'float64'));
      return { inner, apart: memory.apart(() => memory.allocate(8, 'float64').fill(2)) };
    });
    const after = memory.allocate(8, 'float64').fill(3);
    expect(memory.used()).toBe(5 * 64);
    release();
    expect(memory.used()).toBe(3 * 64);
    made.inner.release(); // has been returned
    memory.allocate(half, 'float64').fill(4);
    const all = [before, made.apart, after].map((data) => [...new Set(data)]);
    expect(all).toEqual([[1], [2], [3]]);
  });

  test('is returned at the end of what only borrows', () => {
    const memory = new Memory(1);
    for (let k = 0; k < 10; k++)
      expect(memory.borrow(() => memory.allocate(half + 1, 'float64').length)).toBe(half + 1);
    expect(memory.used()).toBe(0);
  });

  test('asks for room until there is enough, or none to be had', () => {
    const memory = new Memory(1);
    const part = half / 2 - 8; // the first 64 bytes are never handed out
    const olds = Array.from({ length: 4 }, () => memory.lease(() => memory.allocate(part, 'float64')));
    const asked: number[] = [];
    const reclaim = (): boolean => {
      const old = olds.shift();
      old?.release();
      return asked.push(olds.length) > 0 && old !== undefined;
    };
    const { made, release } = memory.lease(() => memory.allocate(2 * part, 'float64'), reclaim);
    expect([made.length, asked]).toEqual([2 * part, [3, 2]]);
    expect(() => memory.lease(() => memory.allocate(2 * half, 'float64'), reclaim)).toThrow('must have room');
    expect(asked).toEqual([3, 2, 1, 0, 0]);
    release();
    expect(memory.used()).toBe(0);
  });

  test('gaps become one, in whatever order they are returned', () => {
    const random = new Random(3);
    const memory = new Memory(1);
    for (let round = 0; round < 50; round++) {
      const count = 1 + random.below(12);
      const held = Array.from({ length: count }, () =>
        memory.lease(() => [1, 2].map(() => memory.allocate(random.below(2000), 'float64'))),
      );
      const sum = memory.used();
      expect(sum).toBe(
        held
          .flatMap(({ made }) => made)
          .reduce((bytes, { length }) => bytes + 64 * Math.max(1, Math.ceil(length / 8)), 0),
      );
      while (held.length > 0) held.splice(random.below(held.length), 1)[0].release();
      expect(memory.used()).toBe(0);
      const whole = memory.lease(() => memory.allocate((MB - 64) / 8, 'float64'));
      expect(whole.made).toHaveLength((MB - 64) / 8);
      whole.release();
    }
  });
});

describe('where little or no WebAssembly memory can be had', () => {
  afterEach(() => jest.restoreAllMocks());

  /** Makes reservations above this number of MB fail. */
  const limit = (megabytes: number): void => {
    const { Memory: Real } = WebAssembly;
    jest.spyOn(WebAssembly, 'Memory').mockImplementation((descriptor) => {
      if (descriptor.initial * 65536 > megabytes * MB) throw new RangeError('could not allocate memory');
      return new Real(descriptor);
    });
  };

  test('a smaller reservation is tried, and reported', () => {
    limit(100);
    const memory = new Memory(1024);
    expect(memory.buffer.byteLength).toBe(64 * MB);
    expect(memory.note).toBe('1024 MB could not be reserved: 64 MB');
    expect(memory.holds(memory.allocate(5, 'float64'))).toBe(true);
  });

  test('then ordinary arrays serve, and that is said', () => {
    limit(1);
    const memory = new Memory(1024);
    expect(memory.wasm).toBeUndefined();
    expect(memory.note).toBe('not even 16 MB of WebAssembly memory could be reserved: ordinary arrays');
    const data = memory.allocate(5, 'float32');
    expect([data.length, memory.holds(data), memory.used()]).toEqual([5, false, 0]);
  });

  test('and also without WebAssembly', () => {
    const real = globalThis.WebAssembly;
    try {
      Reflect.deleteProperty(globalThis, 'WebAssembly');
      const memory = new Memory();
      expect(memory.note).toBe('no WebAssembly here: ordinary arrays');
      expect(memory.allocate(2, 'float64')).toEqual(new Float64Array(2));
    } finally {
      globalThis.WebAssembly = real;
    }
  });

  test('an unshared memory where there is no SharedArrayBuffer', () => {
    const real = globalThis.SharedArrayBuffer;
    try {
      Reflect.deleteProperty(globalThis, 'SharedArrayBuffer');
      expect(Object.prototype.toString.call(new Memory(1).buffer)).toBe('[object ArrayBuffer]');
    } finally {
      globalThis.SharedArrayBuffer = real;
    }
  });
});

describe('the one memory of the process', () => {
  const before = process.env.BACKSTEP_MEMORY_MB;
  afterEach(() => {
    if (before === undefined) delete process.env.BACKSTEP_MEMORY_MB;
    else process.env.BACKSTEP_MEMORY_MB = before;
  });
  const freshModule = (): typeof memoryModule => {
    let made: typeof memoryModule | undefined;
    jest.isolateModules(() => {
      made = jest.requireActual<typeof memoryModule>('../core/memory');
    });
    return made as typeof memoryModule;
  };
  const fresh = (): (() => Memory) => freshModule().engineMemory;

  test('is reserved once, 1 GB unless BACKSTEP_MEMORY_MB says otherwise', () => {
    delete process.env.BACKSTEP_MEMORY_MB;
    const usual = fresh();
    expect(usual().buffer.byteLength).toBe(1024 * MB);
    expect(usual()).toBe(usual());
    process.env.BACKSTEP_MEMORY_MB = '3';
    expect(fresh()().buffer.byteLength).toBe(3 * MB);
  });

  test('is as large as reserveMemory says, before the first tensor', () => {
    const { engineMemory: memory, reserveMemory } = freshModule();
    expect(reserveMemory(5)).toBe(5);
    expect(memory().buffer.byteLength).toBe(5 * MB);
    expect(process.env.BACKSTEP_MEMORY_MB).toBe('5'); // for worker threads
    expect(reserveMemory(5)).toBe(5);
    expect(() => reserveMemory(6)).toThrow(
      'reserveMemory: memory must be reserved before the first tensor or network, got 5 MB (already reserved)',
    );
    expect(process.env.BACKSTEP_MEMORY_MB).toBe('5');
    expect(() => freshModule().reserveMemory(8192)).toThrow('the addresses of kernels have 32 bits');
  });

  test('a size that is no number is refused by name', () => {
    process.env.BACKSTEP_MEMORY_MB = 'plenty';
    expect(fresh()).toThrow('memory: the reservation must be 1…4096 MB, got NaN (BACKSTEP_MEMORY_MB)');
  });
});

describe('an arena', () => {
  const lay = (arena: Arena, memory: Memory, sizes: number[], given: string[] = []) =>
    arena.lay(
      () => sizes.map((size) => memory.allocate(size, 'float64')),
      () => given.push('given up'),
      () => false,
    );

  test('holds layouts one at a time, each from its start, and is as large as the largest', () => {
    const memory = new Memory(1);
    const arena = new Arena(memory);
    const given: string[] = [];
    const large = lay(arena, memory, [100, 50], given);
    const used = memory.used();
    expect([large.zeroed, used, given]).toEqual([[{ from: 0, to: 13 * 64 + 7 * 64 }], 20 * 64, ['given up']]);
    const small = lay(arena, memory, [50, 100], given);
    expect([memory.used(), given]).toEqual([used, ['given up']]);
    expect(small.made[0].byteOffset).toBe(large.made[0].byteOffset);
    large.made[0].fill(7);
    expect(small.made[0][49]).toBe(7);
    arena.clear(small.zeroed);
    expect(new Set([...large.made, ...small.made].flatMap((data) => [...data]))).toEqual(new Set([0]));
  });

  test('grows by a quarter at least, and gives what it had back before', () => {
    const memory = new Memory(1);
    const arena = new Arena(memory);
    const given: string[] = [];
    const half = MB / 16; // float64 numbers in half of 1 MB: two of that size have no room
    lay(arena, memory, [half], given);
    lay(arena, memory, [half + 8], given);
    expect(memory.used()).toBe(1.25 * 8 * half);
    lay(arena, memory, [1.25 * half], given);
    expect(given).toHaveLength(2);
    lay(arena, memory, [1.75 * half - 64], given);
    // a quarter more does not fit
    lay(arena, memory, [1.75 * half], given);
    expect([memory.used(), given.length]).toEqual([1.75 * 8 * half, 4]);
    expect(() => lay(arena, memory, [2 * half])).toThrow('must have room');
  });

  test('where memory is plentiful, makes a small first layout once, and keeps no more than that takes', () => {
    const memory = new Memory(32);
    memory.borrow(() => memory.allocate(MB / 8, 'float64').fill(7));
    const arena = new Arena(memory);
    let made = 0;
    const { made: first, zeroed } = arena.lay(
      () => {
        made++;
        return [100, 50].map((size) => memory.allocate(size, 'float64'));
      },
      () => undefined,
      () => false,
    );
    expect([made, zeroed, memory.used()]).toEqual([1, [{ from: 0, to: 20 * 64 }], 20 * 64]);
    expect(first.map((data) => data.length)).toEqual([100, 50]);
    expect(first.every((data) => data.every((v) => v === 0))).toBe(true);
    const next = memory.allocate(8, 'float64');
    expect(next.byteOffset).toBe(first[0].byteOffset + 20 * 64);
    // one that fails leaves nothing behind but the least region
    const other = new Arena(memory);
    const fail = () =>
      other.lay(
        () => {
          throw new Error('no layout');
        },
        () => undefined,
        () => false,
      );
    expect(fail).toThrow('no layout');
    expect(memory.used()).toBe(20 * 64 + 64 + 64);
    // one that is larger than what is reserved is made again
    const given: string[] = [];
    const large = lay(new Arena(memory), memory, [MB / 4], given);
    expect([large.zeroed, large.made[0].length, given]).toEqual([
      [{ from: 0, to: 2 * MB }],
      MB / 4,
      ['given up'],
    ]);
  });

  test('zeroes only what may be read before it is written', () => {
    const memory = new Memory(1);
    const arena = new Arena(memory);
    const layout = () =>
      arena.lay(
        () => [false, true, false, false].map((isWritten) => memory.allocate(8, 'float64', isWritten)),
        () => undefined,
        () => false,
      );
    layout();
    const { made, zeroed } = layout();
    expect(zeroed).toEqual([
      { from: 0, to: 64 },
      { from: 128, to: 256 },
    ]);
    made.forEach((data) => data.fill(7));
    arena.clear(zeroed);
    expect(made.map((data) => [...new Set(data)])).toEqual([[0], [7], [0], [0]]);
  });

  test('what is to stay as it is lies outside', () => {
    const memory = new Memory(1);
    const arena = new Arena(memory);
    const { made } = arena.lay(
      () => [memory.allocate(8, 'float64'), memory.own(() => memory.allocate(8, 'float64').fill(1))],
      () => undefined,
      () => false,
    );
    arena.clear([{ from: 0, to: 64 }]);
    expect(made.map((data) => data[0])).toEqual([0, 1]);
  });
});
