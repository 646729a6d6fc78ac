/** A curve in one line of text. */
const LEVELS = '▁▂▃▄▅▆▇█';

/**
 * Numbers as blocks of growing height, the smallest one lowest; at most `width` of them, taken at equal distances.
 * @example sparkline([3, 2, 1, 0]) // '█▆▃▁'
 */
export function sparkline(numbers: readonly number[], width = 40): string {
  const count = Math.min(numbers.length, width);
  const last = numbers.length - 1;
  const shown = Array.from({ length: count }, (_, k) =>
    count === 1 ? numbers[last] : numbers[Math.round((k * last) / (count - 1))],
  );
  const [least, most] = [Math.min(...shown), Math.max(...shown)];
  // what differs by no more than rounding is flat
  const range = most - least > 1e-9 * Math.max(Math.abs(most), Math.abs(least)) ? most - least : Infinity;
  const level = (x: number): number => Math.round((7 * (x - least)) / range);
  return shown.map((x) => LEVELS[level(x)]).join('');
}
