/** A layer of any cell with somebody's answers, as read from files. */
import type { Cell } from '../cells/cell';
import type { Numbers } from '../core/tensor';
import type { Precision } from '../referee/errorbound';
import type { AnswerNumbers } from '../referee/protocol';
import { nested, turned, type LayerInputs } from './layer';

/** The answers to one direction, in the order of its own steps. */
export interface DirectionAnswers {
  /** `output`, and `hT` for the last state h. */
  values: AnswerNumbers;
  /** `dWx`, `dh0`; `dx` if there is only one direction. */
  gradients: AnswerNumbers;
}

export interface FileCase {
  name: string;
  cell: Cell;
  layer: LayerInputs;
  precision: Precision;
  /** One for each direction. */
  answers: DirectionAnswers[];
  /** For two directions, the sum of both. */
  dx?: Numbers;
}

/** A case that was read, or the reason why it cannot be judged. */
export type ReadCase = FileCase | { name: string; verdict: 'broken' | 'skipped'; reason: string };

/** Puts answers into the order of a direction's own steps. @param given nested lists. */
export function inOwnOrder(given: DirectionAnswers, layer: LayerInputs, reverse: boolean): DirectionAnswers {
  if (!reverse) return given;
  const turn = (all: AnswerNumbers, name: string): AnswerNumbers => {
    const numbers = all[name] as number[][][] | undefined;
    // numbers of another shape stay: the shape is part of the diagnosis
    if (numbers?.length !== layer.T || numbers[0].length !== layer.B || !Array.isArray(numbers[0][0]))
      return all;
    const shape = [layer.T, layer.B, numbers[0][0].length];
    return { ...all, [name]: nested(turned(numbers.flat(2), layer), shape) };
  };
  return { values: turn(given.values, 'output'), gradients: turn(given.gradients, 'dx') };
}
