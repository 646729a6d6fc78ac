/** Reads a matrix from text: JSON, a list of rows, or one row per line, its numbers separated by spaces or commas. */
import { must } from '../core/check';
import { parseJson } from './json';

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/**
 * Reads a matrix; the caller checks that its rows have equal lengths.
 *
 * @param name name of the text in messages.
 * @throws RangeError for text that is neither form, naming the line.
 * @example
 * readMatrix('0.9 5\n0, 0.8', 'w.txt'); // [[0.9, 5], [0, 0.8]]
 * readMatrix('[[0.9, 5], [0, 0.8]]', 'w.json');
 */
export function readMatrix(text: string, name: string): number[][] {
  const trimmed = text.trim();
  must(trimmed !== '', 'matrix', `${name} must hold at least one row of numbers`, 'nothing');
  return trimmed.startsWith('[') ? fromJson(trimmed, name) : fromLines(text, name);
}

function fromJson(text: string, name: string): number[][] {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    must(false, 'matrix', `${name} must be JSON where it starts with [`, text, (error as Error).message);
  }
  const rows = value as unknown[];
  const isMatrix = rows.every((row) => Array.isArray(row) && row.every((v) => typeof v === 'number'));
  must(isMatrix, 'matrix', `${name} must be a list of rows of numbers`, 'another JSON value');
  return rows;
}

function fromLines(text: string, name: string): number[][] {
  return text.split('\n').flatMap((line, k) => {
    const words = line
      .trim()
      .split(/[\s,;]+/)
      .filter(Boolean);
    const wrong = words.find((word) => !NUMBER.test(word));
    must(wrong === undefined, 'matrix', `line ${k + 1} of ${name} must hold numbers only`, wrong);
    return words.length === 0 ? [] : [words.map(Number)];
  });
}
