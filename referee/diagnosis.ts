/** What was found in somebody's numbers, and how it is told. */
import type { EquationLine } from './edits';

/** One mistake that gives the same gradients as those that were given. */
export interface Explanation {
  /** A sentence: `your dWh equals ours without the term dcNext in dc (line 3: …)`. */
  words: string;
  /** The line of the backward equations as it should be. */
  line?: EquationLine;
  /** From where: a line of the equations, how steps are put together, a gradient by itself, the table of mutants. */
  kind: 'line' | 'steps' | 'gradient' | 'mutant';
  /** Of a mutant, its name there. */
  mutant?: string;
}

/** Where a gradient and ours part. */
export interface GradientDifference {
  quantity: string;
  /** `step 4, row 0, entry 2`, `[1, 8], gate f`. */
  where: string;
  given: number;
  ours: number;
}

/** What was found. */
export interface Diagnosis {
  /** `rounding`: right, but for coarser rounding than was stated. */
  verdict: 'right' | 'rounding' | 'explained' | 'unexplained';
  /** All that explain the gradients equally well. */
  explanations: Explanation[];
  /** The first place of each gradient that is not ours, in the order in which the backward pass reaches them. */
  differences: GradientDifference[];
  /** The whole in words, for people. */
  message: string;
}

/** `dx, dWx and db`. */
export const listed = (names: readonly string[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names[names.length - 1]}`;

/** Words of several quantities, of one. */
export const singular = (words: string): string =>
  words
    .replace(/^are /, 'is ')
    .replace(/^hold /, 'holds ')
    .replace(/\bthey are\b/, 'it is')
    .replace(/\bthey must\b/, 'it must')
    .replace(/\bto them\b/, 'to it')
    .replace(/\btheir\b/, 'its');

/** What is told of right numbers, and of those that their format is too coarse to show. */
export const right = (what: string, hidden: readonly string[], format: string): Diagnosis => ({
  ...{ verdict: 'right', explanations: [], differences: [] },
  message: `your ${what} are right${hidden.length > 0 ? `, but ${format} is too coarse to judge ${listed(hidden)}` : ''}`,
});

/** What is told of numbers that are only rounded more coarsely. */
export const coarse = (what: string, format: string): string =>
  `your ${what} equal ours up to the rounding of ${format}: declare them as ${format}, or compute them in float64`;

/** A place where two part, in words. */
export const differenceWords = ({ quantity, where, given, ours }: GradientDifference): string =>
  `${quantity} at ${where}${Number.isNaN(ours) ? '' : `: ${given} where ${ours} belongs`}`;

/** What is told where nothing explains the numbers. */
export const apart = (yours: string, difference: GradientDifference): string =>
  `no mistake that is known here gives ${yours}; they differ from ours first in ${differenceWords(difference)}`;

/** How many explanations are told at once. */
const TOLD = 4;

/** All explanations in words; what a line or a step explains need not be told again as a mutant. */
export function told(explanations: readonly Explanation[]): string {
  const better = explanations.filter(({ kind }) => kind !== 'mutant');
  const words = [...new Set((better.length > 0 ? better : explanations).map((one) => one.words))];
  const shown = words.slice(0, TOLD);
  const more = words.length - shown.length;
  const first =
    shown.length === 1
      ? shown[0]
      : `one of these, which give the same numbers here:\n${shown.map((one) => `  - ${one}`).join('\n')}`;
  return more > 0 ? `${first}\n  - and ${more} more` : first;
}
