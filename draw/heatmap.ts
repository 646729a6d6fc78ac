/** The flow of gradients as a picture: a heat map of time × layer with its scale, and Jacobians with their bounds. */
import { greatest, least } from '../core/reduce';
import type { FlowDistance, Flow } from '../bptt/flow/flow';
import { canvas, decade, stacked } from './canvas';

const WIDTH = 820;
const MARGIN_LEFT = 70;
const ROW = 24;
/** Decades that the colours tell apart; what lies deeper is drawn like the deepest of them. */
const DECADES = 16;
const palette = ['#4e79a7', '#f28e2c', '#e15759', '#76b7b2', '#59a14f', '#af7aa1', '#9c755f', '#edc949'];

/** An SVG document. */
export async function drawFlow({ layers, row }: Flow, title: string): Promise<string> {
  const { Plot, document, style } = await canvas();
  const rows = layers
    .flatMap(({ name, gradients }) => Object.keys(gradients).map((s) => `${name}.${s}`))
    .reverse();
  const cells = layers.flatMap(({ name, gradients }) =>
    Object.entries(gradients).flatMap(([s, norms]) =>
      norms.map((norm, t) => ({ row: `${name}.${s}`, from: t - 0.5, to: t + 0.5, log: Math.log10(norm) })),
    ),
  );
  const logs = cells.map(({ log }) => log).filter(Number.isFinite);
  const most = Math.max(greatest(logs), -300);
  const low = Math.max(Math.min(least(logs), most - 0.1), most - DECADES);
  const color = { type: 'linear', scheme: 'viridis', domain: [low, most], clamp: true } as const;
  const common = { document, width: WIDTH, marginLeft: MARGIN_LEFT, style };
  const heading = (text: string) =>
    Plot.text([text], { text: (d: string) => d, frameAnchor: 'top-left', dy: -20, fontWeight: 'bold' });

  const height = rows.length * ROW + 84;
  const map = Plot.plot({
    ...common,
    height,
    marginTop: 44,
    x: { label: 't' },
    y: { label: null, domain: rows, type: 'band', padding: 0.06 },
    color,
    marks: [
      // black where nothing flows at all
      Plot.barX(cells, {
        ...{ y: 'row', x1: 'from', x2: 'to' },
        fill: (d: { log: number }) => (d.log === -Infinity ? null : d.log),
        shapeRendering: 'crispEdges',
      }),
      heading('‖∂L/∂h_t‖ of every state, over all rows'),
      Plot.text([title], { text: (d: string) => d, frameAnchor: 'top-left', dy: -36, fill: '#666' }),
    ],
  });

  const steps = Array.from({ length: 100 }, (_, k) => low + ((most - low) * k) / 100);
  const scale = Plot.plot({
    ...common,
    height: 58,
    marginTop: 4,
    marginRight: WIDTH / 2,
    x: { label: null, ticks: 5, tickFormat: decade },
    y: { axis: null },
    color,
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

  const lines = layers.flatMap(({ name, back }, k) => [
    { name, stroke: palette[k % palette.length], points: logOf(back, 'norm'), dash: '' },
    { name: '', stroke: palette[k % palette.length], points: logOf(back, 'bound'), dash: '4,3' },
  ]);
  const curves = Plot.plot({
    ...common,
    height: 320,
    marginTop: 44,
    x: { label: 'k, steps taken', domain: [0, Math.max(...layers.map(({ steps: taken }) => taken.length))] },
    y: { label: null, grid: true, tickFormat: decade },
    marks: [
      Plot.frame({ stroke: '#ddd' }),
      ...lines.map(({ points, stroke, dash }) =>
        Plot.line(points, { x: 'k', y: 'log', stroke, strokeWidth: dash ? 1.2 : 2, strokeDasharray: dash }),
      ),
      heading(`‖∂h_T/∂h_k‖ of row ${row}, and dashed the product of the steps' largest singular values`),
      ...lines
        .filter(({ name }) => name !== '')
        .map(({ name, stroke }, k) =>
          Plot.text([name], {
            text: (d: string) => d,
            frameAnchor: 'bottom-right',
            dx: -8,
            dy: -8 - 16 * k,
            fill: stroke,
            fontWeight: 'bold',
          }),
        ),
    ],
  });
  return stacked(
    [
      { svg: map, height },
      { svg: scale, height: 58 },
      { svg: curves, height: 320 },
    ],
    WIDTH,
  );
}

/** A curve over the number of steps taken, without what has no logarithm. */
const logOf = (back: readonly FlowDistance[], what: 'norm' | 'bound') =>
  back.flatMap((distance) => {
    const log = Math.log10(distance[what]);
    return Number.isFinite(log) ? [{ k: back.length - 1 - distance.d, log }] : [];
  });
