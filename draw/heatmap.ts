/** The flow of gradients as a picture: a heat map of time × layer with its scale, and Jacobians with their bounds. */
import { greatest, least } from '../core/programs/reduce';
import type { FlowDistance, Flow, LayerFlow } from '../bptt/flow/flow';
import { canvas, decade, stacked, type Canvas, type SizedPlot } from './canvas';

const WIDTH = 820;
const MARGIN_LEFT = 70;
const ROW = 24;
/** Number of decades in the color scale; smaller values have the color of the lowest decade. */
const DECADES = 16;
const palette = ['#4e79a7', '#f28e2c', '#e15759', '#76b7b2', '#59a14f', '#af7aa1', '#9c755f', '#edc949'];

/** The heat map as an SVG document. */
export async function drawFlow({ layers, row }: Flow, title: string): Promise<string> {
  const on = await canvas();
  const cells = cellsOf(layers);
  const logs = cells.map(({ log }) => log).filter(Number.isFinite);
  const most = Math.max(greatest(logs), -300);
  const range: Range = [Math.max(Math.min(least(logs), most - 0.1), most - DECADES), most];
  return stacked([heatMap(on, cells, range, title), scale(on, range), curves(on, layers, row)], WIDTH);
}

/** Range of the color scale as decimal logarithms. */
type Range = readonly [low: number, most: number];

/** The gradient of one state at one step. */
interface Cell {
  row: string;
  from: number;
  to: number;
  log: number;
}

const cellsOf = (layers: readonly LayerFlow[]): Cell[] =>
  layers.flatMap(({ name, gradients }) =>
    Object.entries(gradients).flatMap(([s, norms]) =>
      norms.map((norm, t) => ({ row: `${name}.${s}`, from: t - 0.5, to: t + 0.5, log: Math.log10(norm) })),
    ),
  );

const common = ({ document, style }: Canvas) => ({ document, width: WIDTH, marginLeft: MARGIN_LEFT, style });
const colorsOf = (range: Range) =>
  ({ type: 'linear', scheme: 'viridis', domain: range, clamp: true }) as const;
const heading = ({ Plot }: Canvas, text: string) =>
  Plot.text([text], { text: (d: string) => d, frameAnchor: 'top-left', dy: -20, fontWeight: 'bold' });

/** A row for each state, the first layer lowest. */
function heatMap(on: Canvas, cells: readonly Cell[], range: Range, title: string): SizedPlot {
  const { Plot } = on;
  const rows = [...new Set(cells.map(({ row }) => row))].reverse();
  const height = rows.length * ROW + 84;
  const svg = Plot.plot({
    ...common(on),
    height,
    marginTop: 44,
    x: { label: 't' },
    y: { label: null, domain: rows, type: 'band', padding: 0.06 },
    color: colorsOf(range),
    marks: [
      // black for zero
      Plot.barX(cells, {
        ...{ y: 'row', x1: 'from', x2: 'to' },
        fill: (d: Cell) => (d.log === -Infinity ? null : d.log),
        shapeRendering: 'crispEdges',
      }),
      heading(on, '‖∂L/∂h_t‖ of every state, over all rows'),
      Plot.text([title], { text: (d: string) => d, frameAnchor: 'top-left', dy: -36, fill: '#666' }),
    ],
  });
  return { svg, height };
}

/** The colors of the map with their numbers. */
function scale(on: Canvas, range: Range): SizedPlot {
  const { Plot } = on;
  const [low, most] = range;
  const steps = Array.from({ length: 100 }, (_, k) => low + ((most - low) * k) / 100);
  const height = 58;
  const svg = Plot.plot({
    ...common(on),
    height,
    marginTop: 4,
    marginRight: WIDTH / 2,
    x: { label: null, ticks: 5, tickFormat: decade },
    y: { axis: null },
    color: colorsOf(range),
    marks: [
      Plot.rect(steps, {
        x1: (log: number) => log,
        x2: (log: number) => log + (most - low) / 100,
        y1: 0,
        y2: 1,
        fill: (log: number) => log,
        shapeRendering: 'crispEdges',
      }),
      Plot.text(['‖∂L/∂h_t‖'], { text: (d: string) => d, frameAnchor: 'right', dx: 70 }),
    ],
  });
  return { svg, height };
}

/** How the final state of each layer depends on earlier ones, and the bound that its steps give, dashed. */
function curves(on: Canvas, layers: readonly LayerFlow[], row: number): SizedPlot {
  const { Plot } = on;
  const height = 320;
  const color = (k: number): string => palette[k % palette.length];
  const svg = Plot.plot({
    ...common(on),
    height,
    marginTop: 44,
    x: { label: 'k, steps taken', domain: [0, Math.max(...layers.map(({ steps: taken }) => taken.length))] },
    y: { label: null, grid: true, tickFormat: decade },
    marks: [
      Plot.frame({ stroke: '#ddd' }),
      ...layers.flatMap(({ back }, k) => [
        Plot.line(logOf(back, 'norm'), { x: 'k', y: 'log', stroke: color(k), strokeWidth: 2 }),
        Plot.line(logOf(back, 'bound'), {
          ...{ x: 'k', y: 'log', stroke: color(k) },
          ...{ strokeWidth: 1.2, strokeDasharray: '4,3' },
        }),
      ]),
      heading(on, `‖∂h_T/∂h_k‖ of row ${row}, and dashed the product of the steps' largest singular values`),
      ...layers.map(({ name }, k) =>
        Plot.text([name], {
          ...{ text: (d: string) => d, frameAnchor: 'bottom-right', dx: -8, dy: -8 - 16 * k },
          ...{ fill: color(k), fontWeight: 'bold' },
        }),
      ),
    ],
  });
  return { svg, height };
}

/** A curve over the number of steps, without values that have no logarithm. */
const logOf = (back: readonly FlowDistance[], what: 'norm' | 'bound') =>
  back.flatMap((distance) => {
    const log = Math.log10(distance[what]);
    return Number.isFinite(log) ? [{ k: back.length - 1 - distance.d, log }] : [];
  });
