/** How fast bytes come from memory: the slope of a roofline. */
import { median } from '../measure/timing';

/** GB/s read while copying arrays that fit no cache, and arrays that fit the second-level one. */
export function bandwidth(rounds: number): { memory: number; cache: number } {
  const rate = (bytes: number, copies: number): number => {
    const [from, to] = [new Float64Array(bytes / 8).fill(1), new Float64Array(bytes / 8)];
    to.set(from);
    const rates = Array.from({ length: rounds }, () => {
      const start = performance.now();
      for (let k = 0; k < copies; k++) to.set(from);
      // what is copied is read and written
      return (2 * bytes * copies) / (performance.now() - start) / 1e6;
    });
    return median(rates);
  };
  return { memory: rate(2 ** 27, 1), cache: rate(2 ** 18, 400) };
}
