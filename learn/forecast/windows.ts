/** Windows over series as examples: the network's inputs, and the changes of the targets after each window. */
import { lossOf } from '../../losses';
import type { Network } from '../../bptt/network/network';
import { windows } from '../../data/windows';
import type { Series } from '../series';
import type { Examples } from '../task';
import type { Note } from './note';

/** The steps of a series at which its validation part and its test part begin. */
export const cuts = (steps: number): [number, number] => [Math.round(0.7 * steps), Math.round(0.85 * steps)];

/** Levels of the quantiles that are forecast, of each target and step; only the median with a loss that has none. */
export const levelsOf = ({ loss }: Pick<Note, 'loss'>): readonly number[] =>
  lossOf(loss).repeated.level ?? [0.5];

/** Windows of several series as examples. */
export class Windows implements Examples {
  private readonly places: { series: Series; end: number }[];

  constructor(
    readonly series: readonly Series[],
    private readonly note: Note,
    range: (series: Series) => [from: number, to: number],
  ) {
    const { window: length, horizon } = note;
    this.places = series.flatMap((one) => {
      const [from, to] = range(one);
      if (Math.max(from, length) + horizon > to) return [];
      return windows(one.steps, { length, horizon, from, to }).map((end) => ({ series: one, end }));
    });
  }

  get count(): number {
    return this.places.length;
  }

  batch(rows: readonly number[]) {
    const { window: T, horizon: H, targets, scales, movements, relative } = this.note;
    const Q = levelsOf(this.note).length;
    const [B, D, O] = [rows.length, scales.length, targets.length * H * Q];
    const x = new Float64Array(T * B * D);
    const wanted = new Float64Array(B * O);
    rows.forEach((row, b) => {
      const { series, end } = this.places[row];
      series.columns.forEach((column, d) => {
        const { deviation } = scales[d];
        const mean = relative[d] ? column[end - 1] : scales[d].mean;
        for (let t = 0; t < T; t++) x[(t * B + b) * D + d] = (column[end - T + t] - mean) / deviation;
      });
      for (let k = 0; k < targets.length; k++)
        for (let h = 0; h < H; h++) {
          const column = series.columns[k];
          const change = (column[end + h] - column[end - 1]) / movements[k][h];
          const first = b * O + (k * H + h) * Q;
          wanted.fill(change, first, first + Q);
        }
    });
    return { x: { shape: [T, B, D], numbers: x }, targets: { shape: [B, O], numbers: wanted } };
  }

  /** Target k, h steps after the window of an example. */
  truth(row: number, k: number, h: number): number {
    const { series, end } = this.places[row];
    return series.columns[k][end + h];
  }

  /** The latest known value `back` steps before that. */
  known(row: number, k: number, h: number, back: number): number {
    const { series, end } = this.places[row];
    return series.columns[k][Math.max(0, end + h - back)];
  }

  timeOf(row: number, h: number): number {
    const { series, end } = this.places[row];
    return series.times?.[end + h] ?? end + h;
  }

  /** Examples of the first example's series, in order. */
  get firstSeries(): number[] {
    const [first] = this.places;
    return this.places.flatMap(({ series }, row) => (series === first.series ? [row] : []));
  }
}

const ROWS_AT_ONCE = 512;

/** Network outputs converted to values, of each level [examples, K·H]. */
export function forecastsOf(network: Network, examples: Windows, note: Note): Float64Array[] {
  const { targets, horizon, movements } = note;
  const levels = levelsOf(note);
  const O = targets.length * horizon;
  const all = levels.map(() => new Float64Array(examples.count * O));
  for (let from = 0; from < examples.count; from += ROWS_AT_ONCE) {
    const rows = Array.from({ length: Math.min(ROWS_AT_ONCE, examples.count - from) }, (_, k) => from + k);
    const { output } = network.forward({ x: examples.batch(rows).x }, { predict: true });
    rows.forEach((row, b) => {
      for (let o = 0; o < O; o++) {
        const [k, h] = [Math.floor(o / horizon), o % horizon];
        const known = examples.known(row, k, 0, 1);
        all.forEach((values, q) => {
          values[row * O + o] = known + output.get(b, o * levels.length + q) * movements[k][h];
        });
      }
    });
  }
  return all;
}
