/** Timing: medians of many calls, in turns, because clocks and neighbours on shared machines change by the moment. */

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((x, y) => x - y);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/**
 * What tells milliseconds. `cpu` counts only what the processor did for this process, all its threads together: on a busy
 * machine it tells about one thread what the wall clock can't, and about several it tells nothing.
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

/** Shorter calls are timed in groups: reading the clock should cost nothing. */
const GROUP_MILLISECONDS = 0.2;

/** Calls `run` for at least so many milliseconds, at least once, and gives the milliseconds of single calls. */
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

/** The same for calls that may only be promises of a result. */
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

/** How many calls to time together, after so many took so long. */
const nextGroup = (group: number, took: number): number =>
  took < GROUP_MILLISECONDS ? Math.ceil((group * GROUP_MILLISECONDS) / Math.max(took, 0.001)) : group;

type Points = readonly (readonly [x: number, y: number])[];

/** Slope of the straight line through points, by least squares. */
export function slope(points: Points): number {
  const mean = (k: 0 | 1): number => points.reduce((sum, p) => sum + p[k], 0) / points.length;
  const [mx, my] = [mean(0), mean(1)];
  const sum = (of: (dx: number, dy: number) => number): number =>
    points.reduce((total, [x, y]) => total + of(x - mx, y - my), 0);
  return sum((dx, dy) => dx * dy) / sum((dx) => dx * dx);
}

/** Slope of log y over log x: 1 where y grows as fast as x. */
export const logSlope = (points: Points): number => slope(points.map(([x, y]) => [Math.log(x), Math.log(y)]));
