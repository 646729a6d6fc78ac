/** Error in a text of equations; its message shows the line with a caret, and the nearest known name. */
import { nearest } from '../nearest';
import { safe } from '../safe';

/** Maximum number of characters shown of a reason, which may quote a text of any size. */
const LONGEST = 500;

/**
 * Thrown for equations that cannot be parsed or are inconsistent; the message shows the line with a caret.
 * @example
 * const text = { forward: 'rowLoss = sum(y - traget, axis=1)', backward: 'dy = weight' };
 * let error;
 * try {
 *   loss({ name: 'signed', title: 'signed error', targets: 'numbers', ...text });
 * } catch (thrown) {
 *   error = thrown as EquationError;
 * }
 * [error.line, error.column]; // [1, 19]
 * error.reason; // 'unknown name "traget" (did you mean target?)'
 */
export class EquationError extends Error {
  constructor(
    /** The owner of the equations: `lstm, backward`. */
    readonly where: string,
    readonly source: string,
    /** Position in the source. */
    readonly at: number,
    /** What is wrong, without the position. */
    readonly reason: string,
  ) {
    const before = source.slice(0, at).split('\n');
    const line = before.length;
    const column = before[line - 1].length + 1;
    const text = source.split('\n')[line - 1].replace(/\t/g, ' ');
    // show only a part of a long line, so that the caret stays below its position on any screen
    const from = text.length > 100 ? Math.max(0, column - 50) : 0;
    const shown = text.slice(from, from + 100);
    const shortened = reason.length > LONGEST ? `${reason.slice(0, LONGEST)}…` : reason;
    super(
      safe(
        `${where}, line ${line}, column ${column}: ${shortened}\n    ${shown}\n    ${' '.repeat(column - 1 - from)}^`,
      ),
    );
    this.name = 'EquationError';
    this.line = line;
    this.column = column;
  }
  /** Line and column, counted from 1. */
  readonly line: number;
  readonly column: number;
}

/** Maximum length of a name. */
const NAME = 64;

/** What is wrong with a name of any kind; undefined if it is valid. */
export function badName(name: string): string | undefined {
  if (name.length > NAME) return `a name must have at most ${NAME} characters, got ${name.length}`;
  if (name in Object.prototype) return `the name ${name} is reserved`;
  return undefined;
}

/** `unknown name "dcNxt" (did you mean dcNext?)`. */
export function unknown(kind: string, name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  return `unknown ${kind} "${name}"${near === undefined ? '' : ` (did you mean ${near}?)`}`;
}
