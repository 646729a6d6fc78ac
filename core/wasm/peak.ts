/**
 * Measures the machine's peak 128-bit arithmetic throughput, which the benchmarks compare kernels with.
 *
 * A loop over independent chains of multiplications and additions in equal number (with `fma`, fused multiply-adds),
 * without memory access. The number of chains is that of available registers, so that neither latency nor spilling limits
 * the loop, only the arithmetic units.
 */
import type { Dtype } from '../memory';
import { WasmModule, brIf, giveBack, loop } from './encoder';
import { type FloatLanes, f32x4, f64x2, i32 } from './opcodes';

const CHAINS = 14;
const ROUNDS = 4; // rounds over all chains per loop iteration

/**
 * Returns a function that measures GFLOP/s for at least the given number of milliseconds. Clock rates vary over time:
 * alternate it with the code to be compared.
 */
export function measuredPeak(dtype: Dtype, fma = false): (milliseconds?: number) => number {
  const lanes: FloatLanes = dtype === 'float32' ? f32x4 : f64x2;
  const module = new WasmModule({ shared: false });
  module.func('peak', { turns: 'i32' }, [lanes.scalar], ({ turns }, f) => {
    const one = f.local('v128');
    const chains = f.locals('v128', CHAINS);
    const round = chains.map((x, i) => {
      if (fma) return x.set(lanes.madd(x, one, one));
      return x.set(i % 2 === 0 ? lanes.mul(x, one) : lanes.add(x, one));
    });
    return [
      [one, ...chains].map((x) => x.set(lanes.const(1))),
      loop((again) => [
        Array.from({ length: ROUNDS }, () => round),
        brIf(again, turns.tee(i32.sub(turns, 1))),
      ]),
      // the result uses all chains, so that none is optimized away
      chains.slice(1).map((x) => chains[0].set(lanes.add(chains[0], x))),
      giveBack(lanes.extractLane(chains[0], 0)),
    ];
  });
  const { peak } = module.instantiate(new WebAssembly.Memory({ initial: 0 }));

  const operations = ROUNDS * CHAINS * lanes.count * (fma ? 2 : 1);
  const time = (turns: number): number => {
    const start = performance.now();
    peak(turns);
    return performance.now() - start;
  };
  // many short calls, because the optimizing compiler replaces a function only between calls
  for (let i = 0; i < 2000; i++) time(128);
  let turns = 1024;
  return (milliseconds = 2) => {
    let took = time(turns);
    while (took < milliseconds) {
      turns *= 2;
      took = time(turns);
    }
    return (turns * operations) / took / 1e6;
  };
}
