/** Draws the data flow of a cell as SVG, from its equations. */
import * as exported from '@dagrejs/dagre';
import type { CellEquations } from '../../cells/cell';
import { flowOf, type Flow, type FlowNode } from './graph';

// the ES module, unlike its types, has a default export alone
const { graphlib, layout } = (exported as { default?: typeof exported }).default ?? exported;

const [HEIGHT, CIRCLE, MARGIN, GAP] = [30, 26, 4, 34];
/** Width of a letter of the labels in pixels. */
const LETTER = 8;

interface Placed {
  node: FlowNode;
  x: number;
  y: number;
  width: number;
  height: number;
}
interface Path {
  points: { x: number; y: number }[];
  weighted: boolean;
  direct: boolean;
}

/**
 * A cell as a diagram: the functions in boxes, elementwise operations in circles. Dashed paths are multiplied by weights;
 * thick ones lead a state to the next step without weights or squashing, so that its gradient returns unchanged but for
 * the factors on the path.
 */
export function diagramOf(equations: Pick<CellEquations, 'name' | 'shapes' | 'forward'>): string {
  const flow = flowOf(equations);
  const { nodes, paths, width, height } = placed(flow);
  // the borders of the layout are not drawn
  const left = GAP - MARGIN;
  const [w, h] = [width - 2 * left, height + 2 * MARGIN].map(Math.ceil);
  const label = `Data flow of the cell ${equations.name}: ${inWords(flow)}`;
  return [
    `<svg class="diagram" viewBox="${left} ${-MARGIN} ${w} ${h}" width="${w}" height="${h}" role="img" aria-label="${label}">`,
    `<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse" markerUnits="userSpaceOnUse"><path d="M0 0.5 8 4 0 7.5z" class="head"/></marker></defs>`,
    ...paths.map(drawPath),
    ...nodes.map(drawNode),
    '</svg>',
  ].join('');
}

function placed(flow: Flow): { nodes: Placed[]; paths: Path[]; width: number; height: number } {
  const graph = new graphlib.Graph({ multigraph: true });
  graph.setGraph({ rankdir: 'LR', nodesep: 16, ranksep: GAP, edgesep: 10 });
  for (const node of flow.nodes) graph.setNode(node.id, { ...sizeOf(node) });
  // a direct path is kept straight
  flow.edges.forEach((edge, k) => graph.setEdge(edge.from, edge.to, { weight: edge.direct ? 8 : 1 }, `${k}`));
  // inputs stand at the left, outputs at the right
  for (const { id, kind } of flow.nodes) {
    if (kind === 'input') graph.setEdge('start', id, { weight: 100 });
    if (kind === 'output') graph.setEdge(id, 'end', { weight: 100 });
  }
  for (const border of ['start', 'end']) graph.setNode(border, { width: 0, height: 0 });
  layout(graph);
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  return {
    nodes: flow.nodes.map((node) => ({ ...(graph.node(node.id) as Omit<Placed, 'node'>), node })),
    paths: flow.edges.map(({ from, to, weighted, direct }, k) => {
      const { points } = graph.edge({ v: from, w: to, name: `${k}` }) as Pick<Path, 'points'>;
      return { points, weighted, direct };
    }),
    width,
    height,
  };
}

function sizeOf({ kind, label, name }: FlowNode): { width: number; height: number } {
  if (kind === 'operation') return { width: Math.max(CIRCLE, 10 + LETTER * label.length), height: CIRCLE };
  const letters = kind === 'function' ? label.length + (name ? name.length + 3 : 0) : label.length;
  return { width: Math.max(HEIGHT, 16 + LETTER * letters), height: HEIGHT };
}

function drawNode({ node: { kind, label, name }, x, y, width, height }: Placed): string {
  const [left, top] = [x - width / 2, y - height / 2].map(round);
  const text =
    kind === 'function' && name
      ? `${nameInSvg(name)} = ${label}`
      : kind === 'function' || kind === 'operation'
        ? label
        : nameInSvg(label);
  const radius = kind === 'function' ? 5 : height / 2;
  return (
    `<g class="${kind}"><rect x="${left}" y="${top}" width="${round(width)}" height="${height}" rx="${radius}"/>` +
    `<text x="${round(x)}" y="${round(y)}" dy="0.35em">${text}</text></g>`
  );
}

/** `hPrev` as h with the index t−1. */
function nameInSvg(name: string): string {
  const [, base, moment] = /^(\w+?)(Prev)?$/.exec(name) ?? [name, name];
  return moment ? `${base}<tspan class="index" dy="0.3em">t−1</tspan>` : base;
}

/** A curve through the middles between its points, which bends at the points. */
function drawPath({ points, weighted, direct }: Path): string {
  const [first, ...rest] = points;
  const middle = (k: number): string =>
    `${round((rest[k].x + rest[k + 1].x) / 2)} ${round((rest[k].y + rest[k + 1].y) / 2)}`;
  const bends = rest.slice(0, -1).map((point, k) => {
    const end = k === rest.length - 2 ? `${round(rest[k + 1].x)} ${round(rest[k + 1].y)}` : middle(k);
    return `Q${round(point.x)} ${round(point.y)} ${end}`;
  });
  const line = bends.length > 0 ? bends.join('') : `L${round(rest[0].x)} ${round(rest[0].y)}`;
  const kind = [weighted ? 'weighted' : '', direct ? 'direct' : ''].filter(Boolean).join(' ');
  return `<path class="flow${kind && ` ${kind}`}" d="M${round(first.x)} ${round(first.y)}${line}" marker-end="url(#arrow)"/>`;
}

/** For readers who do not see it: what each value is computed from. */
function inWords({ nodes, edges }: Flow): string {
  const wordOf = ({ label, name }: FlowNode): string => (name ? `${name} = ${label}` : label);
  return nodes
    .filter(({ kind }) => kind !== 'input')
    .map((node) => {
      const sources = edges
        .filter(({ to }) => to === node.id)
        .map(({ from }) => nodes.find(({ id }) => id === from));
      return `${wordOf(node)} from ${sources.map((source) => (source ? wordOf(source) : '')).join(' and ')}`;
    })
    .join('; ');
}

const round = (v: number): number => Math.round(v * 10) / 10;
