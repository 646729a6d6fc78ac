/** Breaks lines between words where the terminal is narrower than they are. A pipe or a file gets them whole. */

import { stripVTControlCharacters } from 'node:util';

/** Columns of the terminal that a stream goes to; without end where it goes to none. */
export const columnsOf = (stream: NodeJS.WriteStream): number =>
  stream.isTTY ? stream.columns || 80 : Infinity;

/** Where a line is broken, the rest is set in by so much more than its beginning. */
const HANG = 2;
/** Lines that a shell shall take: when broken, they can still be copied. */
const COMMAND = /^\s+(backstep|npm|npx|torchrun) /;
/** A word as a shell reads it, quotes and all, or an option with its value. */
const SHELL_WORD = /\s*(?:--[\w-]+\s+(?![-|>]))?(?:'[^']*'|"[^"]*"|[^\s'"])+/g;
/** The two of them, where they are too long together. */
const OPTION_AND_VALUE = /(?<=\s--[\w-]+)(?=\s)/;
/** What a line in two columns begins with: a term, and a gap of two spaces or more. */
const TERM = /^\s*\S+(?: \S+)* {2,}(?=\S)/;

/**
 * Text in lines of at most `width` columns, if its words allow it: no word is broken. A line in two columns, a term and
 * what is said of it, keeps the second one, or has it beneath the first where there is no room for both.
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

/** Breaks a line; those after the first are set in. */
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

/** Symbols that are seen, not units of UTF-16. */
const lengthOf = (text: string): number => Array.from(stripVTControlCharacters(text)).length;
