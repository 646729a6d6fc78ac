/** Wraps lines between words to the width of the terminal. Pipes and files get them unwrapped. */

import { stripVTControlCharacters } from 'node:util';

/** Width of the terminal that a stream goes to; infinite if it goes to none. */
export const columnsOf = (stream: NodeJS.WriteStream): number =>
  stream.isTTY ? stream.columns || 80 : Infinity;

/** Extra indentation of continuation lines. */
const HANG = 2;
/** Lines to paste into a shell; they stay valid when wrapped. */
const COMMAND = /^\s+(backstep|npm|npx|torchrun) /;
/** A shell word including its quotes, or an option with its value. */
const SHELL_WORD = /\s*(?:--[\w-]+\s+(?![-|>]))?(?:'[^']*'|"[^"]*"|[^\s'"])+/g;
/** The space between an option and its value, where a line is broken if they do not fit together. */
const OPTION_AND_VALUE = /(?<=\s--[\w-]+)(?=\s)/;
/** The start of a two-column line: a term, and a gap of two spaces or more. */
const TERM = /^\s*\S+(?: \S+)* {2,}(?=\S)/;

/**
 * Wraps text to lines of at most `width` columns; words are not broken. A two-column line, a term and its description,
 * keeps its second column, or has it below the first if there is no room for both.
 * @example wrap('one two three', 9) // 'one two\n  three'
 */
export const wrap = (text: string, width: number): string =>
  text
    .split('\n')
    .flatMap((line) => wrapLine(line, width))
    .join('\n');

function wrapLine(line: string, width: number): string[] {
  if (lengthOf(line) <= width) return [line];
  const [term] = TERM.exec(line) ?? [''];
  const indent = line.search(/\S/);
  if (term === '') return fill(line, width, indent + HANG);
  const column = lengthOf(term);
  const [first, rest] = [line.slice(0, term.length).trimEnd(), line.slice(term.length)];
  const room = width - column;
  if (column <= width / 2 && wordsOf(rest).every((word) => lengthOf(word.trim()) <= room)) {
    const [beside, ...beneath] = fill(rest, room, 0);
    return [term + beside, ...beneath.map((part) => ' '.repeat(column) + part)];
  }
  return [...wrapLine(first, width), ...fill(' '.repeat(indent + 2 * HANG) + rest, width, indent + 2 * HANG)];
}

/** Wraps one line; continuation lines are indented. */
function fill(line: string, width: number, indent: number): string[] {
  const isCommand = COMMAND.test(line);
  const room = isCommand ? width - 2 : width;
  const words = isCommand
    ? (line.match(SHELL_WORD) ?? []).flatMap((word) =>
        indent + lengthOf(word.trim()) > room ? word.split(OPTION_AND_VALUE) : [word],
      )
    : wordsOf(line);
  const lines: string[] = [];
  let current = '';
  for (const word of words) {
    if (current === '' || lengthOf(current) + lengthOf(word) <= room) current += word;
    else {
      lines.push(current);
      current = ' '.repeat(indent) + word.trimStart();
    }
  }
  return [...lines.map((part) => (isCommand ? `${part} \\` : part)), current];
}

/** Words with the space before them. */
const wordsOf = (line: string): readonly string[] => line.match(/\s*\S+/g) ?? [];

/** Length in visible characters, not UTF-16 units. */
const lengthOf = (text: string): number => Array.from(stripVTControlCharacters(text)).length;
