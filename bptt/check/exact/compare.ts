/** The rows of the exact oracles in the gradient check's report. */
import { sizeOf } from '../../../core/tensor';
import { errorBounds } from '../bounds';
import type { ExactReport } from './oracle';
import type { ExactRows } from './rows';
import { judge, none, unitDirection, type Direction } from '../judge';
import type { Problem } from '../problem';
import { indexOf, largestOf, type ExactOracle, type GradcheckRow } from '../row';
import { forwardMode } from '../rtrl';

/** The hand-derived gradients, and their rounding error along a direction. */
export interface Derived {
  gradients: Record<string, number[]>;
  rounding: (direction: Direction) => number;
}

/**
 * Checks all entries of a variable at once, at random points of a prime field.
 *
 * Unequal residues mean a wrong gradient, unless forward mode on numbers finds the entry right and no side of a kink was
 * chosen at random: then the gradient relies on an identity that does not hold in the field, and is undecided.
 */
export function compareExactly(
  problem: Problem,
  { gradients, rounding }: Derived,
  report: ExactReport | undefined,
): GradcheckRow[] {
  const slope = forwardMode(problem);
  const rightInNumbers = (variable: string, index: number): boolean => {
    const gradient = gradients[variable];
    const unit = unitDirection(variable, gradient.length, index);
    const measure = { bound: errorBounds.forwardMode, largest: largestOf(gradient), rounding };
    return judge(gradient[index], unit, slope, measure).verdict === 'right';
  };
  return Object.entries(problem.variables).map(([variable, { value }]) => {
    const size = sizeOf(value.shape);
    const found = report?.mismatches.find((one) => one.variable === variable);
    const open = report === undefined || (found && !found.coins && rightInNumbers(variable, found.index));
    const verdict = open ? 'undecided' : found ? 'wrong' : 'right';
    return {
      ...{ oracle: 'exact', variable, verdict, ok: verdict === 'right', bound: errorBounds.exact },
      error: open ? NaN : found ? 1 : 0,
      where: found
        ? `[${indexOf(found.index, value.shape).join(', ')}], modulo ${found.prime}`
        : 'random points',
      analytic: found?.analytic ?? NaN,
      numeric: found?.exact ?? NaN,
      checked: open ? 0 : size,
      undecided: { ...none, field: open ? size : 0 },
    };
  });
}

/**
 * The rows of an exact comparison. @param agrees whether the numbers show that a variable is right, so that only an
 *   identity of real functions is missing in the field.
 */
export function exactRowsOf(
  oracle: Exclude<ExactOracle, 'exact'>,
  found: ExactRows | undefined,
  agrees: (variable: string) => boolean,
): GradcheckRow[] {
  return (found?.rows ?? []).map(({ variable, entries, where, stated, exact, prime, coins }) => {
    const differs = where !== undefined;
    const open = differs && !coins && agrees(variable);
    const verdict = open ? 'undecided' : differs ? 'wrong' : 'right';
    return {
      ...{ oracle, variable, verdict, ok: verdict === 'right', bound: errorBounds.exact },
      error: open ? NaN : differs ? 1 : 0,
      where: differs ? `${where}, modulo ${prime}` : 'random points',
      analytic: differs ? stated : NaN,
      numeric: differs ? exact : NaN,
      checked: open ? 0 : entries,
      undecided: { ...none, field: open ? entries : 0 },
    };
  });
}
