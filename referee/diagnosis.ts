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
  /**
   * `rounding`: right, but computed in a coarser format than was stated. `undecided`: nearly right, and numbers of a coarser
   * format, whose error bound is too wide here to say that rounding explains the difference.
   */
  verdict: 'right' | 'rounding' | 'undecided' | 'explained' | 'unexplained';
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

/** The diagnosis of numbers that seem to be rounded more coarsely than stated. */
export function coarse(
  what: string,
  { format, sure, share }: CoarserFormat,
  differences: GradientDifference[],
): Diagnosis {
  const advice = `declare them as ${format}, or compute them in float64`;
  return {
    ...{ verdict: sure ? 'rounding' : 'undecided', explanations: [], differences },
    message: sure
      ? `your ${what} equal ours up to the rounding of ${format}: ${advice}`
      : `your ${what} are numbers of ${format} and differ from ours by ${share.toPrecision(2)} of ours; the bound on its rounding is too wide here to tell whether it explains that: ${advice}`,
  };
}

/** A number format that may explain how far numbers are from ours. */
export interface CoarserFormat {
  format: string;
  /** Whether its error bound is narrow enough to show an error. */
  sure: boolean;
  /** The largest difference of a gradient from ours, relative to ours. */
  share: number;
}

/** A difference in words. */
export const differenceWords = ({ quantity, where, given, ours }: GradientDifference): string =>
  `${quantity} at ${where}${Number.isNaN(ours) ? '' : `: ${given} where ${ours} belongs`}`;

/** The message when no known mistake explains the numbers. */
export const apart = (yours: string, difference: GradientDifference): string =>
  `no mistake that is known here gives ${yours}; they differ from ours first in ${differenceWords(difference)}`;

/** The diagnosis of numbers of which some are NaN or infinite, if one of the differences from ours is. */
export function notFinite(what: string, differences: GradientDifference[]): Diagnosis | undefined {
  const flaw = differences.find(({ given, ours }) => !Number.isFinite(given) && !Number.isNaN(ours));
  return (
    flaw && {
      ...{ verdict: 'unexplained', explanations: [], differences },
      message: `your ${what} must be finite numbers: ${differenceWords(flaw)}`,
    }
  );
}

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
