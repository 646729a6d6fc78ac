/** Draws the attention of a decoder: which symbols of the source each written symbol looked at. */
import { canvas, stacked } from '../../draw/canvas';

/** A source, what was written for it, and the weights, one row for each written symbol. */
export interface Attended {
  source: readonly string[];
  written: readonly string[];
  weights: readonly (readonly number[])[];
}

const CELL = 22;
const MARGIN = 80;
/** Symbols of more than this many characters are tilted. */
const UPRIGHT = 2;
const short = (symbol: string): string => (symbol.length > 10 ? `${symbol.slice(0, 9)}…` : symbol);

/** One panel for each pair; darker cells have more weight. */
export async function drawAttention(all: readonly Attended[]): Promise<string> {
  const { Plot, document, style } = await canvas();
  const sizes = all.map(({ source, written }) => {
    const tilted = source.some(({ length }) => length > UPRIGHT);
    const top = tilted ? MARGIN : MARGIN / 2;
    const width = Math.max(160, MARGIN + CELL * source.length + 20);
    return { tilted, top, width, height: top + CELL * written.length + 20 };
  });
  const panels = all.map(({ source, written, weights }, k) => {
    const cells = weights.flatMap((row, t) => row.map((weight, s) => ({ s, t, weight })));
    const { width, height, tilted, top } = sizes[k];
    const svg = Plot.plot({
      ...{
        document,
        width,
        height,
        style,
        marginLeft: MARGIN,
        marginRight: width - MARGIN - CELL * source.length,
        marginTop: top,
        marginBottom: 10,
      },
      x: {
        ...{ axis: 'top', label: 'read', domain: source.map((_, s) => s) },
        ...{
          tickFormat: (s: number) => short(source[s]),
          tickRotate: tilted ? -45 : 0,
        },
      },
      y: { label: 'written', domain: written.map((_, t) => t), tickFormat: (t: number) => short(written[t]) },
      color: { type: 'linear', scheme: 'blues', domain: [0, 1] },
      marks: [Plot.cell(cells, { x: 's', y: 't', fill: 'weight', inset: 0.5 })],
    });
    return { svg, height };
  });
  return stacked(panels, Math.max(...sizes.map(({ width }) => width)));
}
