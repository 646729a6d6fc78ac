/** Label frequencies and class weights. */

/** Labels with their counts, the most frequent first. */
export function countsOf(labels: Iterable<string>): [label: string, count: number][] {
  const counts = new Map<string, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
}

/** Class weights: all equal, or `balanced`, inversely proportional to the frequency. */
export function weightsOf(how: unknown, counts: readonly (readonly [string, number])[]): number[] {
  const sum = counts.reduce((total, [, count]) => total + count, 0);
  return counts.map(([, count]) => (how === 'balanced' ? sum / (counts.length * count) : 1));
}
