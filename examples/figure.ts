/** Charts drawn with characters for the terminal. */

/**
 * Curves over a common axis, each drawn with its own symbol; where two meet, the later one is on top.
 * @example chart({ 'o measured': [1, 2, 3], '· predicted': [1, 1, 3] })
 */
export function chart(curves: Record<string, ArrayLike<number>>, height = 12, width = 72): string {
  const all = Object.values(curves).flatMap((curve) => Array.from(curve));
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const grid = Array.from({ length: height }, () => Array<string>(width).fill(' '));
  for (const [name, curve] of Object.entries(curves)) {
    const columns = Math.min(width, curve.length);
    for (let c = 0; c < columns; c++) {
      const y = curve[columns > 1 ? Math.round((c * (curve.length - 1)) / (columns - 1)) : 0];
      const row = Math.round(((height - 1) * (high - y)) / (high - low || 1));
      grid[row][c] = name[0];
    }
  }
  const label = (row: number): string =>
    row === 0 ? high.toPrecision(4) : row === height - 1 ? low.toPrecision(4) : '';
  const lines = grid.map((row, k) => `${label(k).padStart(8)} │${row.join('')}`.trimEnd());
  return [...lines, `${' '.repeat(10)}${Object.keys(curves).join('   ')}`].join('\n');
}

/** A bar chart with one bar for each name; 1 is the full length. */
export function bars(values: Record<string, number>, width = 40): string {
  const longest = Math.max(...Object.keys(values).map(({ length }) => length));
  return Object.entries(values)
    .map(
      ([name, value]) =>
        `${name.padEnd(longest)} ${'█'.repeat(Math.round(value * width)).padEnd(width)} ${value.toFixed(2)}`,
    )
    .join('\n');
}

/** A confusion matrix: rows are true classes, columns predicted ones. */
export function confusion(
  names: readonly string[],
  pairs: readonly (readonly [is: number, predicted: number])[],
): string {
  const width = Math.max(4, ...names.map(({ length }) => length)) + 1;
  const count = (is: number, predicted: number): number =>
    pairs.filter(([a, b]) => a === is && b === predicted).length;
  const cells = (texts: readonly string[]): string => texts.map((text) => text.padStart(width)).join('');
  const rows = names.map((name, is) =>
    cells([name, ...names.map((_, predicted) => String(count(is, predicted)))]),
  );
  return ['confusion matrix: rows are true classes, columns predicted', cells(['', ...names]), ...rows].join(
    '\n',
  );
}
