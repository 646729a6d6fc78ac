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

/** An SVG document. A dashed curve has the color of the one before it; if it is the first, it belongs to all and is grey. */
export async function lineChart(curves: readonly Curve[], { x, y, log, range }: Axes): Promise<string> {
  const { Plot, document, style } = await canvas();
  const svg = Plot.plot({
    document,
    width: 640,
    height: 380,
    marginTop: 30,
    marginLeft: 60,
    marginRight: 170,
    marginBottom: 45,
    // large enough to be read on a phone
    style: { ...style, fontSize: '14px' },
    x: {
      label: x,
      grid: true,
      labelAnchor: 'center',
      type: log === 'x' || log === 'both' ? 'log' : 'linear',
    },
    y: {
      label: y,
      grid: true,
      type: log === 'y' || log === 'both' ? 'log' : 'linear',
      ...(range && { domain: range }),
      ...(log && log !== 'x' && { tickFormat: '~e', ticks: 6 }),
    },
    marks: curves.flatMap(({ name, points, dashed = false }, k) => {
      const number = curves.slice(0, k + 1).filter((curve) => !curve.dashed).length - 1;
      const stroke = number < 0 ? '#6b7280' : colors[number % colors.length];
      return [
        Plot.line(points, {
          ...{ x: 'x', y: 'y', stroke, strokeWidth: dashed ? 1.5 : 2, clip: true },
          ...(dashed && { strokeDasharray: '5 4' }),
        }),
        Plot.text([dashed ? `${name} - -` : name], {
          frameAnchor: 'top-right',
          text: (d: string) => d,
          fill: stroke,
          dx: 10,
          dy: 20 * k,
          textAnchor: 'start',
          fontWeight: 'bold',
        }),
      ];
    }),
  });
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return svg.outerHTML;
}
