/** Draws the results of a paper as SVG: one panel per measure, a dot per seed, a bar for mean and deviation. */
import type { Paper } from './paper';
import type { Line } from './trials';
import { canvas } from '../draw/canvas';

const colors = { published: '#e15759', here: '#4e79a7' };
const WIDTH = 720;
const ROW = 26;
/** Above and below the rows of a panel. */
const MARGINS = 80;

/** An SVG document. */
export async function drawFigures(paper: Paper, lines: readonly Line[]): Promise<string> {
  const { Plot, document, style } = await canvas();

  let top = 0;
  const panels = Object.entries(paper.measures).flatMap(([measure, { title, scale }]) => {
    const own = lines.filter((one) => one.measure === measure && one.mean !== null);
    if (own.length === 0) return [];
    const seeds = own.flatMap(({ row, values }) =>
      values.flatMap((value) => (value === null ? [] : [{ row, value }])),
    );
    const bars = own.map(({ row, mean, deviation }) => {
      const [m, d] = [mean as number, deviation ?? 0];
      return { row, low: m - d, high: m + d, mean: m };
    });
    const published = own.flatMap(({ row, published: value }) =>
      typeof value === 'number' ? [{ row, value }] : [],
    );
    const height = own.length * ROW + MARGINS;
    const svg = Plot.plot({
      document,
      width: WIDTH,
      height,
      marginLeft: 180,
      marginTop: 34,
      marginBottom: 40,
      marginRight: 30,
      style,
      x: { label: title, grid: true, nice: true, ...(scale && { type: scale }) },
      y: { label: null, domain: own.map(({ row }) => row), type: 'band' },
      marks: [
        Plot.ruleY(
          bars.filter(({ low, high }) => low < high),
          {
            y: 'row',
            x1: 'low',
            x2: 'high',
            stroke: colors.here,
            strokeWidth: 3,
            strokeOpacity: 0.4,
          },
        ),
        Plot.dot(seeds, { y: 'row', x: 'value', stroke: colors.here, r: 3 }),
        Plot.tickX(bars, { y: 'row', x: 'mean', stroke: colors.here, strokeWidth: 2, inset: 5 }),
        Plot.dot(published, { y: 'row', x: 'value', fill: colors.published, symbol: 'diamond', r: 5 }),
      ],
    });
    svg.setAttribute('y', String(top));
    top += height;
    return [svg.outerHTML];
  });
  const legend =
    `<text x="10" y="16" font-family="sans-serif" font-size="12"><tspan fill="${colors.published}">◆ published</tspan>` +
    `<tspan dx="12" fill="${colors.here}">○ here, seed by seed; bar: mean ± deviation</tspan></text>`;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${top}" viewBox="0 0 ${WIDTH} ${top}">` +
    `${panels.join('')}${legend}</svg>\n`
  );
}
