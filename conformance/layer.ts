/**
 * A recurrent layer on given numbers: an operator, its weights in one direction or both, what goes in, and what comes out.
 *
 * A direction in reverse is the same cell on rows whose steps are turned round, each within its own length; what comes
 * out is turned back. So a question of the referee is all that is needed to compute it.
 */
import { Subject, type Named, type Question } from '../referee/subject';
import { cellOf, type Operator } from './operator';

/** Row-major numbers by name. */
export type Flat = Readonly<Record<string, readonly number[]>>;

export interface Direction {
  reverse: boolean;
  /** By the names of the cell's equations, in its layout. */
  parameters: Flat;
  /** `h`, `c` [B, H]; what is left out starts at zero. */
  initial: Flat;
  /** dL/doutput [T, B, H], and dL/dstate [B, H] of the last states. */
  dOutput?: readonly number[];
  dFinal?: Flat;
}

export interface Layer {
  operator: Operator;
  T: number;
  B: number;
  D: number;
  H: number;
  /** x [T, B, D]. */
  x: readonly number[];
  /** Steps of each row; left out where a format has none. */
  lengths?: readonly number[];
  directions: readonly Direction[];
}

/** The question that one direction of a layer is. */
export function questionOf(
  layer: Layer,
  { reverse, parameters, initial, dOutput, dFinal }: Direction,
): Question {
  const { operator, T, B, D, H, x, lengths } = layer;
  const inOrder = (numbers: readonly number[]): readonly number[] =>
    reverse ? turned(numbers, layer) : numbers;
  return {
    cell: cellOf(operator, { input: D, hidden: H }),
    x: nested(inOrder(x), [T, B, D]),
    parameters,
    ...(Object.keys(initial).length > 0 && { initial }),
    ...(lengths && { lengths }),
    ...(dOutput && { dOutput: inOrder(dOutput) }),
    ...(dFinal && { dFinal }),
  };
}

/** What comes out of a question, as its direction leaves it: `output` [T, B, H], 0 behind a row's end, `hT`, `cT`. */
export function valuesOf(question: Question, { reverse }: Direction, layer: Layer): Named {
  return asLeft(new Subject(question).run(), reverse, layer);
}

/** Outputs of a forward pass, in the order of time and with nothing behind the end of a row. */
export function asLeft({ output, ...finals }: Named, reverse: boolean, layer: Layer): Named {
  const { T, B, lengths } = layer;
  const width = output.length / (T * B);
  const live = output.map((v, k) => {
    const [t, b] = [Math.floor(k / (B * width)), Math.floor(k / width) % B];
    return t < (lengths?.[b] ?? T) ? v : 0;
  });
  return { output: reverse ? turned(live, layer) : live, ...finals };
}

/** The values of all directions. */
export const runLayer = (layer: Layer): Named[] =>
  layer.directions.map((direction) => valuesOf(questionOf(layer, direction), direction, layer));

/** Numbers [T, B, …] with the live steps of each row turned round; what stands behind a row's end stays. */
export function turned(
  numbers: readonly number[],
  { T, B, lengths }: Pick<Layer, 'T' | 'B' | 'lengths'>,
): number[] {
  const width = numbers.length / (T * B);
  return numbers.map((_, k) => {
    const [t, b] = [Math.floor(k / (B * width)), Math.floor(k / width) % B];
    const n = lengths?.[b] ?? T;
    const from = t < n ? n - 1 - t : t;
    return numbers[(from * B + b) * width + (k % width)];
  });
}

type Nested = number[] | Nested[];

/** Row-major numbers as nested lists. */
export function nested(numbers: readonly number[], [n, ...rest]: readonly number[]): Nested {
  if (rest.length === 0) return [...numbers];
  const size = numbers.length / n;
  return Array.from({ length: n }, (_, k) => nested(numbers.slice(k * size, (k + 1) * size), rest));
}
