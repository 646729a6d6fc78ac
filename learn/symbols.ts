/** Splits texts into symbols, and maps symbols to the class indices that a network reads. */
import { must } from '../core/check';
import type { Column } from '../data/column';
import type { Table } from '../data/table';
import { countsOf } from './counts';

/** The kinds of symbols. */
export const tokenKinds = ['characters', 'words'] as const;
export type TokenKind = (typeof tokenKinds)[number];

/** Runs of letters and digits, and each other character on its own. */
const WORD = /[\p{L}\p{M}\p{N}'’]+|[^\s\p{L}\p{M}\p{N}]/gu;

/**
 * The symbols of a text: its characters (code points), or its words in lower case.
 * @example symbolsOf('No, no', 'words') // ['no', ',', 'no']
 */
export const symbolsOf = (text: string, kind: TokenKind): string[] =>
  kind === 'characters' ? Array.from(text) : (text.toLowerCase().match(WORD) ?? []);

/**
 * The vocabulary of a network, the most frequent symbols first. Symbols that occur only once are left out: they are
 * read as the unknown symbol, index 0, so that the network learns to deal with new symbols.
 * @example knownSymbols([['a', 'b', 'a'], ['b', 'c']]) // ['a', 'b']
 */
export const knownSymbols = (sequences: readonly (readonly string[])[]): string[] =>
  countsOf(sequences.flat())
    .filter(([, count]) => count > 1)
    .map(([symbol]) => symbol);

/** Maps sequences of symbols to indices: 1 + the position in the vocabulary, or 0 if it is not there. */
export function coderOf(known: readonly string[]): (symbols: readonly string[]) => number[] {
  const numbers = new Map(known.map((symbol, k) => [symbol, k + 1]));
  return (symbols) => symbols.map((symbol) => numbers.get(symbol) ?? 0);
}

/** Above this vocabulary size an embedding is used by default; and the width of that embedding. */
const MOST_ONE_HOT = 32;

/** The embedding width for a vocabulary size; null for one-hot input. */
export const embeddingOf = (asked: number | string | boolean | undefined, symbols: number): number | null =>
  typeof asked === 'number' ? asked : asked === undefined && symbols > MOST_ONE_HOT ? MOST_ONE_HOT : null;

/** Whether a column holds texts or lists of symbols, and not lists of lists. */
export const isSequence = ({ kind, values }: Column): boolean =>
  kind === 'texts' || (kind === 'lists' && !values.some((list) => list.some((item) => Array.isArray(item))));

/** The first few line numbers of some rows, for a message. */
export function symbolTableLines(table: Table, rows: readonly number[]): string {
  const shown = rows.slice(0, 3).map((row) => table.lineOf(row));
  return `${rows.length === 1 ? 'line' : 'lines'} ${shown.join(', ')}${rows.length > 3 ? ` and ${rows.length - 3} more` : ''}`;
}

/** The symbols of each row of a column of texts or lists. @throws RangeError for a row without any. */
export function symbolsIn(table: Table, column: string, tokens: TokenKind, where: string): string[][] {
  const { kind, values } = table.column(column, 'texts', 'lists');
  const rows =
    kind === 'texts' ? values.map((text) => symbolsOf(text, tokens)) : values.map((list) => list.map(String));
  const empty = rows.flatMap(({ length }, row) => (length === 0 ? [row] : []));
  const got = (): string => `none in ${symbolTableLines(table, empty)}`;
  if (empty.length > 0)
    must(false, `${where}: column ${column}`, 'every row must hold a sequence', got(), 'remove such rows');
  return rows;
}

/** Text of a sequence: characters are joined, words and the items of lists are separated by spaces. */
export const joinedSymbols = (symbols: readonly string[], characters: boolean): string =>
  symbols.join(characters ? '' : ' ');
