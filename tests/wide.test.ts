/** 256-bit vectors: when they are used, and the self-test that must pass first. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { getEnvironmentData } from 'node:worker_threads';
import { executorHere, executorOf, whyNotWide } from '../core/programs/executor';
import { engineMemory } from '../core/memory';
import * as ops from '../core/programs/scalar';
import { statement } from '../core/programs/statement';
import { addPointwise, type PointwiseSpec } from '../core/wasm/emit-pointwise';
import { compileModule, WasmModule } from '../core/wasm/encoder';
import { hasFma } from '../core/wasm/features';
import { compileGemm } from '../core/wasm/gemm';
import type * as Remember from '../core/wasm/remember';
import { pointwiseFails, productsFail } from '../core/wasm/selftest';
import { LOCK } from '../core/wasm/turns';
import { compilers, type Wide, WIDE } from '../core/wasm/wide';
import { register } from './process';

const execute = promisify(execFile);

/** The kernels for 256 bits, compiled as any others: right, and no faster. */
const unjoined: Wide = {
  ...{ tile: WIDE, fma: hasFma() },
  ...{ compile: compileModule, compileNarrow: compileModule },
};

/** A module in which all occurrences of these bytes are replaced; there must be at least one. */
const replaced = (bytes: Uint8Array<ArrayBuffer>, from: number[], to: number[]): Uint8Array<ArrayBuffer> => {
  const text = Buffer.from(bytes).toString('latin1');
  const [old, other] = [from, to].map((code) => Buffer.from(code).toString('latin1'));
  expect(text).toContain(old);
  return Uint8Array.from(Buffer.from(text.replaceAll(old, other), 'latin1'));
};
/** v128.andnot and v128.and. */
const [ANDNOT, AND] = [
  [0xfd, 0x4f],
  [0xfd, 0x4e],
];

const folder = mkdtempSync(join(tmpdir(), 'backstep-wide-'));
const before = process.env.XDG_CACHE_HOME;
beforeAll(() => {
  process.env.XDG_CACHE_HOME = folder;
});
afterAll(() => {
  if (before === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = before;
  rmSync(folder, { recursive: true });
});

describe('the executor', () => {
  it('says why it is not the wide one, or is it', () => {
    const why = whyNotWide();
    if (why === undefined) {
      expect(executorOf('wasm-256').name).toBe('wasm-256');
      expect(executorHere('wasm-256')).toBe('wasm-256');
      return;
    }
    expect(why).toMatch(/^(V8 must be 13 or 14, got|the processor must be x64|float32 products of 256 bits)/);
    expect(() => executorOf('wasm-256')).toThrow(
      `executor: the executor must be wasm, reproducible or plain here, got wasm-256 (${why})`,
    );
    // a run that began on another machine is resumed
    expect(executorHere('wasm-256')).toBe('wasm');
    expect(executorHere('plain')).toBe('plain');
  });
});

describe('the self-test', () => {
  it('refuses products of other bits', () => {
    const subtracting: Wide = {
      ...unjoined,
      fma: false,
      // f32x4.add becomes f32x4.sub
      compile: (bytes) => compileModule(replaced(bytes, [0xfd, 0xe4, 0x01], [0xfd, 0xe5, 0x01])),
    };
    expect(productsFail(subtracting, 'float32')).toBe(
      'float32 products of 256 bits differ from those of 128',
    );
  });

  it.each(['float32', 'float64'] as const)('wants %s products to be faster', (dtype) => {
    // each try of the twin takes 10 ms here, each try of the other `taken`
    const timed = (taken: number): string | undefined => {
      let [now, tries] = [0, 0];
      const clock = jest.spyOn(performance, 'now').mockImplementation(() => {
        if (tries % 2 === 1) now += tries < 18 ? 10 : taken;
        tries++;
        return now;
      });
      const found = productsFail({ ...unjoined, fma: false }, dtype);
      clock.mockRestore();
      return found;
    };
    expect(timed(9)).toBe(`${dtype} products of 256 bits are 1.11 times as fast as those of 128`);
    expect(timed(5)).toBeUndefined();
    // it has passed, and is neither tried again nor compiled for that
    expect(timed(9)).toBeUndefined();
    const compile = (): never => {
      throw new Error('compiled');
    };
    expect(productsFail({ ...unjoined, fma: false, compile }, dtype)).toBeUndefined();
  });

  it('tests the module that the engine uses, so that it is compiled once', () => {
    const compiled: string[] = [];
    const wide: Wide = {
      ...unjoined,
      compile: (bytes) => {
        compiled.push(Buffer.from(bytes).toString('latin1'));
        return compileModule(bytes);
      },
    };
    productsFail(wide, 'float32');
    compileGemm(engineMemory().wasm as WebAssembly.Memory, 'float32', { wide });
    // not by the self-test, if it has passed before
    expect(new Set(compiled).size).toBe(1);
  });

  const spec: PointwiseSpec = {
    graph: statement(({ x }) => ({ y: ops.abs(ops.log(ops.sigmoid(x))) })).graph,
    ...{ dtype: 'float64', access: ['unit'] },
  };
  const bytesOf = (): Uint8Array<ArrayBuffer> => {
    const module = new WasmModule({ shared: false });
    addPointwise(module, 'loop0', spec, true);
    return module.encode();
  };

  it('lets elementwise kernels of the same bits pass', () => {
    const bytes = bytesOf();
    expect(pointwiseFails(bytes, compileModule(bytes), [spec], unjoined, false)).toBeUndefined();
  });

  it('refuses elementwise kernels of other bits', () => {
    const bytes = replaced(bytesOf(), ANDNOT, AND);
    expect(pointwiseFails(bytes, compileModule(bytes), [spec], unjoined, false)).toBe(
      'an elementwise kernel of 256 bits differs from that of 128',
    );
  });
});

describe('what passed', () => {
  it('is remembered from process to process, module by module', () => {
    const fresh = (act: (memory: typeof Remember) => void): void => {
      jest.isolateModules(() => act(jest.requireActual<typeof Remember>('../core/wasm/remember')));
    };
    const [one, other] = [Uint8Array.of(1, 2, 3), Uint8Array.of(1, 2, 4)];
    fresh(({ hasPassed, keepPassed }) => {
      expect(hasPassed(one)).toBe(false);
      keepPassed(one);
      expect([hasPassed(one), hasPassed(other)]).toEqual([true, false]);
    });
    fresh(({ hasPassed }) => expect([hasPassed(one), hasPassed(other)]).toEqual([true, false]));
    const [file] = readdirSync(join(folder, 'backstep')).map((name) => join(folder, 'backstep', name));
    expect(readFileSync(file, 'utf8').trim().split('\n').length).toBeGreaterThan(0);
  });

  it('is tested again where nothing can be written', () => {
    process.env.XDG_CACHE_HOME = '/dev/null';
    jest.isolateModules(() => {
      const { hasPassed, keepPassed } = jest.requireActual<typeof Remember>('../core/wasm/remember');
      const bytes = Uint8Array.of(7);
      expect(hasPassed(bytes)).toBe(false);
      keepPassed(bytes);
      expect(hasPassed(bytes)).toBe(true);
    });
    jest.isolateModules(() => {
      const { hasPassed } = jest.requireActual<typeof Remember>('../core/wasm/remember');
      expect(hasPassed(Uint8Array.of(7))).toBe(false);
    });
    process.env.XDG_CACHE_HOME = folder;
  });
});

describe('the flags of V8', () => {
  const empty = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  const flagsOf = (act: (compile: Wide['compile']) => void): string[] => {
    const flags: string[] = [];
    // the functions of V8 itself exist only while the flag is set
    const vm = { runInThisContext: () => () => undefined };
    act(compilers({ setFlagsFromString: (flag) => flags.push(flag) }, vm).compile);
    return flags;
  };
  // none that chooses V8's compilers or how they work: other threads may be compiling
  const set = ['--allow-natives-syntax', '--experimental-wasm-revectorize'];
  const taken = ['--no-allow-natives-syntax', '--no-experimental-wasm-revectorize'];

  it('are set for one module, and taken back', () => {
    expect(flagsOf((compile) => compile(empty))).toEqual([...set, ...taken]);
  });

  it('are taken back when the functions cannot be compiled', () => {
    const flags: string[] = [];
    const vm = {
      runInThisContext: () => {
        throw new SyntaxError('no such function');
      },
    };
    const { compile } = compilers({ setFlagsFromString: (flag) => flags.push(flag) }, vm);
    expect(() => compile(empty)).toThrow('no such function');
    expect(flags.length % 4).toBe(0);
    for (let k = 0; k < flags.length; k += 4) expect(flags.slice(k, k + 4)).toEqual([...set, ...taken]);
  });

  it('are set while no other thread sets them', () => {
    const lock = new Int32Array(getEnvironmentData(LOCK) as unknown as SharedArrayBuffer);
    const held: number[] = [];
    const vm = {
      runInThisContext: () => {
        held.push(lock[0]);
        return () => undefined;
      },
    };
    compilers({ setFlagsFromString: () => held.push(lock[0]) }, vm).compile(empty);
    expect(held).toEqual([1, 1, 1, 1, 1]);
    expect(lock[0]).toBe(0);
  });

  it('are set again when another thread has taken them back too early', () => {
    const flags: string[] = [];
    let attempts = 0;
    const vm = {
      runInThisContext: () => {
        attempts++;
        if (attempts === 1) throw new SyntaxError("Unexpected token '%'");
        return () => undefined;
      },
    };
    const { compile } = compilers({ setFlagsFromString: (flag) => flags.push(flag) }, vm);
    expect(compile(empty)).toBeInstanceOf(WebAssembly.Module);
    expect(flags).toEqual([...set, ...taken, ...set, ...taken]);
  });

  it('are set once for the same module', () => {
    const twice = flagsOf((compile) => expect(compile(empty)).toBe(compile(Uint8Array.from(empty))));
    expect(twice).toEqual([...set, ...taken]);
  });

  it('go back to what this process was started with', () => {
    const { execArgv } = process;
    process.execArgv = [
      '--allow_natives_syntax',
      '--no-allow-natives-syntax',
      '--experimental-wasm-revectorize',
    ];
    try {
      expect(flagsOf((compile) => compile(empty)).slice(set.length)).toEqual([
        '--no-allow-natives-syntax',
        '--experimental-wasm-revectorize',
      ]);
    } finally {
      process.execArgv = execArgv;
    }
  });

  it('let other threads compile at the same time', async () => {
    const threads = await execute(process.execPath, [...register, join(__dirname, 'widethreads.ts')], {
      env: { ...process.env, XDG_CACHE_HOME: mkdtempSync(join(folder, 'threads-')) },
    });
    expect(threads.stdout).toBe('0 0 0 0 0 0\n');
  });
});
