/** A cell of the user's own: checks its text as it is typed, and offers texts to start from. */
import { choiceNames, choiceOf } from '../../cells/kinds';
import { cellFromText, textOfCell } from '../../cells/text';
import type { Cell } from '../../cells/cell';
import { EquationError } from '../../core/equations/error';
import { checkProblem } from '../../bptt/check/gradcheck';
import type { GradcheckRow } from '../../bptt/check/row';
import { problemOfCell } from '../../bptt/check/problem';
import { repairs } from '../../referee/repair';
import { equationLines } from '../equations/lines';
import { leaky } from './leaky';

/** Sizes at which it is checked: small, and all different. */
const [D, H, B, T] = [3, 4, 2, 4];

/** A text to start from. */
export interface Template {
  name: string;
  text: string;
}

/** Result of the check of one gradient. */
export interface CheckedGradient {
  /** `dWx`, `dh0`. */
  name: string;
  /** By the exact oracle, over one step alone, and over several. */
  one: GradcheckRow['verdict'];
  several: GradcheckRow['verdict'];
}

/** What is known of a text: an error, or its equations and whether its gradients are right. */
export type CellReport =
  | { error: { message: string; reason: string; line: number; column: number } }
  | {
      error?: undefined;
      name: string;
      shapes: string;
      forward: string[];
      backward: string[];
      gradients: CheckedGradient[];
      /** Whether the stated Jacobian is right; undefined if none is stated. */
      jacobian?: GradcheckRow['verdict'];
      ok: boolean;
    };

/** All cells that a text of the sizes D and H can hold. */
export function templates(): Template[] {
  const builtIn = choiceNames().flatMap((name): Template[] => {
    const cell = choiceOf(name)?.make({ input: D, hidden: H });
    try {
      return cell ? [{ name, text: textOfCell(cell) }] : [];
    } catch {
      return []; // its shapes have other sizes, or it has a clock
    }
  });
  return [{ name: 'leaky', text: leaky }, ...builtIn];
}

/** Parses a text and decides its gradients by the exact oracle, and a stated Jacobian numerically. */
export function checkCell(text: string): CellReport {
  let cell: Cell;
  try {
    cell = cellFromText({ input: D, hidden: H, equations: text });
  } catch (error) {
    const { message } = error as Error;
    const { line, column, reason } =
      error instanceof EquationError ? error : { line: 1, column: 1, reason: message };
    return { error: { message, reason, line, column } };
  }
  const verdicts = (steps: number): Map<string, GradcheckRow['verdict']> => {
    const { rows } = checkProblem(problemOfCell(cell, { T: steps, B }), [], { oracles: ['exact'] });
    return new Map(rows.map(({ variable, verdict }) => [gradientOf(variable), verdict]));
  };
  const [one, several] = [verdicts(1), verdicts(T)];
  const gradients = Array.from(several, ([name, verdict]): CheckedGradient => ({
    name,
    one: one.get(name) ?? 'undecided',
    several: verdict,
  }));
  const jacobian = cell.equations?.jacobian === undefined ? undefined : jacobianOf(cell);
  return {
    name: cell.name,
    shapes: cell.equations?.shapes ?? '',
    forward: equationLines(cell.equations?.forward ?? ''),
    backward: equationLines(cell.equations?.backward ?? ''),
    gradients,
    ...(jacobian && { jacobian }),
    ok: gradients.every(({ several: verdict }) => verdict === 'right') && (jacobian ?? 'right') === 'right',
  };
}

function jacobianOf(cell: Cell): GradcheckRow['verdict'] {
  const { rows } = checkProblem(problemOfCell(cell, { T, B }), [], { oracles: ['jacobian'] });
  const wrong = rows.find(({ verdict }) => verdict !== 'right');
  return wrong?.verdict ?? 'right';
}

/** Changes of one backward line that would make the gradients right. */
export const repairsOf = (text: string): string[] =>
  repairs(text).map(
    ({ line: { number, text: line }, words }) => `line ${number}: ${line} would be right ${words}`,
  );

/** `dWx` for the variable `l0.Wx`. */
const gradientOf = (variable: string): string => `d${variable.replace(/^.*\./, '')}`;
