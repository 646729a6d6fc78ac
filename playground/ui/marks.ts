/** Tick marks of an axis: their positions and labels. */
import { tenTo } from './colors';

/** The ticks of a logarithmic axis: all powers of ten, or every k-th one if there are many. */
export function tens(from: number, to: number): number[] {
  const [first, last] = [Math.ceil(Math.log10(from) - 1e-9), Math.floor(Math.log10(to) + 1e-9)];
  const every = Math.max(1, Math.ceil((last - first) / 6));
  const count = Math.floor((last - first) / every) + 1;
  return Array.from({ length: Math.max(0, count) }, (_, k) => Number(`1e${first + k * every}`));
}

/** The ticks of a linear axis: at most six round numbers. */
export function rounds(from: number, to: number): number[] {
  const rough = (to - from) / 5;
  if (!(rough > 0 && Number.isFinite(rough))) return [];
  const power = 10 ** Math.floor(Math.log10(rough));
  const every = power * (rough <= 2 * power ? 2 : rough <= 5 * power ? 5 : 10);
  const [first, last] = [Math.ceil(from / every - 1e-9), Math.floor(to / every + 1e-9)];
  return Array.from({ length: last - first + 1 }, (_, k) => Number(((first + k) * every).toPrecision(12)));
}

export const written = (v: number, logarithmic: boolean): string =>
  logarithmic ? tenTo(Math.round(Math.log10(v))) : String(Number(v.toPrecision(3))).replace('-', '−');
