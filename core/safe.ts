/** Text from outside may hold anything: a terminal obeys control characters, and others turn text round or hide it. */

/**
 * Control, formatting (among them those that change the direction of text), and what is no character at all; but neither
 * line ends, tabs, nor the joiners that some scripts are written with.
 */
const UNSAFE = /(?![\n\t\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/**
 * Text that can be shown: what could act on a terminal or on the text around it is replaced by a dot.
 * @example safe('\x1b[31mred') // '·[31mred'
 */
export const safe = (text: string): string => text.replace(UNSAFE, '·');

/**
 * A literal, of JSON or of a language that escapes like it, with the same characters escaped, so that nothing is lost.
 * @param escape writes one of them; default as JSON does.
 * @example safeLiteral('"\u202e"') // '"\\u202e"'
 */
export const safeLiteral = (literal: string, escape = jsonEscape): string => literal.replace(UNSAFE, escape);

function jsonEscape(symbol: string): string {
  return Array.from({ length: symbol.length }, (_, k) => `\\u${hex(symbol.charCodeAt(k), 4)}`).join('');
}

/** What Python's string literals take for any symbol. */
export const pythonEscape = (symbol: string): string => `\\U${hex(symbol.codePointAt(0) as number, 8)}`;

const hex = (code: number, digits: number): string => code.toString(16).padStart(digits, '0');
