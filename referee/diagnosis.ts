/** The result of a diagnosis, and its messages. */
import type { EquationLine } from './edits';

/** One mistake that reproduces the given gradients. */
export interface Explanation {
  /** A sentence: `your dWh equals ours without the term dcNext in dc (line 3: …)`. */
  words: string;
  /** The correct line of the backward equations. */
  line?: EquationLine;
  /** What explains it: a line of the equations, how steps are combined, one gradient alone, or the table of mutants. */
  kind: 'line' | 'steps' | 'gradient' | 'mutant';
  /** For a mutant, its name in that table. */
  mutant?: string;
}

/** The first place where a gradient differs from ours. */
export interface GradientDifference {
  quantity: string;
  /** `step 4, row 0, entry 2`, `[1, 8], gate f`. */
  where: string;
  given: number;
  ours: number;
}

/** The result of a diagnosis. */
export interface Diagnosis {
  /** `rounding`: right, but computed in a coarser format than was stated. */
  verdict: 'right' | 'rounding' | 'explained' | 'unexplained';
  /** All mistakes that explain the gradients equally well. */
  explanations: Explanation[];
  /** The first difference of each wrong gradient, in the order in which the backward pass computes them. */
  differences: GradientDifference[];
  /** The whole diagnosis in words. */
  message: string;
}

/** `dx, dWx and db`. */
export const listed = (names: readonly string[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names[names.length - 1]}`;

/** Turns words about several quantities into the singular. */
export const singular = (words: string): string =>
  words
    .replace(/^are /, 'is ')
    .replace(/^hold /, 'holds ')
    .replace(/\bthey are\b/, 'it is')
    .replace(/\bthey must\b/, 'it must')
    .replace(/\bto them\b/, 'to it')
    .replace(/\btheir\b/, 'its');

/** The diagnosis of right numbers; `hidden` names those that the format is too coarse to judge. */
export const right = (what: string, hidden: readonly string[], format: string): Diagnosis => ({
  ...{ verdict: 'right', explanations: [], differences: [] },
  message: `your ${what} are right${hidden.length > 0 ? `, but ${format} is too coarse to judge ${listed(hidden)}` : ''}`,
});

/** The message for numbers that are right but rounded more coarsely than stated. */
export const coarse = (what: string, format: string): string =>
  `your ${what} equal ours up to the rounding of ${format}: declare them as ${format}, or compute them in float64`;

/** A difference in words. */
export const differenceWords = ({ quantity, where, given, ours }: GradientDifference): string =>
  `${quantity} at ${where}${Number.isNaN(ours) ? '' : `: ${given} where ${ours} belongs`}`;

/** The message when no known mistake explains the numbers. */
export const apart = (yours: string, difference: GradientDifference): string =>
  `no mistake that is known here gives ${yours}; they differ from ours first in ${differenceWords(difference)}`;

/** How many explanations a message lists at most. */
const TOLD = 4;

/** All explanations in words; mutants only if no line or step explains the numbers. */
export function messageOf(explanations: readonly Explanation[]): string {
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
