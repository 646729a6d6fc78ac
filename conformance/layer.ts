/**
 * A recurrent layer with its numbers: an operator, weights for one or both directions, inputs, and how to compute outputs.
 *
 * A reverse direction is the same cell on rows whose steps are reversed, each within its own length; its outputs are
 * reversed back. So each direction can be computed as a question of the referee.
 */
import type { Cell } from '../cells/cell';
import { Subject, type Named, type Question } from '../referee/subject';
import { cellOfOperator, type Operator } from './operator';

/** Row-major numbers by name. */
export type Flat = Readonly<Record<string, readonly number[]>>;

export interface DirectionInputs {
  reverse: boolean;
  /** By the names of the cell's equations, in its layout. */
  parameters: Flat;
  /** `h`, `c` [B, H]; default zero. */
  initial: Flat;
  /** dL/doutput [T, B, H], and dL/dstate [B, H] of the last states. */
  dOutput?: readonly number[];
  dFinal?: Flat;
}

export interface RecurrentLayer {
  operator: Operator;
  T: number;
  B: number;
  D: number;
  H: number;
  /** x [T, B, D]. */
  x: readonly number[];
  /** Length of each row; absent if the format has none. */
  lengths?: readonly number[];
  directions: readonly DirectionInputs[];
}

/** The inputs and sizes of a layer, without its equations. */
export type LayerInputs = Omit<RecurrentLayer, 'operator'>;

/** One direction of a layer as a question of the referee. */
export const questionOf = (layer: RecurrentLayer, direction: DirectionInputs): Question =>
  questionBy(cellOfOperator(layer.operator, { input: layer.D, hidden: layer.H }), layer, direction);

/** The same for any cell. */
export function questionBy(
  cell: Cell,
  layer: LayerInputs,
  { reverse, parameters, initial, dOutput, dFinal }: DirectionInputs,
): Question {
  const { T, B, D, x, lengths } = layer;
  const inOrder = (numbers: readonly number[]): readonly number[] =>
    reverse ? turned(numbers, layer) : numbers;
  return {
    cell,
    x: nested(inOrder(x), [T, B, D]),
    parameters,
    ...(Object.keys(initial).length > 0 && { initial }),
    ...(lengths && { lengths }),
    ...(dOutput && { dOutput: inOrder(dOutput) }),
    ...(dFinal && { dFinal }),
  };
}

/** The outputs of a direction: `output` [T, B, H] in order of time, 0 after a row's end, and `hT`, `cT`. */
export function layerValues(question: Question, { reverse }: DirectionInputs, layer: RecurrentLayer): Named {
  return asLeft(new Subject(question).run(), reverse, layer);
}

/** Puts outputs of a forward pass into order of time, with zeros after the end of a row. */
export function asLeft({ output, ...finals }: Named, reverse: boolean, layer: RecurrentLayer): Named {
  const { T, B, lengths } = layer;
  const width = output.length / (T * B);
  const live = output.map((v, k) => {
    const [t, b] = [Math.floor(k / (B * width)), Math.floor(k / width) % B];
    return t < (lengths?.[b] ?? T) ? v : 0;
  });
  return { output: reverse ? turned(live, layer) : live, ...finals };
}

/** The values of all directions. */
export const runLayer = (layer: RecurrentLayer): Named[] =>
  layer.directions.map((direction) => layerValues(questionOf(layer, direction), direction, layer));

/** Numbers [T, B, …] with the valid steps of each row reversed; padding stays. */
export function turned(
  numbers: readonly number[],
  { T, B, lengths }: Pick<RecurrentLayer, 'T' | 'B' | 'lengths'>,
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
