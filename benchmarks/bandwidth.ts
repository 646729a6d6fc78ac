/** Measures memory bandwidth: the slope of a roofline. */
import { median } from '../measure/timing';

/** Bandwidth in GB/s of copying arrays that exceed every cache, and of arrays that fit into the second-level cache. */
export function bandwidth(rounds: number): { memory: number; cache: number } {
  const rate = (bytes: number, copies: number): number => {
    const [from, to] = [new Float64Array(bytes / 8).fill(1), new Float64Array(bytes / 8)];
    to.set(from);
    const rates = Array.from({ length: rounds }, () => {
      const start = performance.now();
      for (let k = 0; k < copies; k++) to.set(from);
      // a copy reads and writes every byte
      return (2 * bytes * copies) / (performance.now() - start) / 1e6;
    });
    return median(rates);
  };
  return { memory: rate(2 ** 27, 1), cache: rate(2 ** 18, 400) };
}
