/** A line chart with labelled curves. */
import { canvas } from '../../draw/canvas';

export interface Curve {
  name: string;
  points: { x: number; y: number }[];
}

export interface Axes {
  x: string;
  y: string;
  log?: boolean;
  range?: [number, number];
}

const colors = ['#4e79a7', '#e15759', '#59a14f', '#f28e2b', '#b07aa1', '#76b7b2'];

/** An SVG document. */
export async function lineChart(
  curves: readonly Curve[],
  { x, y, log = false, range }: Axes,
): Promise<string> {
  const { Plot, document, style } = await canvas();
  const svg = Plot.plot({
    document,
    width: 760,
    height: 380,
    marginTop: 30,
    marginLeft: 60,
    marginRight: 150,
    marginBottom: 40,
    style,
    x: { label: x, grid: true, labelAnchor: 'center' },
    y: {
      label: y,
      grid: true,
      type: log ? 'log' : 'linear',
      ...(range && { domain: range }),
      ...(log && { tickFormat: '~e', ticks: 6 }),
    },
    marks: [
      ...curves.flatMap(({ name, points }, k) => {
        const stroke = colors[k % colors.length];
        return [
          Plot.line(points, { x: 'x', y: 'y', stroke, strokeWidth: 2, clip: true }),
          Plot.text([name], {
            frameAnchor: 'top-right',
            text: (d: string) => d,
            fill: stroke,
            dx: 10,
            dy: 18 * k,
            textAnchor: 'start',
            fontWeight: 'bold',
          }),
        ];
      }),
    ],
  });
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return svg.outerHTML;
}
