/**
 * Generates strings of the embedded Reber grammar, with the symbols that may follow at each step.
 *
 * A Reber string begins with B and follows the arrows of the grammar, each of two with probability ½, until E. An embedded
 * string is B, T or P, a Reber string, the same T or P again, E: to predict the last but one symbol, the second must be
 * remembered.
 *
 * Source: Reber 1967; embedded: Smith & Zipser 1989, Cleeremans, Servan-Schreiber & McClelland 1989; as in Hochreiter &
 * Schmidhuber 1997, experiment 1.
 */
import type { Random } from '../core/random/random';

export const reberSymbols = ['B', 'T', 'P', 'S', 'X', 'V', 'E'] as const;
export type ReberSymbol = (typeof reberSymbols)[number];

/** A symbol, and those that were allowed in its place. */
export interface ReberStep {
  symbol: ReberSymbol;
  legal: readonly ReberSymbol[];
}

type Arrow = readonly [ReberSymbol, to: number];
/** The arrows from each node of the grammar; the last node is its end. */
const nodes: readonly (readonly Arrow[])[] = [
  [['B', 1]],
  [
    ['T', 2],
    ['P', 3],
  ],
  [
    ['S', 2],
    ['X', 4],
  ],
  [
    ['T', 3],
    ['V', 5],
  ],
  [
    ['X', 3],
    ['S', 6],
  ],
  [
    ['P', 4],
    ['V', 6],
  ],
  [['E', 7]],
];

/** A Reber string, `B … E`. */
export function reber(random: Random): ReberStep[] {
  const steps: ReberStep[] = [];
  for (let node = 0; node < nodes.length;) {
    const arrows = nodes[node];
    const [symbol, to] = arrows[random.below(arrows.length)];
    steps.push({ symbol, legal: arrows.map(([other]) => other) });
    node = to;
  }
  return steps;
}

/** An embedded Reber string, `B T B … E T E` or `B P B … E P E`. */
export function embeddedReber(random: Random): ReberStep[] {
  const kind = random.below(2) === 0 ? 'T' : 'P';
  const only = (symbol: ReberSymbol): ReberStep => ({ symbol, legal: [symbol] });
  return [only('B'), { symbol: kind, legal: ['T', 'P'] }, ...reber(random), only(kind), only('E')];
}

/** An endless stream of embedded Reber strings, with no separators other than their own E and B. */
export function* continualReber(random: Random): Generator<ReberStep, never> {
  for (;;) yield* embeddedReber(random);
}
