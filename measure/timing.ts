/** Timing by medians of many calls, taken in turns because clock rates and load on shared machines vary. */

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((x, y) => x - y);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/**
 * A clock in milliseconds. `cpu` is the processor time of this process, all threads together: on a busy machine it
 * gives reliable times for one thread, but it says nothing about the speed of several.
 */
export type Clock = 'wall' | 'cpu';
export const clocks: Readonly<Record<Clock, () => number>> = {
  wall: () => performance.now(),
  cpu: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
};
export const clockNames = Object.keys(clocks) as Clock[];

/** Shorter calls are timed in groups, so that the cost of reading the clock is negligible. */
const GROUP_MILLISECONDS = 0.2;

/** Calls `run` for at least so many milliseconds and at least once; returns the milliseconds of single calls. */
export function sample(run: () => unknown, milliseconds: number, now = clocks.wall): number[] {
  const times: number[] = [];
  const begin = now();
  let group = 1;
  for (let start = begin; times.length === 0 || start - begin < milliseconds;) {
    for (let k = 0; k < group; k++) run();
    const end = now();
    times.push((end - start) / group);
    group = nextGroup(group, end - start);
    start = end;
  }
  return times;
}

/** Like `sample`, for calls that may return promises. */
export async function sampleAsync(
  run: () => unknown,
  milliseconds: number,
  now = clocks.wall,
): Promise<number[]> {
  const times: number[] = [];
  const begin = now();
  let group = 1;
  for (let start = begin; times.length === 0 || start - begin < milliseconds;) {
    for (let k = 0; k < group; k++) {
      const result = run();
      if (result instanceof Promise) await result;
    }
    const end = now();
    times.push((end - start) / group);
    group = nextGroup(group, end - start);
    start = end;
  }
  return times;
}

/** Size of the next group of calls, from the time that the last one took. */
const nextGroup = (group: number, took: number): number =>
  took < GROUP_MILLISECONDS ? Math.ceil((group * GROUP_MILLISECONDS) / Math.max(took, 0.001)) : group;

type Points = readonly (readonly [x: number, y: number])[];

/** Slope of the least-squares line through the points. */
export function slope(points: Points): number {
  const mean = (k: 0 | 1): number => points.reduce((sum, p) => sum + p[k], 0) / points.length;
  const [mx, my] = [mean(0), mean(1)];
  const sum = (of: (dx: number, dy: number) => number): number =>
    points.reduce((total, [x, y]) => total + of(x - mx, y - my), 0);
  return sum((dx, dy) => dx * dy) / sum((dx) => dx * dx);
}

/** Slope in log-log coordinates: 1 where y grows in proportion to x. */
export const logSlope = (points: Points): number => slope(points.map(([x, y]) => [Math.log(x), Math.log(y)]));
