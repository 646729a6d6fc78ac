/** Metrics of forecasts and classifications, and their confidence intervals. */
import { must, mustShape } from '../core/check';
import { Random } from '../core/random/random';

/** A confusion matrix: counts[true class][predicted class]. */
export type Confusion = readonly (readonly number[])[];

function meanOver(a: ArrayLike<number>, b: ArrayLike<number>, of: (a: number, b: number) => number): number {
  mustShape([a.length], [b.length], 'metrics', 'forecast', 'one for each true value');
  must(a.length > 0, 'metrics', 'there must be a value', 'none');
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += of(a[k], b[k]);
  return sum / a.length;
}

/**
 * MAE, the mean absolute error.
 * @example meanAbsoluteError([1, 5], [2, 2]) // 2
 */
export const meanAbsoluteError = (forecast: ArrayLike<number>, truth: ArrayLike<number>): number =>
  meanOver(forecast, truth, (a, b) => Math.abs(a - b));

/**
 * RMSE, the root of the mean squared error.
 * @example rootMeanSquaredError([1, 5], [2, 12]) // 5
 */
export const rootMeanSquaredError = (forecast: ArrayLike<number>, truth: ArrayLike<number>): number =>
  Math.sqrt(meanOver(forecast, truth, (a, b) => (a - b) ** 2));

/**
 * The divisor of the mean absolute error in MASE: the mean absolute change over `season` steps in the training part. A
 * MASE below 1 is better than the one-step naive forecast was there.
 *
 * Source: Hyndman & Koehler 2006, "Another look at measures of forecast accuracy".
 * @example naiveError([1, 2, 4, 8], 1) // 2.3333333333333335
 */
export function naiveError(series: ArrayLike<number>, season = 1): number {
  const { length } = series;
  must(length > season, 'metrics', `the series must have more than ${season} steps`, length);
  let sum = 0;
  for (let k = season; k < length; k++) sum += Math.abs(series[k] - series[k - season]);
  return sum / (length - season);
}

/**
 * The confusion matrix of true and predicted classes.
 * @example confusion([0, 1, 1], [0, 0, 1], 2) // [[1, 1], [0, 1]]
 */
export function confusion(
  predicted: ArrayLike<number>,
  truth: ArrayLike<number>,
  classes: number,
): number[][] {
  mustShape(
    [predicted.length],
    [truth.length],
    'metrics',
    'the predicted classes',
    'one for each true class',
  );
  const counts = Array.from({ length: classes }, () => Array<number>(classes).fill(0));
  for (let k = 0; k < predicted.length; k++) counts[truth[k]][predicted[k]]++;
  return counts;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

/**
 * The fraction of correct predictions.
 * @example accuracy([[1, 1], [0, 2]]) // 0.75
 */
export const accuracy = (counts: Confusion): number =>
  sum(counts.map((row, k) => row[k])) / sum(counts.map((row) => sum(row)));

/** Metrics of one class. */
export interface ClassFigures {
  /** Fraction of the predictions of this class that are correct. */
  precision: number;
  /** Fraction of the members of this class that were predicted correctly. */
  recall: number;
  /** The harmonic mean of both; 0 if none was found. */
  f1: number;
  /** Number of members of this class. */
  count: number;
}

/**
 * Precision, recall and F1 of each class.
 * @example perClass([[1, 1], [0, 2]])[0] // { precision: 1, recall: 0.5, f1: 0.6666666666666666, count: 2 }
 */
export function perClass(counts: Confusion): ClassFigures[] {
  return counts.map((row, k) => {
    const [right, there, predicted] = [row[k], sum(row), sum(counts.map((other) => other[k]))];
    const ratio = (of: number): number => (of === 0 ? 0 : right / of);
    return {
      precision: ratio(predicted),
      recall: ratio(there),
      f1: (2 * right) / Math.max(1, there + predicted),
      count: there,
    };
  });
}

/**
 * The unweighted mean F1 of the classes that occur.
 * @example macroF1([[2, 0], [0, 1]]) // 1
 */
export function macroF1(counts: Confusion): number {
  const there = perClass(counts).filter(({ count }) => count > 0);
  return sum(there.map(({ f1 }) => f1)) / there.length;
}

/** Lengths of the n-grams that chrF compares. */
const CHRF_N = 6;
/** How many times recall counts as much as precision. */
const CHRF_BETA = 2;

/**
 * chrF: the F-score of the n-grams of characters, n = 1 … 6, that a translation shares with its reference, over all pairs
 * together; 1 for equal ones. Precision and recall are means over the n that occur; recall counts twice as much. Texts are
 * compared without spaces, lists item by item.
 *
 * Source: Popović 2015, "chrF: character n-gram F-score for automatic MT evaluation".
 * @throws RangeError if there is not one reference for each translation.
 * @example
 * chrF(['the cat'], ['the cat']); // 1
 * chrF([['a', 'b']], [['a', 'c']]); // 0.25
 */
export function chrF(
  predicted: readonly (string | readonly string[])[],
  truth: readonly (string | readonly string[])[],
): number {
  mustShape([predicted.length], [truth.length], 'metrics', 'translations', 'one for each reference');
  const unitsOf = (one: string | readonly string[]): readonly string[] =>
    typeof one === 'string' ? Array.from(one.replace(/\s/g, '')) : one.filter((unit) => unit.trim() !== '');
  const [ours, theirs] = [predicted.map(unitsOf), truth.map(unitsOf)];
  let [precision, recall, orders] = [0, 0, 0];
  for (let n = 1; n <= CHRF_N; n++) {
    let [shared, written, wanted] = [0, 0, 0];
    ours.forEach((units, k) => {
      const [a, b] = [gramsOf(units, n), gramsOf(theirs[k], n)];
      for (const [gram, count] of a) shared += Math.min(count, b.get(gram) ?? 0);
      written += Math.max(0, units.length - n + 1);
      wanted += Math.max(0, theirs[k].length - n + 1);
    });
    if (written === 0 && wanted === 0) continue;
    orders++;
    precision += written === 0 ? 0 : shared / written;
    recall += wanted === 0 ? 0 : shared / wanted;
  }
  if (precision + recall === 0) return 0;
  const [p, r] = [precision / orders, recall / orders];
  return ((1 + CHRF_BETA ** 2) * p * r) / (CHRF_BETA ** 2 * p + r);
}

function gramsOf(units: readonly string[], n: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let k = 0; k + n <= units.length; k++) {
    const gram = units.slice(k, k + n).join('\u0001');
    counts.set(gram, (counts.get(gram) ?? 0) + 1);
  }
  return counts;
}

/** Options of a bootstrap interval. */
export interface BootstrapOptions {
  /** Number of samples; default 1000. */
  draws?: number;
  /** Confidence level; default 0.95. */
  level?: number;
  /** Block length, for correlated errors of neighboring rows; default 1. */
  block?: number;
  seed?: number;
}

/**
 * A bootstrap confidence interval of a metric, which is computed on samples of the rows, drawn with replacement.
 *
 * Source: Efron 1979; in blocks: Künsch 1989.
 * @param figure computes the metric on the rows with these indices.
 * @example
 * const errors = [1, 2, 3, 4];
 * const [low, high] = bootstrap(4, (rows) => rows.reduce((sum, row) => sum + errors[row], 0) / 4);
 * low < 2.5 && 2.5 < high; // true
 */
export function bootstrap(
  rows: number,
  figure: (rows: readonly number[]) => number,
  { draws = 1000, level = 0.95, block = 1, seed = 0 }: BootstrapOptions = {},
): [low: number, high: number] {
  const random = new Random(seed);
  const drawn = new Array<number>(rows);
  const figures = Array.from({ length: draws }, () => {
    for (let n = 0; n < rows;) {
      const start = random.below(rows);
      for (let k = 0; k < block && n < rows; k++) drawn[n++] = (start + k) % rows;
    }
    return figure(drawn);
  }).sort((a, b) => a - b);
  const at = (fraction: number): number => figures[Math.round(fraction * (draws - 1))];
  return [at((1 - level) / 2), at((1 + level) / 2)];
}
