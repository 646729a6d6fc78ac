/** Labels of the steps in a drawing or a heat map: the input at each step, thinned out to fit. */

const shown: Readonly<Record<string, string>> = { ' ': '␣', '\n': '⏎', '\t': '⇥' };

/** Makes a symbol visible; limits the decimals of a number. */
export function labelOf(read: string | number, decimals: number): string {
  if (typeof read === 'number') return String(Number(read.toFixed(decimals))).replace('-', '−');
  return shown[read] ?? read.replace(/[\p{C}\p{Z}]/gu, '·');
}

export interface Placed {
  text: string;
  /** Its middle. */
  x: number;
}

/** As many labels as fit without touching: every one, every second, third …; none beyond the edges. */
export function placedLabels(
  texts: readonly string[],
  widthOf: (text: string) => number,
  { left, column, right }: { left: number; column: number; right: number },
): Placed[] {
  const widths = texts.map(widthOf);
  const widest = widths.reduce((most, width) => Math.max(most, width), 0);
  // letters may stand side by side, numbers need some space between them
  const gap = texts.some((text) => text.length > 1) ? 3 : 1;
  const every = Math.max(1, Math.ceil((widest + gap) / column));
  return texts.flatMap((text, k) => {
    if (k % every !== 0) return [];
    const half = widths[k] / 2;
    return [{ text, x: Math.max(half, Math.min(left + (k + 0.5) * column, right - half)) }];
  });
}
