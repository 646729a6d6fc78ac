/** Sequences of symbols: what a text is taken apart into, and the numbers that a network reads. */

/** What a text is taken apart into. */
export const tokenKinds = ['characters', 'words'] as const;
export type TokenKind = (typeof tokenKinds)[number];

/** Runs of letters and digits, and every other sign by itself. */
const WORD = /[\p{L}\p{M}\p{N}'’]+|[^\s\p{L}\p{M}\p{N}]/gu;

/**
 * The symbols of a text: its characters (code points), or its words in lower case.
 * @example symbolsOf('No, no', 'words') // ['no', ',', 'no']
 */
export const symbolsOf = (text: string, kind: TokenKind): string[] =>
  kind === 'characters' ? Array.from(text) : (text.toLowerCase().match(WORD) ?? []);

/**
 * The symbols that a network shall know, the most frequent first. One that occurs once is left out: it is read as the
 * unknown symbol, number 0, so that the network learns what to make of symbols that it never met.
 * @example knownSymbols([['a', 'b', 'a'], ['b', 'c']]) // ['a', 'b']
 */
export function knownSymbols(sequences: Iterable<readonly string[]>): string[] {
  const counts = new Map<string, number>();
  for (const sequence of sequences)
    for (const symbol of sequence) counts.set(symbol, (counts.get(symbol) ?? 0) + 1);
  return [...counts]
    .filter(([, count]) => count > 1)
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .map(([symbol]) => symbol);
}

/** What turns sequences of symbols into numbers: 1 + the place among the known ones, 0 for others. */
export function coderOf(known: readonly string[]): (symbols: readonly string[]) => number[] {
  const numbers = new Map(known.map((symbol, k) => [symbol, k + 1]));
  return (symbols) => symbols.map((symbol) => numbers.get(symbol) ?? 0);
}

/** Above so many symbols, a network reads them through an embedding unless it is told otherwise; and its width then. */
const MOST_ONE_HOT = 32;

/** The width of the embedding of so many symbols; null where they are read as they are. */
export const embeddingOf = (asked: number | string | boolean | undefined, symbols: number): number | null =>
  typeof asked === 'number' ? asked : asked === undefined && symbols > MOST_ONE_HOT ? MOST_ONE_HOT : null;
