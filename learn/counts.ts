/** How often labels occur, and how much each counts. */

/** Labels with how often they occur, the most frequent first. */
export function countsOf(labels: Iterable<string>): [label: string, count: number][] {
  const counts = new Map<string, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
}

/** How much each label counts: all alike, or `balanced`, as much as if all were as frequent. */
export function weightsOf(how: unknown, counts: readonly (readonly [string, number])[]): number[] {
  const sum = counts.reduce((total, [, count]) => total + count, 0);
  return counts.map(([, count]) => (how === 'balanced' ? sum / (counts.length * count) : 1));
}
