/** A line chart with labeled curves. */
import { canvas } from '../../draw/canvas';

export interface Curve {
  name: string;
  points: { x: number; y: number }[];
  /** Whether it is a bound or a limit, not a measurement. */
  dashed?: boolean;
}

export interface Axes {
  x: string;
  y: string;
  /** Which axes are logarithmic; default none. */
  log?: 'x' | 'y' | 'both';
  range?: [number, number];
}

const colors = ['#4e79a7', '#e15759', '#59a14f', '#f28e2b', '#b07aa1', '#76b7b2'];

/** Of the picture, in pixels; a phone shows it at two thirds of that. */
const WIDTH = 460;
const [HEIGHT, LEFT, RIGHT, BOTTOM] = [300, 56, 14, 48];
const FONT = 16;
const LINE = 24;

/** The names of the curves below the plot: the place of each, as many in a line as fit. */
function legend(names: readonly string[]): { places: { x: number; line: number }[]; height: number } {
  let [x, line] = [0, 0];
  const places = names.map((name) => {
    // Chinese characters are as wide as they are high
    const width = [...name].reduce((sum, sign) => sum + (sign > '\u2e80' ? FONT : 0.62 * FONT), 24);
    if (x > 0 && x + width > WIDTH - 10) [x, line] = [0, line + 1];
    const place = { x, line };
    x += width;
    return place;
  });
  return { places, height: (line + 1) * LINE };
}

/** An SVG document. A dashed curve has the color of the one before it; if it is the first, it belongs to all and is grey. */
export async function lineChart(curves: readonly Curve[], { x, y, log, range }: Axes): Promise<string> {
  const { Plot, document, style } = await canvas();
  const names = curves.map(({ name, dashed }) => (dashed ? `- - ${name}` : `— ${name}`));
  const { places, height } = legend(names);
  const logarithmic = { x: log === 'x' || log === 'both', y: log === 'y' || log === 'both' };
  const svg = Plot.plot({
    document,
    width: WIDTH,
    height: HEIGHT + height,
    ...{ marginTop: 30, marginLeft: LEFT, marginRight: RIGHT, marginBottom: BOTTOM + height },
    style: { ...style, fontSize: `${FONT}px` },
    x: {
      ...{ label: x, grid: true, labelAnchor: 'center', labelOffset: BOTTOM - 6 },
      type: logarithmic.x ? 'log' : 'linear',
      ...(logarithmic.x ? {} : { ticks: 6 }),
    },
    y: {
      ...{ label: y, grid: true },
      type: logarithmic.y ? 'log' : 'linear',
      ...(range && { domain: range }),
      ...(logarithmic.y && { tickFormat: '~e', ticks: 6 }),
    },
    marks: curves.flatMap(({ points, dashed = false }, k) => {
      const number = curves.slice(0, k + 1).filter((curve) => !curve.dashed).length - 1;
      const stroke = number < 0 ? '#6b7280' : colors[number % colors.length];
      return [
        Plot.line(points, {
          ...{ x: 'x', y: 'y', stroke, strokeWidth: dashed ? 1.5 : 2, clip: true },
          ...(dashed && { strokeDasharray: '5 4' }),
        }),
        Plot.text([names[k]], {
          frameAnchor: 'bottom-left',
          text: (d: string) => d,
          fill: stroke,
          dx: places[k].x + 10 - LEFT,
          dy: BOTTOM + LINE * (places[k].line + 0.5),
          lineAnchor: 'middle',
          textAnchor: 'start',
          fontWeight: 'bold',
        }),
      ];
    }),
  });
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return svg.outerHTML;
}
