/**
 * The temporal order problem: classify a sequence by the order of two relevant symbols among many irrelevant ones.
 *
 * A sequence of the symbols E B a b c d X Y, of 100 … 110 steps: E first, B last, random a b c d in between, except for X or
 * Y with equal probability at two steps t1 in 10 … 20 and t2 in 50 … 60. Its class is the pair: X X, X Y, Y X or Y Y.
 *
 * Source: Hochreiter & Schmidhuber 1997, experiment 6a.
 */
import type { Random } from '../core/random/random';

export const orderSymbols = ['E', 'B', 'a', 'b', 'c', 'd', 'X', 'Y'] as const;
export type OrderSymbol = (typeof orderSymbols)[number];

export interface Order {
  symbols: OrderSymbol[];
  /** 0 X X, 1 X Y, 2 Y X, 3 Y Y. */
  class: number;
}

export function temporalOrder(random: Random): Order {
  const length = 100 + random.below(11);
  const symbols = Array.from({ length }, (): OrderSymbol => orderSymbols[2 + random.below(4)]);
  const [first, second] = [random.below(2), random.below(2)];
  symbols[0] = 'E';
  symbols[length - 1] = 'B';
  symbols[10 + random.below(11)] = orderSymbols[6 + first];
  symbols[50 + random.below(11)] = orderSymbols[6 + second];
  return { symbols, class: 2 * first + second };
}
