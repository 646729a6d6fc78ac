/** Computes a layer's expected outputs and gradients, and the tolerances for other precisions. */
import { precisions, type Precision } from '../referee/errorbound';
import { Subject, type Named } from '../referee/subject';
import { asLeft, questionOf, turned, type RecurrentLayer } from './layer';

export interface Answers {
  /** For each direction, `output` [T, B, H], 0 after a row's end, and the last states `hT`, `cT` [B, H]. */
  values: Named[];
  /** For each direction, `dWx` … and `dh0`, `dc0`. */
  gradients: Named[];
  /** dL/dx [T, B, D], summed over all directions. */
  dx: number[];
}

/** Computes the expected numbers of a layer. */
export function answersOf(layer: RecurrentLayer): Answers {
  const found = layer.directions.map((direction) => {
    const subject = new Subject(questionOf(layer, direction));
    const values = asLeft(subject.run(), direction.reverse, layer);
    const { dx, ...gradients } = subject.gradients();
    return { values, gradients, dx: direction.reverse ? turned(dx, layer) : dx };
  });
  return {
    values: found.map(({ values }) => values),
    gradients: found.map(({ gradients }) => gradients),
    dx: found[0].dx.map((_, k) => found.reduce((sum, { dx }) => sum + dx[k], 0)),
  };
}

/** The tolerance of each quantity: twice its largest error bound, because both sides may be off by it. */
export interface Tolerances {
  /** For each direction, of values and gradients. */
  directions: Record<string, number>[];
  dx: number;
}

/** Derives the tolerances from the rounding errors of the program's operations (see the referee's error bounds). */
export function tolerancesOf(layer: RecurrentLayer, precision: Precision): Tolerances {
  const rounding = precisions[precision];
  const all = layer.directions.map((direction) => {
    const subject = new Subject(questionOf(layer, direction));
    return subject.bounds(rounding);
  });
  const widest = (bounds: readonly number[]): number => 2 * Math.max(...bounds);
  const sum = all[0].dx.map((_, k) => all.reduce((total, { dx }) => total + dx[k], 0));
  const { dx } = answersOf(layer);
  return {
    directions: all.map(({ dx: _, ...bounds }) =>
      Object.fromEntries(Object.entries(bounds).map(([name, one]) => [name, widest(one)])),
    ),
    // the sum over the directions rounds once more
    dx: Math.max(...sum.map((e) => 2 * e)) + 2 * rounding.unit * Math.max(...dx.map(Math.abs)),
  };
}
