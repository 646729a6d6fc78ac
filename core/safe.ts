/** Makes untrusted text safe to print: control and formatting characters could act on the terminal or hide text. */

/**
 * Control characters, formatting characters (including those that change the text direction), lone surrogates and line
 * separators; but not line ends, tabs and the joiners that some scripts need.
 */
const UNSAFE = /(?![\n\t\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/**
 * Replaces by a dot every character that could act on a terminal or on the surrounding text.
 * @example safe('\x1b[31mred') // '·[31mred'
 */
export const safe = (text: string): string => text.replace(UNSAFE, '·');

/**
 * Escapes the same characters in a literal of JSON, or of a language with similar escapes, so that nothing is lost.
 * @param escape escapes one character; default as in JSON.
 * @example safeLiteral('"\u202e"') // '"\\u202e"'
 */
export const safeLiteral = (literal: string, escape = jsonEscape): string => literal.replace(UNSAFE, escape);

function jsonEscape(symbol: string): string {
  return Array.from({ length: symbol.length }, (_, k) => `\\u${hex(symbol.charCodeAt(k), 4)}`).join('');
}

/** The escape of any character in a Python string literal. */
export const pythonEscape = (symbol: string): string => `\\U${hex(symbol.codePointAt(0) as number, 8)}`;

const hex = (code: number, digits: number): string => code.toString(16).padStart(digits, '0');
