/** A curve in one line of text. */
const LEVELS = '▁▂▃▄▅▆▇█';

/**
 * Numbers as blocks of growing height, the smallest one lowest; at most `width` of them, taken at equal distances. Curves
 * that are given the same range are drawn to the same scale.
 * @example sparkline([3, 2, 1, 0]) // '█▆▃▁'
 */
export function sparkline(
  numbers: readonly number[],
  width = 40,
  [low, high] = [Infinity, -Infinity],
): string {
  const count = Math.min(numbers.length, width);
  const last = numbers.length - 1;
  const shown = Array.from({ length: count }, (_, k) =>
    count === 1 ? numbers[last] : numbers[Math.round((k * last) / (count - 1))],
  );
  const [least, most] = [Math.min(low, ...shown), Math.max(high, ...shown)];
  // what differs by no more than rounding is flat
  const range = most - least > 1e-9 * Math.max(Math.abs(most), Math.abs(least)) ? most - least : Infinity;
  const level = (x: number): number => Math.round((7 * (x - least)) / range);
  return shown.map((x) => LEVELS[level(x)]).join('');
}

/** Decimal logarithms of norms, as far as they are numbers: 0 and Infinity become the least and the greatest of them. */
export function logarithms(norms: readonly number[]): number[] {
  const logs = norms.map(Math.log10);
  const finite = logs.filter(Number.isFinite);
  const [least, most] = [Math.min(...finite, Infinity), Math.max(...finite, -Infinity)];
  if (finite.length === 0) return logs.map(() => 0);
  return logs.map((log) => Math.max(least, Math.min(most, log)));
}
