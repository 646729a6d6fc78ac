/** Finds the name closest to a misspelled word. */

/** The nearest name with at most a third of the letters wrong, or one letter in a short word. */
export function nearest<T extends string>(word: string, names: readonly T[]): T | undefined {
  const most = Math.min(Math.max(1, Math.floor(word.length / 3)), word.length - 1);
  const scored = names
    // a difference in length is a lower bound of the distance
    .filter((name) => Math.abs(name.length - word.length) <= most)
    .map((name) => ({ name, wrong: distance(word.toLowerCase(), name.toLowerCase()) }));
  scored.sort((a, b) => a.wrong - b.wrong);
  return scored.length > 0 && scored[0].wrong <= most ? scored[0].name : undefined;
}

/** Number of letters to insert, delete, replace, or swap with their neighbor (Damerau 1964). */
function distance(a: string, b: string): number {
  const d = Array.from({ length: a.length + 1 }, (_, i) => [i, ...Array<number>(b.length).fill(0)]);
  for (let j = 1; j <= b.length; j++) d[0][j] = j;
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      d[i][j] = Math.min(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + same);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) d[i][j] = Math.min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.length][b.length];
}
