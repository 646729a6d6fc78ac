/** Records steps as a loop of a program, which is as long as one step, or as one period of a cell with a clock. */
import { engineMemory } from '../core/memory';
import type { Program } from '../core/programs/program';

/**
 * Maximum number of steps in a repetition. Whether an operation may leave a loop depends on those that share its arrays, so the
 * time of recording grows with the square of this number: with 1,024 it is that of 10,000 steps, recorded one by one.
 */
const LONGEST = 512;

/** The smallest distance at which all values repeat; their number if they never do. */
function periodOf(values: readonly string[]): number {
  // lengths of the longest border of each prefix, as in Knuth, Morris & Pratt 1977
  const borders = [0];
  for (let k = 1; k < values.length; k++) {
    let border = borders[k - 1];
    while (border > 0 && values[border] !== values[k]) border = borders[border - 1];
    borders.push(values[border] === values[k] ? border + 1 : 0);
  }
  return values.length - borders[values.length - 1];
}

/**
 * Records the steps `times` in this order. If they differ by `phaseOf`, as in a clockwork layer, a repetition of the loop has
 * as many steps as there are until the phases repeat.
 */
export function recordSteps(
  program: Program,
  times: readonly number[],
  one: (program: Program, t: number) => void,
  phaseOf?: (t: number) => string,
): void {
  const period = phaseOf ? periodOf(times.map(phaseOf)) : 1;
  const repeats = period > LONGEST ? 0 : Math.floor(times.length / period);
  // a cell's own allocations must not be in the arena
  engineMemory().own(() => {
    program.repeat(repeats, (each, k) => {
      for (let step = 0; step < period; step++) one(each, times[k * period + step]);
    });
    for (let k = repeats * period; k < times.length; k++) one(program, times[k]);
  });
}
