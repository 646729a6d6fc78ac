/** Draws a curve in one line of text. */
import { greatest } from '../core/programs/reduce';

const LEVELS = '▁▂▃▄▅▆▇█';

/**
 * Numbers as block characters of increasing height; at most `width` of them, sampled at equal distances. Curves with the
 * same range have the same scale.
 * @example sparkline([3, 2, 1, 0]) // '█▆▃▁'
 */
export function sparkline(
  numbers: ArrayLike<number>,
  width = 40,
  [low, high] = [Infinity, -Infinity],
): string {
  const count = Math.min(numbers.length, width);
  const last = numbers.length - 1;
  const shown = Array.from({ length: count }, (_, k) =>
    count === 1 ? numbers[last] : numbers[Math.round((k * last) / (count - 1))],
  );
  const known = shown.filter((x) => !Number.isNaN(x));
  const [least, most] = [Math.min(low, ...known), Math.max(high, ...known)];
  // differences within rounding are drawn flat
  const range = most - least > 1e-9 * Math.max(Math.abs(most), Math.abs(least)) ? most - least : Infinity;
  const level = (x: number): number => Math.round((7 * (x - least)) / range);
  return shown.map((x) => (Number.isNaN(x) ? ' ' : LEVELS[level(x)])).join('');
}

/** Decimal logarithms of norms: NaN for 0; Infinity is drawn at the height of the largest finite one. */
export function logarithms(norms: readonly number[]): number[] {
  const most = Math.log10(greatest(norms.filter(Number.isFinite)));
  return norms.map((norm) => (norm === 0 ? NaN : Math.min(most, Math.log10(norm))));
}
