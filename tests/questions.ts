/** Random questions about a cell, for tests of answers and their judges. */
import type { Cell, Question } from '../index';
import { Random } from '../core/random/random';

type Nested = number[] | Nested[];

/** Numbers in nested lists. */
export const randomArray = (random: Random, [n, ...rest]: number[]): Nested =>
  rest.length === 0
    ? Array.from({ length: n }, () => random.normal(0, 0.5))
    : Array.from({ length: n }, () => randomArray(random, rest));

/** A cell on random numbers, every part of the question given. */
export function ask(
  cell: Cell,
  { T = 5, B = 3, lengths, seed = 0 }: { T?: number; B?: number; lengths?: number[]; seed?: number } = {},
): Question {
  const random = new Random(seed);
  const states = (): Record<string, Nested> =>
    Object.fromEntries(Object.entries(cell.states).map(([s, width]) => [s, randomArray(random, [B, width])]));
  return {
    ...{ cell, lengths },
    x: randomArray(random, [T, B, cell.input]),
    parameters: Object.fromEntries(
      Object.entries(cell.parameters).map(([p, { shape }]) => [p, randomArray(random, shape)]),
    ),
    initial: states(),
    dOutput: randomArray(random, [T, B, Object.values(cell.states)[0]]),
    dFinal: states(),
  };
}
