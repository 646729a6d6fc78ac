/** What a layer gives, forward and backward, and how far float32 may be from it. */
import { precisions, type Precision } from '../referee/errorbound';
import { Subject, type Named } from '../referee/subject';
import { asLeft, questionOf, turned, type Layer } from './layer';

export interface Answers {
  /** Of each direction `output` [T, B, H], 0 behind a row's end, and the last states `hT`, `cT` [B, H]. */
  values: Named[];
  /** Of each direction `dWx` … and `dh0`, `dc0`. */
  gradients: Named[];
  /** dL/dx [T, B, D], through all directions. */
  dx: number[];
}

/** The numbers of a layer. */
export function answersOf(layer: Layer): Answers {
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

/** How far each quantity may be: the largest bound of its numbers, twice, because both sides may be off by it. */
export interface Tolerances {
  /** Of each direction, values and gradients. */
  directions: Record<string, number>[];
  dx: number;
}

/** The tolerances that follow from the operations counted in the program (see the referee's error bounds). */
export function tolerancesOf(layer: Layer, precision: Precision): Tolerances {
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
    // adding the directions rounds once more
    dx: Math.max(...sum.map((e) => 2 * e)) + 2 * rounding.unit * Math.max(...dx.map(Math.abs)),
  };
}
