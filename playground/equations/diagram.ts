/** Draws the data flow of a cell as SVG, from its equations. */
import * as exported from '@dagrejs/dagre';
import type { CellEquations } from '../../cells/cell';
import { short } from '../../core/format';
import { flowOf, type FlowGraph, type FlowNode } from './graph';
import { listed, say } from '../languages/say';

// the ES module, unlike its types, has a default export alone
type Graph = InstanceType<typeof exported.graphlib.Graph>;
const { graphlib, layout } = (exported as { default?: typeof exported }).default ?? exported;

const [HEIGHT, CIRCLE, MARGIN, GAP] = [30, 26, 4, 34];
/** Width of a letter of the labels in pixels, and of a digit of the numbers. */
const [LETTER, DIGIT] = [8, 6.2];
/** Room for a number, as wide as −1.23e−12, below a label. */
const [NUMBER, LONGEST] = [14, 9];
/** Seconds that a dot takes along a path, and radii of dots. */
const [TRAVEL, SMALL, LARGE] = [1.6, 1.6, 5];

/** The numbers of one unit at one step, to be shown in the diagram. */
export interface UnitNumbers {
  /** By their names in the equations: `hPrev`, `i`, `c`; `dhOut`, `dai`, `dcPrev`. */
  numbers: Readonly<Record<string, number>>;
  /** Whether the gradients are shown, which flow against the arrows of the forward pass. */
  backward: boolean;
  /** Whether dots move along the paths. */
  moving: boolean;
}

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
  /** Size of what flows along it, as a fraction of the largest, if it is known. */
  relative?: number;
}

/**
 * A cell as a diagram: the functions in boxes, elementwise operations in circles. Dashed paths are multiplied by weights;
 * thick ones lead a state to the next step without weights or squashing, so that its gradient returns unchanged but for
 * the factors on the path. With a moment, it shows the values of one unit, or its gradients: at a gate, the gradient of
 * what the gate squashes.
 */
export function diagramOf(
  equations: Pick<CellEquations, 'name' | 'shapes' | 'forward'>,
  moment?: UnitNumbers,
): string {
  const { flow, graph } = arranged(equations, moment !== undefined);
  const numbers = new Map(flow.nodes.map((node) => [node.id, moment && numberOf(node, flow, moment)]));
  const { nodes, paths, width, height } = placed(flow, graph, numbers, moment);
  // the borders of the layout are not drawn
  const left = GAP - MARGIN;
  const [w, h] = [width - 2 * left, height + 2 * MARGIN].map(Math.ceil);
  const label = say('diagram.label', { name: equations.name, flow: inWords(flow) });
  return [
    `<svg class="diagram" viewBox="${left} ${-MARGIN} ${w} ${h}" width="${w}" height="${h}" role="img" aria-label="${label}">`,
    `<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse" markerUnits="userSpaceOnUse"><path d="M0 0.5 8 4 0 7.5z" class="head"/></marker></defs>`,
    ...paths.map((path) => drawPath(path, moment)),
    ...nodes.map((node) => drawNode(node, moment && (numbers.get(node.node.id) ?? NaN))),
    '</svg>',
  ].join('');
}

/** The value of a node; on the way back, the gradient that reaches it. */
function numberOf(
  { kind, label, name }: FlowNode,
  { buffer }: FlowGraph,
  { numbers, backward }: UnitNumbers,
): number | undefined {
  const own = kind === 'input' || kind === 'output' ? label : name;
  if (own === undefined) return undefined;
  if (!backward) return numbers[own];
  if (kind !== 'output') return numbers[`d${own}`] ?? numbers[`d${buffer}${own}`];
  // what reaches a new state from outside this step
  const parts = [`d${own}Out`, `d${own}Next`]
    .map((part) => numbers[part])
    .filter((part) => part !== undefined);
  return parts.length > 0 ? parts.reduce((sum, part) => sum + part) : undefined;
}

type Numbers = ReadonlyMap<string, number | undefined>;

interface Arranged {
  flow: FlowGraph;
  graph: Graph;
}

/** The last arrangement, which takes much longer than the drawing: a reader steps through one cell at a time. */
let last: (Arranged & { key: string }) | undefined;

/** @param numbered whether there is room for numbers. */
function arranged(
  equations: Pick<CellEquations, 'name' | 'shapes' | 'forward'>,
  numbered: boolean,
): Arranged {
  const { name, shapes, forward } = equations;
  const key = JSON.stringify([name, shapes, forward, numbered]);
  if (last?.key === key) return last;
  const flow = flowOf(equations);
  const graph: Graph = new graphlib.Graph({ multigraph: true });
  graph.setGraph({ rankdir: 'LR', nodesep: 16, ranksep: GAP, edgesep: 10 });
  for (const node of flow.nodes) graph.setNode(node.id, { ...sizeOf(node, numbered) });
  // a direct path is kept straight
  flow.edges.forEach((edge, k) => graph.setEdge(edge.from, edge.to, { weight: edge.direct ? 8 : 1 }, `${k}`));
  // inputs stand at the left, outputs at the right
  for (const { id, kind } of flow.nodes) {
    if (kind === 'input') graph.setEdge('start', id, { weight: 100 });
    if (kind === 'output') graph.setEdge(id, 'end', { weight: 100 });
  }
  for (const border of ['start', 'end']) graph.setNode(border, { width: 0, height: 0 });
  layout(graph);
  last = { key, flow, graph };
  return last;
}

function placed(
  flow: FlowGraph,
  graph: Graph,
  numbers: Numbers,
  moment?: UnitNumbers,
): { nodes: Placed[]; paths: Path[]; width: number; height: number } {
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  const sizes = [...numbers.values()].map((number) => Math.abs(number ?? 0));
  const largest = Math.max(...sizes, Number.MIN_VALUE);
  return {
    nodes: flow.nodes.map((node) => ({ ...(graph.node(node.id) as Omit<Placed, 'node'>), node })),
    paths: flow.edges.map(({ from, to, weighted, direct }, k) => {
      const { points } = graph.edge({ v: from, w: to, name: `${k}` }) as Pick<Path, 'points'>;
      const carried = numbers.get(moment?.backward ? to : from);
      const relative = carried === undefined ? undefined : Math.abs(carried) / largest;
      return { points, weighted, direct, relative };
    }),
    width,
    height,
  };
}

function sizeOf({ kind, label, name }: FlowNode, numbered: boolean): { width: number; height: number } {
  const isNumbered = numbered && (kind !== 'operation' || name !== undefined);
  const [least, more] = isNumbered ? [8 + DIGIT * LONGEST, NUMBER] : [0, 0];
  if (kind === 'operation')
    return { width: Math.max(CIRCLE, least, 10 + LETTER * label.length), height: CIRCLE + more };
  const letters = kind === 'function' ? label.length + (name ? name.length + 3 : 0) : label.length;
  return { width: Math.max(HEIGHT, least, 16 + LETTER * letters), height: HEIGHT + more };
}

/** @param number NaN if it is not known; undefined in a drawing without numbers. */
function drawNode({ node: { kind, label, name }, x, y, width, height }: Placed, number?: number): string {
  const [left, top] = [x - width / 2, y - height / 2].map(round);
  const text =
    kind === 'function' && name
      ? `${nameInSvg(name)} = ${label}`
      : kind === 'function' || kind === 'operation'
        ? label
        : nameInSvg(label);
  const radius = kind === 'function' ? 5 : Math.min(height, width) / 2;
  const line = (at: number, shown: string, attributes = ''): string =>
    `<text x="${round(x)}" y="${round(at)}" dy="0.35em"${attributes}>${shown}</text>`;
  const lines =
    number === undefined || Number.isNaN(number)
      ? line(y, text)
      : line(y - NUMBER / 2, text) + line(y + NUMBER / 2, short(number), ' class="number"');
  return (
    `<g class="${kind}"><rect x="${left}" y="${top}" width="${round(width)}" height="${height}" rx="${radius}"/>` +
    `${lines}</g>`
  );
}

/** `hPrev` as h with the index t−1. */
function nameInSvg(name: string): string {
  const [, base, moment] = /^(\w+?)(Prev)?$/.exec(name) ?? [name, name];
  return moment ? `${base}<tspan class="index" dy="0.3em">t−1</tspan>` : base;
}

/** A curve through the middles between its points, which bends at the points; in a moment, dots move along it. */
function drawPath({ points, weighted, direct, relative }: Path, moment?: UnitNumbers): string {
  const [first, ...rest] = points;
  const middle = (k: number): string =>
    `${round((rest[k].x + rest[k + 1].x) / 2)} ${round((rest[k].y + rest[k + 1].y) / 2)}`;
  const bends = rest.slice(0, -1).map((point, k) => {
    const end = k === rest.length - 2 ? `${round(rest[k + 1].x)} ${round(rest[k + 1].y)}` : middle(k);
    return `Q${round(point.x)} ${round(point.y)} ${end}`;
  });
  const line = bends.length > 0 ? bends.join('') : `L${round(rest[0].x)} ${round(rest[0].y)}`;
  const { backward = false, moving = false } = moment ?? {};
  const kinds = ['flow', weighted && 'weighted', direct && 'direct', backward && 'back'].filter(Boolean);
  const d = `M${round(first.x)} ${round(first.y)}${line}`;
  const path = `<path class="${kinds.join(' ')}" d="${d}" marker-${backward ? 'start' : 'end'}="url(#arrow)"/>`;
  if (!moving || relative === undefined) return path;
  const radius = round(SMALL + (LARGE - SMALL) * Math.sqrt(relative));
  const ends = backward ? '1;0' : '0;1';
  return (
    `${path}<circle class="dot" r="${radius}"><animateMotion path="${d}" dur="${TRAVEL}s" ` +
    `keyPoints="${ends}" keyTimes="0;1" calcMode="linear" repeatCount="indefinite"/></circle>`
  );
}

/** For readers who do not see it: what each value is computed from. */
function inWords({ nodes, edges }: FlowGraph): string {
  const wordOf = ({ label, name }: FlowNode): string => (name ? `${name} = ${label}` : label);
  return nodes
    .filter(({ kind }) => kind !== 'input')
    .map((node) => {
      const sources = edges
        .filter(({ to }) => to === node.id)
        .map(({ from }) => nodes.find(({ id }) => id === from));
      const words = sources.map((source) => (source ? wordOf(source) : ''));
      return say('diagram.from', { value: wordOf(node), sources: listed(words) });
    })
    .join('; ');
}

const round = (v: number): number => Math.round(v * 10) / 10;
