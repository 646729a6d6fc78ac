/**
 * The machine's own 128-bit arithmetic peak, measured: what the benchmarks hold kernels against.
 *
 * A loop of independent chains, multiplications and additions in equal number (with `fma`, fused multiply-adds), that
 * touches no memory. It has as many chains as V8 has registers for, so that neither latency nor spilling bounds it: only
 * the arithmetic units do.
 */
import type { Dtype } from '../memory';
import { WasmModule, brIf, giveBack, loop } from './encoder';
import { type FloatLanes, f32x4, f64x2, i32 } from './opcodes';

const CHAINS = 14;
const ROUNDS = 4; // of all chains, between two tests of the loop

/**
 * Gives a function that measures for at least so many milliseconds and tells GFLOP/s. Clocks change from moment to
 * moment: call it in turns with what is to be compared.
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
      // all chains are needed for the result, so none can be left out
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
  // many short calls: the machine-code compiler takes the function up after some, and replaces no running one
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
