/** Windows over series as examples: the network's inputs, and the changes of the targets after each window. */
import { lossOf } from '../../losses';
import type { Network } from '../../bptt/network/network';
import type { Series } from '../series';
import type { Examples } from '../task';
import type { Note } from './note';

/** The steps of a series at which its validation part and its test part begin. */
export const cuts = (steps: number): [number, number] => [Math.round(0.7 * steps), Math.round(0.85 * steps)];

/** Levels of the quantiles that are forecast, of each target and step; only the median with a loss that has none. */
export const levelsOf = ({ loss }: Pick<Note, 'loss'>): readonly number[] =>
  lossOf(loss).repeated.level ?? [0.5];

/** Consecutive windows of a series: the first step that each forecasts is one after that of the window before. */
interface Run {
  series: Series;
  /** Number of the first window among all examples, and the first step that it forecasts. */
  example: number;
  end: number;
  count: number;
}

/** Windows that are evaluated together, one after the other, if there are too many to evaluate all. */
const RUN = 1000;

/** Windows of several series as examples. Only where they are is stored, whatever their number. */
export class Windows implements Examples {
  private readonly runs: Run[] = [];
  readonly count: number = 0;
  /** Number of windows there are, of which `count` are examples. */
  readonly all: number;

  /** @param most Maximum number of windows, 1000 or more; if there are more, runs of 1000 are taken evenly over them. */
  constructor(
    readonly series: readonly Series[],
    private readonly note: Note,
    range: (series: Series) => [from: number, to: number],
    most = Infinity,
  ) {
    const { window: length, horizon } = note;
    const whole = series.flatMap((one) => {
      const [from, to] = range(one);
      const end = Math.max(from, length);
      const count = to - horizon - end + 1;
      return count > 0 ? [{ series: one, end, count }] : [];
    });
    this.all = whole.reduce((sum, { count }) => sum + count, 0);
    for (const run of this.all > most ? spread(whole, most) : whole) {
      this.runs.push({ ...run, example: this.count });
      this.count += run.count;
    }
  }

  /** The series of an example, and the first step that it forecasts. */
  private place(example: number): { series: Series; end: number } {
    let [low, high] = [0, this.runs.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.runs[middle].example <= example) low = middle;
      else high = middle - 1;
    }
    const { series, example: first, end } = this.runs[low];
    return { series, end: end + (example - first) };
  }

  batch(rows: readonly number[]) {
    const { window: T, horizon: H, targets, scales, movements, relative } = this.note;
    const Q = levelsOf(this.note).length;
    const [B, D, O] = [rows.length, scales.length, targets.length * H * Q];
    const x = new Float64Array(T * B * D);
    const wanted = new Float64Array(B * O);
    rows.forEach((row, b) => {
      const { series, end } = this.place(row);
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
    const { series, end } = this.place(row);
    return series.columns[k][end + h];
  }

  /** The latest known value `back` steps before that. */
  known(row: number, k: number, h: number, back: number): number {
    const { series, end } = this.place(row);
    return series.columns[k][Math.max(0, end + h - back)];
  }

  timeOf(row: number, h: number): number {
    const { series, end } = this.place(row);
    return series.times?.[end + h] ?? end + h;
  }

  /** The last examples of the first example's series that follow each other, `most` at most. */
  lastOfFirst(most: number): number[] {
    const { series } = this.runs[0];
    const { example, count } = this.runs.findLast((run) => run.series === series) as Run;
    const shown = Math.min(count, most);
    return Array.from({ length: shown }, (_, k) => example + count - shown + k);
  }
}

/** `most` windows of some runs at most, in pieces of 1000 evenly over all of them together, the last window included. */
function spread(whole: readonly Omit<Run, 'example'>[], most: number): Omit<Run, 'example'>[] {
  let all = 0;
  const placed = whole.map((run) => ({ ...run, first: (all += run.count) - run.count }));
  const pieces = Math.max(1, Math.floor(most / RUN));
  const last = all - RUN;
  return Array.from({ length: pieces }, (_, k) => {
    const from = pieces === 1 ? last : Math.round((k * last) / (pieces - 1));
    // a piece may hold windows of several series
    return placed.flatMap(({ series, end, count, first }) => {
      const [begin, stop] = [Math.max(from, first), Math.min(from + RUN, first + count)];
      return begin < stop ? [{ series, end: end + begin - first, count: stop - begin }] : [];
    });
  }).flat();
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
